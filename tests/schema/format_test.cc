// golden/format: canonical layout, with comments in all the places that people put them.
//
// Each folder holds an arctic.yaml and the expected.yaml that fmt makes of it. With
// ARCTIC_GOLDEN_ACCEPT=1 the expected texts are written instead of compared.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "schema/format/format_config.h"
#include "schema/format/same_config.h"
#include "schema/parse/parse_config.h"
#include "tests/schema/text_file.h"

namespace arctic {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = fs::path(ARCTIC_SOURCE_DIR) / "golden" / "format";

std::vector<fs::path> cases() {
  std::set<fs::path> sorted;
  for (const auto& entry : fs::directory_iterator(kCases)) sorted.insert(entry.path());
  return {sorted.begin(), sorted.end()};
}

Result<std::string> format(const std::string& text) {
  Diagnostics diagnostics;
  return format_config(text, diagnostics);
}

Config parse(const std::string& text) {
  Diagnostics diagnostics;
  Config config = parse_config(text, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return config;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else if (c != '\r') {
      lines.back() += c;
    }
  }
  return lines;
}

// Whatever could be a comment: from a # behind a blank to the last character of the line. Knows
// nothing of quotes on purpose, so that it cannot share a mistake with the scanner.
std::vector<std::string> comments_of(const std::string& text) {
  std::vector<std::string> comments;
  for (const std::string& line : lines_of(text)) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] != '#' || (i > 0 && line[i - 1] != ' ' && line[i - 1] != '\t')) continue;
      comments.push_back(line.substr(i, line.find_last_not_of(" \t") - i + 1));
      break;
    }
  }
  return comments;
}

// The text as somebody with another step of indentation would have written it.
std::string indented_by(std::size_t step, const std::string& text) {
  std::string out;
  for (const std::string& line : lines_of(text)) {
    std::size_t at = std::min(line.find_first_not_of(' '), line.size());
    out.append(at / 2 * step + at % 2, ' ');
    while (line.compare(at, 2, "- ") == 0 && line.compare(at, 3, "- #") != 0) {
      out += "-" + std::string(step - 1, ' ');
      at += 2;
    }
    out += line.substr(at) + "\n";
  }
  out.pop_back();
  return out;
}

}  // namespace

TEST_CASE("fmt makes of each case what is expected", "[format]") {
  const char* accept = std::getenv("ARCTIC_GOLDEN_ACCEPT");
  const auto all = cases();
  CHECK(all.size() >= 27);
  for (const fs::path& folder : all) {
    INFO(folder.filename().string());
    const std::string text = read_file(folder / "arctic.yaml");
    const auto result = format(text);
    REQUIRE(result);
    if (accept != nullptr && *accept == '1') write_file(folder / "expected.yaml", *result);
    CHECK(*result == read_file(folder / "expected.yaml"));
  }
}

TEST_CASE("fmt keeps the meaning and every comment, and is done after one pass", "[format]") {
  for (const fs::path& folder : cases()) {
    INFO(folder.filename().string());
    const std::string text = read_file(folder / "arctic.yaml");
    const auto once = format(text);
    REQUIRE(once);
    CHECK(comments_of(*once) == comments_of(text));
    CHECK(same_config(parse(text), parse(*once)));
    const auto twice = format(*once);
    REQUIRE(twice);
    CHECK(*twice == *once);
  }
}

TEST_CASE("fmt undoes any step of indentation", "[format]") {
  for (const fs::path& folder : cases()) {
    static const std::set<std::string> kOwnWhiteSpace = {"13-quoted-over-lines",
                                                         "14-plain-over-lines", "15-block-scalars"};
    if (kOwnWhiteSpace.count(folder.filename().string()) > 0) continue;
    const std::string expected = read_file(folder / "expected.yaml");
    for (const std::size_t step : {2U, 3U, 4U, 8U}) {
      INFO(folder.filename().string() << " by " << step);
      const auto result = format(indented_by(step, expected));
      REQUIRE(result);
      CHECK(*result == expected);
    }
  }
}

