#include "runtime/tempest/packet_in.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace arctic {

PacketIn::PacketIn(std::size_t slot, const PublicKey& own, std::shared_ptr<Indices> indices,
                   FindDevice find_device, DropCounter& drops, ControlSide& control)
    : slot_(slot),
      indices_(std::move(indices)),
      find_device_(std::move(find_device)),
      drops_(drops),
      control_(control),
      gate_(own) {}

void PacketIn::receive(int fd, const UdpPair& sockets, Time now) {
  const std::size_t count = batch_.receive(fd);
  for (std::size_t i = 0; i < count; ++i) {
    const auto message = batch_.message(i);
    if (message) {
      take_message(*message, sockets, now);
    } else {
      drops_.add(Drop::kNoMessage);
    }
  }
  end_run(now);
  write_out();
}

void PacketIn::take_message(const ReceiveBatch::Message& message, const UdpPair& sockets,
                            Time now) {
  for (ByteSpan rest = message.bytes; !rest.empty();) {
    const ByteSpan datagram = rest.first(std::min(message.size, rest.size()));
    rest = rest.subspan(datagram.size());
    const auto type = message_type(datagram);
    if (!type) {
      drops_.add(Drop::kNoMessage);
    } else if (*type == MessageType::kData) {
      take_data(datagram, message.from, now);
    } else {
      take_handshake(datagram, message.from, sockets, now);
    }
  }
}

void PacketIn::take_handshake(ByteView datagram, const PeerEndpoint& from, const UdpPair& sockets,
                              Time now) {
  if (datagram.size() != cookie_reply::kBytes) {
    const bool known = control_.knows(from.remote.address);
    const auto verdict = gate_.judge(datagram, from.remote, control_.is_loaded(), known, now);
    if (verdict.reply && send_datagram(sockets, from, *verdict.reply).dropped > 0) {
      drops_.add(Drop::kNoSend);
    }
    if (verdict.drop) return drops_.add(*verdict.drop);
  }
  if (!control_.take_handshake(datagram, from)) drops_.add(Drop::kBusy);
}

const Indices::Found& PacketIn::find(std::uint32_t index) {
  Remembered& at = remembered_[index % kRemembered];
  if (at.index != index || !at.found.session || at.found.session->is_retired()) {
    at = {index, indices_->find(index)};
  }
  return at.found;
}

void PacketIn::take_data(ByteSpan datagram, const PeerEndpoint& from, Time now) {
  const std::uint32_t index = number32(datagram.data() + data::kReceiverAt);
  const bool same = run_.found.session && run_.found.session->local_index() == index &&
                    run_.from == from && run_.count < kMostInRun;
  if (!same) {
    end_run(now);
    run_.found = find(index);
    run_.from = from;
  }
  if (!run_.found.session) return drops_.add(Drop::kUnknownIndex);
  if (!run_.found.session->may_receive(now)) return drops_.add(Drop::kExpired);
  const std::uint64_t counter = number64(datagram.data() + data::kCounterAt);
  if (!run_.found.session->open(slot_, datagram)) return drops_.add(Drop::kForgedData);
  run_.counters[run_.count] = counter;
  run_.packets[run_.count] = datagram.subspan(data::kHeadBytes, datagram.size() - data::kOverhead);
  run_.bytes += datagram.size();
  ++run_.count;
}

void PacketIn::end_run(Time now) {
  const std::size_t count = std::exchange(run_.count, 0);
  const std::uint64_t bytes = std::exchange(run_.bytes, 0);
  if (count == 0) return;
  std::array<bool, kMostInRun> good;
  run_.found.session->accept({run_.counters.data(), count}, {good.data(), count});
  std::size_t fresh = 0;
  bool data = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (!good[i]) continue;
    ++fresh;
    data = data || !run_.packets[i].empty();
  }
  if (fresh < count) drops_.add(Drop::kReplayed, count - fresh);
  if (fresh == 0) return;

  TunnelPeer& peer = *run_.found.peer;
  auto lock = peer.lock();
  peer.received(run_.found.session, run_.from, bytes, data, now);
  const bool call = peer.take_call();
  lock.unlock();
  if (call) control_.tend(run_.found.peer);

  for (std::size_t i = 0; i < count; ++i) {
    if (good[i] && !run_.packets[i].empty()) deliver(run_.packets[i]);
  }
}

void PacketIn::deliver(ByteSpan packet) {
  const std::size_t size = ip_size(packet);
  if (size == 0 || size > packet.size()) return drops_.add(Drop::kNoPacket);
  DeviceQueue* const device = find_device_(run_.found.peer->device());
  if (device == nullptr) return drops_.add(Drop::kDeviceRefused);
  const PeerHandle* const from = device->table->from(packet);
  if (from == nullptr || *from != run_.found.peer) return drops_.add(Drop::kWrongSource);
  if (device != device_ || !coalescer_ || coalescer_->full()) {
    write_out();
    if (device != device_ || !coalescer_) {
      device_ = device;
      const TunOffloads& offloads = device->tun.offloads;
      coalescer_ = std::make_unique<Coalescer>(Coalescer::Options{offloads.tcp, offloads.udp});
    }
  }
  coalescer_->add(packet.first(size));
}

void PacketIn::write_out() {
  if (!coalescer_) return;
  while (const auto write = coalescer_->next()) {
    std::array<std::uint8_t, OffloadHeader::kBytes> header;
    encode_offload(write->header, header.data());
    std::array<iovec, Coalescer::kMaxSegments + 1> pieces;
    pieces[0] = {header.data(), header.size()};
    for (std::size_t i = 0; i < write->pieces.size(); ++i) {
      pieces[i + 1] = {const_cast<std::uint8_t*>(write->pieces[i].data()), write->pieces[i].size()};
    }
    const auto count = static_cast<int>(write->pieces.size() + 1);
    if (::writev(device_->tun.fd.get(), pieces.data(), count) < 0) {
      drops_.add(Drop::kDeviceRefused, write->pieces.size());
    }
  }
}

void PacketIn::forget_device() {
  device_ = nullptr;
  coalescer_.reset();
}

void PacketIn::forget_retired() {
  for (Remembered& each : remembered_) {
    if (each.found.session && each.found.session->is_retired()) each = {};
  }
  if (run_.found.session && run_.found.session->is_retired()) run_.found = {};
}

}  // namespace arctic
