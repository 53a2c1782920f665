#include "runtime/tempest/packet_out.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace arctic {
namespace {

constexpr std::size_t kReads = 64;
constexpr std::size_t kPacketBytes = 65536;  // the most that a read gives, without its header
constexpr std::size_t kReadBytes = kTunHeaderBytes + kPacketBytes;
constexpr std::size_t kInPlace = 2048;     // of a packet lie where they are sealed; no more of most
constexpr std::size_t kFull = 128 * 1024;  // of the arena: then it is sent
// The header that a read puts before a packet lies where the datagram's head will be.
constexpr std::size_t kReadAt = data::kHeadBytes - kTunHeaderBytes;
constexpr std::size_t kArenaBytes = kFull + kReadAt + kReadBytes + 2 * data::kOverhead;

/// What a failed read says: a device that is being deleted says EBADFD; one that is down, nothing.
bool is_there(int error) { return error == EAGAIN || error == EIO || error == EINTR; }

}  // namespace

PacketOut::PacketOut(std::size_t slot, DropCounter& drops, ControlSide& control)
    : slot_(slot), drops_(drops), control_(control), arena_(kArenaBytes), super_(kPacketBytes) {
  entries_.reserve(kReads);
  trains_.reserve(kReads);
}

bool PacketOut::discard(const DeviceQueue& queue) {
  for (std::size_t i = 0; i < kReads; ++i) {
    if (::read(queue.tun.fd.get(), arena_.data(), kReadBytes) < 0) return is_there(errno);
    drops_.add(Drop::kNoSend);
  }
  return true;
}

bool PacketOut::drain(DeviceQueue& queue, const UdpPair& sockets, Time now) {
  bool there = true;
  for (std::size_t i = 0; i < kReads; ++i) {
    // What is longer than an ordinary packet is cut: its rest goes where that happens.
    const iovec places[] = {{arena_.data() + used_ + kReadAt, kTunHeaderBytes + kInPlace},
                            {super_.data() + kInPlace, kPacketBytes - kInPlace}};
    const ssize_t got = ::readv(queue.tun.fd.get(), places, 2);
    if (got < 0 && errno == EINTR) continue;
    there = got >= 0 || is_there(errno);
    if (got < 0) break;
    if (static_cast<std::size_t>(got) <= kTunHeaderBytes) continue;
    take(queue, sockets, static_cast<std::size_t>(got) - kTunHeaderBytes, now);
    if (used_ >= kFull) flush(queue, sockets, now);
  }
  flush(queue, sockets, now);
  return there;
}

void PacketOut::return_unreachable(const DeviceQueue& queue, ByteView packet, Time now) {
  if (!errors_.may(now)) return;
  const auto error = unreachable(packet);
  if (!error) return;
  std::array<std::uint8_t, OffloadHeader::kBytes> header;
  encode_offload({}, header.data());
  const iovec pieces[] = {{header.data(), header.size()},
                          {const_cast<std::uint8_t*>(error->data()), error->size()}};
  if (::writev(queue.tun.fd.get(), pieces, 2) < 0) drops_.add(Drop::kDeviceRefused);
}

void PacketOut::take(DeviceQueue& queue, const UdpPair& sockets, std::size_t packet_bytes,
                     Time now) {
  const OffloadHeader header = decode_offload(arena_.data() + used_ + kReadAt);
  std::uint8_t* const in_place = arena_.data() + used_ + data::kHeadBytes;
  const bool is_long = packet_bytes > kInPlace;
  if (is_long) std::memcpy(super_.data(), in_place, kInPlace);
  auto super = SuperPacket::parse(header, {is_long ? super_.data() : in_place, packet_bytes});
  if (!super) return drops_.add(Drop::kBadPacket);
  const PeerHandle* const peer = queue.table->to(super->packet());
  if (peer == nullptr) {
    drops_.add(Drop::kNoPeer);
    return return_unreachable(queue, super->packet(), now);
  }
  if (super->count() == 1) {
    const ByteSpan packet = super->packet();
    if (is_long) std::memcpy(in_place, packet.data(), packet.size());
    return add(*peer, packet.size(), queue.mtu);
  }
  if (!is_long) {
    // What is cut takes the place of what is cut from.
    std::memcpy(super_.data(), in_place, packet_bytes);
    super = SuperPacket::parse(header, {super_.data(), packet_bytes});
  }
  cut(*super, queue, *peer, sockets, now);
}

