// Ones' complement sums of IP, TCP and UDP, fast: they touch every byte that a tunnel carries.
//
// Cutting and coalescing call it for each packet. Pure. Reference: RFC 1071; the pseudo-headers are
// of RFC 9293 3.1, RFC 768 and RFC 8200 8.1. Sums are taken in the machine's byte order (RFC 1071,
// 2 (B)); numbers go in and out in the ordinary way, as the big-endian fields that they are.
#pragma once

#include <bit>
#include <cstdint>

#include "schema/base/bytes.h"

namespace arctic {

class Checksum {
 public:
  /// Any size and alignment. REQUIRES: all that was added before is of an even size.
  void add(ByteView bytes);
  /// add() and copy in one pass. REQUIRES: as for add(), and as much room, elsewhere.
  void add_copied(ByteView bytes, std::uint8_t* out);
  /// Two bytes of a field; taken away again, they are as if they had not been there.
  void add16(std::uint16_t number) { sum_ += swapped(number); }
  void subtract16(std::uint16_t number) { add16(static_cast<std::uint16_t>(~number)); }
  /// Source and destination as they lie in the IP header, and the size of what follows it.
  void add_pseudo_header(ByteView addresses, std::uint8_t protocol, std::uint16_t size);

  /// The sum alone: what stands in the field of a packet whose checksum others complete.
  [[nodiscard]] std::uint16_t partial() const { return swapped(folded()); }
  /// What to write into the field, which must have been zero or subtracted.
  [[nodiscard]] std::uint16_t finished() const { return static_cast<std::uint16_t>(~partial()); }
  /// The same, but never zero, which means "none" in UDP (RFC 768); elsewhere they are equal.
  [[nodiscard]] std::uint16_t finished_nonzero() const {
    return finished() == 0 ? std::uint16_t{0xffff} : finished();
  }
  /// Whether the field, added with all the rest, was right.
  [[nodiscard]] bool right() const { return folded() == 0xffff; }

 private:
  static constexpr std::uint16_t swapped(std::uint16_t number) {
    if constexpr (std::endian::native == std::endian::big) return number;
    return static_cast<std::uint16_t>(number << 8 | number >> 8);
  }
  [[nodiscard]] std::uint16_t folded() const {
    std::uint64_t sum = (sum_ & 0xffffffffU) + (sum_ >> 32);
    sum = (sum & 0xffffU) + (sum >> 16 & 0xffffU) + (sum >> 32);
    return static_cast<std::uint16_t>((sum & 0xffffU) + (sum >> 16));
  }

  std::uint64_t sum_ = 0;
};

}  // namespace arctic
