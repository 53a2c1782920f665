// What each example compiles to on each of its nodes, byte for byte, and what may not change it.
//
// ARCTIC_GOLDEN_ACCEPT=1 writes golden/compile anew instead of comparing.
#include <algorithm>
#include <catch2/catch.hpp>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <locale>
#include <map>
#include <random>
#include <sstream>

#include "example_files.h"

namespace arctic::test {
namespace {

namespace fs = std::filesystem;

bool accepting() {
  const char* value = std::getenv("ARCTIC_GOLDEN_ACCEPT");
  return value != nullptr && std::string(value) == "1";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The first line in which two texts differ, for the report.
std::string first_difference(const std::string& expected, const std::string& actual) {
  const std::vector<std::string> a = lines_of(expected), b = lines_of(actual);
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  return "line " + std::to_string(i + 1) + "\n  expected: " + (i < a.size() ? a[i] : "(end)") +
         "\n  actual:   " + (i < b.size() ? b[i] : "(end)");
}

void check_golden(const fs::path& path, const std::string& actual) {
  if (accepting()) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  INFO(path.string());
  REQUIRE(fs::exists(path));
  const std::string expected = read_text(path);
  INFO(first_difference(expected, actual));
  CHECK(expected == actual);
}

std::set<std::string> files_below(const fs::path& folder) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.insert(fs::relative(entry.path(), folder).generic_string());
  }
  return files;
}

/// All artifacts of all nodes, to compare two configurations.
std::map<std::string, std::string> everything(const Config& config) {
  std::map<std::string, std::string> all;
  for (const Peer& peer : config.peers) {
    const Compiled compiled = compile(config, peer.name.value);
    for (const NamedText& file : files_of(compiled.artifacts)) {
      all[peer.name.value + '/' + file.name] = *file.text;
    }
  }
  return all;
}

TEST_CASE("each example compiles to its golden files, on every node") {
  const fs::path folder = source_folder() / "golden/compile";
  if (accepting()) fs::remove_all(folder);
  std::set<std::string> written;
  for (const Example& example : examples()) {
    for (const auto& [name, text] : everything(example.config)) {
      check_golden(folder / example.name / name, text);
      written.insert(example.name + '/' + name);
    }
  }
  CHECK(files_below(folder) == written);
}

TEST_CASE("the order of lists changes nothing") {
  std::mt19937 random(5);
  for (const Example& example : examples()) {
    Config shuffled = example.config;
    std::shuffle(shuffled.peers.begin(), shuffled.peers.end(), random);
    std::shuffle(shuffled.services.begin(), shuffled.services.end(), random);
    std::reverse(shuffled.protect.begin(), shuffled.protect.end());
    CHECK(everything(shuffled) == everything(example.config));
  }
}

TEST_CASE("comments and blank lines change nothing") {
  for (const Example& example : examples()) {
    std::string text = "# a comment\n\n";
    for (const std::string& line : lines_of(example.text)) {
      text += line + "   # and another\n\n# one between\n";
    }
    CHECK(everything(clean_config(text)) == everything(example.config));
  }
}

constexpr const char* kOneOrder = R"(
version: v1
peers:
  - {name: a, address: 192.0.2.1, mark_shift: 3, public_key: "N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk="}
  - {name: b, address: 192.0.2.2, public_key: "kBKprsVFyGK0GRz19nQrMo1UgeZSHdLl5D5npnhNzlQ="}
services:
  - name: s
    source_peer: a
    target_peer: b
    transport_type: tcp
    on_down: drop
    qos: {bandwidth_limit_mbps: 7}
    interface: {enabled: true, ipv4: 10.0.0.9/24, ipv6: "fd00::9/64"}
    routes:
      - {priority: 1, source_cidr: 10.0.0.0/8, dest_cidr: 10.1.0.0/16}
)";
constexpr const char* kOtherOrder = R"(
services:
  - routes:
      - {dest_cidr: 10.1.0.0/16, source_cidr: 10.0.0.0/8, priority: 1}
    interface: {ipv6: "fd00::9/64", ipv4: 10.0.0.9/24, enabled: true}
    qos: {bandwidth_limit_mbps: 7}
    on_down: drop
    transport_type: tcp
    target_peer: b
    source_peer: a
    name: s
peers:
  - {public_key: "kBKprsVFyGK0GRz19nQrMo1UgeZSHdLl5D5npnhNzlQ=", address: 192.0.2.2, name: b}
  - {public_key: "N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk=", mark_shift: 3, address: 192.0.2.1, name: a}
version: v1
)";

TEST_CASE("the order of keys changes nothing") {
  CHECK(everything(clean_config(kOneOrder)) == everything(clean_config(kOtherOrder)));
}

/// Groups thousands, and writes the decimal point as a comma.
struct OddPunctuation : std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  char do_decimal_point() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};

