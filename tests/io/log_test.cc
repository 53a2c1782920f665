// Log lines: their form, what hostile values become, and how many of them there are.
#include "runtime/io/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <mutex>
#include <regex>
#include <vector>

#include "tests/support/loop_thread.h"

namespace arctic::test {
namespace {

/// A log into a list, with a clock that the test moves.
struct Kept {
  std::mutex mutex;
  std::vector<std::string> lines;
  Log::Time now{};

  Log::Options options(bool json = false, LogLevel least = LogLevel::kInfo) {
    Log::Options out;
    out.json = json;
    out.least = least;
    out.sink = [this](std::string_view line) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(line);
    };
    out.now = [this] { return now; };
    return out;
  }
};

/// What `work` writes to stderr.
std::string stderr_of(const std::string& path, const std::function<void()>& work) {
  const int before = ::dup(STDERR_FILENO);
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  REQUIRE(::dup2(file, STDERR_FILENO) >= 0);
  ::close(file);
  work();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string journal_name(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return "";
  return std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
}

}  // namespace

TEST_CASE("a fact and its fields, as text and as JSON") {
  Kept text, json;
  Log as_text(text.options());
  Log as_json(json.options(true));
  for (Log* log : {&as_text, &as_json}) {
    log->say(LogLevel::kWarning, "refused",
             {{"service", "syd-to-lon"},
              {"destination", "[2001:db8::1]:80"},
              {"reason", std::string("no route")},
              {"empty", ""},
              {"count", 18446744073709551615ULL},
              {"change", -7}});
    log->say(LogLevel::kInfo, "started");
    log->say(LogLevel::kError, "port taken", {{"port", 80}});
    log->say(LogLevel::kDebug, "not heard");
  }
  CHECK(text.lines ==
        std::vector<std::string>{
            "warning refused service=syd-to-lon destination=[2001:db8::1]:80 reason=\"no route\" "
            "count=18446744073709551615 change=-7",
            "info started", "error port taken port=80"});
  CHECK(json.lines ==
        std::vector<std::string>{R"({"level":"warning","fact":"refused","service":"syd-to-lon",)"
                                 R"("destination":"[2001:db8::1]:80","reason":"no route",)"
                                 R"("count":18446744073709551615,"change":-7})",
                                 R"({"level":"info","fact":"started"})",
                                 R"({"level":"error","fact":"port taken","port":80})"});
}

TEST_CASE("hostile values stay on their line and never reach a terminal raw") {
  struct Row {
    std::string value;
    const char* text;
    const char* json;
  };
  for (const Row& row : std::vector<Row>{
           {"a\nerror forged", R"("a\x0aerror forged")", R"("a\u000aerror forged")"},
           {"\x1b[2J", R"("\x1b[2J")", R"("\u001b[2J")"},
           {std::string("a\0b", 3), R"("a\x00b")", R"("a\u0000b")"},
           {"\x7f", R"("\x7f")", R"("\u007f")"},
           {"a\" b=\"c", R"("a\" b=\"c")", R"("a\" b=\"c")"},
           {"a=b", R"("a=b")", R"("a=b")"},
           {"back\\slash", R"("back\\slash")", R"("back\\slash")"},
           {"{} %v {0}", R"("{} %v {0}")", R"("{} %v {0}")"},
           {"\xc3\xbc", "\"\xc3\xbc\"", "\"\xc3\xbc\""},
           {"\xff\xc3", R"("\xff\xc3")", R"("\ufffd\ufffd")"},
           {"\xc2\x9b", R"("\xc2\x9b")", R"("\ufffd\ufffd")"},  // a C1 control character
       }) {
    Kept text, json;
    Log(text.options()).say(LogLevel::kInfo, "f", {{"v", row.value}});
    Log(json.options(true)).say(LogLevel::kInfo, "f", {{"v", row.value}});
    CHECK(text.lines == std::vector<std::string>{std::string("info f v=") + row.text});
    CHECK(json.lines == std::vector<std::string>{std::string(R"({"level":"info","fact":"f","v":)") +
                                                 row.json + "}"});
  }
}

TEST_CASE("each fact has ten lines in ten seconds, then a count") {
  Kept kept;
  Log log(kept.options());
  for (int i = 0; i < 1000; ++i) log.say(LogLevel::kWarning, "refused", {{"n", i}});
  REQUIRE(kept.lines.size() == Log::kBudget);
  CHECK(kept.lines.back() == "warning refused n=9");
  log.say(LogLevel::kWarning, "other");
  CHECK(kept.lines.back() == "warning other");
  kept.now += std::chrono::seconds(10) - std::chrono::nanoseconds(1);
  log.say(LogLevel::kWarning, "refused");
  CHECK(kept.lines.back() == "warning other");
  kept.now += std::chrono::nanoseconds(1);
  log.say(LogLevel::kWarning, "refused", {{"n", 1}});
  CHECK(kept.lines.back() == "warning refused n=1 left_out=991");
  log.say(LogLevel::kWarning, "refused", {{"n", 2}});
  CHECK(kept.lines.back() == "warning refused n=2");
}

TEST_CASE("what is below the level costs no budget") {
  Kept kept;
  Log log(kept.options(false, LogLevel::kError));
  for (int i = 0; i < 100; ++i) log.say(LogLevel::kWarning, "fact");
  log.say(LogLevel::kError, "fact");
  CHECK(kept.lines == std::vector<std::string>{"error fact"});
}

TEST_CASE("lines of many threads stay whole, and are counted") {
  Kept kept;
  Log log(kept.options());
  constexpr int kThreads = 8, kEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) log.say(LogLevel::kInfo, "busy", {{"text", "a b"}});
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(kept.lines == std::vector<std::string>(Log::kBudget, "info busy text=\"a b\""));
  kept.now += Log::kWindow;
  log.say(LogLevel::kInfo, "busy");
  CHECK(kept.lines.back() ==
        "info busy left_out=" + std::to_string(kThreads * kEach - static_cast<int>(Log::kBudget)));
}

TEST_CASE("stderr has the time, journald has its own and gets the priority") {
  const TempFolder folder;
  const std::string path = folder.path() + "/log";
  const std::string stamp = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d)";
  const auto say = [](bool json) {
    return [json] {
      Log::Options options;
      options.json = json;
      Log(options).say(LogLevel::kWarning, "fact", {{"a", 1}});
    };
  };
  const std::string text = stderr_of(path, say(false));
  CHECK(std::regex_match(text, std::regex(stamp + " warning fact a=1\n")));
  const std::string json = stderr_of(path, say(true));
  CHECK(std::regex_match(json, std::regex(R"(\{"time":")" + stamp +
                                          R"(","level":"warning","fact":"fact","a":1\}\n)")));
  REQUIRE(::setenv("JOURNAL_STREAM", journal_name(path).c_str(), 1) == 0);
  CHECK(stderr_of(path, say(false)) == "<4>warning fact a=1\n");
  CHECK(stderr_of(path, say(true)) == "{\"level\":\"warning\",\"fact\":\"fact\",\"a\":1}\n");
  // Inherited, but stderr goes elsewhere.
  REQUIRE(::setenv("JOURNAL_STREAM", "1:1", 1) == 0);
  CHECK(std::regex_match(stderr_of(path, say(false)), std::regex(stamp + " warning fact a=1\n")));
  REQUIRE(::unsetenv("JOURNAL_STREAM") == 0);
}

}  // namespace arctic::test
