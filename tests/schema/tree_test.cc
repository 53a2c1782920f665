// The light tree: kinds, places, aliases and merge keys, and what happens at its limits.
#include <catch2/catch.hpp>
#include <ctime>
#include <string>

#include "schema/parse/parse_config.h"
#include "schema/parse/tree.h"
#include "tests/schema/tree_json.h"

namespace arctic {
namespace {

std::string as_json(const std::string& text) {
  Diagnostics diagnostics;
  const auto tree = parse_tree(text, diagnostics);
  return tree && !diagnostics.has_errors() ? tree_to_json(*tree) : "refused";
}

// The errors' reasons, each with its place, by line.
std::string problems(const std::string& text) {
  Diagnostics diagnostics;
  static_cast<void>(parse_tree(text, diagnostics));
  diagnostics.sort();
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) {
    out +=
        std::to_string(d.span.line) + ":" + std::to_string(d.span.column) + " " + d.reason + "\n";
  }
  return out;
}

TEST_CASE("what YAML means") {
  struct Row {
    const char* text;
    const char* json;
  };
  const Row rows[] = {
      {"a: b", R"({"a":"b"})"},
      {"\xef\xbb\xbf"
       "a: b\r\nc: d\r\n",
       R"({"a":"b","c":"d"})"},
      {"%YAML 1.2\n---\na: b\n...\n", R"({"a":"b"})"},
      {"a:\nb: ~\nc: null\nd: ''\n", R"({"a":null,"b":null,"c":null,"d":""})"},
      {"a: [1, 'two', \"th\\x72ee\", 4.5, true, yes]", R"({"a":[1,"two","three",4.5,true,"yes"]})"},
      {"a: {b: {c: [d]}}", R"({"a":{"b":{"c":["d"]}}})"},
      {"- a\n-\n- - b\n  - c\n", R"(["a",null,["b","c"]])"},
      {"a: >\n  one\n  two\nb: |\n  one\n  two\n", R"({"a":"one two\n","b":"one\ntwo\n"})"},
      {"a: one\n  two\n", R"({"a":"one two"})"},
      {"a: !!str 5\nb: !!int 5\nc: !!map {}\nd: !!seq []\n", R"({"a":"5","b":5,"c":{},"d":[]})"},
      {"a: &x 5\nb: *x\n", R"({"a":5,"b":5})"},
      {"a: &x {k: 1}\nb: [*x, *x]\n", R"({"a":{"k":1},"b":[{"k":1},{"k":1}]})"},
      {"&k a: 1\nb: *k\n", R"({"a":1,"b":"a"})"},
      {"&k a: 1\nb: {*k : 2}\n", R"({"a":1,"b":{"a":2}})"},
      // Merging: a map's own keys win, then the earlier alias.
      {"x: &x {p: 1, q: 1}\ny: {<<: *x, q: 2}\n", R"({"x":{"p":1,"q":1},"y":{"p":1,"q":2}})"},
      {"x: &x {p: 1, q: 1}\ny: {q: 2, <<: *x}\n", R"({"x":{"p":1,"q":1},"y":{"p":1,"q":2}})"},
      {"x: &x {p: 1}\ny: &y {p: 2, q: 2}\nz: {<<: [*x, *y]}\n",
       R"({"x":{"p":1},"y":{"p":2,"q":2},"z":{"p":1,"q":2}})"},
      {"x: &x {p: 1}\ny: &y {<<: *x, q: 2}\nz: {<<: *y, r: 3}\n",
       R"({"x":{"p":1},"y":{"p":1,"q":2},"z":{"p":1,"q":2,"r":3}})"},
      {"a: {<<: {b: 1}}\n", R"({"a":{"b":1}})"},
      {"a: {<<: []}\n", R"({"a":{}})"},
      {"a: {'<<': 1}\n", R"({"a":{"<<":1}})"},
      {"a: !!str\n", R"({"a":""})"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(as_json(row.text) == row.json);
  }
}

TEST_CASE("a long map: many keys, merged many times") {
  std::string text = "x: &x {";
  for (int i = 0; i < 100; ++i) text += "k" + std::to_string(i) + ": 0, ";
  text += "}\ny: {k5: 1, <<: [*x, *x]}\n";
  Diagnostics diagnostics;
  const auto tree = parse_tree(text, diagnostics);
  REQUIRE(tree);
  CHECK(problems(text).empty());
  const auto entries = tree->entries(*tree->entries(tree->root())[1].value);
  CHECK(entries.size() == 100);
  CHECK(entries[0].key->text == "k5");
  CHECK(entries[0].value->text == "1");
  CHECK(entries[1].key->text == "k0");
}

TEST_CASE("places of keys and values") {
  struct Row {
    const char* text;
    Span key;  // of the first entry
    Span value;
  };
  const Row rows[] = {
      {"a: b", {1, 1, 1}, {1, 4, 1}},
      {"# x\n\nname:   word  # y\n", {3, 1, 4}, {3, 9, 4}},
      {"name: \"a b\"\n", {1, 1, 4}, {1, 7, 5}},
      {"'na''me': 'it''s' # x\n", {1, 1, 8}, {1, 11, 7}},
      {"a: \"x\\\"y\"\n", {1, 1, 1}, {1, 4, 6}},
      {"a: \"\"\n", {1, 1, 1}, {1, 4, 2}},
      {"a: &n word\n", {1, 1, 1}, {1, 7, 4}},
      {"a: !!str &n word\n", {1, 1, 1}, {1, 13, 4}},
      {"a: &n\n  word\n", {1, 1, 1}, {1, 4, 2}},
      {"a: one\n  two\n", {1, 1, 1}, {1, 4, 3}},
      {"a: \"one\n  two\"\n", {1, 1, 1}, {1, 4, 4}},
      {"a: |\n  text\n", {1, 1, 1}, {1, 4, 1}},
      {"a:\nb: c\n", {1, 1, 1}, {1, 1, 1}},
      {"a: ~\n", {1, 1, 1}, {1, 4, 1}},
      {"a: null\n", {1, 1, 1}, {1, 4, 4}},
      {"a: [x]\n", {1, 1, 1}, {1, 4, 1}},
      {"a:\n  b: c\n", {1, 1, 1}, {2, 3, 1}},
      {"a:\n  - b\n", {1, 1, 1}, {2, 3, 1}},
      {"\"\xc3\xa9\": \xc3\xa9t\xc3\xa9\n", {1, 1, 4}, {1, 7, 5}},
      {"\xef\xbb\xbf"
       "a: b",
       {1, 1, 1},
       {1, 4, 1}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    Diagnostics diagnostics;
    const auto tree = parse_tree(row.text, diagnostics);
    REQUIRE(tree);
    const auto entry = tree->entries(tree->root())[0];
    CHECK(entry.key->span() == row.key);
    CHECK(entry.value->span() == row.value);
  }
}

TEST_CASE("an empty item is shown at its dash") {
  Diagnostics diagnostics;
  const auto tree = parse_tree("- a\n-\n- - b\n  -\n-", diagnostics);
  REQUIRE(tree);
  const auto items = tree->items(tree->root());
  REQUIRE(items.size() == 4);
  CHECK(items[1]->span() == Span{2, 1, 1});
  CHECK(tree->items(*items[2])[1]->span() == Span{4, 3, 1});
  CHECK(items[3]->span() == Span{5, 1, 1});
}

TEST_CASE("a quote that is never closed is shown where it opens") {
  CHECK(problems("a: \"b\nc: d\n") == "1:4 this quote is never closed\n");
  CHECK(problems("a: \"b") == "1:4 this quote is never closed\n");
  CHECK(problems("a: [b, 'c''d]\n") == "1:8 this quote is never closed\n");
  CHECK(problems("a: \"b\\\"\n") == "1:4 this quote is never closed\n");
}

TEST_CASE("columns do not count a byte order mark") {
  CHECK(problems("\xef\xbb\xbf\x01") == "1:1 byte 0x01 does not belong in a text file\n");
  CHECK(problems("\xef\xbb\xbf"
                 "a: @") == "1:4 a value cannot begin with this character\n");
  CHECK(problems("\xef\xbb\xbf") == "0:0 the file is empty\n");
  CHECK(problems("\xef\xbb\xbf\xef\xbb\xbf"
                 "a: b") == "1:1 a byte order mark inside of the text\n");
  CHECK(problems("a: b\xef\xbb\xbf") == "1:5 a byte order mark inside of the text\n");
}

// ---- Limits ----

// What this process has used, whatever else the machine does.
double processor_seconds() {
  return static_cast<double>(std::clock()) / static_cast<double>(CLOCKS_PER_SEC);
}

std::string repeat(const std::string& text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string bomb(int levels) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < levels; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before +
            repeat(", " + before, 9) + "]\n";
  }
  return text;
}

TEST_CASE("64 levels are fine, 65 are not, however they are made") {
  const auto blocks = [](std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += std::string(i, ' ') + "a:\n";
    return text;
  };
  const auto chain = [](std::size_t n) {  // the list, n-1 maps
    std::string text = "- &a0 {}\n";
    for (std::size_t i = 1; i + 1 < n; ++i) {
      text += "- &a" + std::to_string(i) + " {<<: *a" + std::to_string(i - 1) + "}\n";
    }
    return text;
  };
  CHECK(problems(repeat("[", 64) + repeat("]", 64)).empty());
  CHECK(problems(repeat("[", 65) + repeat("]", 65)) ==
        "1:65 nested too deeply; the limit is 64 levels\n");
  CHECK(problems(repeat("{a: ", 64) + repeat("}", 64)).empty());
  CHECK(problems(repeat("{a: ", 65) + repeat("}", 65)) ==
        "1:257 nested too deeply; the limit is 64 levels\n");
  CHECK(problems(blocks(64)).empty());
  CHECK(problems(blocks(65)) == "65:65 nested too deeply; the limit is 64 levels\n");
  CHECK(problems(repeat("- ", 64) + "a").empty());
  CHECK(problems(repeat("- ", 65) + "a") == "1:129 nested too deeply; the limit is 64 levels\n");
  CHECK(problems(chain(64)).empty());
  CHECK(problems(chain(65)).find("nested too deeply") != std::string::npos);
}

TEST_CASE("brackets in comments and quoted texts do not nest") {
  CHECK(problems("# " + repeat("[", 5000) + "\na: \"" + repeat("{", 4000) + "\"\n").empty());
}

TEST_CASE("a million aliases are fine, a hundred million are refused, without expanding them") {
  CHECK(problems(bomb(5)).empty());
  CHECK(problems(bomb(9)).find("too many values once its aliases are followed; the limit is "
                               "2000000") != std::string::npos);
}

TEST_CASE("an alias inside of what it stands for") {
  for (const char* text : {"a: &a [*a]", "a: &a {b: *a}", "&a a: &b {<<: *b}", "&a [b, [*a]]"}) {
    INFO(text);
    CHECK(problems(text).find("an alias inside of the very thing") != std::string::npos);
  }
}

TEST_CASE("hostile texts end soon and in one error") {
  const std::size_t full = kMaxFileBytes;
  struct Row {
    const char* name;
    std::string text;
    const char* reason;
  };
  const Row rows[] = {
      {"a million brackets", repeat("[", 1'000'000), "nested too deeply"},
      {"a million braces", repeat("{", 1'000'000), "nested too deeply"},
      {"a million keys inside of keys", repeat("? ", 1'000'000), "nested too deeply"},
      {"a million dashes", repeat("- ", 1'000'000), "nested too deeply"},
      {"a million colons", repeat(": ", 1'000'000), "nested too deeply"},
      {"16 MiB of brackets", repeat("[", full), "nested too deeply"},
      {"brackets that comments close", repeat("[#]\n", full / 4), "too many values"},
      {"commas", "[" + repeat("a,", full / 2 - 1), "too many values"},
      {"quotes in one line", repeat("'' ", full / 3), "too many values"},
      {"anchors", repeat("&a ", full / 3), "too many values"},
      {"aliases", repeat("*a ", full / 3), "too many values"},
      {"tags", repeat("! ", full / 2), "too many values"},
      {"documents", repeat("---\n", 100'000), "second YAML document"},
      {"one byte too many", std::string(full + 1, ' '), "the limit is 16777216"},
      {"50 MB", std::string(50'000'000, 'a'), "the limit is 16777216"},
      {"blanks", std::string(full, ' '), "empty"},
      {"a zero byte at the end", "a: b\n" + std::string(1, '\0'), "byte 0x00"},
      {"an end-of-file byte", "a: b\x04", "byte 0x04"},
      {"a bare carriage return", "a: b\rc: d", "carriage return"},
      {"a C1 control character", "a: \xc2\x9b", "byte 0xc2"},
      {"a surrogate", "a: \xed\xa0\x80", "byte 0xed"},
      {"an overlong slash", "a: \xc0\xaf", "byte 0xc0"},
      {"an overlong NUL", "a: \xe0\x80\x80", "byte 0xe0"},
      {"beyond Unicode", "a: \xf4\x90\x80\x80", "byte 0xf4"},
      {"half a character", "a: \xe2\x82", "byte 0xe2"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const double start = processor_seconds();
    Diagnostics diagnostics;
    CHECK_FALSE(parse_tree(row.text, diagnostics));
    REQUIRE(diagnostics.all().size() == 1);
    CHECK(diagnostics.all()[0].reason.find(row.reason) != std::string::npos);
    CHECK(processor_seconds() - start < 60);
  }
}

// The library takes 16 MiB in seconds; what is ours must not add a square to it.
TEST_CASE("one long line costs no more than many short ones") {
  std::string wide = "a: [";
  std::string tall = "a:\n";
  for (int i = 0; i < 50'000; ++i) {
    wide += "\"x\", y, &a" + std::to_string(i) + " z, ";
    tall += "- \"x\"\n- y\n- &a" + std::to_string(i) + " z\n";
  }
  wide += "]\n";
  const auto seconds = [](const std::string& text) {
    const double start = processor_seconds();
    REQUIRE(problems(text).empty());
    return processor_seconds() - start;
  };
  const double tall_seconds = seconds(tall);
  CHECK(seconds(wide) < 5 * tall_seconds + 1);
}

}  // namespace
}  // namespace arctic
