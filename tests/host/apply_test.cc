// Plan and apply over a machine in memory: what is written, what is refused, what comes back.
#include <algorithm>
#include <catch2/catch.hpp>

#include "runtime/host/generations.h"
#include "runtime/host/journal.h"
#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

std::size_t count_files(const FakeHost& host, const std::string& folder) {
  return static_cast<std::size_t>(
      std::count_if(host.machine.files.begin(), host.machine.files.end(),
                    [&](const auto& item) { return item.first.rfind(folder + "/", 0) == 0; }));
}

std::size_t writes(const FakeHost& host) {
  return static_cast<std::size_t>(
      std::count_if(host.log().begin(), host.log().end(), [](const std::string& call) {
        return call.rfind("observe", 0) != 0 && call.rfind("read ", 0) != 0 &&
               call.rfind("list ", 0) != 0 && call.rfind("exposure ", 0) != 0 &&
               call != "default route" && call != "lock";
      }));
}

std::vector<JournalEntry> journal_of(const FakeHost& host) {
  return decode_journal(host.machine.files.at(kJournalPath)).entries;
}

bool mentions(const std::vector<std::string>& notices, const std::string& word) {
  return std::any_of(notices.begin(), notices.end(), [&](const std::string& notice) {
    return notice.find(word) != std::string::npos;
  });
}

std::string services_file(int count, const std::string& prefix = "s") {
  std::string yaml = named_state("empty").yaml;
  yaml.erase(yaml.find("services:"));
  yaml += "services:\n";
  for (int i = 0; i < count; ++i) {
    yaml += "  - name: " + prefix + std::to_string(i) +
            "\n    source_peer: alpha\n    target_peer: beta\n    transport_type: tcp\n"
            "    routes:\n      - priority: 1\n        dest_cidr: 10." +
            std::to_string(i) + ".0.0/16\n";
  }
  return count == 0 ? named_state("empty").yaml : yaml;
}

Error error_of(FakeHost& host, const Target& target, bool prune = true) {
  auto outcome = run_apply(host, target, prune);
  REQUIRE_FALSE(outcome);
  return std::move(outcome).error();
}

}  // namespace

TEST_CASE("an apply records itself: journal, generation folder, final files") {
  FakeHost host = fresh_host();
  const Target& target = target_named("macvlan");
  const auto outcome = run_apply(host, target);
  REQUIRE(outcome);
  CHECK(outcome->sequence == 1);
  CHECK(outcome->generation == target.artifacts.generation());
  CHECK(outcome->made.add > 20);
  CHECK(outcome->made.remove == 0);

  const std::string folder = "/var/lib/arctic/generations/1-" + outcome->generation;
  CHECK(host.machine.files.at(folder + "/arctic.yaml") == target.source_text);
  CHECK(host.machine.files.at(folder + "/plan.json") == target.artifacts.plan_json);
  CHECK(host.machine.files.at(folder + "/ruleset.nft") == target.artifacts.ruleset_nft);
  CHECK(host.machine.files.at(folder + "/host.json") == target.artifacts.host_json);
  CHECK(host.machine.files.at(folder + "/tempest.json") == target.artifacts.tempest_json);
  CHECK(host.machine.files.at(kPegasusConfigPath) == target.artifacts.pegasus_json);

  const auto journal = journal_of(host);
  REQUIRE(journal.size() == 5);
  const auto& start = std::get<JournalStart>(journal.front());
  CHECK(start.who == "a test");
  CHECK(start.from.empty());
  CHECK(start.to == outcome->generation);
  CHECK(std::get<JournalPhase>(journal[1]).phase == "prepare");
  CHECK(std::get<JournalPhase>(journal[2]).phase == "commit");
  CHECK(std::get<JournalPhase>(journal[3]).phase == "files");
  const auto& end = std::get<JournalEnd>(journal.back());
  CHECK(end.result == ApplyResult::kDone);
  CHECK(end.node == "alpha");
  CHECK(end.services == 3);
}

