// The nftables side of LinuxHost against the kernel and against nft.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <set>

#include "compiler/compile.h"
#include "compiler/nft_numbers.h"
#include "compiler/statements.h"
#include "tests/compiler/network_conditions.h"
#include "tests/host/linux_machine.h"

namespace arctic::nft {
namespace {

using test::Machine;
using test::must_run;

constexpr std::uint32_t kMask = 0x1fff0000;

U128 v4(const char* text) { return parse_address(text)->bits; }
U128 v6(const char* text) { return parse_address(text)->bits; }

Verdict to(const char* chain) { return {VerdictCode::kGoto, chain}; }
const Verdict kAccepted{VerdictCode::kAccept, {}};
const Verdict kDropped{VerdictCode::kDrop, {}};

Element one(U128 key, Verdict verdict, std::string comment = {}) {
  return {key, key, std::move(verdict), std::move(comment)};
}

Chain base(const char* type, std::uint32_t hook, std::int32_t priority, std::vector<Rule> rules,
           bool accept = true) {
  return {Hook{type, hook, priority, accept}, std::move(rules)};
}

/// One table with every statement, key type and hook that rules of ours have.
Table full_table() {
  Table table;
  table.maps["addresses4"] = {KeyType::kIpv4,
                              true,
                              {{v4("0.0.0.0"), v4("0.0.0.7"), to("svc"), "from zero"},
                               {v4("0.0.0.8"), v4("9.255.255.255"), kDropped, "adjacent"},
                               {v4("10.0.0.0"), v4("10.255.255.255"), kAccepted, ""},
                               {v4("11.0.0.1"), v4("11.0.0.1"), to("down"), "one"},
                               {v4("240.0.0.0"), v4("255.255.255.255"), to("svc"), "to the end"}}};
  table.maps["addresses6"] = {
      KeyType::kIpv6,
      true,
      {{v6("::"), v6("::1"), to("svc"), "six/0"},
       {v6("2001:db8::"), v6("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), kAccepted,
        std::string(127, 'c')},
       {v6("8000::"), v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), to("down"), ""}}};
  table.maps["all4"] = {KeyType::kIpv4, true, {{0, max_address(Family::kIpv4), to("svc"), "all"}}};
  table.maps["all6"] = {KeyType::kIpv6, true, {{0, max_address(Family::kIpv6), to("svc"), ""}}};
  table.maps["empty"] = {KeyType::kIpv6, true, {}};
  table.maps["host4"] = {KeyType::kIpv4, false, {one(v4("192.0.2.1"), to("svc"), "a host")}};
  table.maps["marks"] = {
      KeyType::kMark, false, {one(0x00010000, to("svc"), "peer"), one(0x1fff0000, to("down"))}};
  table.maps["names"] = {
      KeyType::kIfname,
      false,
      {one(pack_ifname("eth1.5"), kAccepted), one(pack_ifname("fifteen-letters"), to("down")),
       one(pack_ifname("tp-lon"), to("svc"), "lon")}};
  table.maps["types"] = {KeyType::kFibType, false, {one(2, kAccepted), one(5, kAccepted)}};

  const auto rule = [](std::vector<Statement> statements, std::string comment = {}) {
    return make_rule(std::move(statements), std::move(comment));
  };
  table.chains["svc"] = {std::nullopt,
                         {rule({set_mark(Mark::kConnection, kMask, 0x1fff0000),
                                set_mark(Mark::kPacket, kMask, 0x10020000), accept()},
                               "syd-to-lon")}};
  table.chains["down"] = {std::nullopt,
                          {rule({counter(), l4proto(kProtoTcp), reject_tcp_reset()}),
                           rule({reject_prohibited()}), rule({drop()})}};
  table.chains["zone"] = base("filter", kHookPrerouting, -300, {rule({set_original_zone(3)})});
  table.chains["prerouting"] =
      base("filter", kHookPrerouting, -150,
           {rule({iif_lo(), accept()}), rule({iifname_vmap("names")}, "tunnels"),
            rule({l4proto(kProtoIcmpv6), socket_transparent(), go_to("svc")}),
            rule({ct_reply(), mark_vmap(Mark::kConnection, kMask, "marks")}),
            rule({ct_reply(), mark_is(Mark::kConnection, 0x1ffe0000, 0x1ffe0000, false), accept()}),
            rule({tcp_not_opening(), go_to("down")}), rule({destination_type_vmap("types")}),
            rule({address_in(std::nullopt, parse_prefix("fe80::/10")), accept()}),
            rule({address_vmap(Family::kIpv4, Side::kSource, "addresses4")}),
            rule({address_vmap(Family::kIpv4, Side::kDestination, "all4")}),
            rule({address_vmap(Family::kIpv6, Side::kSource, "addresses6")}),
            rule({address_vmap(Family::kIpv6, Side::kDestination, "all6")})});
  table.chains["capture"] =
      base("filter", kHookPrerouting, -149,
           {rule({mark_vmap(Mark::kPacket, kMask, "marks")}),
            rule({l4proto(kProtoTcp), tproxy(Family::kIpv4, 20002), accept()}),
            rule({l4proto(kProtoTcp), tproxy(Family::kIpv6, 20002), accept()})});
  table.chains["output"] =
      base("route", kHookOutput, -150,
           {rule({mark_is(Mark::kPacket, kMask, 0x0ff30000), accept()}),
            rule({ct_untracked(), accept()}), rule({l4proto(kProtoTcp, false), accept()})});
  table.chains["forward"] = base("filter", kHookForward, 0, {}, /*accept=*/false);
  table.chains["post"] =
      base("nat", kHookPostrouting, 100,
           {rule({ct_mark_between(kMask, 0x00010000, 0x0fa00000), masquerade()})});
  return table;
}

NodeState with(Table table) {
  NodeState state;
  state.table = std::move(table);
  return state;
}

constexpr std::size_t kPerMap = 500;

/// A table of `count` disjoint intervals in maps of kPerMap each.
Table table_of(Family family, std::size_t count) {
  Table table;
  table.chains["svc"] = {std::nullopt, {make_rule({accept()})}};
  const U128 start = family == Family::kIpv4 ? U128{10} << 24 : U128{0x20010db8} << 96;
  const U128 step = family == Family::kIpv4 ? U128{16} : U128{1} << 64;
  for (std::size_t i = 0; i < count; ++i) {
    Map& map = table.maps["map" + std::to_string(i / kPerMap)];
    map.key = family == Family::kIpv4 ? KeyType::kIpv4 : KeyType::kIpv6;
    map.interval = true;
    const U128 first = start + step * i;
    map.elements.push_back({first, first + step / 2, to("svc"), "r/" + std::to_string(i)});
  }
  return table;
}

std::string listing() { return must_run("nft list table inet arctic"); }

/// The blocks of a listing in byte order: the kernel lists chains as they came.
std::string sorted(const std::string& text) {
  std::set<std::string> blocks;
  std::size_t at = 0;
  for (std::size_t end; (end = text.find("\n\n", at)) != std::string::npos; at = end + 2) {
    blocks.insert(text.substr(at, end - at));
  }
  blocks.insert(text.substr(at, text.rfind("\n}") - at));
  std::string joined;
  for (const std::string& block : blocks) joined += block + "\n\n";
  return joined;
}

std::string load_text(const std::string& text) {
  const std::string path = "/tmp/arctic-linux-nft-test-" + std::to_string(::getpid()) + ".nft";
  std::ofstream(path) << text;
  const auto result = test::run_command("nft -f " + path);
  std::remove(path.c_str());
  return result.output;
}

}  // namespace

TEST_CASE("every statement, key and hook comes back from the kernel as it was written") {
  Machine machine;
  const Table table = full_table();
  machine.become(with(table));
  const auto seen = machine.observe().table;
  REQUIRE(seen.has_value());
  CHECK(seen->ours);
  CHECK(seen->strange.empty());
  for (const auto& [name, chain] : table.chains) {
    INFO("chain " << name);
    REQUIRE(seen->chains.count(name) == 1);
    CHECK(seen->chains.at(name) == chain);
  }
  for (const auto& [name, map] : table.maps) {
    INFO("map " << name);
    REQUIRE(seen->maps.count(name) == 1);
    CHECK(seen->maps.at(name).key == map.key);
    CHECK(seen->maps.at(name).interval == map.interval);
    CHECK(seen->maps.at(name).elements == map.elements);
  }
  CHECK(*seen == table);
  for (const auto& [name, chain] : seen->chains) {
    for (const Rule& rule : chain.rules) CHECK(rule.handle != 0);
  }
}

TEST_CASE("nft lists our table as if nft had loaded its text, and we read nft's as ours") {
  const NodeState state = with(full_table());
  Machine ours;
  ours.become(state);
  const std::string ours_listed = listing();
  Machine theirs;
  REQUIRE(load_text(emit_ruleset(state)).empty());
  CHECK(sorted(ours_listed) == sorted(listing()));
  CHECK(diff(theirs.observe(), state).empty());
}

TEST_CASE("conditions on networks of every length come back, and nft writes them as we do") {
  Table table;
  std::vector<Rule>& rules = table.chains["networks"].rules;
  for (const Statement& condition : test::network_conditions()) {
    rules.push_back(make_rule({condition, accept()}));
  }
  const NodeState state = with(table);
  Machine ours;
  ours.become(state);
  CHECK(ours.observe().table == table);
  const std::string ours_listed = listing();
  for (const Rule& rule : rules)
    CHECK(ours_listed.find("\t" + rule.text + "\n") != std::string::npos);
  Machine theirs;
  REQUIRE(load_text(emit_ruleset(state)).empty());
  CHECK(ours_listed == listing());
  CHECK(diff(theirs.observe(), state).empty());
}

TEST_CASE("an interval that reaches the highest key has no end, and nft's flag says so") {
  Machine machine;
  machine.become(with(full_table()));
  for (const char* map : {"all4", "all6"}) {
    const std::string raw = must_run(std::string("nft --debug=netlink list map inet arctic ") +
                                     map + " | grep element");
    INFO(raw);
    CHECK(std::count(raw.begin(), raw.end(), '\n') == 2);  // nft's own line of elements is one
    CHECK(raw.find("\\x01\\x04\\x01\\x00\\x00\\x00") != std::string::npos);
  }
}

TEST_CASE("any table becomes any other in one transaction") {
  Table few = full_table();
  few.maps["addresses4"].elements = {{v4("10.0.0.0"), v4("10.0.255.255"), to("svc"), "half"},
                                     {v4("10.1.0.0"), v4("10.255.255.255"), kDropped, "rest"}};
  few.maps["marks"].elements[0].comment = "other";
  few.maps["names"].elements[2].verdict = kDropped;
  few.maps.erase("all6");
  few.chains["prerouting"].rules.pop_back();
  few.chains["prerouting"].rules.erase(few.chains["prerouting"].rules.begin() + 2);
  few.chains["new"] = {std::nullopt, {make_rule({accept()})}};
  few.chains["forward"].hook->accept = true;
  few.chains["capture"].hook->priority = -148;
  Machine machine;
  for (const auto& state : {with(full_table()), with(few), with(full_table()), NodeState{},
                            with(few), with(Table{}), with(full_table()), NodeState{}}) {
    machine.become(state);
    CHECK(machine.observe().table.has_value() == state.table.has_value());
  }
}

TEST_CASE("a transaction that fails leaves nothing and names the change") {
  Machine machine;
  machine.become(with(full_table()));
  const std::string before = listing();
  struct Case {
    const char* what;
    std::function<void(NodeState&)> spoil;
    const char* said;
  };
  const Case cases[] = {
      {"an element to a chain that is missing",
       [](NodeState& state) {
         state.table->maps["host4"].elements.push_back(one(v4("192.0.2.2"), kAccepted));
         state.table->maps["host4"].elements.push_back(one(v4("192.0.2.3"), to("nowhere")));
         state.table->maps["host4"].elements.push_back(one(v4("192.0.2.4"), kAccepted));
       },
       "192.0.2.3"},
      {"a rule that looks up a map that is missing",
       [](NodeState& state) {
         state.table->chains["svc"].rules.push_back(make_rule({iifname_vmap("nowhere")}));
       },
       "svc"},
      {"a loop",
       [](NodeState& state) {
         state.table->chains["svc"].rules.push_back(make_rule({go_to("down")}));
         state.table->chains["down"].rules.push_back(make_rule({go_to("svc")}));
       },
       ""},
      {"intervals that overlap",
       [](NodeState& state) {
         state.table->maps["empty"].elements = {{v6("fd00::"), v6("fd00::ff"), kAccepted, ""},
                                                {v6("fd00::10"), v6("fd00::1ff"), kDropped, ""}};
       },
       "fd00::"},
  };
  for (const Case& each : cases) {
    INFO(each.what);
    NodeState wanted = with(full_table());
    wanted.table->chains["extra"] = {};
    each.spoil(wanted);
    const NodeState now = machine.observe();
    const auto status = machine.host.commit(diff(now, wanted).nft);
    REQUIRE_FALSE(status.has_value());
    INFO(status.error().message());
    CHECK(status.error().code == ErrorCode::kFailure);
    CHECK(status.error().subject == "table inet arctic");
    CHECK(status.error().reason.find(each.said) != std::string::npos);
    CHECK(listing() == before);
  }
}

TEST_CASE("a change by others is refused in our table and does not matter elsewhere") {
  Machine machine;
  machine.become(with(full_table()));
  NodeState wanted = with(full_table());
  wanted.table->chains["more"] = {};
  SECTION("in our table") {
    const Changes changes = diff(machine.observe(), wanted);
    must_run("nft add chain inet arctic intruder");
    const auto status = machine.host.commit(changes.nft);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == ErrorCode::kRefused);
    CHECK(machine.observe().table->chains.count("more") == 0);
    machine.become(wanted);
  }
  SECTION("elsewhere") {
    const Changes changes = diff(machine.observe(), wanted);
    must_run("nft add table inet other");
    CHECK(machine.host.commit(changes.nft).has_value());
    CHECK(machine.observe().table == wanted.table);
  }
}

