// The commands that need no node: init, compile, diff, fmt, trace, services, routes, peers.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.h"

namespace arctic::test {

namespace {

using Json = nlohmann::json;

const std::vector<std::string> kArtifacts = {"host.json", "pegasus.json", "plan.json",
                                             "ruleset.nft", "tempest.json"};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

// A machine without a node key, whatever the one has that runs the tests.
std::vector<std::string> rooted(const TemporaryFolder& folder, std::vector<std::string> words) {
  words.insert(words.end(), {"--root", folder.at("root")});
  return words;
}

}  // namespace

TEST_CASE("compile writes five files for each node, atomically and always the same", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  const Ran ran = arctic(place, rooted(folder, {"compile", example("three-routes"), "--all"}));
  CHECK(ran.status == 0);
  CHECK_THAT(ran.out, Catch::StartsWith("compiled/fra  generation "));
  std::vector<std::string> expected = {"compiled"};
  for (const char* node : {"fra", "lon", "syd"}) {
    expected.push_back(std::string("compiled/") + node);
    for (const auto& name : kArtifacts) {
      expected.push_back(std::string("compiled/") + node + "/" + name);
    }
  }
  CHECK(folder.list() == expected);
  const std::string before = folder.read("compiled/syd/plan.json");
  CHECK(arctic(place, rooted(folder, {"compile", example("three-routes")})).out == ran.out);
  CHECK(folder.read("compiled/syd/plan.json") == before);

  const Ran one = arctic(place, rooted(folder, {"compile", example("three-routes"), "--node", "syd",
                                                "-o", "elsewhere", "--json"}));
  CHECK(Json::parse(one.out).at(0).at("folder") == "elsewhere/syd");
  CHECK_FALSE(folder.has("elsewhere/lon"));
}

TEST_CASE("compile --check tells golden files from what the file says now", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  const std::vector<std::string> check =
      rooted(folder, {"compile", "arctic.yaml", "--all", "--check", "golden"});
  const std::string text = shell(place, "cat " + example("three-routes")).out;
  folder.write("arctic.yaml", text);
  REQUIRE(arctic(place, rooted(folder, {"compile", "--all", "-o", "golden"})).status == 0);
  const Ran equal = arctic(place, check);
  CHECK(equal.status == 0);
  CHECK(equal.out.empty());

  folder.write("arctic.yaml", replaced(text, "priority: 200", "priority: 201"));
  const Ran differs = arctic(place, check);
  CHECK(differs.status == 2);
  CHECK_THAT(differs.out, Catch::StartsWith("--- golden/syd/plan.json\n+++ golden/syd/plan.json\n"
                                            "@@ -"));
  CHECK_THAT(differs.out, Catch::Contains("\n-") && Catch::Contains("\n+"));
  CHECK(differs.err ==
        "error: golden: is not what the file compiles to\n"
        "help: `arctic compile arctic.yaml --all -o golden` writes what belongs there\n");
  // It is a patch: applying it to the golden files makes the check succeed.
  folder.write("change.patch", differs.out);
  REQUIRE(shell(place, "git apply -p0 change.patch").status == 0);
  CHECK(arctic(place, check).status == 0);

  folder.write("golden/gone/plan.json", "{}");
  const Ran extra = arctic(place, check);
  CHECK(extra.status == 2);
  CHECK(extra.err ==
        "error: golden/gone: the file has no peer of that name\n"
        "help: remove the folder: `rm -r golden/gone`\n");
  REQUIRE(shell(place, "rm -r golden/gone").status == 0);
  CHECK(arctic(place, check).status == 0);
}

TEST_CASE("compile --check of no folder says so, and how it is made", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  folder.write("a file.yaml", shell(place, "cat " + example("three-routes")).out);
  const Ran none = arctic(
      place, rooted(folder, {"compile", "a file.yaml", "--node", "syd", "--check", "gol'den"}));
  CHECK(none.status == 1);
  CHECK(none.out.empty());
  CHECK(none.err ==
        "error: gol'den: there is no such folder\n"
        "help: `arctic compile 'a file.yaml' --node syd -o 'gol'\\''den'` writes what belongs "
        "there\n");
  const Ran made =
      shell(place, "\"$ARCTIC\" compile 'a file.yaml' --node syd -o 'gol'\\''den' --root root");
  CHECK(made.status == 0);
  CHECK(folder.has("gol'den/syd/plan.json"));
  const Ran file =
      arctic(place, rooted(folder, {"compile", "a file.yaml", "--check", "a file.yaml"}));
  CHECK(file.status == 1);
  CHECK_THAT(file.err, Catch::Contains("error: a file.yaml: is no folder"));
}

TEST_CASE("compile onto a full or read-only disk leaves nothing", "[cli]") {
  const TemporaryFolder folder;
  folder.write("out/x", "");
  Place place{.folder = folder.path(), .mounted = folder.at("out")};
  const std::string line = "\"$ARCTIC\" compile " + example("three-routes") +
                           " --all -o out --root " + folder.at("root") +
                           "; code=$?; find out -type f | sort; exit $code";
  // The whole files of the first nodes may be there, but none that is cut, and no temporary.
  const Ran full = shell(place, "head -c 12000 /dev/zero > out/ballast; " + line);
  CHECK(full.status == 1);
  CHECK_THAT(full.err, Catch::Contains("No space left on device"));
  CHECK_THAT(full.out, !Catch::Contains(".json.") && !Catch::Contains(".nft."));
  place.read_only = true;
  const Ran closed = shell(place, line);
  CHECK(closed.status == 1);
  CHECK_THAT(closed.err,
             Catch::Contains("error: out/fra") && Catch::Contains("Read-only file system"));
  CHECK(closed.out.empty());
}

TEST_CASE("diff says what a change means, node by node", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  const std::string text = shell(place, "cat " + example("three-routes")).out;
  folder.write("old.yaml", text);
  folder.write("same.yaml", "# a comment\n" + text);
  std::string changed = replaced(text, "priority: 200", "priority: 300");
  changed = replaced(changed, "dest_cidr: 172.16.0.0/12", "dest_cidr: 172.16.0.0/13");
  const std::size_t service = changed.find("- name: SVC-C");
  changed = changed.substr(0, service) +
            replaced(changed.substr(service), "transport_type: tcp", "transport_type: kcp");
  folder.write("new.yaml", changed);
  const Ran same = arctic(place, {"diff", "old.yaml", "same.yaml", "--detailed-exitcode"});
  CHECK(same.status == 0);
  CHECK(same.out == "No differences.\n");
  const Ran ran = arctic(place, {"diff", "old.yaml", "new.yaml"});
  CHECK(ran.status == 0);
  CHECK_THAT(ran.out,
             Catch::Contains("~ 10.1.0.0/16 → 192.168.100.0/24  SVC-B/0  priority 200 → 300"));
  CHECK_THAT(ran.out, Catch::Contains("- any → 172.16.0.0/12  SVC-C/0  priority 100"));
  CHECK_THAT(ran.out, Catch::Contains("+ any → 172.16.0.0/13  SVC-C/0  priority 100"));
  CHECK_THAT(ran.out, Catch::Contains("~ SVC-C (entry)  transport tcp → kcp"));
  CHECK_THAT(ran.out, Catch::Contains("~ SVC-C (exit)"));
  CHECK_THAT(ran.out, !Catch::Contains("SVC-A"));
  CHECK_THAT(ran.out, Catch::EndsWith("of 3 nodes change.\n"));
  CHECK(arctic(place, {"diff", "old.yaml", "new.yaml", "--detailed-exitcode"}).status == 2);
  const Ran one = arctic(place, {"diff", "old.yaml", "new.yaml", "--node", "lon", "--json"});
  const Json data = Json::parse(one.out);
  CHECK(data.at("nodes").size() == 1);
  CHECK(data.at("nodes").at(0).at("node") == "lon");
  CHECK(data.at("nodes").at(0).at("rules").empty());
  CHECK(arctic(place, {"diff", "old.yaml", "new.yaml", "--node", "xyz"}).status == 3);
}

TEST_CASE("trace explains the manual's packets", "[cli]") {
  struct Row {
    const char* from;
    const char* to;
    const char* service;
    const char* route;
    const char* category;
  };
  const Row rows[] = {
      {"10.1.2.3", "192.168.100.50", "SVC-B", "SVC-B/0", "pair"},
      {"10.2.3.4", "192.168.200.50", "SVC-A", "SVC-A/0", "pair"},
      {"9.9.9.9", "172.16.5.5", "SVC-C", "SVC-C/0", "destination"},
      {"10.1.2.3", "192.168.7.7", "SVC-A", "SVC-A/0", "pair"},
      {"9.9.9.9", "8.8.8.8", nullptr, nullptr, "none"},
  };
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  std::string lines;
  std::vector<Json> singles;
  for (const Row& row : rows) {
    INFO(row.from << " " << row.to);
    std::vector<std::string> words = {"trace", example("three-routes"), "--from", row.from, "--to",
                                      row.to};
    const Ran text = arctic(place, rooted(folder, words));
    CHECK(text.status == 0);
    if (row.service == nullptr) {
      CHECK_THAT(text.out, Catch::Contains("No service: no interface and no route matches"));
    } else {
      CHECK_THAT(text.out, Catch::Contains(std::string(row.route) + "  wins"));
    }
    words.emplace_back("--json");
    singles.push_back(Json::parse(arctic(place, rooted(folder, words)).out));
    const Json& json = singles.back();
    CHECK(json.at("service") == (row.service ? Json(row.service) : Json()));
    CHECK(json.at("route") == (row.route ? Json(row.route) : Json()));
    CHECK(json.at("category") == row.category);
    lines += Json{{"from", row.from}, {"to", row.to}}.dump() + "\n";
  }
  // The line mode gives the same answers.
  const Ran many = arctic({.folder = folder.path(), .input = lines},
                          rooted(folder, {"trace", example("three-routes"), "--stdin"}));
  REQUIRE(many.status == 0);
  std::istringstream answers(many.out);
  std::size_t count = 0;
  for (std::string line; std::getline(answers, line); ++count) {
    const Json json = Json::parse(line);
    CHECK(json.size() == 12);
    for (const auto& [key, value] : json.items()) CHECK(singles.at(count).at(key) == value);
  }
  CHECK(count == std::size(rows));
}

TEST_CASE("trace names the device for all but TCP", "[cli]") {
  const TemporaryFolder folder;
  const std::string input =
      "{\"from\":\"9.9.9.9\",\"to\":\"172.16.5.5\",\"proto\":\"udp\",\"iif\":\"eth0\"}\n"
      "\n"
      "{\"from\":\"9.9.9.9\",\"to\":\"172.16.5.5\",\"proto\":6}";
  const Ran ran = arctic({.folder = folder.path(), .input = input},
                         rooted(folder, {"trace", example("three-routes"), "--stdin"}));
  CHECK(ran.status == 0);
  CHECK_THAT(ran.out,
             Catch::StartsWith(
                 "{\"from\":\"9.9.9.9\",\"to\":\"172.16.5.5\",\"proto\":\"udp\",\"iif\":\"eth0\","
                 "\"service\":\"SVC-C\",\"route\":\"SVC-C/0\",\"category\":\"destination\","
                 "\"rank\":3,\"handler\":\"tempest\",\"peer\":\"lon\",\"device\":\"tp-lon\","
                 "\"port\":null}\n"
                 "{\"from\":\"9.9.9.9\",\"to\":\"172.16.5.5\",\"proto\":6,\"iif\":\"\",") &&
                 Catch::Contains("\"handler\":\"pegasus\",\"peer\":\"lon\",\"device\":null,"
                                 "\"port\":2"));
}

TEST_CASE("trace knows what the kernel never captures, and what the node itself sends", "[cli]") {
  const TemporaryFolder folder;
  const auto run = [&](std::vector<std::string> words, const std::string& input = {}) {
    words.insert(words.begin(), {"trace", example("two-sites"), "--node", "syd"});
    return arctic({.folder = folder.path(), .input = input}, rooted(folder, words));
  };
  const Ran multicast = run({"--from", "10.0.0.50", "--to", "224.0.0.5"});
  CHECK(multicast.status == 0);
  CHECK(multicast.out ==
        "10.0.0.50 → 224.0.0.5, tcp, at syd\n\nNo service: the destination is a multicast address, "
        "which no service takes: the packet is left alone.\n");
  for (const char* iif : {"", "lo"}) {
    const Ran own = run({"--from", "10.0.0.9", "--to", "9.9.9.9", "--iif", iif});
    CHECK_THAT(own.out, Catch::Contains("lan  wins\n") && Catch::Contains("1 interface    "));
  }
  const Ran lines = run({"--stdin"},
                        "{\"from\":\"fd00::9\",\"to\":\"2001:db8::1\",\"iif\":\"\"}\n"
                        "{\"from\":\"fd00::9\",\"to\":\"2001:db8::1\",\"iif\":\"eth0\"}\n"
                        "{\"from\":\"fd00::9\",\"to\":\"ff02::1\"}\n");
  std::istringstream answers(lines.out);
  for (const char* category : {"interface", "none", "none"}) {
    std::string line;
    REQUIRE(std::getline(answers, line));
    CHECK(Json::parse(line).at("category") == category);
  }
}

TEST_CASE("--iif with the name of a service hints at its interface", "[cli]") {
  const TemporaryFolder folder;
  const auto hint = [&](const char* iif) {
    const Ran ran = arctic({.folder = folder.path()},
                           rooted(folder, {"trace", example("two-sites"), "--node", "syd", "--from",
                                           "10.9.9.9", "--to", "9.9.9.9", "--iif", iif}));
    CHECK(ran.status == 0);
    return ran.err;
  };
  CHECK(hint("lan") ==
        "help: lan is a service; its interface is svc-dls6fki3arm: say --iif "
        "svc-dls6fki3arm\n");
  CHECK_THAT(hint("backup"), Catch::Contains("is a service without an interface"));
  CHECK(hint("svc-dls6fki3arm").empty());
  CHECK(hint("eth0").empty());
}

TEST_CASE("trace --stdin stops at the first bad line and says which", "[cli]") {
  const std::string good = "{\"from\":\"10.1.2.3\",\"to\":\"192.168.100.50\"}\n";
  const std::pair<const char*, const char*> rows[] = {
      {"x", "is not JSON"},
      {"[]", "a packet is an object"},
      {"\"x\"", "a packet is an object"},
      {"7", "a number stands where a text belongs"},
      {"{}", "`from` is missing"},
      {"{\"from\":\"10.0.0.1\"}", "`to` is missing"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"::1\"}", "different families"},
      {"{\"from\":\"10.0.0\",\"to\":\"10.0.0.1\"}", "`10.0.0` is no address"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.1\",\"prot\":6}", "`prot` is no key"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.1\",\"proto\":256}", "`proto` is above 255"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.1\",\"proto\":-1}", "neither a text nor"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.1\",\"proto\":\"tpc\"}", "`tpc` is no protocol"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.1\",\"iif\":{}}", "a value is an object"},
      {"{\"from\":\"10.0.0.1\",\"from\":\"10.0.0.1\"}", "`from` comes twice"},
      {"{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.1\"}x", "is not JSON"},
  };
  const TemporaryFolder folder;
  for (const auto& [line, reason] : rows) {
    INFO(line);
    const Ran ran = arctic({.folder = folder.path(), .input = good + line + "\n" + good},
                           rooted(folder, {"trace", example("three-routes"), "--stdin"}));
    CHECK(ran.status == 3);
    CHECK_THAT(ran.err, Catch::Contains("error: standard input:2: ") && Catch::Contains(reason));
    CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 1);
  }
  const Ran longer = arctic({.folder = folder.path(), .input = std::string(70000, ' ') + "x"},
                            rooted(folder, {"trace", example("three-routes"), "--stdin"}));
  CHECK(longer.status == 3);
  CHECK_THAT(longer.err, Catch::Contains("longer than 64 KiB"));
}