TEST_CASE("the phases keep their order") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("macvlan"));
  host.clear_log();
  REQUIRE(run_apply(host, target_named("exit_only")));
  const auto place = [&](const std::string& start) {
    const auto found = std::find_if(host.log().begin(), host.log().end(),
                                    [&](const auto& call) { return call.rfind(start, 0) == 0; });
    REQUIRE(found != host.log().end());
    return found - host.log().begin();
  };
  const auto commit = place("commit");
  CHECK(place("append /var/lib/arctic/journal") < place("write /var/lib/arctic/generations"));
  CHECK(place("write /var/lib/arctic/generations") < place("perform link tp-gamma"));
  CHECK(place("perform link tp-gamma") < commit);
  CHECK(commit < place("perform file"));
  CHECK(place("perform file") < place("perform link svc-"));
}

TEST_CASE("without a change nothing is written") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("macvlan"));
  const auto files = host.machine.files;
  host.clear_log();
  const auto outcome = run_apply(host, target_named("macvlan"));
  REQUIRE(outcome);
  CHECK(outcome->generation == target_named("macvlan").artifacts.generation());
  CHECK(outcome->made.add + outcome->made.change + outcome->made.remove == 0);
  CHECK(writes(host) == 0);
  CHECK(host.machine.files == files);

  FakeHost empty = fresh_host();
  REQUIRE(run_apply(empty, empty_target("alpha")));
  CHECK(writes(empty) == 0);
}

TEST_CASE("progress is told before each step") {
  FakeHost host = fresh_host();
  const auto plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  std::vector<std::string> steps;
  std::size_t last = 0;
  REQUIRE(apply(host, *plan, {}, [&](std::size_t n, std::size_t all, const std::string& what) {
    CHECK(n == steps.size() + 1);
    last = all;
    steps.push_back(what);
  }));
  CHECK(steps.size() == last);
  CHECK(steps.front() == "add link tp-beta");
}

TEST_CASE("the last ten generations are kept, and never more failed ones") {
  FakeHost host = fresh_host();
  for (int i = 1; i <= 13; ++i) must_apply(host, target_from(services_file(i % 2 == 0 ? 2 : 3)));
  auto kept = list_generations(host);
  REQUIRE(kept);
  REQUIRE(kept->size() == 10);
  CHECK(kept->front().sequence == 4);
  CHECK(kept->back().sequence == 13);

  // A crash leaves a folder; the next apply that is done removes it.
  host.fault_at(30, Fault::kKill);
  CHECK_THROWS_AS(run_apply(host, target_named("macvlan")), Killed);
  host.no_faults();
  REQUIRE(list_generations(host)->back().sequence == 14);
  must_apply(host, target_named("manual"));
  kept = list_generations(host);
  REQUIRE(kept->size() == 10);
  CHECK(kept->back().sequence == 15);
  CHECK(kept->at(8).sequence == 13);
}

TEST_CASE("destroy keeps generations and the node key") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("macvlan"));
  must_destroy(host);
  CHECK(count_files(host, "/var/lib/arctic/generations") == 6);
  CHECK(host.machine.files.count("/etc/arctic/node.key") == 1);
  CHECK(host.machine.files.count(kPegasusConfigPath) == 0);
  CHECK(host.machine.files.count(kSysctlRecordPath) == 0);
  const auto plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  CHECK(plan->generation.empty());
  CHECK(plan->node.empty());
}

TEST_CASE("what is foreign is refused, named, and left alone") {
  FakeHost host = fresh_host();
  SECTION("a table inet arctic") {
    host.machine.table.emplace();
    host.machine.table->ours = false;
    const std::string before = host.machine.text();
    const Error error = error_of(host, target_named("macvlan"));
    CHECK(error.code == ErrorCode::kRefused);
    CHECK(error.message() == "table inet arctic: is there already and was not made by Arctic");
    CHECK(error.hint.find("nft delete table inet arctic") != std::string::npos);
    // There is nothing to destroy.
    const auto nothing = arctic::plan(host, empty_target({}));
    REQUIRE(nothing);
    CHECK(nothing->nothing_to_do());
    CHECK(mentions(nothing->notices, "table inet arctic that was not made by Arctic"));
    CHECK(difference(before, host.machine.text()) == "");
  }
  SECTION("a table inet arctic in the place of ours") {
    must_apply(host, target_named("manual"));
    host.machine.table.emplace();
    host.machine.table->ours = false;
    const std::string before = host.machine.text();
    CHECK(error_of(host, empty_target({})).code == ErrorCode::kRefused);
    CHECK(difference(before, host.machine.text()) == "");
  }
  SECTION("an interface of our name") {
    host.add_foreign_link("tp-beta");
    const std::string before = host.machine.text();
    const Error error = error_of(host, target_named("macvlan"));
    CHECK(error.code == ErrorCode::kRefused);
    CHECK(error.message().find("interface tp-beta: is there already") == 0);
    CHECK(error.message().find("the tunnel to peer `beta`") != std::string::npos);
    CHECK(difference(before, host.machine.text()) == "");
  }
  SECTION("a parent that is not there") {
    host.delete_link(kStateParent);
    const std::string before = host.machine.text();
    const Error error = error_of(host, target_named("macvlan"));
    CHECK(error.code == ErrorCode::kFailure);
    CHECK(error.message().find("interface uplink0: does not exist on this node") == 0);
    CHECK(error.hint.find("parent_interface") != std::string::npos);
    CHECK(difference(before, host.machine.text()) == "");
  }
  SECTION("the configuration of another peer") {
    must_apply(host, target_named("manual"));
    Target other = target_named("macvlan");
    other.node = "beta";
    const auto refused = arctic::plan(host, other);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kRefused);
    CHECK(refused.error().reason.find("`alpha`") != std::string::npos);
    CHECK(arctic::plan(host, other, {true}));
  }
}