TEST_CASE("what is not ours in our table is told, and the table replaced") {
  struct Case {
    const char* add;
    const char* told;
  };
  const Case cases[] = {
      {"add set inet arctic s '{ type ipv4_addr; }'", "set s"},
      {"add map inet arctic m '{ type ipv4_addr : mark; }'", "map m"},
      {"add map inet arctic m '{ type ipv4_addr : verdict; flags timeout; }'", "map m"},
      {"add map inet arctic m '{ type inet_service : verdict; }'", "map m"},
      {"add map inet arctic m '{ type ipv4_addr : verdict; size 100; }'", "map m"},
      {"add map inet arctic m '{ type ipv4_addr . mark : verdict; }'", "map m"},
      {"add element inet arctic host4 '{ 192.0.2.9 : return }'", "map host4: its elements"},
      {"add counter inet arctic c", "object c"},
      {"add rule inet arctic svc tcp dport '{ 1, 2 }' accept", "set __set0"},
      {"add table inet arctic '{ flags dormant; }'", "flag dormant"},
  };
  for (const Case& each : cases) {
    INFO(each.add);
    Machine machine;
    machine.become(with(full_table()));
    must_run(std::string("nft ") + each.add);
    const auto strange = machine.observe().table->strange;
    CHECK(strange == std::vector<std::string>{each.told});
    machine.become(with(full_table()));
    CHECK(machine.observe().table->strange.empty());
  }
}