TEST_CASE("services, routes and peers are listed and found by name or ID", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path(),
                    .environment = {"ARCTIC_FILE=" + example("two-sites")}};
  const auto run = [&](std::vector<std::string> words) { return arctic(place, words); };
  const Ran services = run({"services", "list"});
  CHECK(services.status == 0);
  CHECK_THAT(services.out, Catch::StartsWith("NAME     ID               FROM  TO   TRANSPORT"));
  CHECK_THAT(services.out, Catch::Contains("500 Mbit/s"));
  const Json listed = Json::parse(run({"services", "list", "-o", "json"}).out);
  REQUIRE(listed.size() == 3);
  CHECK(listed == Json::parse(run({"services", "list", "--json"}).out));
  const std::string id = listed.at(0).at("id");
  const Ran by_id = run({"services", "get", id});
  CHECK(by_id.status == 0);
  CHECK(by_id.out == run({"services", "get", "lan"}).out);
  CHECK_THAT(by_id.out, Catch::Contains("10.0.0.9/24 fd00::9/64"));
  CHECK_THAT(run({"services", "get", "lan", "-o", "yaml"}).out,
             Catch::StartsWith("name: lan\nid: " + id + "\nsource_peer: syd\n") &&
                 Catch::Contains("\ninterface:\n  enabled: true\n  ipv4: \"10.0.0.9/24\"\n"));
  const Ran wrong = run({"services", "get", "backpu"});
  CHECK(wrong.status == 3);
  CHECK_THAT(wrong.err, Catch::Contains("no service `backpu`") && Catch::Contains("`backup`"));

  const Ran routes = run({"routes", "list"});
  CHECK_THAT(routes.out, Catch::StartsWith("ROUTE      PRIORITY  SOURCE"));
  CHECK_THAT(routes.out, Catch::Contains("backup/1   100       fd00::50/128  fd00:20::/64"));
  CHECK(Json::parse(run({"routes", "list", "--service", "backup", "--json"}).out).size() == 2);
  CHECK(Json::parse(run({"routes", "get", "backup/1", "--json"}).out) ==
        Json::parse(run({"routes", "get", "1", "--service", "backup", "--json"}).out));
  for (const char* bad : {"backup/2", "backup/-1", "backup/x", "backup/", "nothing/0"}) {
    INFO(bad);
    CHECK(run({"routes", "get", bad}).status == 3);
  }
  CHECK(run({"routes", "get", "1"}).status == 64);

  CHECK_THAT(run({"peers", "list"}).out, Catch::StartsWith("NAME  ADDRESS"));
  CHECK_THAT(run({"peers", "get", "syd"}).out, Catch::Contains("127.0.0.1:9470"));
  CHECK(Json::parse(run({"peers", "get", "syd", "--json"}).out).at("derived").at("ends") ==
        Json{"restore"});
  CHECK(run({"peers", "get", "sydd"}).status == 3);
}

