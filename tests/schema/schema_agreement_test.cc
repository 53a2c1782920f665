// schema/arctic.schema.json states for editors what the reader and the checks do: here the two are
// held together, over the rejected files, the examples, and a table of single values.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "compiler/load.h"
#include "schema/parse/tree.h"
#include "tests/schema/json_schema.h"
#include "tests/schema/text_file.h"
#include "tests/schema/tree_json.h"

namespace arctic {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = ARCTIC_SOURCE_DIR;

bool reader_accepts(const std::string& text) {
  Diagnostics diagnostics;
  static_cast<void>(load(text, diagnostics));
  return !diagnostics.has_errors();
}

struct Document {
  std::string name;
  std::string text;
  std::string json;
};

// False where no YAML reader would give a schema anything to look at.
bool to_document(const std::string& name, const std::string& text, std::vector<Document>& out) {
  Diagnostics diagnostics;
  const auto tree = parse_tree(text, diagnostics);
  if (tree) out.push_back({name, text, tree_to_json(*tree)});
  return tree.has_value();
}

std::vector<bool> schema_accepts(const std::vector<Document>& documents) {
  std::vector<std::string> jsons;
  for (const Document& document : documents) jsons.push_back(document.json);
  return accepted_by("arctic.schema.json", jsons);
}

std::set<std::string> only_the_compiler() {
  std::set<std::string> names;
  std::istringstream list(read_file(kSource / "golden/reject/only-the-compiler.txt"));
  for (std::string line; std::getline(list, line);) {
    if (!line.empty() && line[0] != '#') names.insert(line);
  }
  return names;
}

TEST_CASE("rejected files: refused by both, or listed as what only the compiler sees") {
  std::vector<Document> documents;
  for (const auto& entry : fs::directory_iterator(kSource / "golden/reject")) {
    if (!entry.is_directory()) continue;
    to_document(entry.path().filename().string(), read_file(entry.path() / "arctic.yaml"),
                documents);
  }
  auto listed = only_the_compiler();
  const std::vector<bool> accepted = schema_accepts(documents);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const Document& document = documents[i];
    INFO(document.name);
    const bool by_reader = reader_accepts(document.text);
    if (listed.erase(document.name) > 0) {
      CHECK_FALSE(by_reader);
      CHECK(accepted[i]);
    } else {
      CHECK(accepted[i] == by_reader);
    }
  }
  CHECK(listed == std::set<std::string>{});
}

TEST_CASE("examples: accepted by both") {
  std::vector<Document> documents;
  for (const auto& entry : fs::directory_iterator(kSource / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path().string());
    REQUIRE(to_document(entry.path().filename().string(), read_file(entry.path()), documents));
  }
  REQUIRE(documents.size() >= 4);
  const std::vector<bool> accepted = schema_accepts(documents);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    INFO(documents[i].name);
    CHECK(reader_accepts(documents[i].text));
    CHECK(accepted[i]);
  }
}

// ---- One value at a time ----

const std::string kBase = R"(version: v1
peers:
  - name: syd
    public_key: "lAFKWDQSjgXpXhfxVAJY5oMiDPPceGstPHN6s69IoVw="
    @peer@
  - name: lon
    address: 198.51.100.20
    public_key: "M5dQN3Bta2zeUo9Wq6M8QATwPN3+vDG/t83hzqunfEo="
services:
  - name: a
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    @service@
  - name: b
    source_peer: syd
    target_peer: lon
    transport_type: tcp
    routes:
      - {priority: 100, source_cidr: 10.9.0.0/16}
      - {@route@}
@top@
)";

// What each place holds where a row does not say otherwise.
const std::vector<std::pair<std::string, std::string>> kUsual = {
    {"@peer@", "address: 192.0.2.10"},
    {"@service@", "interface: {enabled: true, ipv4: 10.0.0.9/24}"},
    {"@route@", "priority: 100, source_cidr: 10.0.0.0/16"},
    {"@top@", ""},
};

std::string fill(const std::string& place, const std::string& line) {
  std::string text = kBase;
  for (const auto& [name, usual] : kUsual) {
    text.replace(text.find(name), name.size(), name == place ? line : usual);
  }
  return text;
}

enum class Verdict { kGood, kBad, kOnlyCompiler };

