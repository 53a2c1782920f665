// The terminal: data on stdout, everything else on stderr.
//
// Every command speaks through one Report. Colours appear only on a terminal and not with NO_COLOR;
// the progress line only on a terminal and where work takes over a second. Never decides anything.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/base/diagnostic.h"
#include "schema/base/result.h"

namespace arctic::cli {

enum class Colour : std::uint8_t { kRed, kGreen, kYellow, kBold, kDim };

/// `text` as a terminal may have it: control characters, and bytes that are no UTF-8, as \xNN. For
/// all that the kernel, files and arguments say; tabs and line ends too are escaped.
[[nodiscard]] std::string visible(std::string_view text);

class Report {
 public:
  /// Looks at the two streams and at NO_COLOR.
  Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  /// Data. Kept back and written in large pieces; finish() writes the rest.
  void out(std::string_view text);
  /// Data in colour where stdout is a terminal.
  void out(Colour colour, std::string_view text);
  /// Writes what out() kept back: before a question, before the process ends. An error is kept for
  /// finish().
  void flush();
  /// The first failure to write stdout: a full disk is a failure of the command.
  Status finish();

  /// Whoever read stdout has gone: a failure that needs no message.
  [[nodiscard]] bool reader_is_gone() const { return out_error_ == EPIPE; }

  /// One line on stderr: what happened, what to do next.
  void say(std::string_view line);
  /// "warning: …" on stderr.
  void warn(std::string_view text);
  /// "error: …" and "help: …" on stderr.
  void error(const Error& error);
  /// Problems of a file, each with its source line, on stderr.
  void diagnostics(const Diagnostics& diagnostics, std::string_view name, std::string_view text);

  /// Step `number` of `count` begins. Shows one rewritten line on stderr after the first second.
  void progress(std::size_t number, std::size_t count, std::string_view what);
  /// Takes the progress line away.
  void progress_done();

  /// True if a question can be asked: stdin and stderr are a terminal.
  [[nodiscard]] bool can_ask() const;
  /// Asks on stderr; true for "y" or "yes" alone.
  [[nodiscard]] bool ask(std::string_view question);

 private:
  void err(std::string_view text);
  [[nodiscard]] std::string painted(bool on, Colour colour, std::string_view text) const;

  std::string kept_;
  int out_error_ = 0;
  bool out_colour_ = false;
  bool err_colour_ = false;
  bool err_terminal_ = false;
  bool progress_shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace arctic::cli
