// The commands that look at the node or change it, in a network namespace of their own and below a
// root folder of their own. Needs root.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"
#include "tests/support/netns.h"

namespace arctic::test {

namespace {

using Json = nlohmann::json;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

// A machine: a network namespace, and a folder for its files. Everything runs as `syd` of the
// three-routes example unless a test says otherwise.
class Machine {
 public:
  Machine() {
    folder_.write("root/.keep", "");
    text_ = shell({}, "cat " + example("three-routes")).out;
    folder_.write("arctic.yaml", text_);
    place_.folder = folder_.path();
  }

  [[nodiscard]] Ran run(std::vector<std::string> words) const {
    const Netns::Inside inside(netns_);
    words.insert(words.end(), {"--root", folder_.at("root")});
    return arctic(place_, words);
  }
  // With a terminal on all three streams; `answer` is typed on it.
  [[nodiscard]] Ran on_terminal(const std::string& words, const std::string& answer) const {
    const Netns::Inside inside(netns_);
    return shell(place_, "printf '" + answer + "\\n' | script -qec '\"$ARCTIC\" " + words +
                             " --node syd --root root' /dev/null");
  }
  [[nodiscard]] Ran run_as_syd(std::vector<std::string> words) const {
    words.insert(words.end(), {"--node", "syd"});
    return run(words);
  }
  [[nodiscard]] std::string kernel() const {
    return netns_.sh("nft list ruleset; ip -o link; ip rule; ip -6 rule; ip route show table all");
  }

  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const Netns& netns() const { return netns_; }
  Place& place() { return place_; }