void PacketOut::cut(const SuperPacket& super, const DeviceQueue& queue, const PeerHandle& peer,
                    const UdpPair& sockets, Time now) {
  for (std::size_t i = 0; i < super.count(); ++i) {
    super.write(i, arena_.data() + used_ + data::kHeadBytes);
    add(peer, super.size(i), queue.mtu);
    if (used_ >= kFull) flush(queue, sockets, now);
  }
}

void PacketOut::add(const PeerHandle& peer, std::size_t packet_bytes, std::size_t mtu) {
  const std::size_t padded = data::padded(packet_bytes, mtu);
  std::uint8_t* const packet = arena_.data() + used_ + data::kHeadBytes;
  std::memset(packet + packet_bytes, 0, padded - packet_bytes);
  entries_.push_back({&peer, used_, padded + data::kOverhead});
  used_ += padded + data::kOverhead;
}

void PacketOut::flush(const DeviceQueue& queue, const UdpPair& sockets, Time now) {
  for (std::size_t first = 0; first < entries_.size();) {
    std::size_t end = first + 1;
    while (end < entries_.size() && entries_[end].peer == entries_[first].peer) ++end;
    send(queue, first, end, sockets, now);
    first = end;
  }
  entries_.clear();
  used_ = 0;
}

void PacketOut::send(const DeviceQueue& queue, std::size_t first, std::size_t end,
                     const UdpPair& sockets, Time now) {
  const PeerHandle& peer = *entries_[first].peer;
  std::uint64_t bytes = 0;
  for (std::size_t i = first; i < end; ++i) bytes += entries_[i].bytes;

  auto lock = peer->lock();
  const auto way = peer->way(now);
  const auto counter = way ? way->session->take_counters(end - first) : std::nullopt;
  if (!counter) {
    lock.unlock();
    return stage(queue, first, end, now);
  }
  peer->sent(*way->session, bytes, /*data=*/true, now);
  const bool call = peer->take_call();
  lock.unlock();
  if (call) control_.tend(peer);

  for (std::size_t i = first; i < end; ++i) {
    way->session->seal(slot_, *counter + (i - first),
                       ByteSpan(arena_).subspan(entries_[i].at, entries_[i].bytes));
  }
  gather(first, end);
  const SendCounts counts = send_trains(sockets, way->endpoint, trains_, support_);
  if (counts.dropped > 0) drops_.add(Drop::kNoSend, counts.dropped);
  if (counts.local_address_bad) {
    lock.lock();
    peer->forget_local_address();
  }
}

void PacketOut::gather(std::size_t first, std::size_t end) {
  trains_.clear();
  std::size_t length = 0;
  for (std::size_t i = first; i < end; ++i) {
    const Entry& entry = entries_[i];
    Train* const last = trains_.empty() ? nullptr : &trains_.back();
    // A shorter one may be the last of a train, so a train that is not full-sized is closed.
    if (last != nullptr && entry.bytes <= last->size && last->all == length * last->size &&
        length < kMostTrainLength && last->all + entry.bytes <= kMostTrainBytes) {
      last->all += entry.bytes;
      ++length;
    } else {
      trains_.push_back({arena_.data() + entry.at, entry.bytes, entry.bytes});
      length = 1;
    }
  }
}

void PacketOut::stage(const DeviceQueue& queue, std::size_t first, std::size_t end, Time now) {
  const PeerHandle& peer = *entries_[first].peer;
  const auto padded = [&](std::size_t i) {
    return ByteView(arena_).subspan(entries_[i].at + data::kHeadBytes,
                                    entries_[i].bytes - data::kOverhead);
  };
  auto lock = peer->lock();
  if (!peer->endpoint()) {
    lock.unlock();
    drops_.add(Drop::kNoEndpoint, end - first);
    return return_unreachable(queue, padded(first), now);
  }
  for (std::size_t i = first; i < end; ++i) peer->stage(padded(i), now);
  const bool call = peer->take_call();
  lock.unlock();
  if (call) control_.tend(peer);
}

}  // namespace arctic
