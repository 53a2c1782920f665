#include "runtime/tempest/datagrams.h"

#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace arctic {
namespace {

constexpr std::size_t kControlRoom = 64;  // of what is sent

/// One message's address and ancillary data, as sendmsg(2) wants them.
class Sending {
 public:
  Sending(const PeerEndpoint& to, std::size_t segment) {
    set_address(to);
    std::size_t used = 0;
    if (to.local) used += put_source(to);
    if (segment != 0) {
      const auto size = static_cast<std::uint16_t>(segment);
      used += put(used, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    control_bytes_ = used;
  }

  void fill(msghdr& header, iovec& place) {
    header = {};
    header.msg_name = &address_;
    header.msg_namelen = address_bytes_;
    header.msg_iov = &place;
    header.msg_iovlen = 1;
    if (control_bytes_ == 0) return;
    header.msg_control = control_.data();
    header.msg_controllen = control_bytes_;
  }

 private:
  void set_address(const PeerEndpoint& to) {
    const auto bytes = to.remote.address.bytes();
    if (to.remote.address.family == Family::kIpv4) {
      auto& four = reinterpret_cast<sockaddr_in&>(address_);
      four.sin_family = AF_INET;
      four.sin_port = htons(to.remote.port);
      std::memcpy(&four.sin_addr, bytes.data(), 4);
      address_bytes_ = sizeof four;
    } else {
      auto& six = reinterpret_cast<sockaddr_in6&>(address_);
      six.sin6_family = AF_INET6;
      six.sin6_port = htons(to.remote.port);
      std::memcpy(&six.sin6_addr, bytes.data(), 16);
      six.sin6_scope_id = to.scope;
      address_bytes_ = sizeof six;
    }
  }

  std::size_t put(std::size_t at, int level, int type, const void* data, std::size_t size) {
    auto* const head = reinterpret_cast<cmsghdr*>(control_.data() + at);
    head->cmsg_level = level;
    head->cmsg_type = type;
    head->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(head), data, size);
    return CMSG_SPACE(size);
  }

  std::size_t put_source(const PeerEndpoint& to) {
    const auto bytes = to.local->bytes();
    if (to.local->family == Family::kIpv4) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, bytes.data(), 4);
      return put(0, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, bytes.data(), 16);
    return put(0, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  }

  sockaddr_storage address_{};
  socklen_t address_bytes_ = 0;
  alignas(cmsghdr) std::array<std::uint8_t, kControlRoom + 32> control_{};
  std::size_t control_bytes_ = 0;
};

int socket_for(const UdpPair& sockets, const PeerEndpoint& to) {
  return to.remote.address.family == Family::kIpv4 ? sockets.four.get() : sockets.six.get();
}

/// 0, or the errno value. A full queue is waited for, for a moment.
int send_one(int fd, const PeerEndpoint& to, ByteView bytes, std::size_t segment) {
  constexpr int kPatienceMs = 10;
  Sending sending(to, segment);
  iovec place{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  msghdr header;
  sending.fill(header, place);
  for (int tries = 0;; ++tries) {
    if (::sendmsg(fd, &header, MSG_NOSIGNAL) >= 0) return 0;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || tries > 0) return errno;
    pollfd wait{fd, POLLOUT, 0};
    (void)::poll(&wait, 1, kPatienceMs);
  }
}

/// Datagram by datagram; how many were not taken.
std::uint64_t send_each(int fd, const PeerEndpoint& to, const Train& train) {
  std::uint64_t dropped = 0;
  for (std::size_t at = 0; at < train.all; at += train.size) {
    const ByteView one(train.bytes + at, std::min(train.size, train.all - at));
    if (send_one(fd, to, one, 0) != 0) ++dropped;
  }
  return dropped;
}

/// One train, by whatever way there is.
void send_train(int fd, PeerEndpoint to, const Train& train, TrainSupport& support,
                SendCounts& counts) {
  const bool whole = train.length() == 1 || support.sends;
  int error = whole
                  ? send_one(fd, to, {train.bytes, train.all}, train.length() == 1 ? 0 : train.size)
                  : EIO;
  if (error == 0) return;
  if (to.local && (error == EINVAL || error == ENETUNREACH || error == EHOSTUNREACH)) {
    counts.local_address_bad = true;
    to.local.reset();
    error = send_one(fd, to, {train.bytes, train.all}, train.length() == 1 ? 0 : train.size);
    if (error == 0) return;
  }
  if (train.length() == 1) {
    ++counts.dropped;
    return;
  }
  // EIO: the way out has no checksum offload. EINVAL: a datagram is larger than the way's MTU.
  if (error == EIO) support.sends = false;
  if (error == EIO || error == EINVAL || error == EMSGSIZE) {
    counts.dropped += send_each(fd, to, train);
  } else {
    counts.dropped += train.length();
  }
}

}  // namespace

SendCounts send_trains(const UdpPair& sockets, const PeerEndpoint& to,
                       const std::vector<Train>& trains, TrainSupport& support) {
  SendCounts counts;
  const int fd = socket_for(sockets, to);
  for (const Train& train : trains) {
    if (fd < 0) {
      counts.dropped += train.length();
    } else {
      send_train(fd, to, train, support, counts);
    }
  }
  return counts;
}

SendCounts send_datagram(const UdpPair& sockets, const PeerEndpoint& to, ByteView bytes) {
  TrainSupport none;
  return send_trains(sockets, to,
                     {{const_cast<std::uint8_t*>(bytes.data()), bytes.size(), bytes.size()}}, none);
}

// ---- Receiving ----

ReceiveBatch::ReceiveBatch() : bytes_(kMessages * kMessageBytes) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    places_[i] = {bytes_.data() + i * kMessageBytes, kMessageBytes};
    msghdr& header = headers_[i].msg_hdr;
    header = {};
    header.msg_name = &from_[i];
    header.msg_iov = &places_[i];
    header.msg_iovlen = 1;
    header.msg_control = control_[i].data();
  }
}

