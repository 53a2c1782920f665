// Any bytes as a line on the control socket, at the daemon and at who asks it: no crash, and what
// decodes encodes to something that decodes to the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "schema/artifact/connection_list.h"
#include "schema/artifact/pegasus_status.h"
#include "tests/fuzz/require.h"

namespace arctic {
namespace {

void check_line(const std::string& line) {
  for (const char byte : line) {
    require(byte == 0x7f || static_cast<unsigned char>(byte) >= 0x20, "a line has no control byte");
  }
}

void check_request(std::string_view text) {
  const auto request = decode_control_request(text);
  if (!request) {
    const ControlRejection& rejection = request.error();
    require(!rejection.error.reason.empty(), "a rejection has a reason");
    require(rejection.close == (rejection.id == "null"), "what has no id is closed");
    const std::string answer = encode_error(rejection.id, rejection.error);
    check_line(answer);
    const auto back = decode_done_answer(answer);
    require(back && !back->outcome, "a rejection is an answer");
    require(back->id == rejection.id, "the answer has the request's id");
    return;
  }
  const std::string line = encode(*request);
  check_line(line);
  const auto again = decode_control_request(line);
  require(again && *again == *request, "request: decode(encode(x)) == x");
  const auto done = decode_done_answer(encode_answer(request->id, ControlDone{}));
  require(done && done->id == request->id, "the answer has the request's id");
}

template <class Decode>
void check_answer(std::string_view text, Decode decode) {
  const auto answer = decode(text);
  if (!answer) {
    require(answer.error().code == ErrorCode::kConfig, "what is no answer is not acceptable");
    return;
  }
  const std::string line = answer->outcome ? encode_answer(answer->id, *answer->outcome)
                                           : encode_error(answer->id, answer->outcome.error());
  check_line(line);
  const auto again = decode(line);
  require(again && again->id == answer->id, "answer: the id stays");
  require(again->outcome == answer->outcome, "answer: decode(encode(x)) == x");
}

}  // namespace
}  // namespace arctic

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  arctic::check_request(text);
  arctic::check_answer(text, arctic::decode_done_answer);
  arctic::check_answer(text, arctic::decode_hello_answer);
  arctic::check_answer(text, arctic::decode_status_answer);
  arctic::check_answer(text, arctic::decode_connections_answer);
  return 0;
}