TEST_CASE("dropping most services needs --prune") {
  struct Row {
    int before, after;
    bool refused;
    const char* prefix = "s";
  };
  constexpr Row kRows[] = {{1, 0, true},  {3, 0, true},  {3, 1, false},     {4, 2, false},
                           {4, 1, true},  {5, 2, true},  {5, 3, false},     {8, 9, false},
                           {0, 3, false}, {0, 0, false}, {4, 4, true, "t"}, {3, 3, false, "t"}};
  for (const Row& row : kRows) {
    INFO(row.before << " to " << row.after);
    FakeHost host = fresh_host();
    must_apply(host, target_from(services_file(row.before)));
    const std::string before = host.machine.text();
    const Target target = target_from(services_file(row.after, row.prefix));
    const auto outcome = run_apply(host, target, false);
    CHECK(outcome.has_value() == !row.refused);
    if (!row.refused) continue;
    CHECK(outcome.error().code == ErrorCode::kRefused);
    CHECK(outcome.error().hint.find("--prune") != std::string::npos);
    CHECK(difference(before, host.machine.text()) == "");
    must_apply(host, target);
  }
}

TEST_CASE("the guard of --prune holds without the runtime's file") {
  FakeHost host = fresh_host();
  must_apply(host, target_from(services_file(5)));
  host.machine.files.erase(kPegasusConfigPath);
  const Error error = error_of(host, target_from(services_file(1)), false);
  CHECK(error.code == ErrorCode::kRefused);
  CHECK(error.reason == "the file no longer has 4 of the 5 services that this node carries");
}

TEST_CASE("who needs --prune is told which services would go") {
  FakeHost host = fresh_host();
  const auto reason = [&](int before, int after, const char* prefix = "s") {
    must_apply(host, target_from(services_file(before)));
    return error_of(host, target_from(services_file(after, prefix)), false).reason;
  };
  const std::string of = " services that this node carries";
  CHECK(reason(4, 1) == "the file no longer has 3 of the 4" + of + ": s1, s2, s3");
  CHECK(reason(1, 0) == "the file no longer has the one service that this node carries: s0");
  CHECK(reason(3, 0) == "the file no longer has any of the 3" + of + ": s0, s1, s2");
  CHECK(reason(9, 9, "t") ==
        "the file no longer has any of the 9" + of + ": s0, s1, s2, s3, s4, s5, s6, s7, …");
}

TEST_CASE("drift is repaired, and only drift") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("macvlan"));
  const std::string good = host.machine.text();
  SECTION("a tunnel device deleted") { host.delete_link("tp-beta"); }
  SECTION("a parent and its MACVLANs made again") {
    host.delete_link(kStateParent);
    host.add_foreign_link(kStateParent);
  }
  SECTION("rules deleted") { host.machine.rules.clear(); }
  SECTION("routes deleted") { host.machine.routes.clear(); }
  SECTION("the table flushed") { host.machine.table.reset(); }
  SECTION("a rule in the table") {
    nft::Rule rule;
    rule.exprs.emplace_back(nft::UnknownExpr{"quota"});
    rule.handle = 9999;
    host.machine.table->chains.begin()->second.rules.push_back(rule);
  }
  SECTION("something strange in the table") { host.machine.table->strange = {"set x"}; }
  SECTION("a parameter") { host.machine.sysctls["net/ipv4/ip_forward"] = "0"; }
  SECTION("a parameter of a link") {
    host.machine.sysctls["net/ipv4/conf/tp-beta/rp_filter"] = "1";
  }
  SECTION("a file") { host.machine.files[kTempestConfigPath] = "{}"; }
  SECTION("a file deleted") { host.machine.files.erase(kTempestConfigPath); }
  SECTION("a link down") {
    for (auto& [name, link] : host.machine.links) {
      if (name == "tp-beta") link.up = false;
    }
    std::erase_if(host.machine.routes, [](const auto& r) { return r.device == "tp-beta"; });
  }
  REQUIRE(host.machine.text() != good);
  must_apply(host, target_named("macvlan"));
  CHECK(difference(good, host.machine.text()) == "");
}

