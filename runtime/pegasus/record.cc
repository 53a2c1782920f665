#include "runtime/pegasus/record.h"

#include <algorithm>
#include <utility>

namespace arctic {

RecordLayer::RecordLayer(LinkEnd end, ConnectionKeys keys, Time now)
    : end_(end),
      chaining_(std::move(keys.chaining)),
      sealer_(sending(keys)),
      opener_(receiving(keys)),
      keyed_(now) {}

const Key& RecordLayer::sending(const ConnectionKeys& keys) const {
  return end_ == LinkEnd::kInitiator ? keys.to_responder : keys.to_initiator;
}

const Key& RecordLayer::receiving(const ConnectionKeys& keys) const {
  return end_ == LinkEnd::kInitiator ? keys.to_initiator : keys.to_responder;
}

bool RecordLayer::seal(FrameType type, ByteSpan record) {
  if (sealed_ >= kLastCounter) return false;
  const std::size_t rest = record.size() - kLengthBytes;
  record[0] = static_cast<std::uint8_t>(rest >> 8);
  record[1] = static_cast<std::uint8_t>(rest);
  record[2] = static_cast<std::uint8_t>(type);
  const std::size_t text = rest - kTagBytes;
  sealer_.seal(sealed_++, {}, record.subspan(kLengthBytes, text),
               record.data() + kLengthBytes + text);
  const FrameType last = end_ == LinkEnd::kResponder ? FrameType::kRekey : FrameType::kSwitch;
  if (type == last && next_) switch_sending();
  return true;
}

std::optional<Record> RecordLayer::open(ByteSpan rest) {
  if (rest.size() < kMinRecordRest || opened_ >= kLastCounter) return std::nullopt;
  const ByteSpan text = rest.first(rest.size() - kTagBytes);
  if (!opener_.open(opened_++, {}, text, rest.data() + text.size())) return std::nullopt;
  if (!good_size(text[0], text.size() - 1)) return std::nullopt;
  return Record{static_cast<FrameType>(text[0]), text.subspan(1)};
}

// ---- The change of keys ----

bool RecordLayer::rekey_due(Time now) const {
  return end_ == LinkEnd::kInitiator && !ephemeral_ && !next_ && now - keyed_ >= kRekeyAfter &&
         sealed_ + opened_ > 0;
}

PublicKey RecordLayer::begin_rekey() {
  ephemeral_ = KeyPair::generate();
  return ephemeral_->point;
}

RecordLayer::RekeyStep RecordLayer::consume_rekey(const Record& record, Time now) {
  if (record.type == FrameType::kSwitch) {
    if (end_ != LinkEnd::kResponder || !next_ || !sending_next_) return {};
    switch_receiving();
    finish_rekey(now);
    return {true, std::nullopt, {}};
  }
  if (record.type != FrameType::kRekey || next_) return {};
  if (end_ == LinkEnd::kInitiator && !ephemeral_) return {};
  if (end_ == LinkEnd::kResponder) ephemeral_ = KeyPair::generate();
  PublicKey theirs;
  std::copy_n(record.body.begin(), theirs.bytes.size(), theirs.bytes.begin());
  const PublicKey point = ephemeral_->point;
  const bool fine = derive_next(theirs);
  ephemeral_.reset();
  if (!fine) return {};
  if (end_ == LinkEnd::kResponder) return {true, FrameType::kRekey, point};
  // The responder's REKEY was its last record under the old key.
  switch_receiving();
  keyed_ = now;
  return {true, FrameType::kSwitch, {}};
}

bool RecordLayer::derive_next(const PublicKey& theirs) {
  const std::optional<Key> shared = x25519(ephemeral_->secret, theirs);
  if (!shared) return false;
  ConnectionKeys keys;
  hkdf(chaining_.view(), shared->view(), {&keys.chaining, &keys.to_responder, &keys.to_initiator});
  next_ = std::move(keys);
  return true;
}

void RecordLayer::switch_sending() {
  sealer_ = Sealer(sending(*next_));
  sealed_ = 0;
  sending_next_ = true;
  if (receiving_next_) finish_rekey(keyed_);
}

void RecordLayer::switch_receiving() {
  opener_ = Opener(receiving(*next_));
  opened_ = 0;
  receiving_next_ = true;
}

void RecordLayer::finish_rekey(Time now) {
  chaining_ = std::move(next_->chaining);
  next_.reset();
  sending_next_ = receiving_next_ = false;
  keyed_ = now;
}

}  // namespace arctic