TEST_CASE("fmt of a mangled file is right or refused", "[format]") {
  std::mt19937 random(7);
  static const std::string kPieces = " \t\n#-:'\"[]{},|>&*!?x";
  std::size_t formatted = 0;
  for (const fs::path& folder : cases()) {
    const std::string original = read_file(folder / "arctic.yaml");
    for (int round = 0; round < 150; ++round) {
      std::string text = original;
      for (std::size_t edits = 1 + random() % 3; edits > 0; --edits) {
        const std::size_t place = random() % text.size();
        const char piece = kPieces[random() % kPieces.size()];
        switch (random() % 3) {
          case 0:
            text.insert(place, 1, piece);
            break;
          case 1:
            text[place] = piece;
            break;
          default:
            text.erase(place, 1);
        }
        if (text.empty()) break;
      }
      const auto once = format(text);
      if (!once) continue;
      ++formatted;
      INFO(folder.filename().string() << "\n" << text << "\n-----\n" << *once);
      CHECK(same_config(parse(text), parse(*once)));
      const auto twice = format(*once);
      REQUIRE(twice);
      CHECK(*twice == *once);
    }
  }
  CHECK(formatted > 500);
}

TEST_CASE("fmt leaves alone what it cannot read", "[format]") {
  for (const char* text : {"", "version: v1\nversion: v1\n", "peers: [\n", "version: v2\n",
                           "version: v1\npeers:\n  - nmae: syd\n"}) {
    INFO(text);
    Diagnostics diagnostics;
    const auto result = format_config(text, diagnostics);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::kConfig);
    CHECK(diagnostics.has_errors());
  }
}

TEST_CASE("two configurations are the same only if every value is", "[format]") {
  const std::string base =
      "version: v1\n"
      "peers:\n"
      "  - {name: a, address: 192.0.2.1, pegasus_port: 1000, tempest_port: 1001, mark_shift: 1,"
      " metrics: '127.0.0.1:9000', parent_interface: eth0,"
      " public_key: 'N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk='}\n"
      "services:\n"
      "  - {name: s, id: i, source_peer: a, target_peer: b, transport_type: tcp,"
      " fully_transparent: false, proxy_protocol: none, on_down: drop,"
      " interface: {enabled: true, ipv4: 10.0.0.1/24, ipv6: 'fd00::1/64'},"
      " qos: {bandwidth_limit_mbps: 5},"
      " routes: [{priority: 1, source_cidr: 10.0.0.0/8, dest_cidr: 10.9.0.0/16}]}\n"
      "protect: [10.0.0.0/8]\n";
  const std::pair<const char*, const char*> edits[] = {
      {"name: a", "name: x"},
      {"192.0.2.1", "192.0.2.2"},
      {"pegasus_port: 1000", "pegasus_port: 1002"},
      {"tempest_port: 1001", "tempest_port: 1002"},
      {"mark_shift: 1", "mark_shift: 2"},
      {"127.0.0.1:9000", "127.0.0.1:9001"},
      {"eth0", "eth1"},
      {"N9GoHYjo", "N9GoHYjp"},
      {"name: s", "name: t"},
      {"id: i", "id: j"},
      {"source_peer: a", "source_peer: b"},
      {"target_peer: b", "target_peer: a"},
      {"transport_type: tcp", "transport_type: kcp"},
      {"fully_transparent: false", "fully_transparent: true"},
      {"proxy_protocol: none", "proxy_protocol: v2"},
      {"on_down: drop", "on_down: direct"},
      {"enabled: true", "enabled: false"},
      {"10.0.0.1/24", "10.0.0.2/24"},
      {"fd00::1/64", "fd00::2/64"},
      {"mbps: 5", "mbps: 6"},
      {"priority: 1", "priority: 2"},
      {"source_cidr: 10.0.0.0/8", "source_cidr: 11.0.0.0/8"},
      {"dest_cidr: 10.9.0.0/16", "dest_cidr: 10.8.0.0/16"},
      {"protect: [10.0.0.0/8]", "protect: []"},
      {", dest_cidr: 10.9.0.0/16", ""},
      {"id: i, ", ""}};
  const Config config = parse(base);
  CHECK(same_config(config, parse("# moved\n\n" + base)));
  for (const auto& [from, to] : edits) {
    INFO(from << " becomes " << to);
    std::string text = base;
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), std::string(from).size(), to);
    CHECK_FALSE(same_config(config, parse(text)));
  }
}

}  // namespace arctic