TEST_CASE("going back past drift that nobody can make again") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("macvlan"));
  const std::string good = host.machine.text();
  nft::Rule rule;
  rule.exprs.emplace_back(nft::UnknownExpr{"quota"});
  rule.handle = 9999;
  host.machine.table->chains.begin()->second.rules.push_back(rule);
  host.machine.table->strange = {"set x"};
  // The step after the transaction fails.
  host.clear_log();
  FakeHost twin = host;
  REQUIRE(run_apply(twin, target_named("manual")));
  const auto file = std::find_if(twin.log().begin(), twin.log().end(), [](const auto& call) {
    return call.rfind("perform file", 0) == 0;
  });
  host.fault_at(static_cast<std::size_t>(file - twin.log().begin()) + 1, Fault::kFail);
  const Error error = error_of(host, target_named("manual"));
  CHECK(error.code == ErrorCode::kFailure);
  CHECK(error.where.find("change file /opt/tillered/pegasus/config.json") != std::string::npos);
  CHECK(difference(good, host.machine.text()) == "");
}

TEST_CASE("going back leaves what others did to their interfaces meanwhile") {
  struct Meddler : FakeHost {
    explicit Meddler(const FakeHost& host) : FakeHost(host) {}
    Status perform(const Change& change) override {
      if (!std::holds_alternative<FileDelta>(change)) return FakeHost::perform(change);
      machine.links[kStateParent].mtu = 9000;
      return fail(ErrorCode::kFailure, "file", "disk full");
    }
  };
  FakeHost before = fresh_host();
  must_apply(before, target_named("macvlan"));
  Meddler host{before};
  const auto outcome = run_apply(host, target_named("v6_only"));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().reason == "disk full");
  CHECK(outcome.error().code == ErrorCode::kFailure);
  before.machine.links[kStateParent].mtu = 9000;
  CHECK(difference(before.machine.text(), host.machine.text()).empty());
}

TEST_CASE("somebody who changes the same things is caught by the read-back") {
  struct Meddler : FakeHost {
    explicit Meddler(const FakeHost& host) : FakeHost(host) {}
    Result<NodeState> observe(const NodeState& desired,
                              const std::vector<std::string>& also) override {
      if (!machine.files.contains(kJournalPath)) return FakeHost::observe(desired, also);
      machine.sysctls["net/ipv4/ip_forward"] = "0";
      return FakeHost::observe(desired, also);
    }
  };
  Meddler host{fresh_host()};
  const std::string before = host.machine.text();
  const auto outcome = run_apply(host, target_named("manual"));
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::kFailure);
  CHECK(outcome.error().message().find("net/ipv4/ip_forward") != std::string::npos);
  CHECK(difference(before, host.machine.text()) == "");
}

TEST_CASE("an interrupted apply is noticed until one ends") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("manual"));
  host.fault_at(25, Fault::kKillHalfway);
  CHECK_THROWS_AS(run_apply(host, target_named("macvlan")), Killed);
  host.no_faults();
  auto plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  CHECK(plan->interrupted);
  CHECK(plan->generation == target_named("manual").artifacts.generation());
  must_apply(host, target_named("manual"));
  plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  CHECK_FALSE(plan->interrupted);
}