TEST_CASE("routes list --trace shows ranks and shadows", "[cli]") {
  const TemporaryFolder folder;
  std::string text = shell({.folder = folder.path()}, "cat " + example("three-routes")).out;
  text += "      - {priority: 50, dest_cidr: 172.16.0.0/12}\n";
  folder.write("arctic.yaml", text);
  const Place place{.folder = folder.path()};
  const Ran ran = arctic(place, {"routes", "list", "--trace"});
  CHECK(ran.status == 0);
  CHECK_THAT(ran.out, Catch::Contains("AT   RANK  CATEGORY     SHADOWED BY"));
  const Json all = Json::parse(arctic(place, {"routes", "list", "--trace", "--json"}).out);
  const auto facts = [&](std::size_t i) {
    return std::make_tuple(all.at(i).at("route").get<std::string>(),
                           all.at(i).at("rank").get<int>(), all.at(i).at("shadowed_by"));
  };
  CHECK(facts(0) == std::make_tuple(std::string("SVC-A/0"), 2, Json()));
  CHECK(facts(1) == std::make_tuple(std::string("SVC-B/0"), 1, Json()));
  CHECK(facts(2) == std::make_tuple(std::string("SVC-C/0"), 3, Json()));
  CHECK(facts(3) == std::make_tuple(std::string("SVC-C/1"), 4, Json("SVC-C/0")));
}

