#include "runtime/pegasus/link.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/io/sockets.h"

namespace arctic {
namespace {

constexpr std::size_t kMaxSmallBody = 128;  // of all frames but DATA
constexpr std::size_t kWorthKeeping = 512;
// What the relay seals at once waits here; then there is room for answers to some thousand frames.
constexpr std::size_t kMostKept = 2 * RelayBuffers::kReadBytes;

}  // namespace

void prepare_tunnel(int fd) {
  constexpr std::chrono::seconds kKeepaliveAfter{15};
  set_no_delay(fd);
  set_keepalive(fd, kKeepaliveAfter);
}

void prepare_plain(int fd) {
  set_no_delay(fd);
  reset_on_close(fd);
}

void keep_plain_alive(int fd) {
  constexpr std::chrono::seconds kKeepaliveAfter{60};
  set_keepalive(fd, kKeepaliveAfter);
}

Cut cut_record(ByteSpan& bytes) {
  if (bytes.size() < kLengthBytes) return {};
  const std::size_t rest = record_rest(bytes.data());
  if (rest < kMinRecordRest) return {{}, true};
  if (bytes.size() < kLengthBytes + rest) return {};
  const ByteSpan record = bytes.subspan(kLengthBytes, rest);
  bytes = bytes.subspan(kLengthBytes + rest);
  return {record, false};
}

// ---- Writing ----

bool TunnelLink::send(FrameType type, ByteView body) {
  std::array<std::uint8_t, kMaxSmallBody + kRecordOverhead> record;
  std::copy(body.begin(), body.end(), record.begin() + kRecordHead);
  const ByteSpan used = ByteSpan(record).first(body.size() + kRecordOverhead);
  if (kept_.size() > kMostKept) {
    wrong_ = "it does not read what it asks for";
    return false;
  }
  return records_.seal(type, used) && write(used);
}

bool TunnelLink::ping() {
  constexpr std::array<std::uint8_t, 8> kNothing{};
  ++due_;
  return send(FrameType::kPing, kNothing);
}

void TunnelLink::take_pong() {
  if (due_ == 0) {
    last_ = true;
  } else {
    --due_;
  }
}

bool TunnelLink::change_keys_if_due(Time now) {
  return !records_.rekey_due(now) || send(FrameType::kRekey, records_.begin_rekey().bytes);
}

bool TunnelLink::take_rekey(const Record& record, Time now) {
  const auto step = records_.consume_rekey(record, now);
  if (!step.good) {
    wrong_ = "a change of keys out of turn";
    return false;
  }
  if (!step.answer) return true;
  const bool with_point = *step.answer == FrameType::kRekey;
  return send(*step.answer, with_point ? ByteView(step.point.bytes) : ByteView());
}

bool TunnelLink::write(ByteView sealed) {
  if (!has_kept()) {
    const ssize_t sent = ::send(socket_->fd(), sealed.data(), sealed.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) sealed = sealed.subspan(static_cast<std::size_t>(sent));
    if (sealed.empty()) return true;
    socket_->full();
    kept_.clear();
    written_ = 0;
  }
  kept_.insert(kept_.end(), sealed.begin(), sealed.end());
  return true;
}

Task<bool> TunnelLink::flush(Watched::Time deadline) {
  // The other direction's coroutine may be at it already; then it writes this one's bytes too.
  if (flushing_) co_return true;
  flushing_ = true;
  bool fine = true;
  while (has_kept() && fine) {
    if (co_await socket_->writable(deadline) != Wake::kReady) {
      fine = false;
      break;
    }
    const ssize_t sent =
        ::send(socket_->fd(), kept_.data() + written_, kept_.size() - written_, MSG_NOSIGNAL);
    if (sent >= 0) {
      written_ += static_cast<std::size_t>(sent);
      if (has_kept()) socket_->full();
    } else if (errno == EAGAIN) {
      socket_->full();
    } else {
      fine = errno == EINTR;
    }
  }
  flushing_ = false;
  if (fine) {
    kept_.clear();
    written_ = 0;
    if (kept_.capacity() > kWorthKeeping) kept_.shrink_to_fit();
  }
  co_return fine;
}

// ---- Reading ----

TunnelLink::Input TunnelLink::read(std::size_t most) {
  std::uint8_t* const begin = buffers_.opened.data();
  std::copy(input_.begin(), input_.end(), begin);
  std::size_t size = input_.size();
  const bool whole = size >= kLengthBytes && size >= kLengthBytes + record_rest(input_.data());
  if (!whole) {
    const std::size_t wanted = std::min(most, buffers_.opened.size() - size);
    const ssize_t got = ::recv(socket_->fd(), begin + size, wanted, 0);
    if (got < 0) {
      if (errno == EAGAIN) {
        socket_->drained();
        return {ReadStatus::kNothing, {}};
      }
      return {errno == EINTR ? ReadStatus::kNothing : ReadStatus::kBroken, {}};
    }
    if (got == 0) return {ReadStatus::kEnd, {}};
    // Less than there was room for: there is no more now, and the next bytes make a new event.
    if (static_cast<std::size_t>(got) < wanted && !socket_->hung_up()) socket_->drained();
    size += static_cast<std::size_t>(got);
  }
  input_.clear();
  return {ReadStatus::kBytes, {begin, size}};
}

void TunnelLink::keep(ByteView bytes) { input_.assign(bytes.begin(), bytes.end()); }

Task<std::optional<Record>> TunnelLink::next_record(Watched::Time deadline, std::size_t longest) {
  bool has_input = !input_.empty();
  for (;;) {
    if (!has_input) {
      release();
      if (co_await socket_->readable(deadline) != Wake::kReady) co_return std::nullopt;
    }
    has_input = false;
    Input input = read();
    if (input.status == ReadStatus::kNothing) continue;
    if (input.status != ReadStatus::kBytes) co_return std::nullopt;
    const ByteView begin = input.bytes;
    const bool too_long = begin.size() >= kLengthBytes && record_rest(begin.data()) > longest;
    const Cut cut = cut_record(input.bytes);
    if (cut.bad || too_long) {
      wrong_ = "a record of a wrong length";
      co_return std::nullopt;
    }
    keep(input.bytes);
    if (cut.rest.empty()) continue;
    const auto record = records_.open(cut.rest);
    if (!record) wrong_ = "a record that is not authentic";
    co_return record;
  }
}

bool TunnelLink::is_quiet() {
  while (has_input() || socket_->has_news()) {
    const Input input = read();
    if (input.status == ReadStatus::kNothing) break;
    if (input.status != ReadStatus::kBytes || !take_idle(input.bytes)) return false;
    if (has_input() && !socket_->has_news()) break;
  }
  return !last_ && !has_kept();
}

bool TunnelLink::take_between(const Record& record) {
  switch (record.type) {
    case FrameType::kPong:
      take_pong();
      return true;
    case FrameType::kRekey:
      return take_rekey(record, socket_->loop().now());
    case FrameType::kReset:  // the destination's, sent before our FIN was there
      return false;
    default:
      wrong_ = "a frame outside of a connection";
      return false;
  }
}

bool TunnelLink::take_idle(ByteSpan bytes) {
  for (;;) {
    const Cut cut = cut_record(bytes);
    const bool too_long =
        bytes.size() >= kLengthBytes && record_rest(bytes.data()) > kMaxSmallBody + kRecordOverhead;
    if (cut.bad || (cut.rest.empty() && too_long)) {
      wrong_ = "a record of a wrong length";
      return false;
    }
    if (cut.rest.empty()) break;
    const auto record = records_.open(cut.rest);
    if (!record) {
      wrong_ = "a record that is not authentic";
      return false;
    }
    if (!take_between(*record) || last_) return false;
  }
  keep(bytes);
  return true;
}

void TunnelLink::release() {
  if (input_.empty() && input_.capacity() > 0) std::vector<std::uint8_t>().swap(input_);
  if (!has_kept() && kept_.capacity() > 0) std::vector<std::uint8_t>().swap(kept_);
}

}  // namespace arctic
