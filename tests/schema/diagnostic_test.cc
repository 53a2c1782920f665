// How problems are counted, ordered, shown and guessed at.
#include <catch2/catch.hpp>
#include <string>

#include "schema/base/diagnostic.h"

namespace arctic {
namespace {

std::string shown(const Span& span, const std::string& text) {
  return render({Severity::kError, 1, span, "wrong", ""}, "f.yaml", text, false);
}

TEST_CASE("render") {
  SECTION("place, source line, carets, help") {
    const Diagnostic d{Severity::kWarning, 14, {2, 3, 4}, "odd", "do otherwise"};
    CHECK(render(d, "f.yaml", "a\n  word x\n", false) ==
          "f.yaml:2:3: warning: odd\n  word x\n  ^^^^\nhelp: do otherwise\n");
  }
  SECTION("a problem of the whole file has no place") {
    CHECK(shown({}, "a: b\n") == "f.yaml: error: wrong\n");
  }
  SECTION("at the end of a line, of the file, and beyond") {
    CHECK(shown({1, 3, 1}, "ab\n") == "f.yaml:1:3: error: wrong\nab\n  ^\n");
    CHECK(shown({2, 1, 1}, "ab") == "f.yaml:2:1: error: wrong\n");
    CHECK(shown({9, 9, 9}, "ab\n") == "f.yaml:9:9: error: wrong\n");
    CHECK(shown({1, 2, 99}, "ab\ncd\n") == "f.yaml:1:2: error: wrong\nab\n ^\n");
  }
  SECTION("carriage returns and byte order marks are not shown") {
    CHECK(shown({1, 1, 2},
                "\xef\xbb\xbf"
                "ab\r\ncd\r\n") == "f.yaml:1:1: error: wrong\nab\n^^\n");
  }
  SECTION("control and other bytes are escaped, and the carets follow") {
    CHECK(shown({1, 2, 2},
                "\x1b"
                "b\xff\td\n") == "f.yaml:1:2: error: wrong\n\\x1bb\\xff d\n    ^^^^^\n");
  }
  SECTION("a long line is cut around the span") {
    const std::string text(10'000'000, 'x');
    const std::string out = shown({1, 5'000'000, 9'000'000}, text);
    CHECK(out.size() < 400);
    CHECK(out.find("...xxx") != std::string::npos);
    CHECK(out.find("^^^") != std::string::npos);
  }
  SECTION("colours change nothing but the colours") {
    const Diagnostic d{Severity::kNote, 18, {1, 1, 2}, "so", "and so"};
    std::string coloured = render(d, "f", "ab\n", true);
    CHECK(coloured.find('\x1b') != std::string::npos);
    for (std::size_t at; (at = coloured.find('\x1b')) != std::string::npos;) {
      coloured.erase(at, coloured.find('m', at) - at + 1);
    }
    CHECK(coloured == render(d, "f", "ab\n", false));
  }
}

TEST_CASE("quoted: nothing of the user's reaches a terminal raw") {
  CHECK(quoted("syd") == "`syd`");
  CHECK(quoted("") == "``");
  CHECK(quoted("a\x1b[2J\nb\x7f\xc3\xbc") == "`a\\x1b[2J\\x0ab\\x7f\\xc3\\xbc`");
  CHECK(quoted(std::string(60, 'a')) == "`" + std::string(60, 'a') + "`");
  CHECK(quoted(std::string(61, 'a')) == "`" + std::string(60, 'a') + "...`");
}

TEST_CASE("diagnostics are sorted, counted, and equal ones told once") {
  Diagnostics diagnostics;
  diagnostics.note(18, {3, 1, 1}, "late");
  diagnostics.error(2, {2, 5, 1}, "twice");
  diagnostics.warning(14, {2, 1, 1}, "early");
  diagnostics.error(2, {2, 5, 1}, "twice");
  diagnostics.error(0, {}, "of the file");
  diagnostics.sort();
  std::string order;
  for (const Diagnostic& d : diagnostics.all()) order += d.reason + ";";
  CHECK(order == "of the file;early;twice;late;");
  CHECK(diagnostics.errors() == 2);
  CHECK(diagnostics.warnings() == 1);
  CHECK(diagnostics.has_errors());
}

TEST_CASE("a flood of problems is cut, and says so at its end") {
  Diagnostics diagnostics;
  for (std::size_t i = 0; i < 5000; ++i) diagnostics.error(2, {i + 1, 1, 1}, "wrong");
  diagnostics.warning(14, {1, 1, 1}, "still told");
  diagnostics.sort();
  CHECK(diagnostics.errors() == 5000);
  CHECK(diagnostics.all().size() == Diagnostics::kMaxOfOneSeverity + 2);
  CHECK(diagnostics.all().back().reason ==
        "there are more than 1000 errors; the rest is not shown");
}

TEST_CASE("nearest") {
  const std::vector<std::string_view> keys = {"dest_cidr", "source_cidr", "priority", "id", "name"};
  struct Row {
    const char* word;
    const char* expected;
  };
  const Row rows[] = {
      {"dest_cdir", "dest_cidr"},   // a swap
      {"destcidr", "dest_cidr"},    // a letter missing
      {"dest__cidr", "dest_cidr"},  // one too many
      {"dast_cidr", "dest_cidr"},   // another letter
      {"src_cidr", ""},             // three edits of eight letters
      {"source_cid", "source_cidr"},
      {"DEST_CIDR", ""},
      {"nmae", "name"},
      {"di", "id"},
      {"x", ""},
      {"", ""},
      {"route", ""},
  };
  for (const Row& row : rows) {
    INFO(row.word);
    CHECK(nearest(row.word, keys) == row.expected);
  }
  CHECK(nearest(std::string(10'000, 'a'), keys).empty());
  const std::string long_word(64, 'b');
  CHECK(nearest(long_word, {long_word}) == long_word);
}

}  // namespace
}  // namespace arctic