TEST_CASE("fmt prints, checks or writes", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  const std::string rough = "version: v1\npeers:\n- name:   syd # here\n";
  const std::string smooth = "version: v1\n\npeers:\n  - name: syd # here\n";
  folder.write("arctic.yaml", rough, 0640);
  CHECK(arctic(place, {"fmt"}).out == smooth);
  CHECK(folder.read("arctic.yaml") == rough);
  const Ran check = arctic(place, {"fmt", "--check"});
  CHECK(check.status == 2);
  CHECK_THAT(check.out, Catch::StartsWith("--- arctic.yaml\n+++ arctic.yaml (formatted)\n@@ -"));
  CHECK(folder.read("arctic.yaml") == rough);
  REQUIRE(shell(place, "ln -s arctic.yaml link.yaml").status == 0);
  CHECK(arctic(place, {"fmt", "--write", "link.yaml"}).status == 0);
  CHECK(folder.read("arctic.yaml") == smooth);
  CHECK(shell(place, "stat -c %a arctic.yaml; readlink link.yaml").out == "640\narctic.yaml\n");
  CHECK(arctic(place, {"fmt", "--check"}).status == 0);
  CHECK(arctic({.folder = folder.path(), .input = rough}, {"fmt", "-"}).out == smooth);
  folder.write("bad.yaml", "version: v1\npeers:\n  - nmae: x\n");
  CHECK(arctic(place, {"fmt", "--write", "bad.yaml"}).status == 3);
  CHECK(folder.read("bad.yaml") == "version: v1\npeers:\n  - nmae: x\n");
  CHECK(folder.list() == std::vector<std::string>{"arctic.yaml", "bad.yaml", "link.yaml"});
}