  // Makes a node key whose peer in arctic.yaml is `syd`.
  void give_key() {
    const Ran made = run({"keygen"});
    REQUIRE(made.status == 0);
    key_ = made.out.substr(0, made.out.find('\n'));
    text_ = replaced(text_, "N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk=", key_);
    folder_.write("arctic.yaml", text_);
  }
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  Netns netns_;
  TemporaryFolder folder_;
  std::string text_;
  std::string key_;
  Place place_;
};

}  // namespace

TEST_CASE("plan, apply, status and destroy tell one story", "[cli][root]") {
  Machine machine;
  const std::string empty = machine.kernel();
  const Ran first = machine.run_as_syd({"plan", "--detailed-exitcode"});
  INFO(first.out << first.err);
  CHECK(first.status == 2);
  CHECK_THAT(first.out, Catch::Contains(" to add, 3 to change, 0 to remove.\n"));
  CHECK_THAT(first.out, Catch::Contains("--full shows them"));
  CHECK_THAT(machine.run_as_syd({"plan", "--full"}).out, !Catch::Contains("--full shows them"));
  CHECK(machine.run_as_syd({"apply", "--dry-run"}).out == first.out);
  CHECK(machine.kernel() == empty);

  const Ran silent = machine.run_as_syd({"apply"});
  CHECK(silent.status == 64);
  CHECK_THAT(silent.err, Catch::Contains("arctic apply --yes"));
  CHECK(machine.kernel() == empty);

  const Ran made = machine.run_as_syd({"apply", "--yes"});
  INFO(made.out << made.err);
  CHECK(made.status == 0);
  CHECK_THAT(made.out, Catch::Contains("Done: ") && Catch::Contains("syd is at generation "));
  CHECK_THAT(machine.kernel(), Catch::Contains("table inet arctic"));

  const Ran again = machine.run_as_syd({"apply", "--yes"});
  CHECK(again.status == 0);
  CHECK_THAT(again.out, Catch::StartsWith("No changes. syd is at generation "));
  CHECK(machine.run_as_syd({"plan", "--detailed-exitcode"}).status == 0);

  const Json status = Json::parse(machine.run({"status", "--json"}).out);
  CHECK(status.at("node") == "syd");
  CHECK(status.at("sequence") == 1);
  CHECK(status.at("drift").at("counts") == Json{{"add", 0}, {"change", 0}, {"remove", 0}});
  CHECK(status.at("services").size() == 3);
  CHECK(status.at("runtimes") == Json{{"pegasus", false}, {"tempest", false}});
  CHECK_THAT(machine.run({"status"}).out, Catch::Contains("\ndrift       none\n"));

  // Somebody takes something away: drift, which apply repairs.
  const std::string whole = machine.kernel();
  machine.netns().sh("ip link delete tp-lon");
  CHECK_THAT(machine.run({"status"}).out,
             Catch::Contains("`arctic apply` repairs it") && Catch::Contains("+ tp-lon"));
  CHECK(machine.run_as_syd({"apply", "--yes"}).status == 0);
  CHECK(machine.run_as_syd({"plan", "--detailed-exitcode"}).status == 0);

  CHECK(machine.run({"destroy"}).status == 64);
  const Ran gone = machine.run({"destroy", "--yes"});
  INFO(gone.out << gone.err);
  CHECK(gone.status == 0);
  CHECK(machine.kernel() == empty);
  CHECK_THAT(machine.run({"destroy", "--yes"}).out, Catch::StartsWith("No changes."));
  CHECK_THAT(machine.run({"status"}).out, Catch::Contains("generation  none"));
}

TEST_CASE("plan and apply as JSON", "[cli][root]") {
  const Machine machine;
  const Json plan = Json::parse(machine.run_as_syd({"plan", "--json"}).out);
  CHECK(plan.at("node") == "syd");
  CHECK(plan.at("generation") == nullptr);
  const std::size_t add = plan.at("counts").at("add");
  CHECK(add > 20);
  CHECK(plan.at("changes").size() == add + plan.at("counts").at("change").get<std::size_t>() +
                                         plan.at("counts").at("remove").get<std::size_t>());
  CHECK(machine.run_as_syd({"apply", "--json"}).status == 64);
  const Json made = Json::parse(machine.run_as_syd({"apply", "--json", "--yes"}).out);
  CHECK(made.at("outcome").at("generation") == plan.at("target_generation"));
  CHECK(made.at("outcome").at("made").at("add") == add);
  CHECK(Json::parse(machine.run_as_syd({"apply", "--json", "--yes"}).out).at("up_to_date") == true);
  const Json shown = Json::parse(machine.run({"destroy", "--json", "--dry-run"}).out);
  CHECK(shown.at("node") == "syd");
  CHECK(Json::parse(machine.run({"destroy", "--json", "--yes"}).out).at("node") == "syd");
  CHECK(Json::parse(machine.run({"destroy", "--json", "--yes"}).out).at("node") == nullptr);
}

TEST_CASE("status shows the rest of what can be read, and the error", "[cli][root]") {
  const Machine machine;
  REQUIRE(machine.run_as_syd({"apply", "--yes"}).status == 0);
  machine.netns().sh("nft delete table inet arctic; nft add table inet arctic");
  const Ran foreign = machine.run({"status"});
  CHECK(foreign.status == 5);
  CHECK_THAT(foreign.out,
             Catch::StartsWith("node        syd\n") &&
                 Catch::Contains("\ndrift       unknown: table inet arctic: is there already") &&
                 Catch::Contains("SVC-A"));
  CHECK_THAT(foreign.err, Catch::StartsWith("error: table inet arctic: "));
  const Ran json = machine.run({"status", "--json"});
  CHECK(json.status == 5);
  CHECK(Json::parse(json.out).at("services").size() == 3);
  CHECK(Json::parse(json.out).at("drift") == nullptr);
  machine.netns().sh("nft delete table inet arctic");
  CHECK(machine.run({"status"}).status == 0);

  const std::string journal = machine.folder().at("root/var/lib/arctic/journal");
  REQUIRE(shell({}, "mv " + journal + " " + journal + ".away && mkdir " + journal).status == 0);
  const Ran unread = machine.run({"status"});
  CHECK(unread.status == 1);
  CHECK_THAT(unread.out, Catch::StartsWith("node        unknown: " + journal + ": ") &&
                             Catch::Contains("\nkey         none\n") &&
                             Catch::Contains("\npegasus     not running\n"));
  CHECK_THAT(unread.err, Catch::StartsWith("error: " + journal + ": "));
  REQUIRE(shell({}, "rmdir " + journal + " && mv " + journal + ".away " + journal).status == 0);
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

TEST_CASE("on a terminal apply asks, in colour unless NO_COLOR is set", "[cli][root]") {
  Machine machine;
  machine.place().environment = {"TERM=xterm"};
  const std::string empty = machine.kernel();
  const Ran no = machine.on_terminal("apply", "no");
  INFO(no.out);
  CHECK(no.status == 1);
  CHECK_THAT(no.out, Catch::Contains("Make these changes? [y/N]") &&
                         Catch::Contains("Nothing was changed.") && Catch::Contains("\x1b[32m+"));
  CHECK(machine.kernel() == empty);
  machine.place().environment.emplace_back("NO_COLOR=1");
  const Ran yes = machine.on_terminal("apply", "y");
  INFO(yes.out);
  CHECK(yes.status == 0);
  CHECK_THAT(yes.out, Catch::Contains("Done: ") && !Catch::Contains("\x1b[3"));
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

TEST_CASE("a saved plan is made as it was, or not at all", "[cli][root]") {
  Machine machine;
  REQUIRE(machine.run_as_syd({"plan", "--out", "p"}).status == 0);
  CHECK(shell(machine.place(), "stat -c %a p").out == "600\n");
  const std::string empty = machine.kernel();
  const Ran other = machine.run({"apply", "p", "--node", "lon", "--yes"});
  CHECK(other.status == 5);
  CHECK_THAT(other.err, Catch::Contains("is a plan for `syd`, not for `lon`"));
  CHECK(machine.kernel() == empty);

  // The file may change meanwhile: the plan has its own copy.
  machine.folder().write("arctic.yaml", "version: v1\npeers: []\n");
  CHECK(machine.run({"apply", "p", "--yes"}).status == 0);
  const std::string applied = machine.kernel();
  const Ran stale = machine.run({"apply", "p", "--yes"});
  CHECK(stale.status == 5);
  CHECK(machine.kernel() == applied);

  for (const char* broken : {"{\"arctic_saved_plan\": 1}", "{"}) {
    machine.folder().write("broken", broken);
    CHECK(machine.run({"apply", "broken", "--yes"}).status == 3);
  }
  const std::string saved = machine.folder().read("p");
  machine.folder().write("cut", saved.substr(0, saved.size() / 2));
  const Ran cut = machine.run({"apply", "cut", "--yes"});
  CHECK(cut.status == 3);
  CHECK_THAT(cut.err, Catch::Contains("error: cut: "));
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

TEST_CASE("a saved plan goes stale when the node drifts", "[cli][root]") {
  const Machine machine;
  REQUIRE(machine.run_as_syd({"apply", "--yes"}).status == 0);
  machine.folder().write("arctic.yaml", replaced(machine.text(), "priority: 200", "priority: 250"));
  REQUIRE(machine.run_as_syd({"plan", "--out", "p"}).status == 0);
  machine.netns().sh("ip link delete tp-lon");
  CHECK(machine.run({"apply", "p", "--yes"}).status == 5);
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

TEST_CASE("the node key says which peer this is", "[cli][root]") {
  Machine machine;
  const Ran neither = machine.run({"plan"});
  CHECK(neither.status == 64);
  CHECK_THAT(neither.err, Catch::Contains("--node NAME") && Catch::Contains("arctic keygen"));
  const Ran stranger_made = machine.run({"keygen"});
  REQUIRE(stranger_made.status == 0);
  const std::string empty = machine.kernel();
  for (const char* command : {"plan", "apply"}) {
    INFO(command);
    const Ran stranger = machine.run({command});
    CHECK(stranger.status == 5);
    CHECK_THAT(stranger.err, Catch::Contains("no peer of the file has the key of this node"));
  }
  REQUIRE(shell(machine.place(), "rm root/etc/arctic/node.key").status == 0);
  machine.give_key();
  CHECK(machine.run({"plan"}).status == 0);
  CHECK(machine.run_as_syd({"plan"}).status == 0);
  for (const char* command : {"plan", "apply"}) {
    INFO(command);
    const Ran wrong = machine.run({command, "--node", "lon"});
    CHECK(wrong.status == 5);
    CHECK_THAT(wrong.err, Catch::Contains("that of peer `syd`"));
  }
  // Offline commands are about any node, but begin with this one.
  CHECK(machine.run({"compile", "--node", "lon"}).status == 0);
  CHECK_THAT(machine.run({"compile"}).out, Catch::StartsWith("compiled/syd "));
  CHECK_THAT(machine.run({"trace", "--from", "10.1.2.3", "--to", "192.168.100.50"}).out,
             Catch::Contains("at syd"));

  REQUIRE(shell(machine.place(), "chmod 644 root/etc/arctic/node.key").status == 0);
  const Ran open = machine.run({"plan"});
  CHECK(open.status == 5);
  CHECK_THAT(open.err, Catch::Contains("chmod"));
  CHECK(machine.kernel() == empty);
}

TEST_CASE("keygen prints the public half alone and replaces nothing unasked", "[cli][root]") {
  Machine machine;
  machine.give_key();
  const std::string& key = machine.key();
  CHECK(shell(machine.place(), "stat -c %a root/etc/arctic/node.key").out == "600\n");
  CHECK(shell(machine.place(), "wg pubkey < root/etc/arctic/node.key").out == key + "\n");
  const std::string kept = machine.folder().read("root/etc/arctic/node.key");
  const Ran refused = machine.run({"keygen"});
  CHECK(refused.status == 5);
  CHECK(refused.out.empty());
  CHECK(machine.folder().read("root/etc/arctic/node.key") == kept);
  const Ran forced = machine.run({"keygen", "--force"});
  CHECK(forced.status == 0);
  const std::string fresh = machine.folder().read("root/etc/arctic/node.key");
  CHECK(fresh != kept);
  CHECK_THAT(forced.out + forced.err, !Catch::Contains(fresh.substr(0, 43)));
  const Ran elsewhere = machine.run({"keygen", "--out", "other.key", "--json"});
  CHECK(Json::parse(elsewhere.out).at("private_key_file") == "other.key");
  CHECK(Json::parse(elsewhere.out).at("public_key").get<std::string>() + "\n" ==
        shell(machine.place(), "wg pubkey < other.key").out);
}

TEST_CASE("without root nothing is changed and the message says so", "[cli][root]") {
  Machine machine;
  const std::string empty = machine.kernel();
  REQUIRE(shell(machine.place(), "chmod 777 . root").status == 0);
  machine.place().as_nobody = true;
  for (const char* command : {"plan", "apply", "destroy"}) {
    INFO(command);
    std::vector<std::string> words = {command};
    if (std::string(command) != "plan") words.emplace_back("--yes");
    const Ran ran =
        std::string(command) == "destroy" ? machine.run(words) : machine.run_as_syd(words);
    INFO(ran.out << ran.err);
    CHECK(ran.status == 1);
    CHECK_THAT(ran.err, Catch::Contains("root"));
  }
  CHECK(machine.kernel() == empty);
}

TEST_CASE("while another apply holds the lock, this one is refused", "[cli][root]") {
  const Machine machine;
  machine.folder().write("root/run/arctic/lock", "", 0600);
  const int lock = ::open(machine.folder().at("root/run/arctic/lock").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(lock >= 0);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  const std::string empty = machine.kernel();
  const Ran refused = machine.run_as_syd({"apply", "--yes"});
  CHECK(refused.status == 5);
  CHECK(machine.run({"destroy", "--yes"}).status == 5);
  CHECK(machine.kernel() == empty);
  CHECK(machine.run_as_syd({"plan"}).status == 0);
  ::close(lock);
  CHECK(machine.run_as_syd({"apply", "--yes"}).status == 0);
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

TEST_CASE("something of our name that is not ours is refused, with the cure", "[cli][root]") {
  const Machine machine;
  machine.netns().sh("nft add table inet arctic");
  const Ran table = machine.run_as_syd({"apply", "--yes"});
  CHECK(table.status == 5);
  CHECK_THAT(table.err,
             Catch::Contains("table inet arctic") && Catch::Contains("nft delete table"));
  // Nothing of ours is there to be destroyed.
  const std::string foreign = machine.kernel();
  const Ran nothing = machine.run({"destroy", "--yes"});
  CHECK(nothing.status == 0);
  CHECK(nothing.out == "No changes. This node has nothing of Arctic.\n");
  CHECK(nothing.err ==
        "warning: there is a table inet arctic that was not made by Arctic; it stays as it is\n");
  CHECK(machine.kernel() == foreign);
  machine.netns().sh("nft delete table inet arctic; ip link add tp-lon type veth");
  const std::string before = machine.kernel();
  const Ran link = machine.run_as_syd({"apply", "--yes"});
  CHECK(link.status == 5);
  CHECK_THAT(link.err, Catch::Contains("tp-lon") && Catch::Contains("ip link delete"));
  CHECK(machine.kernel() == before);
}

TEST_CASE("services do not go by accident", "[cli][root]") {
  const Machine machine;
  REQUIRE(machine.run_as_syd({"apply", "--yes"}).status == 0);
  const std::string before = machine.kernel();
  machine.folder().write("arctic.yaml",
                         machine.text().substr(0, machine.text().find("\nservices:")));
  const std::string reason =
      "the file no longer has any of the 3 services that this node carries: SVC-A, SVC-B, SVC-C";
  const Ran refused = machine.run_as_syd({"apply", "--yes"});
  CHECK(refused.status == 5);
  CHECK_THAT(refused.err, Catch::Contains("error: peer syd: " + reason) &&
                              Catch::Contains("--prune removes them"));
  CHECK(machine.kernel() == before);
  const std::string notice = reason + "; `arctic apply` refuses this without --prune";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"plan"}, {"plan", "--out", "p"}, {"apply", "--dry-run"}}) {
    const Ran shown = machine.run_as_syd(words);
    CHECK(shown.status == 0);
    CHECK_THAT(shown.err, Catch::Contains("warning: " + notice));
  }
  CHECK(Json::parse(machine.run_as_syd({"plan", "--json"}).out).at("notices").at(0) == notice);
  CHECK_THAT(machine.run_as_syd({"apply", "--dry-run", "--prune"}).err,
             !Catch::Contains("--prune"));
  const Ran asked = machine.on_terminal("apply", "y");
  CHECK(asked.status == 5);
  CHECK_THAT(asked.out, !Catch::Contains("[y/N]"));
  CHECK(machine.kernel() == before);
  CHECK(machine.run_as_syd({"apply", "--yes", "--prune"}).status == 0);
  const Ran other = machine.run({"apply", "--yes", "--node", "lon"});
  CHECK(other.status == 5);
  CHECK_THAT(other.err, Catch::Contains("--force"));
  CHECK(machine.run({"apply", "--yes", "--node", "lon", "--force"}).status == 0);
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

TEST_CASE("apply onto a full or read-only disk changes nothing", "[cli][root]") {
  Machine machine;
  const std::string empty = machine.kernel();
  machine.place().mounted = machine.folder().at("root");
  for (const bool read_only : {false, true}) {
    INFO((read_only ? "read-only" : "full"));
    machine.place().read_only = read_only;
    const Ran ran = machine.run_as_syd({"apply", "--yes"});
    INFO(ran.err);
    CHECK(ran.status == 1);
    CHECK_THAT(ran.err,
               Catch::Contains(read_only ? "Read-only file system" : "No space left on device"));
    CHECK(machine.kernel() == empty);
  }
}

TEST_CASE("status without a record says what it does not know", "[cli][root]") {
  const Machine machine;
  CHECK_THAT(machine.run({"status"}).out, Catch::Contains("nothing is applied here"));
  REQUIRE(machine.run_as_syd({"apply", "--yes"}).status == 0);
  REQUIRE(
      shell({.folder = machine.folder().path()}, "rm -r root/var/lib/arctic/generations").status ==
      0);
  const Ran ran = machine.run({"status"});
  CHECK(ran.status == 0);
  CHECK_THAT(ran.out, Catch::Contains("drift       unknown: "));
  CHECK(machine.run({"destroy", "--yes"}).status == 0);
}

}  // namespace arctic::test
