// Bad input, as far as a command line can meet it: one clear message, the code of the table, and
// nothing changed.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/cli/program.h"

namespace arctic::test {

namespace {

constexpr const char* kFine = "version: v1\npeers:\n  - name: syd\n";

}  // namespace

TEST_CASE("what is no configuration is refused in one clear message", "[cli]") {
  struct Row {
    const char* what;
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {"empty", "", "empty"},
      {"not YAML", "version: [\n", "arctic.yaml:"},
      {"prose", "Dear sir or madam\n", "arctic.yaml:1:1: error: "},
      {"binary",
       std::string("\x7f"
                   "ELF\0\1\2",
                   7),
       "arctic.yaml:1:"},
      {"deep", std::string(1000000, '['), "deep"},
      {"peer ..", "version: v1\npeers:\n  - name: ..\n", "arctic.yaml:3:11: error: "},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const TemporaryFolder folder;
    folder.write("arctic.yaml", row.text);
    for (const char* command : {"validate", "compile", "plan", "apply", "fmt"}) {
      if (std::string(command) == "fmt" && std::string(row.what) == "peer ..") continue;
      INFO(command);
      const Ran ran = arctic({.folder = folder.path()}, {command});
      CHECK(ran.status == 3);
      CHECK(ran.out.empty());
      CHECK_THAT(ran.err, Catch::Contains(row.message));
      CHECK(folder.list() == std::vector<std::string>{"arctic.yaml"});
    }
  }
}

TEST_CASE("what cannot be read is said as it is", "[cli]") {
  const TemporaryFolder folder;
  folder.write("closed.yaml", kFine, 0600);
  folder.write("sub/arctic.yaml", kFine);
  struct Row {
    const char* file;
    int status;
    const char* message;
    const char* help;
  };
  const Row rows[] = {
      {"nothing.yaml", 1, "error: nothing.yaml: No such file or directory", "name a file"},
      {"sub", 1, "error: sub: is a directory", "sub/arctic.yaml"},
      {"sub/", 1, "error: sub/: is a directory", "sub/arctic.yaml"},
      {"closed.yaml", 1, "error: closed.yaml: Permission denied", "who may read"},
      {"sub/arctic.yaml/x", 1, "Not a directory", ""},
  };
  for (const Row& row : rows) {
    INFO(row.file);
    const Ran ran = arctic({.folder = folder.path(), .as_nobody = true}, {"validate", row.file});
    CHECK(ran.status == row.status);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Catch::Contains(row.message) && Catch::Contains(row.help));
  }
}

TEST_CASE("a file of 50 MB is refused before it is read", "[cli]") {
  const TemporaryFolder folder;
  folder.write("big.yaml", "");
  std::filesystem::resize_file(folder.at("big.yaml"), 50U << 20);
  const Ran ran = arctic({.folder = folder.path()}, {"validate", "big.yaml"});
  CHECK(ran.status == 3);
  CHECK_THAT(ran.err, Catch::Contains("big.yaml: is bigger than 16 MiB"));
  const Ran piped = shell({.folder = folder.path()}, "cat big.yaml | \"$ARCTIC\" validate -");
  CHECK(piped.status == 3);
  CHECK_THAT(piped.err, Catch::Contains("standard input: is bigger than 16 MiB"));
}

TEST_CASE("the configuration is found where it is said to be", "[cli]") {
  const TemporaryFolder folder;
  const std::string root = folder.at("root");
  const auto name_found = [&](const Place& place, std::vector<std::string> words) {
    const Ran ran = arctic(place, words);
    CHECK(ran.status == 0);
    return ran.err.substr(0, ran.err.find(": valid"));
  };
  folder.write("empty/x", "");
  const Ran none = arctic({.folder = folder.at("empty")}, {"validate", "--root", root});
  CHECK(none.status == 64);
  CHECK_THAT(none.err, Catch::Contains("there is neither ./arctic.yaml nor " + root +
                                       "/etc/arctic/arctic.yaml, and $ARCTIC_FILE is not set"));
  CHECK_THAT(none.err, Catch::Contains("arctic init"));

  folder.write("root/etc/arctic/arctic.yaml", kFine);
  Place place{.folder = folder.at("empty")};
  CHECK(name_found(place, {"validate", "--root", root}) == root + "/etc/arctic/arctic.yaml");
  CHECK(name_found(place, {"--root=" + root + "/", "validate"}) ==
        root + "/etc/arctic/arctic.yaml");
  folder.write("here/arctic.yaml", kFine);
  place.folder = folder.at("here");
  CHECK(name_found(place, {"validate", "--root", root}) == "arctic.yaml");
  folder.write("named.yaml", kFine);
  place.environment = {"ARCTIC_FILE=" + folder.at("named.yaml")};
  CHECK(name_found(place, {"validate"}) == folder.at("named.yaml"));
  folder.write("here/other.yaml", kFine);
  CHECK(name_found(place, {"validate", "other.yaml"}) == "other.yaml");
  place.input = kFine;
  CHECK(name_found(place, {"validate", "-"}) == "standard input");
}

TEST_CASE("a node that the file does not have is named, with the nearest", "[cli]") {
  for (const char* command : {"compile", "trace", "plan", "apply"}) {
    INFO(command);
    const TemporaryFolder folder;
    std::vector<std::string> words = {command, example("three-routes"), "--node", "syf"};
    if (std::string(command) == "trace") {
      words.insert(words.end(), {"--from", "10.0.0.1", "--to", "10.0.0.2"});
    }
    words.insert(words.end(), {"--root", folder.path()});
    const Ran ran = arctic({.folder = folder.path()}, words);
    CHECK(ran.status == 3);
    CHECK_THAT(ran.err, Catch::Contains("--node syf") && Catch::Contains("did you mean `syd`?"));
    CHECK(folder.list().empty());
  }
}

