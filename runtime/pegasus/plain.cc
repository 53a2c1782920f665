#include "runtime/pegasus/plain.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace arctic {
namespace {

constexpr std::size_t kSlot = RelayBuffers::kBodyBytes + kRecordOverhead;

// A worker's, like its buffers: used between two waits alone.
thread_local std::array<iovec, PlainWriter::kMostPayloads> payloads;

}  // namespace

// ---- PlainReader ----

ssize_t PlainReader::read(std::size_t room) {
  // Somebody who says little at a time gets by with the cheaper call.
  if (!much_) room = std::min(room, RelayBuffers::kBodyBytes);
  const ssize_t got = much_ ? read_parts(room) : read_one(room);
  const bool full = got > 0 && static_cast<std::size_t>(got) == room;
  if (got > 0 && !full && !socket_.hung_up()) socket_.drained();
  much_ = full || (much_ && got > static_cast<ssize_t>(RelayBuffers::kBodyBytes));
  return got;
}

ssize_t PlainReader::read_one(std::size_t room) {
  return ::recv(socket_.fd(), buffers_.sealed.data() + RelayBuffers::kHead + kRecordHead, room, 0);
}

ssize_t PlainReader::read_parts(std::size_t room) {
  std::array<iovec, RelayBuffers::kRecords> parts;
  int used = 0;
  std::uint8_t* slot = buffers_.sealed.data() + RelayBuffers::kHead;
  for (std::size_t left = room; left > 0 && used < static_cast<int>(parts.size()); slot += kSlot) {
    const std::size_t size = std::min(left, RelayBuffers::kBodyBytes);
    parts[static_cast<std::size_t>(used++)] = {slot + kRecordHead, size};
    left -= size;
  }
  return ::readv(socket_.fd(), parts.data(), used);
}

std::optional<ByteView> PlainReader::seal(RecordLayer& records, std::size_t bytes, bool opened) {
  const ByteSpan sealed(buffers_.sealed);
  const std::size_t begin = opened ? 0 : RelayBuffers::kHead;
  if (opened && !records.seal(FrameType::kOpened, sealed.first(RelayBuffers::kHead))) {
    return std::nullopt;
  }
  std::size_t end = RelayBuffers::kHead;
  for (std::size_t at = end; bytes > 0; at += kSlot) {
    const std::size_t body = std::min(bytes, RelayBuffers::kBodyBytes);
    const ByteSpan record = sealed.subspan(at, body + kRecordOverhead);
    if (!records.seal(FrameType::kData, record)) return std::nullopt;
    bytes -= body;
    end = at + record.size();
  }
  return sealed.subspan(begin, end - begin);
}

// ---- PlainWriter ----

PlainWriter::PlainWriter(Watched& socket, Limiter* limit, std::uint64_t& written)
    : socket_(socket), written_(written) {
  if (limit != nullptr) turn_.emplace(*limit, socket.loop());
}

void PlainWriter::add(ByteSpan payload) { payloads[count_++] = {payload.data(), payload.size()}; }

bool PlainWriter::write() {
  std::size_t first = 0;
  if (!paced() && !write_payloads(first)) return false;
  keep(first);
  return true;
}

ssize_t PlainWriter::send_payloads(std::size_t first) const {
  if (count_ - first == 1) {
    return ::send(socket_.fd(), payloads[first].iov_base, payloads[first].iov_len, MSG_NOSIGNAL);
  }
  msghdr message{};
  message.msg_iov = payloads.data() + first;
  message.msg_iovlen = count_ - first;
  return ::sendmsg(socket_.fd(), &message, MSG_NOSIGNAL);
}

bool PlainWriter::write_payloads(std::size_t& first) {
  while (first < count_) {
    const ssize_t sent = send_payloads(first);
    if (sent >= 0) {
      written_ += static_cast<std::size_t>(sent);
      first = skip(first, static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      socket_.full();
      return true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::size_t PlainWriter::skip(std::size_t first, std::size_t bytes) {
  while (first < count_ && bytes >= payloads[first].iov_len) bytes -= payloads[first++].iov_len;
  if (bytes > 0) {
    payloads[first].iov_base = static_cast<std::uint8_t*>(payloads[first].iov_base) + bytes;
    payloads[first].iov_len -= bytes;
  }
  return first;
}

void PlainWriter::keep(std::size_t first) {
  for (; first < count_; ++first) {
    const auto* const begin = static_cast<const std::uint8_t*>(payloads[first].iov_base);
    kept_.insert(kept_.end(), begin, begin + payloads[first].iov_len);
  }
}

Task<bool> PlainWriter::flush() {
  for (std::size_t at = 0; at < kept_.size();) {
    std::uint64_t room = kept_.size() - at;
    if (turn_) room = co_await turn_->take(room);
    if (room == 0) co_return false;
    const ssize_t sent = ::send(socket_.fd(), kept_.data() + at, room, MSG_NOSIGNAL);
    const int error = sent < 0 ? errno : 0;
    const auto gone = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (turn_) turn_->give_back(room - gone);
    if (error != 0 && error != EAGAIN && error != EINTR) co_return false;
    at += gone;
    written_ += gone;
    if (gone == room) continue;
    socket_.full();
    const Wake wake = co_await socket_.writable();
    if (wake != Wake::kReady) co_return false;
  }
  std::vector<std::uint8_t>().swap(kept_);
  co_return true;
}

void PlainWriter::cancel() {
  if (turn_) turn_->cancel();
}

}  // namespace arctic
