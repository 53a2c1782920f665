#include "runtime/tempest/session.h"

#include <utility>

#include "runtime/crypto/multi_buffer.h"

namespace arctic {

Session::Session(Parts parts) : parts_(std::move(parts)), slots_(parts_.slots) {}

bool Session::may_send(Time now) const {
  return age(now) < limits::kRejectAfterTime &&
         next_counter_.load(std::memory_order_relaxed) < limits::kRejectAfterMessages;
}

bool Session::wants_rekey(Time now) const {
  return next_counter_.load(std::memory_order_relaxed) > limits::kRekeyAfterMessages ||
         (parts_.initiator && age(now) >= limits::kRekeyAfterTime);
}

std::optional<std::uint64_t> Session::take_counters(std::uint64_t count) {
  std::uint64_t first = next_counter_.load(std::memory_order_relaxed);
  do {
    if (first >= limits::kRejectAfterMessages) return std::nullopt;
    if (limits::kRejectAfterMessages - first < count) return std::nullopt;
  } while (!next_counter_.compare_exchange_weak(first, first + count, std::memory_order_relaxed));
  return first;
}

void Session::seal(std::size_t slot, std::uint64_t counter, ByteSpan datagram) {
  data::put_head(parts_.remote_index, counter, datagram.data());
  const ByteSpan text = datagram.subspan(data::kHeadBytes, datagram.size() - data::kOverhead);
  std::uint8_t* const tag = text.data() + text.size();
  if (MultiBuffer* const fast = MultiBuffer::of_thread()) {
    return fast->seal(parts_.send, counter, text, tag);
  }
  std::optional<Sealer>& sealer = slots_[slot].sealer;
  if (!sealer) sealer.emplace(parts_.send);
  sealer->seal(counter, {}, text, tag);
}

bool Session::open(std::size_t slot, ByteSpan datagram) {
  const ByteSpan text = datagram.subspan(data::kHeadBytes, datagram.size() - data::kOverhead);
  const std::uint8_t* const tag = text.data() + text.size();
  const std::uint64_t counter = number64(datagram.data() + data::kCounterAt);
  if (MultiBuffer* const fast = MultiBuffer::of_thread()) {
    return fast->open(parts_.receive, counter, text, tag);
  }
  std::optional<Opener>& opener = slots_[slot].opener;
  if (!opener) opener.emplace(parts_.receive);
  return opener->open(counter, {}, text, tag);
}

void Session::accept(std::span<const std::uint64_t> counters, std::span<bool> good) {
  const std::lock_guard lock(replay_mutex_);
  for (std::size_t i = 0; i < counters.size(); ++i) good[i] = replay_.accept(counters[i]);
}

}  // namespace arctic
