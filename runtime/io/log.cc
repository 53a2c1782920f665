#include "runtime/io/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "schema/base/utf8.h"

namespace arctic {
namespace {

constexpr const char* kStampedText = "%Y-%m-%dT%H:%M:%S.%e%z %v";
constexpr const char* kStampedJson = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z",%v})";
constexpr const char* kJson = "{%v}";
constexpr const char* kText = "%v";

struct LevelWords {
  const char* name;
  const char* journal;  ///< sd-daemon(3): the priority, before the line
  spdlog::level::level_enum level;
};

const LevelWords& words_of(LogLevel level) {
  static constexpr LevelWords kWords[] = {
      {"debug", "<7>", spdlog::level::debug},
      {"info", "<6>", spdlog::level::info},
      {"warning", "<4>", spdlog::level::warn},
      {"error", "<3>", spdlog::level::err},
  };
  return kWords[static_cast<std::size_t>(level)];
}

/// $JOURNAL_STREAM names stderr's file, if it is journald that reads it.
bool is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat about {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &about) != 0) return false;
  return std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino) == stream;
}

Log::Time monotonic_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Between quotes: what is no printable text comes as an escape, of the kind that JSON knows or as
/// \xNN.
void add_quoted(std::string& out, std::string_view value, bool json) {
  constexpr const char* kHex = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < value.size();) {
    const auto byte = static_cast<unsigned char>(value[i]);
    if (const std::size_t wide = wide_character_length(value, i); wide > 0) {
      out += value.substr(i, wide);
      i += wide;
      continue;
    }
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += value[i];
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += value[i];
    } else if (json && byte >= 0x80) {
      out += "\\ufffd";
    } else {
      out += json ? "\\u00" : "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15U];
    }
    ++i;
  }
  out += '"';
}

/// Hands each line to a function.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LineSink(std::function<void(std::string_view)> take) : take_(std::move(take)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view text(line.data(), line.size());
    if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    take_(text);
  }
  void flush_() override {}

  std::function<void(std::string_view)> take_;
};

bool is_plain(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
}

std::string as_text(const LevelWords& level, bool journal, std::string_view fact,
                    const std::vector<LogField>& fields) {
  std::string out = journal ? level.journal : "";
  out += level.name;
  out += ' ';
  out += fact;
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    if (is_plain(field.value)) {
      out += field.value;
    } else {
      add_quoted(out, field.value, false);
    }
  }
  return out;
}

/// Without the braces, which are the pattern's.
std::string as_json(const LevelWords& level, std::string_view fact,
                    const std::vector<LogField>& fields) {
  std::string out = "\"level\":\"";
  out += level.name;
  out += "\",\"fact\":";
  add_quoted(out, fact, true);
  for (const LogField& field : fields) {
    out += ',';
    add_quoted(out, field.key, true);
    out += ':';
    if (field.is_number) {
      out += field.value;
    } else {
      add_quoted(out, field.value, true);
    }
  }
  return out;
}

}  // namespace

struct Log::State {
  struct Budget {
    Time begun{};
    unsigned used = 0;
    std::uint64_t left_out = 0;
  };

  Options options;
  bool journal = false;
  std::unique_ptr<spdlog::logger> logger;
  std::mutex mutex;
  std::map<std::string, Budget, std::less<>> budgets;

  /// True if the fact may be said; then `left_out` is how many were not since the last one.
  bool spend(std::string_view fact, std::uint64_t& left_out) {
    const Time now = options.now();
    const std::lock_guard lock(mutex);
    auto at = budgets.find(fact);
    if (at == budgets.end()) at = budgets.emplace(fact, Budget{now, 0, 0}).first;
    Budget& budget = at->second;
    if (now - budget.begun >= kWindow) {
      budget.begun = now;
      budget.used = 0;
    }
    if (budget.used == kBudget) {
      ++budget.left_out;
      return false;
    }
    ++budget.used;
    left_out = std::exchange(budget.left_out, 0);
    return true;
  }
};

Log::Log(Options options) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.options = std::move(options);
  if (!state.options.now) state.options.now = monotonic_now;
  const bool to_stderr = !state.options.sink;
  state.journal = to_stderr && is_journal();
  const bool stamped = to_stderr && !state.journal;
  spdlog::sink_ptr sink;
  if (to_stderr) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<LineSink>(state.options.sink);
  }
  state.logger = std::make_unique<spdlog::logger>("arctic", std::move(sink));
  state.logger->set_level(words_of(state.options.least).level);
  state.logger->set_pattern(state.options.json ? (stamped ? kStampedJson : kJson)
                                               : (stamped ? kStampedText : kText));
}

Log::~Log() = default;

void Log::say(LogLevel level, std::string_view fact, std::initializer_list<LogField> fields) {
  State& state = *state_;
  const LevelWords& words = words_of(level);
  std::uint64_t left_out = 0;
  if (level < state.options.least || !state.spend(fact, left_out)) return;
  std::vector<LogField> all(fields);
  std::erase_if(all, [](const LogField& field) { return field.value.empty(); });
  if (left_out > 0) all.emplace_back("left_out", left_out);
  const std::string line =
      state.options.json ? as_json(words, fact, all) : as_text(words, state.journal, fact, all);
  state.logger->log(words.level, spdlog::string_view_t(line));
}

}  // namespace arctic
