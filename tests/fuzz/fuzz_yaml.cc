// Any bytes as a configuration: no crash, no exception, every problem at a place of the text, and
// the same answer twice.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "compiler/load.h"
#include "tests/fuzz/require.h"

namespace arctic {
namespace {

void check_place(const Span& span, std::string_view text) {
  if (span.line == 0) return;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, 3) == kByteOrderMark) text.remove_prefix(3);
  std::size_t start = 0;
  for (std::size_t line = 1; line < span.line; ++line) {
    const std::size_t end = text.find('\n', start);
    require(end != std::string_view::npos, "the line is one of the text");
    start = end + 1;
  }
  const std::size_t end = std::min(text.find('\n', start), text.size());
  require(span.column >= 1, "columns count from 1");
  require(start + span.column - 1 <= end, "the column is one of the line");
  require(span.length >= 1, "something is underlined");
  require(start + span.column - 1 + span.length <= end + 1, "what is underlined is on the line");
}

void check_text(std::string_view text) {
  Diagnostics first;
  const Config config = load(text, first);
  for (const Diagnostic& d : first.all()) {
    check_place(d.span, text);
    require(!d.reason.empty(), "a problem has a reason");
    for (const std::string& shown : {d.reason, d.help, render(d, "f", text, false)}) {
      for (const char byte : shown) {
        require(byte == '\n' || (byte >= 0x20 && byte < 0x7f), "nothing raw reaches a terminal");
      }
    }
  }
  Diagnostics second;
  const Config again = load(text, second);
  require(first.all() == second.all(), "the same text has the same problems");
  require(
      config.peers.size() == again.peers.size() && config.services.size() == again.services.size(),
      "the same text gives the same configuration");
}

}  // namespace
}  // namespace arctic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  arctic::check_text({reinterpret_cast<const char*>(data), size});
  return 0;
}