TEST_CASE("the locale changes nothing") {
  const std::vector<Example> all = examples();
  std::vector<std::map<std::string, std::string>> before;
  for (const Example& example : all) before.push_back(everything(example.config));
  const std::locale old =
      std::locale::global(std::locale(std::locale::classic(), new OddPunctuation));
  const std::string c_locale = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8"}) {
    std::setlocale(LC_ALL, name);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(everything(clean_config(all[i].text)) == before[i]);
    }
  }
  std::setlocale(LC_ALL, c_locale.c_str());
  std::locale::global(old);
}

/// Lines that only one of the two texts has, with how often.
std::vector<std::string> changed_lines(const std::string& a, const std::string& b) {
  std::map<std::string, int> balance;
  for (const std::string& line : lines_of(a)) ++balance[line];
  for (const std::string& line : lines_of(b)) --balance[line];
  std::vector<std::string> changed;
  for (const auto& [line, count] : balance) {
    if (count != 0) changed.push_back(line);
  }
  return changed;
}

struct RouteEdit {
  const char* example;
  const char* service;
  std::size_t route;
  const char* what;
  void (*edit)(Route&);
  std::vector<std::string> mentions;  ///< each changed line has one of these
};

TEST_CASE("changing one route changes its own lines only") {
  const std::vector<std::string> svc_b = {"SVC-B/0", "services.SVC-B.routes[0]", "192.168.100.0/24",
                                          "192.168.101.0/24"};
  const RouteEdit edits[] = {
      {"three-routes", "SVC-B", 0, "priority", [](Route& r) { r.priority->value = 7; }, svc_b},
      {"three-routes", "SVC-B", 0, "destination",
       [](Route& r) { r.destination->value = *parse_prefix("192.168.101.0/24"); }, svc_b},
      {"three-routes",
       "SVC-C",
       0,
       "destination",
       [](Route& r) { r.destination->value = *parse_prefix("172.24.0.0/13"); },
       {"SVC-C/0", "services.SVC-C.routes[0]", "\"destination\": \"172."}},
      {"three-routes",
       "SVC-B",
       0,
       "source",
       [](Route& r) { r.source->value = *parse_prefix("10.2.0.0/16"); },
       {"SVC-B/0", "services.SVC-B.routes[0]", "10.1.0.0/16", "10.2.0.0/16", "10.0.0.0/8",
        "10.0.0.0-10.0.255.255", "10.0.0.0/15", "10.2.0.0-", "10.3.0.0-"}},
      {"dual-stack",
       "laboratory",
       2,
       "priority",
       [](Route& r) { r.priority->value = 7; },
       {"services.laboratory.routes[2]"}},
      {"hub-and-spokes",
       "manage-ber",
       0,
       "destination",
       [](Route& r) { r.destination->value = *parse_prefix("10.110.0.0/16"); },
       {"manage-ber/0", "services.manage-ber.routes[0]", "10.102.0.0/16", "10.110.0.0/16"}},
  };
  const std::vector<Example> all = examples();
  for (const RouteEdit& edit : edits) {
    const auto example = std::find_if(all.begin(), all.end(),
                                      [&](const Example& e) { return e.name == edit.example; });
    REQUIRE(example != all.end());
    Config config = example->config;
    const auto service =
        std::find_if(config.services.begin(), config.services.end(),
                     [&](const Service& s) { return s.name.value == edit.service; });
    REQUIRE(service != config.services.end());
    edit.edit(service->routes[edit.route]);
    const auto before = everything(example->config);
    const auto after = everything(config);
    std::size_t changes = 0;
    for (const auto& [name, text] : before) {
      for (const std::string& line : changed_lines(text, after.at(name))) {
        ++changes;
        INFO(edit.example << ' ' << edit.service << ' ' << edit.what << ", " << name << ": "
                          << line);
        CHECK(std::any_of(edit.mentions.begin(), edit.mentions.end(), [&](const std::string& word) {
          return line.find(word) != std::string::npos;
        }));
      }
    }
    CHECK(changes > 0);
  }
}

TEST_CASE("the generation hangs on the four files, and on their names") {
  const std::vector<Example> all = examples();
  const Artifacts one = compile(all[0].config, all[0].config.peers[0].name.value).artifacts;
  const std::string generation = one.generation();
  CHECK(generation.size() == 12);
  CHECK(generation.find_first_not_of("0123456789abcdef") == std::string::npos);
  for (std::string Artifacts::*file : {&Artifacts::plan_json, &Artifacts::pegasus_json,
                                       &Artifacts::tempest_json, &Artifacts::host_json}) {
    Artifacts other = one;
    (other.*file) += ' ';
    CHECK(other.generation() != generation);
  }
  Artifacts same_rules = one;
  same_rules.ruleset_nft += ' ';  // says what plan.json says
  CHECK(same_rules.generation() == generation);
  Artifacts swapped = one;
  std::swap(swapped.pegasus_json, swapped.tempest_json);
  CHECK(swapped.generation() != generation);
  // Computed apart from this code: python3 hashlib.blake2b over name, NUL, 8 bytes of length, text.
  CHECK(Artifacts{"p", "", "g", "t", "h"}.generation() == "4721a46bd706");
}

}  // namespace
}  // namespace arctic::test
