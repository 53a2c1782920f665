// The ten bytes before each packet on a TUN with IFF_VNET_HDR: what is left to do for it.
//
// segment.h reads what the kernel wrote, coalesce.h says what the kernel shall read. Pure.
// Reference: struct virtio_net_hdr of linux/virtio_net.h, in the machine's byte order; virtio 1.2,
// 5.1.6. USO's type is younger than the headers of some systems, so the numbers are our own.
#pragma once

#include <cstdint>
#include <cstring>

namespace arctic {

struct OffloadHeader {
  static constexpr std::size_t kBytes = 10;

  // flags
  static constexpr std::uint8_t kNeedsChecksum = 1;  ///< the field holds the pseudo-header's sum
  static constexpr std::uint8_t kDataValid = 2;
  // gso_type
  static constexpr std::uint8_t kNone = 0;
  static constexpr std::uint8_t kTcp4 = 1;
  static constexpr std::uint8_t kTcp6 = 4;
  static constexpr std::uint8_t kUdp = 5;     ///< of either family (USO)
  static constexpr std::uint8_t kEcn = 0x80;  ///< beside a TCP type

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kNone;
  std::uint16_t header_bytes = 0;     ///< hdr_len: IP and transport header; a hint
  std::uint16_t gso_size = 0;         ///< payload of each segment but the last
  std::uint16_t checksum_start = 0;   ///< csum_start: where the transport header begins
  std::uint16_t checksum_offset = 0;  ///< csum_offset: from there to the field

  friend bool operator==(const OffloadHeader&, const OffloadHeader&) = default;
};
static_assert(sizeof(OffloadHeader) == OffloadHeader::kBytes);

/// REQUIRES: OffloadHeader::kBytes at `bytes`.
[[nodiscard]] inline OffloadHeader decode_offload(const std::uint8_t* bytes) {
  OffloadHeader header;
  std::memcpy(&header, bytes, sizeof header);
  return header;
}

/// REQUIRES: OffloadHeader::kBytes of room.
inline void encode_offload(const OffloadHeader& header, std::uint8_t* out) {
  std::memcpy(out, &header, sizeof header);
}

}  // namespace arctic
