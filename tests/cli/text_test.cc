// Tables, YAML and completion scripts: text that other programs read.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/completion.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "tests/cli/program.h"

namespace arctic::test {

using Json = nlohmann::ordered_json;

TEST_CASE("a table's columns are as wide as their widest character count", "[cli]") {
  const cli::Table table{{"NAME", "WHAT"}, {{"ä", "x"}, {"longer", ""}}};
  CHECK(table.text() == "NAME    WHAT\nä       x\nlonger\n");
}

TEST_CASE("what could control a terminal is shown as a number", "[cli]") {
  struct Row {
    const char* text;
    const char* shown;
  };
  constexpr Row kRows[] = {{"syd → lon ä €\xf0\x9f\x90\xa7", "syd → lon ä €\xf0\x9f\x90\xa7"},
                           {"\x1b[31mred", "\\x1b[31mred"},
                           {"a\nb\rc\td\x7f", "a\\x0ab\\x0dc\\x09d\\x7f"},
                           {"\xc2\x9b"
                            "31m",
                            "\\xc2\\x9b31m"},
                           {"\x9b\xff\xe2\x86", "\\x9b\\xff\\xe2\\x86"},
                           {"", ""}};
  for (const Row& row : kRows) CHECK(cli::visible(row.text) == row.shown);
}

TEST_CASE("YAML output quotes what a reader could take for something else", "[cli]") {
  const Json data = {{"plain", "syd-to-lon"},
                     {"address", "fd00::1"},
                     {"word", "No"},
                     {"number", "12"},
                     {"leading", "-x"},
                     {"empty", ""},
                     {"line", "a\nb"},
                     {"truth", true},
                     {"nothing", nullptr},
                     {"none", Json::array()},
                     {"list", {{{"a", 1}, {"b", {2, 3}}}, "x"}},
                     {"inner", {{"c", "d"}}}};
  CHECK(cli::yaml_text(data) ==
        "plain: syd-to-lon\n"
        "address: \"fd00::1\"\n"
        "word: \"No\"\n"
        "number: \"12\"\n"
        "leading: \"-x\"\n"
        "empty: \"\"\n"
        "line: \"a\\nb\"\n"
        "truth: true\n"
        "nothing: null\n"
        "none: []\n"
        "list:\n"
        "  - a: 1\n"
        "    b:\n"
        "      - 2\n"
        "      - 3\n"
        "  - x\n"
        "inner:\n"
        "  c: d\n");
}

TEST_CASE("completion scripts know every command and flag", "[cli]") {
  for (const char* name : {"bash", "zsh", "fish"}) {
    INFO(name);
    const Ran ran = arctic({}, {"completion", name});
    CHECK(ran.status == 0);
    for (const auto& command : cli::completion_words()) {
      for (const std::string& word : command.path) CHECK_THAT(ran.out, Catch::Contains(word));
      for (const auto& flag : command.flags) {
        const bool fish_long = std::string(name) == "fish" && flag.name.rfind("--", 0) == 0;
        const std::string form = fish_long ? "-l " + flag.name.substr(2) : flag.name.substr(1);
        CHECK_THAT(ran.out, Catch::Contains(form));
      }
    }
  }
}

TEST_CASE("bash completes commands, verbs, flags, values and files", "[cli]") {
  struct Row {
    const char* words;  // the last one is being completed; a final space begins a new one
    const char* expected;
  };
  const Row rows[] = {
      {"arctic va", "validate"},
      {"arctic p", "peers plan"},
      {"arctic services ", "get list"},
      {"arctic validate --s", "--strict"},
      {"arctic --root /x validate --s", "--strict"},
      {"arctic services list -o ", "json table yaml"},
      {"arctic routes list --tr", "--trace"},
      {"arctic completion z", "zsh"},
      {"arctic plan --node ", "lon syd"},
      {"arctic routes list --service b", "backup"},
  };
  const TemporaryFolder folder;
  const Place place{.folder = folder.path(),
                    .environment = {"ARCTIC_FILE=" + example("two-sites")}};
  REQUIRE(arctic(place, {"completion", "bash"}).status == 0);
  folder.write("arctic.bash", arctic(place, {"completion", "bash"}).out);
  for (const Row& row : rows) {
    INFO(row.words);
    folder.write("ask", std::string("source ./arctic.bash; arctic() { \"$ARCTIC\" \"$@\"; }\n"
                                    "compopt() { :; }\n"
                                    "line='") +
                            row.words +
                            "'\nread -ra COMP_WORDS <<< \"$line\"\n"
                            "[[ $line == *' ' ]] && COMP_WORDS+=('')\n"
                            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_arctic\n"
                            "printf '%s\\n' \"${COMPREPLY[@]}\" | sort | paste -sd ' '\n");
    const Ran ran = shell(place, "bash ask");
    CHECK(ran.err.empty());
    CHECK(ran.out == std::string(row.expected) + "\n");
  }
}

}  // namespace arctic::test
