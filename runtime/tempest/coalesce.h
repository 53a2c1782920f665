// Joins the packets of one receive batch into super-packets, so that the kernel walks its path once
// for many.
//
// A worker adds every packet that it opened, then writes what next() hands out, each with one
// writev() to a TUN with IFF_VNET_HDR. Packets of a flow (addresses, protocol, ports) keep their
// order; flows may pass each other. Only what segmentation gives back byte for byte is joined (but
// for IPv4's identification under DF and TCP's PSH), and only if its checksums are right: what is
// wrong goes on alone, for the kernel to drop and count. Never allocates, keeps nothing from batch
// to batch. Pure. Reference: linux/virtio_net.h; RFC 9293, 768, 3168, 6864.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "runtime/tempest/ip_packet.h"
#include "runtime/tempest/offload_header.h"

namespace arctic {

class Coalescer {
 public:
  /// What the TUN takes.
  struct Options {
    bool tcp = true;
    bool udp = true;
  };
  static constexpr std::size_t kMaxBatch = std::size_t{8} * 64;
  static constexpr std::size_t kMaxSegments = 64;  ///< in a super-packet
  static constexpr std::size_t kMaxBytes = 65535;  ///< of a super-packet
  static constexpr std::size_t kMaxFlows = 16;     ///< open at once; then the oldest is closed

  explicit Coalescer(Options options) : options_(options) {}

  [[nodiscard]] bool full() const { return train_count_ + link_count_ == kMaxBatch; }
  /// Any bytes; they stay where they are until the batch is out, and their headers may be changed.
  /// What follows a packet's own length may be left off.
  /// REQUIRES: !full(), and no next() since the last one that gave nothing.
  void add(ByteSpan packet);

  /// Pieces that together are one packet, IP header first. They and the packets are used until the
  /// following call.
  struct Write {
    OffloadHeader header;
    std::span<const ByteView> pieces;
  };
  /// nullopt when the batch is out; then the next one may be added.
  [[nodiscard]] std::optional<Write> next();

 private:
  /// A packet with ports, as add() sees it.
  struct Seen {
    ByteSpan packet;  ///< as long as it says
    IpPacket ip;
    bool tcp = false;
    std::uint32_t ports = 0;
    // From here on, it has a meaning only if it may join.
    std::size_t header_bytes = 0;  ///< IP and transport
    bool push = false;

    [[nodiscard]] std::size_t payload_bytes() const { return packet.size() - header_bytes; }
  };
  /// A super-packet under way, or a lone packet.
  struct Train {
    Seen first;  ///< of a lone packet, only the bytes
    std::size_t count = 1;
    // From here on, it has a meaning only if others may join.
    std::size_t bytes = 0;
    bool verified = false;  ///< the first one's checksums are right
    bool push = false;
    std::uint16_t first_link = 0;
    std::uint16_t last_link = 0;
  };
  /// The payload of a packet that is not the first of its train.
  struct Link {
    ByteView payload;
    std::uint16_t next = 0;
  };
  struct Open {
    std::uint32_t ports = 0;
    std::uint16_t train = 0;
  };

  [[nodiscard]] bool may_join(Seen& seen) const;
  [[nodiscard]] static bool fits(const Train& train, const Seen& seen);
  /// Only when there is a second packet: of many flows a batch has just one.
  [[nodiscard]] static bool verify_first(Train& train);
  [[nodiscard]] static OffloadHeader finish(Train& train);

  void add_to_flow(Seen& seen);
  Train& add_alone(ByteSpan packet);
  void begin(const Seen& seen);
  void append(std::size_t place, const Seen& seen);
  /// The place of its flow in open_, or open_count_.
  [[nodiscard]] std::size_t find(const Seen& seen) const;
  void close(std::size_t place);
  void close_between(ByteView packet, const IpPacket& ip);

  Options options_;
  std::size_t train_count_ = 0;
  std::size_t link_count_ = 0;
  std::size_t open_count_ = 0;
  std::size_t handed_out_ = 0;
  std::array<Train, kMaxBatch> trains_;
  std::array<Link, kMaxBatch> links_;
  std::array<Open, kMaxFlows> open_;  ///< trains that may go on, oldest first
  std::array<ByteView, kMaxSegments> pieces_;
};

}  // namespace arctic
