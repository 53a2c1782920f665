// Any bytes as a file that this project writes and reads again: no crash, and what decodes encodes
// to something that decodes to the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/artifact/journal.h"
#include "schema/artifact/peer_places.h"
#include "schema/artifact/pegasus_config.h"
#include "schema/artifact/saved_plan.h"
#include "schema/artifact/sysctl_record.h"
#include "schema/artifact/tempest_config.h"
#include "tests/fuzz/require.h"

namespace arctic {
namespace {

template <class Decode>
void check_inverse(std::string_view text, Decode decode) {
  const auto value = decode(text);
  if (!value) {
    require(value.error().code == ErrorCode::kConfig, "what does not decode is not acceptable");
    require(!value.error().reason.empty(), "an error has a reason");
    return;
  }
  const std::string encoded = encode(*value);
  const auto again = decode(encoded);
  require(again.has_value(), "what was encoded decodes");
  require(*again == *value, "decode(encode(x)) == x");
  require(encode(*again) == encoded, "encoding is stable");
}

}  // namespace
}  // namespace arctic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  arctic::check_inverse(text, arctic::decode_pegasus_config);
  arctic::check_inverse(text, arctic::decode_tempest_config);
  arctic::check_inverse(text, arctic::decode_peer_places);
  arctic::check_inverse(text, arctic::decode_saved_plan);
  arctic::check_inverse(text, arctic::decode_sysctl_records);
  static_cast<void>(arctic::decode_journal(text));
  return 0;
}