TEST_CASE("validate shows all problems, and --strict takes warnings for errors", "[cli]") {
  const TemporaryFolder folder;
  folder.write("arctic.yaml",
               "version: v1\npeers:\n  - nmae: syd\n  - name: lon\n    mark_shift: 99\n");
  const Ran two = arctic({.folder = folder.path()}, {"validate"});
  CHECK(two.status == 3);
  CHECK_THAT(two.err, Catch::Contains("arctic.yaml:3:5: error: "));
  CHECK_THAT(two.err, Catch::Contains("did you mean `name`?"));
  CHECK_THAT(two.err, Catch::Contains("arctic.yaml:5:17: error: "));
  CHECK_THAT(two.err, Catch::Contains("error: arctic.yaml: has "));

  // A /0 as source is rule 16, a warning.
  folder.write("warned.yaml",
               "version: v1\n"
               "peers:\n"
               "  - name: a\n"
               "    public_key: \"N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk=\"\n"
               "  - name: b\n"
               "    address: 192.0.2.1\n"
               "    public_key: \"kBKprsVFyGK0GRz19nQrMo1UgeZSHdLl5D5npnhNzlQ=\"\n"
               "services:\n"
               "  - name: s\n"
               "    source_peer: a\n"
               "    target_peer: b\n"
               "    transport_type: tcp\n"
               "    routes:\n"
               "      - {priority: 1, source_cidr: 0.0.0.0/0}\n");
  const Ran mild = arctic({.folder = folder.path()}, {"validate", "warned.yaml"});
  CHECK(mild.status == 0);
  CHECK_THAT(mild.err, Catch::Contains("warning: ") && Catch::Contains("valid; 2 peers"));
  const Ran strict = arctic({.folder = folder.path()}, {"validate", "--strict", "warned.yaml"});
  CHECK(strict.status == 3);
  const Ran json = arctic({.folder = folder.path()}, {"validate", "--json", "arctic.yaml"});
  CHECK(json.status == 3);
  CHECK_THAT(json.out, Catch::Contains("\"valid\": false") && Catch::Contains("\"line\": 3"));
  // No help, no key.
  CHECK_THAT(json.out, Catch::Contains("\"help\": \"did you mean `name`?\"") &&
                           !Catch::Contains("\"help\": \"\""));
  folder.write("empty.yaml", "version: v1\npeers: []\n");
  CHECK(arctic({.folder = folder.path()}, {"validate", "empty.yaml"}).err ==
        "empty.yaml: valid; 0 peers, 0 services, 0 routes: nothing would be carried\n");
}

TEST_CASE("with --json every command shows a bad configuration as validate does", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  folder.write("arctic.yaml", "version: v1\npeers:\n  - nmae: syd\n");
  const Ran expected = arctic(place, {"validate", "arctic.yaml", "--json"});
  REQUIRE(expected.status == 3);
  const std::vector<std::vector<std::string>> commands = {
      {"fmt", "arctic.yaml", "--json"},
      {"compile", "arctic.yaml", "--json"},
      {"diff", "arctic.yaml", "arctic.yaml", "--json"},
      {"plan", "arctic.yaml", "--json", "--root", "root"},
      {"apply", "arctic.yaml", "--json", "--yes", "--root", "root"},
      {"trace", "arctic.yaml", "--json", "--from", "10.0.0.1", "--to", "10.0.0.2"},
      {"services", "list", "arctic.yaml", "--json"},
      {"services", "list", "arctic.yaml", "-o", "json"},
      {"routes", "list", "arctic.yaml", "-o", "json"},
      {"peers", "get", "syd", "arctic.yaml", "-o", "json"}};
  for (const auto& words : commands) {
    INFO(words.front());
    const Ran ran = arctic(place, words);
    CHECK(ran.status == 3);
    CHECK(ran.out == expected.out);
    CHECK_THAT(ran.err,
               Catch::StartsWith("error: arctic.yaml: has ") && !Catch::Contains("arctic.yaml:3"));
  }
}

TEST_CASE("a key file that is given by mistake is not shown", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  const std::string key = "lAFKWDQSjgXpXhfxVAJY5oMiDPPceGstPHN6s69IoVw=";
  folder.write("node.key", key + "\n");
  const std::vector<std::vector<std::string>> commands = {
      {"validate", "node.key"},
      {"validate", "node.key", "--json"},
      {"fmt", "node.key"},
      {"fmt", "node.key", "--check"},
      {"compile", "node.key"},
      {"diff", "node.key", "node.key"},
      {"plan", "node.key", "--root", "root"},
      {"apply", "node.key", "--yes", "--root", "root"},
      {"trace", "node.key", "--from", "10.0.0.1", "--to", "10.0.0.2"},
      {"services", "list", "node.key"},
      {"routes", "list", "node.key"},
      {"peers", "list", "node.key"}};
  for (const auto& words : commands) {
    INFO(words.front());
    const Ran ran = arctic(place, words);
    CHECK(ran.status == 3);
    CHECK_THAT(ran.out + ran.err, !Catch::Contains(key.substr(0, 20)));
    CHECK_THAT(ran.out + ran.err, Catch::Contains("looks like a key file") &&
                                      Catch::Contains("must not be shared or committed"));
  }
}

}  // namespace arctic::test