TEST_CASE("rules of others in our chains are drift, and go") {
  for (const char* rule :
       {"meta mark set 7", "tcp dport 22 accept", "limit rate 1/second drop", "log prefix x",
        "meta cgroup 5 accept", "ip saddr 10.0.0.0/8 return", "meta mark set ct mark",
        "ct state established accept", "numgen random mod 2 0 accept"}) {
    INFO(rule);
    Machine machine;
    machine.become(with(full_table()));
    must_run(std::string("nft insert rule inet arctic prerouting ") + rule);
    const Changes changes = diff(machine.observe(), with(full_table()));
    CHECK_FALSE(changes.nft.empty());
    machine.become(with(full_table()));
  }
}

TEST_CASE("a table of others with our name is not ours, and others' tables are not seen") {
  Machine machine;
  must_run("nft add table inet other; nft add table ip arctic; nft add chain ip arctic c");
  CHECK_FALSE(machine.observe().table.has_value());
  must_run("nft add table inet arctic; nft add chain inet arctic c");
  const auto table = machine.observe().table;
  REQUIRE(table.has_value());
  CHECK_FALSE(table->ours);
  must_run("nft delete table inet arctic");
  machine.become(with(full_table()));
  machine.become({});
  CHECK(must_run("nft list tables") == "table inet other\ntable ip arctic\n");
}

