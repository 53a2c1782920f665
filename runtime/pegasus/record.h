// The records of one tunnel connection: sealing, opening, and the change of keys.
//
// One object per connection, used on one thread. Bytes in, bytes out; socket and clock are the
// caller's. A record: length of the rest (2 bytes, big-endian, 17 to 65535), then the sealed frame:
// type (1), body, tag (16). The counter of each direction is the nonce and begins at 0.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/noise.h"
#include "runtime/pegasus/frame.h"

namespace arctic {

/// On a clock that goes on while the machine sleeps (CLOCK_BOOTTIME).
using Time = std::chrono::nanoseconds;

/// What the handshake leaves for a connection; `chaining` is for the change of keys.
struct ConnectionKeys {
  Key chaining;
  Key to_responder;
  Key to_initiator;
};

inline constexpr std::size_t kLengthBytes = 2;
inline constexpr std::size_t kRecordHead = kLengthBytes + 1;  ///< length and type
inline constexpr std::size_t kRecordOverhead = kRecordHead + kTagBytes;
inline constexpr std::size_t kMinRecordRest = 1 + kTagBytes;
inline constexpr std::size_t kMaxRecordRest = 65535;
inline constexpr std::chrono::seconds kRekeyAfter{120};
inline constexpr std::uint64_t kLastCounter = std::uint64_t{1} << 60;

/// The length that a record begins with. REQUIRES: kLengthBytes at `bytes`.
[[nodiscard]] constexpr std::size_t record_rest(const std::uint8_t* bytes) {
  return std::size_t{bytes[0]} << 8 | bytes[1];
}

enum class LinkEnd : std::uint8_t { kInitiator, kResponder };

struct Record {
  FrameType type = FrameType::kData;
  ByteSpan body;
};

class RecordLayer {
 public:
  RecordLayer(LinkEnd end, ConnectionKeys keys, Time now);

  /// Seals in place: `record` is room for the head, the body, room for the tag. False if the
  /// counter is used up, and the connection must close. Sealing REKEY at the responder, or SWITCH
  /// at the initiator, is the last use of that sending key. REQUIRES: a size that good_size()
  /// allows.
  [[nodiscard]] bool seal(FrameType type, ByteSpan record);

  /// Opens a record without its length, in place. nullopt if it is not authentic, of an unknown
  /// type, or of a wrong size: the connection must close.
  [[nodiscard]] std::optional<Record> open(ByteSpan rest);

  // ---- The change of keys; records go on meanwhile ----

  /// Initiator: the keys are old, were used, and no change is under way: seal REKEY with
  /// begin_rekey() as its body.
  [[nodiscard]] bool rekey_due(Time now) const;
  [[nodiscard]] PublicKey begin_rekey();

  struct RekeyStep {
    bool good = false;  ///< false: out of turn, or a key of low order; the connection must close
    std::optional<FrameType> answer;  ///< seal this next: kRekey with `point`, or kSwitch
    PublicKey point;
  };
  /// For an opened REKEY or SWITCH.
  [[nodiscard]] RekeyStep consume_rekey(const Record& record, Time now);

 private:
  [[nodiscard]] bool derive_next(const PublicKey& theirs);
  [[nodiscard]] const Key& sending(const ConnectionKeys& keys) const;
  [[nodiscard]] const Key& receiving(const ConnectionKeys& keys) const;
  void switch_sending();
  void switch_receiving();
  void finish_rekey(Time now);

  LinkEnd end_;
  Key chaining_;
  Sealer sealer_;
  Opener opener_;
  std::uint64_t sealed_ = 0;
  std::uint64_t opened_ = 0;
  Time keyed_;                        ///< when the keys came into use
  std::optional<KeyPair> ephemeral_;  ///< initiator: REKEY was sealed, the answer is awaited
  std::optional<ConnectionKeys> next_;
  bool sending_next_ = false;    ///< the sending key is next_'s already
  bool receiving_next_ = false;  ///< the receiving key is next_'s already
};

}  // namespace arctic