TEST_CASE("init writes a starter that lacks nothing but keys, and overwrites nothing", "[cli]") {
  const TemporaryFolder folder;
  const Place place{.folder = folder.path()};
  const Ran ran = arctic(place, {"init"});
  CHECK(ran.status == 0);
  CHECK(folder.list() == std::vector<std::string>{"arctic.schema.json", "arctic.yaml"});
  const std::string text = folder.read("arctic.yaml");
  CHECK_THAT(text, Catch::StartsWith("# yaml-language-server: $schema=arctic.schema.json\n"));
  CHECK(folder.read("arctic.schema.json") ==
        shell(place, "cat " ARCTIC_SOURCE_DIR "/schema/arctic.schema.json").out);
  CHECK(arctic(place, {"fmt", "--check"}).status == 0);
  const Ran checked = arctic(place, {"validate"});
  CHECK(checked.status == 3);
  CHECK_THAT(checked.err, Catch::Contains("arctic keygen"));
  CHECK_THAT(checked.err, Catch::Contains("error: arctic.yaml: has 2 errors"));

  const Ran again = arctic(place, {"init"});
  CHECK(again.status == 5);
  CHECK_THAT(again.err, Catch::Contains("arctic.yaml: is there already"));
  CHECK(arctic(place, {"init", "-"}).out == text);
  folder.write("arctic.schema.json", "mine");
  CHECK(arctic(place, {"init", "other.yaml"}).status == 0);
  CHECK(folder.read("arctic.schema.json") == "mine");
  CHECK(arctic(place, {"init", "nowhere/x.yaml"}).status == 1);
}

}  // namespace arctic::test