std::size_t ReceiveBatch::receive(int fd) {
  for (mmsghdr& each : headers_) {
    each.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    each.msg_hdr.msg_controllen = kControlBytes;
  }
  const int got = ::recvmmsg(fd, headers_.data(), kMessages, MSG_DONTWAIT, nullptr);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::optional<ReceiveBatch::Message> ReceiveBatch::message(std::size_t index) {
  msghdr& header = headers_[index].msg_hdr;
  if ((header.msg_flags & MSG_TRUNC) != 0 || headers_[index].msg_len == 0) return std::nullopt;
  Message out;
  out.bytes = ByteSpan(bytes_).subspan(index * kMessageBytes, headers_[index].msg_len);
  out.size = out.bytes.size();
  if (from_[index].ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(from_[index]);
    out.from.remote = {address_from_bytes(Family::kIpv4, &four.sin_addr), ntohs(four.sin_port)};
  } else if (from_[index].ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(from_[index]);
    out.from.remote = {address_from_bytes(Family::kIpv6, &six.sin6_addr), ntohs(six.sin6_port)};
    out.from.scope = six.sin6_scope_id;
  } else {
    return std::nullopt;
  }
  for (cmsghdr* head = CMSG_FIRSTHDR(&header); head != nullptr; head = CMSG_NXTHDR(&header, head)) {
    const void* const data = CMSG_DATA(head);
    if (head->cmsg_level == IPPROTO_UDP && head->cmsg_type == UDP_GRO) {
      int size = 0;
      std::memcpy(&size, data, sizeof size);
      if (size > 0) out.size = static_cast<std::size_t>(size);
    } else if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, data, sizeof info);
      out.from.local = address_from_bytes(Family::kIpv4, &info.ipi_spec_dst);
    } else if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, data, sizeof info);
      out.from.local = address_from_bytes(Family::kIpv6, &info.ipi6_addr);
    }
  }
  return out;
}

}  // namespace arctic
