#include "tests/lab/traffic/handshake_flood.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "runtime/io/owned_fd.h"
#include "runtime/tempest/checksum.h"
#include "runtime/tempest/cookie.h"
#include "runtime/tempest/ip_packet.h"

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

namespace arctic::traffic {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kDifferent = 256;  // messages, which many sources share
constexpr std::uint8_t kTtl = 64;

using Message = std::array<std::uint8_t, initiation::kBytes>;

std::vector<Message> make_messages(const PublicKey& key) {
  std::mt19937_64 random(1);
  CookieMaker maker(key);
  std::vector<Message> out(kDifferent);
  for (Message& each : out) {
    for (auto& byte : each) byte = static_cast<std::uint8_t>(random());
    put32(static_cast<std::uint32_t>(MessageType::kInitiation), each.data());
    maker.add_macs(each, std::chrono::nanoseconds(0));
  }
  return out;
}

Address source(Family family, std::uint32_t number) {
  if (family == Family::kIpv4) return {family, U128{0x0a400000U + number}};
  return {family, U128{0xfd64'0000} << 96 | U128{number} << 64 | 1U};
}

/// A whole IP packet with one message in it.
std::vector<std::uint8_t> packet(const HandshakeFlood& flood, const Address& from,
                                 const Message& message) {
  const bool four = flood.address.family == Family::kIpv4;
  const std::size_t ip_bytes = four ? ipv4::kHeaderBytes : ipv6::kHeaderBytes;
  const std::size_t udp_bytes = udp::kHeaderBytes + message.size();
  const std::size_t addresses_at = four ? ipv4::kAddressesAt : ipv6::kAddressesAt;
  std::vector<std::uint8_t> out(ip_bytes + udp_bytes);
  const auto sender = from.bytes();
  const auto receiver = flood.address.bytes();
  std::copy_n(sender.begin(), from.size(), out.data() + addresses_at);
  std::copy_n(receiver.begin(), from.size(), out.data() + addresses_at + from.size());
  if (four) {
    out[0] = 0x45;
    put_field16(out.size(), out.data() + ipv4::kTotalLengthAt);  // its checksum is the kernel's
    out[ipv4::kTtlAt] = kTtl;
    out[ipv4::kProtocolAt] = udp::kProtocol;
  } else {
    out[0] = 0x60;
    put_field16(udp_bytes, out.data() + ipv6::kPayloadLengthAt);
    out[ipv6::kNextHeaderAt] = udp::kProtocol;
    out[ipv6::kHopLimitAt] = kTtl;
  }
  std::uint8_t* const datagram = out.data() + ip_bytes;
  put_field16(40'000, datagram);
  put_field16(flood.port, datagram + 2);
  put_field16(udp_bytes, datagram + udp::kLengthAt);
  std::copy(message.begin(), message.end(), datagram + udp::kHeaderBytes);
  Checksum sum;
  sum.add_pseudo_header(ByteView(out).subspan(addresses_at, 2 * from.size()), udp::kProtocol,
                        static_cast<std::uint16_t>(udp_bytes));
  sum.add({datagram, udp_bytes});
  put_field16(sum.finished_nonzero(), datagram + udp::kChecksumAt);
  return out;
}

OwnedFd raw_socket(const Address& to) {
  const bool four = to.family == Family::kIpv4;
  OwnedFd fd(::socket(four ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  const int on = 1;
  (void)::setsockopt(fd.get(), four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_HDRINCL : IPV6_HDRINCL,
                     &on, sizeof on);
  const auto bytes = to.bytes();
  int error = 0;
  if (four) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, bytes.data(), to.size());
    error = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::memcpy(&address.sin6_addr, bytes.data(), to.size());
    error = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  return error == 0 ? std::move(fd) : OwnedFd();
}

}  // namespace

int flood_handshakes(const HandshakeFlood& flood) {
  const OwnedFd fd = raw_socket(flood.address);
  if (!fd.valid()) {
    std::perror("traffic: raw socket");
    return 1;
  }
  const auto messages = make_messages(flood.key);
  std::vector<std::vector<std::uint8_t>> packets;
  packets.reserve(flood.sources);
  for (std::uint32_t i = 0; i < flood.sources; ++i) {
    packets.push_back(
        packet(flood, source(flood.address.family, i), messages[i % messages.size()]));
  }
  std::array<iovec, kBatch> places{};
  std::array<mmsghdr, kBatch> headers{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    headers[i].msg_hdr.msg_iov = &places[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  std::uint64_t sent = 0;
  const auto begin = Clock::now();
  const std::chrono::duration<double> length(flood.seconds);
  std::chrono::duration<double> passed{};
  for (; passed < length; passed = Clock::now() - begin) {
    auto due = static_cast<std::uint64_t>(flood.per_second * passed.count());
    if (due - sent < flood.burst) due = sent;
    while (sent < due) {
      const auto count = std::min<std::uint64_t>(due - sent, kBatch);
      for (std::size_t i = 0; i < count; ++i) {
        auto& bytes = packets[(sent + i) % packets.size()];
        places[i] = {bytes.data(), bytes.size()};
      }
      const int took = ::sendmmsg(fd.get(), headers.data(), static_cast<unsigned>(count), 0);
      sent += took > 0 ? static_cast<std::uint64_t>(took) : 1;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  const nlohmann::ordered_json out = {{"sent", sent},
                                      {"per_second", static_cast<double>(sent) / passed.count()}};
  std::printf("%s\n", out.dump().c_str());
  return 0;
}

}  // namespace arctic::traffic
