#include "runtime/host/journal.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "runtime/host/generations.h"
#include "tests/host/fake_node.h"

namespace arctic::test {
namespace {

JournalStart start(std::uint64_t sequence) {
  return {sequence, 1700000000, "root", "syd", "", "4f2c0a9b8d7e", 12};
}

JournalEnd end(std::uint64_t sequence, ApplyResult result) {
  return {sequence, 1700000001, result, "syd", "4f2c0a9b8d7e", 3, ""};
}

std::string lines(const std::vector<JournalEntry>& entries) {
  std::string text;
  for (const JournalEntry& entry : entries) text += encode(entry);
  return text;
}

History history_of(const std::string& text) {
  FakeHost host;
  host.machine.files[kJournalPath] = text;
  const auto history = read_history(host);
  REQUIRE(history);
  return *history;
}

}  // namespace

TEST_CASE("journal lines read back as they were written") {
  const std::vector<JournalEntry> entries = {
      start(1),
      JournalPhase{1, "prepare", {"add link tp-lon", "quoted \" and \\ and \n"}},
      JournalPhase{1, "retire", {}},
      end(1, ApplyResult::kDone),
      JournalEnd{2, -1, ApplyResult::kUndone, "", "", 0, "caf\xc3\xa9"},
      end(3, ApplyResult::kPartly)};
  for (const JournalEntry& entry : entries) {
    const std::string line = encode(entry);
    CHECK(line.find('\n') == line.size() - 1);
  }
  const JournalText journal = decode_journal(lines(entries));
  CHECK(journal.entries == entries);
  CHECK(journal.damaged == 0);
  CHECK_FALSE(journal.torn);
}

TEST_CASE("a line is one line whatever bytes are in it") {
  JournalStart odd = start(1);
  odd.who = "\xff\xfe\n{}";
  const JournalText journal = decode_journal(encode(JournalEntry(odd)) + encode(start(2)));
  CHECK(journal.entries.size() == 2);
}

TEST_CASE("a torn last line is no damage, wherever it is torn") {
  const std::string first = encode(start(1)) + encode(end(1, ApplyResult::kDone));
  const std::string second = encode(start(2));
  for (std::size_t cut = 1; cut < second.size(); ++cut) {
    const JournalText journal = decode_journal(first + second.substr(0, cut));
    CHECK(journal.entries.size() == 2);
    CHECK(journal.torn);
    CHECK(journal.damaged == 0);
  }
}

TEST_CASE("lines that are no entries are counted and left out") {
  const char* const bad[] = {"",
                             "x",
                             "[]",
                             "{}",
                             "{\"event\":\"start\"}",
                             "{\"event\":\"dance\"}",
                             "{\"event\":\"end\",\"event\":\"end\"}",
                             "[[[[[[[[[[[[[["};
  for (const char* line : bad) {
    INFO(line);
    const JournalText journal =
        decode_journal(encode(start(1)) + line + "\n" + encode(end(1, ApplyResult::kDone)));
    CHECK(journal.entries.size() == 2);
    CHECK(journal.damaged == 1);
  }
  std::string extra = encode(start(1));
  extra.insert(1, "\"more\":1,");
  CHECK(decode_journal(extra).damaged == 1);
}

TEST_CASE("what the journal says is in force") {
  struct Row {
    const char* name;
    std::vector<JournalEntry> entries;
    bool interrupted;
    std::uint64_t sequence;
    std::set<std::uint64_t> failed;
  };
  const JournalEnd done = end(1, ApplyResult::kDone);
  const Row rows[] = {
      {"done", {start(1), done}, false, 1, {}},
      {"a crash", {start(1), done, start(2)}, true, 2, {2}},
      {"undone", {start(1), done, start(2), end(2, ApplyResult::kUndone)}, false, 2, {2}},
      {"partly", {start(1), done, start(2), end(2, ApplyResult::kPartly)}, true, 2, {2}},
      {"done, then taken back",
       {start(1), done, start(2), end(2, ApplyResult::kDone), end(2, ApplyResult::kUndone)},
       false,
       2,
       {2}},
      {"a crash, then done",
       {start(1), done, start(2), start(3), end(3, ApplyResult::kDone)},
       false,
       3,
       {2}},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const History history = history_of(lines(row.entries));
    CHECK(history.interrupted == row.interrupted);
    CHECK(history.sequence == row.sequence);
    CHECK(history.failed == row.failed);
    REQUIRE(history.last);
    CHECK(history.last->generation == "4f2c0a9b8d7e");
  }
}

TEST_CASE("no journal, an empty one, and one of noise") {
  FakeHost host;
  CHECK(read_history(host)->missing);
  CHECK_FALSE(history_of("").missing);
  CHECK_FALSE(history_of("").last);
  const History noise = history_of(std::string("\0\n\x80\n", 4));
  CHECK(noise.damaged == 2);
  CHECK_FALSE(noise.last);
}

TEST_CASE("a long journal is cut to the last applies, what is in force included") {
  FakeHost host;
  std::string& text = host.machine.files[kJournalPath];
  text = encode(start(1)) + encode(end(1, ApplyResult::kDone));
  // Crashes only: what is in force was said long ago.
  for (std::uint64_t n = 2; n <= 300; ++n) {
    text += encode(start(n)) + encode(JournalPhase{n, "prepare", {std::string(4000, 'x')}});
  }
  const auto before = read_history(host);
  REQUIRE(before);
  REQUIRE(before->long_text);
  REQUIRE(tidy_journal(host, *before));
  const auto after = read_history(host);
  REQUIRE(after);
  CHECK_FALSE(after->long_text);
  CHECK(after->last == before->last);
  CHECK(after->sequence == 300);
  CHECK(after->interrupted);
  CHECK(after->failed.size() == 50);
}

TEST_CASE("tidying takes a torn line away and writes nothing otherwise") {
  FakeHost host;
  std::string& text = host.machine.files[kJournalPath];
  text = encode(start(1)) + encode(end(1, ApplyResult::kDone));
  const std::string good = text;
  host.clear_log();
  REQUIRE(tidy_journal(host, *read_history(host)));
  CHECK(host.log().size() == 1);
  text += "{\"event\":\"sta";
  REQUIRE(tidy_journal(host, *read_history(host)));
  CHECK(text == good);
}

TEST_CASE("numbers beyond reason are damage, and the next apply counts on from the last real one") {
  FakeHost host = fresh_host();
  must_apply(host, target_named("manual"));
  std::string& journal = host.machine.files[kJournalPath];
  const std::string good = journal;
  for (const std::uint64_t absurd : {~std::uint64_t{0}, kHighestSequence + 1}) {
    journal = good + encode(start(absurd)) + encode(end(absurd, ApplyResult::kDone));
    const std::string folder =
        std::string(kGenerationsFolder) + "/" + std::to_string(absurd) + "-4f2c0a9b8d7e";
    host.machine.files[folder + "/plan.json"] = "{}";
    const auto made = plan(host, target_named("macvlan"));
    REQUIRE(made);
    CHECK(made->sequence == 2);
    const auto says = [&](const std::string& text) {
      return std::any_of(made->notices.begin(), made->notices.end(), [&](const auto& notice) {
        return notice.find(text) != std::string::npos;
      });
    };
    CHECK(says("2 lines cannot be read"));
    CHECK(says(folder + " is no generation"));
    REQUIRE(host.remove_folder(folder));
  }
}

TEST_CASE("names of generation folders") {
  const auto name = parse_generation_name("12-4f2c0a9b8d7e");
  REQUIRE(name);
  CHECK(name->sequence == 12);
  CHECK(name->generation == "4f2c0a9b8d7e");
  CHECK(name->folder() == "/var/lib/arctic/generations/12-4f2c0a9b8d7e");
  for (const char* bad :
       {"", "-", "12", "12-", "-4f2c0a9b8d7e", "x-4f2c0a9b8d7e", "12-4f2c0a9b8d7",
        "012-4f2c0a9b8d7e", "12-4F2C0A9B8D7E", "12-4f2c0a9b8d7e0", "0-4f2c0a9b8d7e",
        "18446744073709551615-4f2c0a9b8d7e", "9007199254740993-4f2c0a9b8d7e", "-1-4f2c0a9b8d7e",
        "99999999999999999999-4f2c0a9b8d7e", "../12-4f2c0a9b8d7e"}) {
    INFO(bad);
    CHECK_FALSE(parse_generation_name(bad));
  }
}

}  // namespace arctic::test