TEST_CASE("40,000 elements go in, come out, and one of them changes") {
  for (const Family family : kFamilies) {
    Machine machine;
    NodeState state = with(table_of(family, 40000));
    machine.become(state);
    auto& elements = state.table->maps["map7"].elements;
    elements[200].comment = "changed";
    elements.erase(elements.begin() + 7);
    const Changes changes = diff(machine.observe(), state);
    CHECK(changes.nft.size() == 2);
    machine.make(changes);
    CHECK(machine.observe().table == state.table);
    machine.become({});
  }
}

TEST_CASE("one map takes more elements than a message holds, and gives them back") {
  Machine machine;
  Table table = table_of(Family::kIpv6, 5000);
  Map all{KeyType::kIpv6, true, {}};
  for (auto& [name, map] : table.maps) {
    all.elements.insert(all.elements.end(), map.elements.begin(), map.elements.end());
  }
  std::sort(all.elements.begin(), all.elements.end(),
            [](const Element& a, const Element& b) { return a.first < b.first; });
  for (Element& element : all.elements) element.comment = std::string(127, 'x');
  table.maps = {{"all", all}};
  machine.become(with(table));
  CHECK(machine.observe().table == table);
  table.maps["all"].elements.clear();
  machine.become(with(table));
}

TEST_CASE("an error deep in a large transaction still names its element") {
  Machine machine;
  NodeState state = with(table_of(Family::kIpv4, 20000));
  Element& bad = state.table->maps["map30"].elements[345];
  bad.verdict = to("nowhere");
  const auto status = machine.host.commit(diff(machine.observe(), state).nft);
  REQUIRE_FALSE(status.has_value());
  INFO(status.error().message());
  CHECK(status.error().reason.find(key_text(KeyType::kIpv4, bad.first, bad.last)) !=
        std::string::npos);
  CHECK_FALSE(machine.observe().table.has_value());
}

