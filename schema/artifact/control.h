// What is said on a runtime's control socket: one JSON object a line, requests and answers.
//
// A runtime decodes requests and encodes answers; the reconciler and the command line do the
// opposite. Requests are hostile bytes: unknown keys, wrong types and values out of range are
// refused, naming the place as a JSON pointer. Answers that are longer than a word have headers of
// their own (pegasus_status.h, connection_list.h). No line here ends with a newline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "schema/base/key.h"
#include "schema/base/result.h"

namespace arctic {

inline constexpr std::uint32_t kControlProtocol = 1;
inline constexpr std::size_t kMaxControlLine = 64U << 10;  ///< of a request, without its newline
inline constexpr std::uint32_t kDefaultDrainSeconds = 30;
inline constexpr std::uint32_t kMaxDrainSeconds = 24 * 60 * 60;
inline constexpr std::uint32_t kDefaultConnections = 100;
inline constexpr std::uint32_t kMaxConnections = 1000;

// ---- Requests ----

struct ControlRequest {
  struct Hello {
    friend bool operator==(const Hello&, const Hello&) = default;
  };
  struct Prepare {
    std::string generation;  ///< 12 hex digits
    std::string path;        ///< absolute
    std::string digest;      ///< BLAKE2b-256 of the file, 64 hex digits
    friend bool operator==(const Prepare&, const Prepare&) = default;
  };
  struct Commit {
    std::string generation;
    friend bool operator==(const Commit&, const Commit&) = default;
  };
  struct Retire {
    std::string generation;
    std::uint32_t drain_s = kDefaultDrainSeconds;
    friend bool operator==(const Retire&, const Retire&) = default;
  };
  struct Abort {
    std::string generation;
    friend bool operator==(const Abort&, const Abort&) = default;
  };
  struct Load {
    std::string path;
    friend bool operator==(const Load&, const Load&) = default;
  };
  struct Status {
    friend bool operator==(const Status&, const Status&) = default;
  };
  struct Connections {
    std::string service;  ///< its name; empty: of all
    std::uint32_t limit = kDefaultConnections;
    std::string after;  ///< `next` of the answer before; empty: from the first
    friend bool operator==(const Connections&, const Connections&) = default;
  };
  struct Drain {
    std::uint32_t seconds = 0;
    friend bool operator==(const Drain&, const Drain&) = default;
  };
  using Call =
      std::variant<Hello, Prepare, Commit, Retire, Abort, Load, Status, Connections, Drain>;

  std::string id;  ///< a whole number or a text, as JSON
  Call call;

  friend bool operator==(const ControlRequest&, const ControlRequest&) = default;
};

/// "prepare".
[[nodiscard]] const char* method_name(const ControlRequest::Call& call);

enum class ControlCode : std::uint8_t {
  kBadRequest,
  kBadConfig,
  kBadDigest,
  kBadIdentity,
  kBadState,
  kUnavailable,
  kBusy,
};
inline constexpr ControlCode kControlCodes[] = {ControlCode::kBadRequest, ControlCode::kBadConfig,
                                                ControlCode::kBadDigest,  ControlCode::kBadIdentity,
                                                ControlCode::kBadState,   ControlCode::kUnavailable,
                                                ControlCode::kBusy};
/// "bad_request".
[[nodiscard]] const char* to_string(ControlCode code);

struct ControlError {
  ControlCode code = ControlCode::kBadRequest;
  std::string reason;
  std::string where;  ///< may be empty
  std::string hint;   ///< may be empty
  friend bool operator==(const ControlError&, const ControlError&) = default;
};
/// An Error as an answer says it.
[[nodiscard]] ControlError control_error(ControlCode code, const Error& error);

/// A line that is no good request, and what to do about it.
struct ControlRejection {
  std::string id;  ///< "null" if the line is no request at all
  ControlError error;
  bool close = false;  ///< after the answer
};

[[nodiscard]] tl::expected<ControlRequest, ControlRejection> decode_control_request(
    std::string_view line);
[[nodiscard]] std::string encode(const ControlRequest& request);

// ---- Answers ----

/// What prepare, commit, retire, abort, load and drain answer: an empty object.
struct ControlDone {
  friend bool operator==(const ControlDone&, const ControlDone&) = default;
};

struct HelloResult {
  std::string daemon;  ///< "pegasus", "tempest"
  std::string version;
  std::uint32_t protocol = kControlProtocol;
  std::uint32_t pid = 0;
  std::string node;
  PublicKey public_key;
  friend bool operator==(const HelloResult&, const HelloResult&) = default;
};

template <class T>
struct ControlAnswer {
  std::string id;  ///< as JSON; "null" if the request had none
  tl::expected<T, ControlError> outcome;
};

// `id` is a request's, or "null".
[[nodiscard]] std::string encode_error(std::string_view id, const ControlError& error);
[[nodiscard]] std::string encode_answer(std::string_view id, const ControlDone& done);
[[nodiscard]] std::string encode_answer(std::string_view id, const HelloResult& hello);

/// kConfig if the line is no answer of this kind.
[[nodiscard]] Result<ControlAnswer<ControlDone>> decode_done_answer(std::string_view line);
[[nodiscard]] Result<ControlAnswer<HelloResult>> decode_hello_answer(std::string_view line);

}  // namespace arctic