TEST_CASE("the state folder may be lost") {
  FakeHost host = fresh_host();
  const std::string pristine = host.machine.text();
  must_apply(host, target_named("macvlan"));
  const std::string good = host.machine.text();
  std::erase_if(host.machine.files,
                [](const auto& item) { return item.first.rfind("/var/lib/arctic/", 0) == 0; });
  const auto plan = arctic::plan(host, target_named("macvlan"));
  REQUIRE(plan);
  CHECK(plan->changes.empty());
  CHECK(plan->generation.empty());
  CHECK(mentions(plan->notices, "is unknown what the kernel parameters were"));
  must_apply(host, target_named("macvlan"));
  CHECK(difference(good, host.machine.text()) == "");
  must_destroy(host);
  // All is gone but the values whose predecessors nobody knows any more.
  CHECK(host.machine.sysctls["net/ipv4/ip_forward"] == "1");
  host.machine.sysctls["net/ipv4/ip_forward"] = "0";
  host.machine.sysctls["net/ipv6/conf/all/forwarding"] = "0";
  host.machine.sysctls["net/ipv4/conf/uplink0/arp_ignore"] = "0";
  host.machine.sysctls["net/ipv4/ip_local_reserved_ports"] = "";
  CHECK(difference(pristine, host.machine.text()) == "");
}

TEST_CASE("a missing runtime or key is said, not refused") {
  FakeHost host = fresh_host();
  host.machine.files.erase("/etc/arctic/node.key");
  auto plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  CHECK(mentions(plan->notices, "Pegasus is not running"));
  CHECK(mentions(plan->notices, "Tempest is not running"));
  CHECK(mentions(plan->notices, "arctic keygen"));
  host.runtimes = {"pegasus", "tempest"};
  host.machine.files["/etc/arctic/node.key"] = "";
  plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  CHECK(plan->notices.empty());
}

TEST_CASE("a runtime's file of somebody else is announced before it is replaced") {
  FakeHost host = fresh_host();
  host.machine.files[kPegasusConfigPath] = "something else";
  const auto plan = arctic::plan(host, target_named("manual"));
  REQUIRE(plan);
  CHECK(mentions(plan->notices, std::string(kPegasusConfigPath) + " was not written by Arctic"));
  // Nobody asked for it to go.
  REQUIRE(run_apply(host, empty_target("alpha")));
  CHECK(host.machine.files.at(kPegasusConfigPath) == "something else");
}

TEST_CASE("a runtime's file that was changed after us is announced as that, white space too") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("manual"));
  const auto notices = [&](const std::string& state) {
    const auto plan = arctic::plan(host, target_named(state));
    REQUIRE(plan);
    return plan->notices;
  };
  const std::string changed = " was changed since Arctic wrote it; apply replaces it";
  // What we wrote is replaced without a word.
  CHECK_FALSE(mentions(notices("macvlan"), "since Arctic wrote it"));
  for (const char* path : {kPegasusConfigPath, kTempestConfigPath}) {
    INFO(path);
    const std::string ours = host.machine.files.at(path);
    for (const std::string& text : {ours + "\n", std::string("something else")}) {
      host.machine.files[path] = text;
      for (const char* state : {"manual", "macvlan"}) {
        CHECK(mentions(notices(state), path + changed));
        CHECK_FALSE(mentions(notices(state), "not written by Arctic"));
      }
    }
    host.machine.files[path] = ours;
  }
  // An apply that died had written it.
  REQUIRE(run_apply(host, target_named("macvlan")));
  host.machine.files.erase(kJournalPath);
  CHECK_FALSE(mentions(notices("manual"), "by Arctic"));
  CHECK_FALSE(mentions(notices("manual"), "since Arctic wrote it"));
}

TEST_CASE("a failed step says where it failed and that nothing remains of it") {
  FakeHost host = fresh_host();
  FakeHost twin = host;
  REQUIRE(run_apply(twin, target_named("manual")));
  const auto commit = std::find_if(twin.log().begin(), twin.log().end(),
                                   [](const auto& call) { return call.rfind("commit", 0) == 0; });
  host.fault_at(static_cast<std::size_t>(commit - twin.log().begin()) + 1, Fault::kFail);
  const Error error = error_of(host, target_named("manual"));
  CHECK(error.where.find("nftables transaction") != std::string::npos);
  CHECK(error.hint.find("the node is as it was before") != std::string::npos);
  const auto journal = journal_of(host);
  const auto& end = std::get<JournalEnd>(journal.back());
  CHECK(end.result == ApplyResult::kUndone);
  CHECK(end.generation.empty());
  CHECK(count_files(host, "/var/lib/arctic/generations") == 0);
}

}  // namespace arctic::test