struct Row {
  const char* place;
  const char* line;
  Verdict verdict;
};

constexpr Verdict kGood = Verdict::kGood;
constexpr Verdict kBad = Verdict::kBad;
constexpr Verdict kOnlyCompiler = Verdict::kOnlyCompiler;

const Row kRows[] = {
    {"@top@", "", kGood},
    {"@top@", "license: {any: thing}", kGood},
    {"@top@", "license:", kGood},
    {"@top@", "protect: [203.0.113.0/24, 2001:db8::/32, 192.0.2.1]", kGood},
    {"@top@", "protect: []", kGood},
    {"@top@", "protect:", kGood},
    {"@top@", "protect: 203.0.113.0/24", kBad},
    {"@top@", "protect: [203.0.113.0/33]", kBad},
    {"@top@", "protect: [203.0.113.1/24]", kOnlyCompiler},
    {"@top@", "protect: [~]", kBad},
    {"@top@", "other: 1", kBad},

    {"@peer@", "address: \"[2001:db8::1]\"", kGood},
    {"@peer@", "address: 2001:db8::1", kGood},
    {"@peer@", "address: \"[2001:db8::1]:443\"", kGood},
    {"@peer@", "address: 192.0.2.10:443", kGood},
    {"@peer@", "address: syd.example.net.", kGood},
    {"@peer@", "address: syd_1", kGood},
    {"@peer@", "address: https://syd.example.net", kBad},
    {"@peer@", "address: 192.0.2.0/24", kBad},
    {"@peer@", "address: fe80::1%eth0", kBad},
    {"@peer@", "address: 192.0.2.10:0", kBad},
    {"@peer@", "address: 192.0.2.10:65536", kBad},
    {"@peer@", "address: -syd", kBad},
    {"@peer@", "address: 5", kBad},
    {"@peer@", "address:", kBad},
    {"@peer@", "address: 300.1.2.3", kOnlyCompiler},
    {"@peer@", "address: 0.0.0.0", kOnlyCompiler},
    {"@peer@", "parent_interface: eth1.100", kGood},
    {"@peer@", "parent_interface: a23456789012345", kGood},
    {"@peer@", "parent_interface: a234567890123456", kBad},
    {"@peer@", "parent_interface: a/b", kBad},
    {"@peer@", "parent_interface: \"a b\"", kBad},
    {"@peer@", "parent_interface: eth0:1", kBad},
    {"@peer@", "parent_interface: \"..\"", kBad},
    {"@peer@", "pegasus_port: 1", kGood},
    {"@peer@", "pegasus_port: 65535", kGood},
    {"@peer@", "pegasus_port: 0", kBad},
    {"@peer@", "pegasus_port: 65536", kBad},
    {"@peer@", "pegasus_port: 20000", kGood},
    {"@peer@", "pegasus_port: 20001", kBad},
    {"@peer@", "tempest_port: 24000", kBad},
    {"@peer@", "tempest_port: 24001", kGood},
    {"@peer@", "tempest_port: \"7000\"", kBad},
    {"@peer@", "tempest_port: 7000.0", kOnlyCompiler},
    {"@peer@", "tempest_port: 0x1000", kOnlyCompiler},
    {"@peer@", "tempest_port: 07000", kOnlyCompiler},
    {"@peer@", "tempest_port: 61000", kOnlyCompiler},
    {"@peer@", "mark_shift: 0", kGood},
    {"@peer@", "mark_shift: 19", kGood},
    {"@peer@", "mark_shift: 20", kBad},
    {"@peer@", "mark_shift: -1", kBad},
    {"@peer@", "metrics: 0.0.0.0:9470", kGood},
    {"@peer@", "metrics: \"[::1]:65534\"", kGood},
    {"@peer@", "metrics: \"[::1]:65535\"", kBad},
    {"@peer@", "metrics: \"::1:9470\"", kBad},
    {"@peer@", "metrics: localhost:9470", kBad},
    {"@peer@", "metrics: 127.0.0.1", kBad},
    {"@peer@", "metrics: 127.0.0.1:20000", kBad},
    {"@peer@", "metrics: 127.0.0.1:22222", kBad},
    {"@peer@", "metrics: 127.0.0.1:24001", kGood},
    {"@peer@", "metrics: 127.0.0.1:61000", kOnlyCompiler},
    {"@peer@", "unknown: 1", kBad},

    {"@service@", "interface: {enabled: true}", kGood},
    {"@service@", "interface: {enabled: true, ipv4: ~, ipv6: fd00::9/64}", kGood},
    {"@service@", "interface: {enabled: true, ipv4: 10.0.0.9}", kGood},
    {"@service@", "interface: {enabled: true, ipv4: 10.0.0.9/0}", kBad},
    {"@service@", "interface: {enabled: true, ipv4: fd00::9/64}", kBad},
    {"@service@", "interface: {enabled: true, ipv6: 10.0.0.9/24}", kBad},
    {"@service@", "interface: {enabled: true, ipv6: fd00::9/129}", kBad},
    {"@service@", "interface: {enabled: true, ipv4: 127.0.0.1/8}", kOnlyCompiler},
    {"@service@", "interface: {enabled: true, mtu: 1500}", kBad},
    {"@service@", "interface: {enabled: yes}", kBad},
    {"@service@", "interface: {enabled: \"true\"}", kBad},
    {"@service@", "interface: {enabled: True}", kGood},
    {"@service@", "interface: {enabled: false}", kBad},
    {"@service@", "interface: {}", kBad},
    {"@service@", "interface:", kBad},
    {"@service@", "interface: true", kBad},
    {"@service@", "routes: []", kBad},
    {"@service@", "routes:", kBad},
    {"@service@", "routes: [{priority: 1, dest_cidr: 10.1.0.0/16}]", kGood},
    {"@service@", "{<<: {routes: [{priority: 1, dest_cidr: 10.1.0.0/16}]}}", kBad},
    {"@service@", "<<: {routes: [{priority: 1, dest_cidr: 10.1.0.0/16}]}", kGood},

    {"@route@", "priority: 0, dest_cidr: 10.0.0.0/8", kGood},
    {"@route@", "priority: 2147483647, dest_cidr: \"::/0\"", kGood},
    {"@route@", "priority: 2147483648, dest_cidr: 10.0.0.0/8", kBad},
    {"@route@", "priority: -1, dest_cidr: 10.0.0.0/8", kBad},
    {"@route@", "priority: 1.5, dest_cidr: 10.0.0.0/8", kBad},
    {"@route@", "priority: high, dest_cidr: 10.0.0.0/8", kBad},
    {"@route@", "dest_cidr: 10.0.0.0/8", kBad},
    {"@route@", "priority: 100", kBad},
    {"@route@", "priority: 100, source_cidr: 10.0.0.0/8, dest_cidr: fd00::/8", kBad},
    {"@route@", "priority: 100, source_cidr: fd00::/8, dest_cidr: 10.0.0.0/8", kBad},
    {"@route@", "priority: 100, source_cidr: fd00::/8, dest_cidr: fd01::/16", kGood},
    {"@route@", "priority: 100, source_cidr: 10.0.0.0/33", kBad},
    {"@route@", "priority: 100, source_cidr: 10.0.0.256", kBad},
    {"@route@", "priority: 100, source_cidr: 010.0.0.0/8", kBad},
    {"@route@", "priority: 100, source_cidr: 10.0.0.0/08", kBad},
    {"@route@", "priority: 100, source_cidr: any", kBad},
    {"@route@", "priority: 100, source_cidr: ~", kBad},
    {"@route@", "priority: 100, source_cidr: 10.0.0.1/8", kOnlyCompiler},
    {"@route@", "priority: 100, source_cidr: \"1::2::3\"", kOnlyCompiler},
    {"@route@", "priority: 100, dest: 10.0.0.0/8", kBad},
};

TEST_CASE("single values: the schema agrees with the reader") {
  std::vector<Document> documents;
  for (const Row& row : kRows) {
    const std::string text = fill(row.place, row.line);
    // What is no YAML at all is refused by both.
    if (!to_document(row.line, text, documents)) documents.push_back({row.line, text, "null"});
  }
  const std::vector<bool> accepted = schema_accepts(documents);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    INFO(kRows[i].place << " " << kRows[i].line);
    CHECK(reader_accepts(documents[i].text) == (kRows[i].verdict == kGood));
    CHECK(accepted[i] == (kRows[i].verdict != kBad));
  }
}

}  // namespace
}  // namespace arctic
