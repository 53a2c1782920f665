#include "cli/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runtime/io/place_file.h"
#include "schema/base/utf8.h"

namespace arctic::cli {

namespace {

constexpr std::size_t kKeepBytes = 1U << 16;

const char* escape_of(Colour colour) {
  switch (colour) {
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kDim:
      return "\x1b[2m";
  }
  return "";
}

}  // namespace

std::string visible(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const bool plain = first >= 0x20 && first < 0x7f;
    const std::size_t length = plain ? 1 : wide_character_length(text, 0);
    if (length > 0) {
      shown += text.substr(0, length);
    } else {
      shown += {'\\', 'x', kDigits[first >> 4], kDigits[first & 15]};
    }
    text.remove_prefix(length > 0 ? length : 1);
  }
  return shown;
}

Report::Report() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted = (no_colour == nullptr || *no_colour == '\0') &&
                      (term == nullptr || std::string_view(term) != "dumb");
  err_terminal_ = ::isatty(STDERR_FILENO) == 1;
  out_colour_ = wanted && ::isatty(STDOUT_FILENO) == 1;
  err_colour_ = wanted && err_terminal_;
}

std::string Report::painted(bool on, Colour colour, std::string_view text) const {
  return on ? fmt::format("{}{}\x1b[0m", escape_of(colour), text) : std::string(text);
}

void Report::out(std::string_view text) {
  kept_ += text;
  if (kept_.size() >= kKeepBytes) flush();
}

void Report::out(Colour colour, std::string_view text) { out(painted(out_colour_, colour, text)); }

void Report::flush() {
  if (out_error_ == 0) out_error_ = write_all(STDOUT_FILENO, kept_);
  kept_.clear();
}

Status Report::finish() {
  flush();
  progress_done();
  if (out_error_ != 0) {
    return fail(ErrorCode::kFailure, "standard output", errno_text(out_error_));
  }
  return {};
}

void Report::err(std::string_view text) {
  progress_done();
  // Nobody is left to be told if stderr itself cannot be written.
  static_cast<void>(write_all(STDERR_FILENO, text));
}

void Report::say(std::string_view line) {
  flush();
  err(fmt::format("{}\n", line));
}

void Report::warn(std::string_view text) {
  flush();
  err(fmt::format("{} {}\n", painted(err_colour_, Colour::kYellow, "warning:"), visible(text)));
}

void Report::error(const Error& error) {
  flush();
  std::string text = fmt::format("{} {}\n", painted(err_colour_, Colour::kRed, "error:"),
                                 visible(error.message()));
  if (!error.hint.empty()) {
    text +=
        fmt::format("{} {}\n", painted(err_colour_, Colour::kBold, "help:"), visible(error.hint));
  }
  err(text);
}

void Report::diagnostics(const Diagnostics& diagnostics, std::string_view name,
                         std::string_view text) {
  flush();
  std::string all;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    all += render(diagnostic, name, text, err_colour_);
  }
  err(all);
}

void Report::progress(std::size_t number, std::size_t count, std::string_view what) {
  using namespace std::chrono_literals;
  if (!err_terminal_ || std::chrono::steady_clock::now() - start_ < 1s) return;
  static_cast<void>(
      write_all(STDERR_FILENO, fmt::format("\r\x1b[K{}/{} {}", number, count, visible(what))));
  progress_shown_ = true;
}

void Report::progress_done() {
  if (!progress_shown_) return;
  progress_shown_ = false;
  static_cast<void>(write_all(STDERR_FILENO, "\r\x1b[K"));
}

bool Report::can_ask() const { return err_terminal_ && ::isatty(STDIN_FILENO) == 1; }

bool Report::ask(std::string_view question) {
  flush();
  err(fmt::format("{} [y/N] ", question));
  std::string answer;
  char c = 0;
  while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') answer += c;
  return answer == "y" || answer == "yes";
}

}  // namespace arctic::cli
