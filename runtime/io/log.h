// What a runtime says to people on stderr: one line a fact, as text or as JSON.
//
// A fact is a fixed word or two ("refused"), its fields say the rest. Called from every thread.
// Each fact has a budget, so that who is able to cause it cannot fill the disk; what was left out
// is counted and said with the next one. Values may be hostile: control characters and bytes that
// are no text never come out raw. Never logs by itself.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace arctic {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  LogField(std::string_view field, std::string_view text) : key(field), value(text) {}
  LogField(std::string_view field, const char* text) : key(field), value(text) {}
  LogField(std::string_view field, const std::string& text) : key(field), value(text) {}
  template <std::integral T>
  LogField(std::string_view field, T number)
      : key(field), value(std::to_string(number)), is_number(true) {}

  std::string_view key;  ///< a plain word of ours
  std::string value;
  bool is_number = false;
};

class Log {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr unsigned kBudget = 10;             ///< lines of one fact
  static constexpr std::chrono::seconds kWindow{10};  ///< in this time

  struct Options {
    bool json = false;
    LogLevel least = LogLevel::kInfo;
    /// Where lines go, each without its newline; empty: stderr. Thread-safe.
    std::function<void(std::string_view)> sink;
    /// For the budget; empty: the monotonic clock.
    std::function<Time()> now;
  };
  explicit Log(Options options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// `warning refused service=a destination=192.0.2.1:80 reason="no route"`, or the same as JSON;
  /// on stderr with the time before it, but where journald reads it, which has its own.
  /// A field whose value is empty is left out.
  void say(LogLevel level, std::string_view fact, std::initializer_list<LogField> fields = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace arctic