/// A shell command over and over in the namespace of the calling thread, until destroyed.
class Busy {
 public:
  explicit Busy(const std::string& command) : pid_(::fork()) {
    if (pid_ == 0) {
      ::execl("/bin/sh", "sh", "-c", ("while :; do " + command + "; done >/dev/null 2>&1").c_str(),
              nullptr);
      ::_exit(127);
    }
  }
  ~Busy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  pid_t pid_;
};

TEST_CASE("while others change the ruleset, what is read was true at one moment") {
  Machine machine;
  NodeState few = with(full_table());
  NodeState many = with(full_table());
  for (std::uint32_t i = 0; i < 300; ++i) {
    few.table->maps["empty"].elements.push_back({i * 8, i * 8 + 3, to("svc"), "few"});
    many.table->maps["empty"].elements.push_back({i * 8, i * 8 + 3, to("down"), "many"});
    many.table->chains["svc"].rules.push_back(make_rule({counter()}, std::to_string(i)));
  }
  machine.become(few);
  const std::string folder = machine.folder.path();
  const auto write = [&](const char* name, const NodeState& state) {
    std::ofstream(folder + "/" + name) << "table inet arctic\ndelete table inet arctic\n"
                                       << emit_ruleset(state);
  };
  write("few", few);
  write("many", many);
  std::size_t seen_many = 0;
  std::size_t seen_few = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const Busy busy("nft -f " + folder + "/few; nft -f " + folder + "/many");
  while ((seen_few < 5 || seen_many < 5) && std::chrono::steady_clock::now() < deadline) {
    const auto seen = machine.observe().table;
    REQUIRE(seen.has_value());
    seen_few += seen == few.table;
    seen_many += seen == many.table;
    REQUIRE((seen == few.table || seen == many.table));
  }
  CHECK(seen_few >= 5);
  CHECK(seen_many >= 5);
}

TEST_CASE("while others change their own tables, ours is written all the same") {
  Machine machine;
  const NodeState one_state = with(full_table());
  NodeState other_state = with(full_table());
  other_state.table->maps["host4"].elements[0].verdict = kDropped;
  const Busy busy("nft add table inet other; nft delete table inet other");
  for (int i = 0; i < 20; ++i) machine.become(i % 2 == 0 ? one_state : other_state);
}

}  // namespace arctic::nft
