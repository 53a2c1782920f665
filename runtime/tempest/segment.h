// Cuts what the TUN gives into packets of the tunnel's size.
//
// A worker reads up to 64 KiB at once, parses it here with the header before it, and takes the
// segments one by one, straight to where they are sealed. An ordinary packet is used where it lies.
// Never allocates; knows no MTU: the kernel chose the size. Pure. Reference: virtio 1.2, 5.1.6.2;
// RFC 9293 3.1, 3168 6.1.2 (CWR), 6864 (identification), 768; hdr_len is a hint and not looked at.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/tempest/checksum.h"
#include "runtime/tempest/ip_packet.h"
#include "runtime/tempest/offload_header.h"

namespace arctic {

class SuperPacket {
 public:
  /// Points into `packet`. If the whole is one packet, its checksum is completed in place. nullopt
  /// if header and packet contradict each other, or it is no IP packet, or shorter than it says.
  /// What follows the packet's own length is left off.
  [[nodiscard]] static std::optional<SuperPacket> parse(const OffloadHeader& header,
                                                        ByteSpan packet);

  /// At least 1. With 1, packet() is ready as it is. A small gso_size can make it tens of
  /// thousands.
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] ByteSpan packet() const { return packet_; }

  /// Of the i-th segment with its headers. REQUIRES: i < count().
  [[nodiscard]] std::size_t size(std::size_t i) const {
    return i + 1 < count_ ? header_bytes_ + gso_size_ : packet_.size() - i * gso_size_;
  }
  /// Writes the i-th segment, whole and with all checksums. REQUIRES: i < count(), and size(i)
  /// bytes of room outside of packet().
  void write(std::size_t i, std::uint8_t* out) const;

 private:
  [[nodiscard]] bool read_segments(const OffloadHeader& header, const IpPacket& ip);
  void write_ip(std::size_t i, std::size_t bytes, std::uint8_t* out) const;
  void write_tcp(std::size_t i, std::uint8_t* out) const;

  ByteSpan packet_;
  std::size_t count_ = 1;
  // The rest has a meaning only if it is to be cut.
  std::size_t gso_size_ = 0;
  std::size_t ip_bytes_ = 0;      ///< without IPv6's extension headers
  std::size_t transport_at_ = 0;  ///< behind them
  std::size_t header_bytes_ = 0;  ///< all that is repeated
  Family family_ = Family::kIpv4;
  bool tcp_ = false;
  Checksum pseudo_;  ///< without the size
};

}  // namespace arctic
