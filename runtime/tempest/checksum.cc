#include "runtime/tempest/checksum.h"

#include <algorithm>
#include <cstring>

namespace arctic {
namespace {

/// Four lanes that every CPU of ours adds at once, also one without AVX.
using Lanes = std::uint32_t __attribute__((vector_size(16)));

/// A lane takes two words of 16 bits per 32 bytes: with this many it cannot overflow.
constexpr std::size_t kBlock = std::size_t{1} << 19;

template <class Word>
Word load(const std::uint8_t* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// What is left after whole lanes: fewer than 32 bytes.
std::uint64_t sum_rest(const std::uint8_t* from, std::size_t size) {
  std::uint64_t sum = 0;
  for (; size >= 8; size -= 8, from += 8) {
    const auto word = load<std::uint64_t>(from);
    sum += (word & 0xffffffffU) + (word >> 32);
  }
  if (size & 4) {
    sum += load<std::uint32_t>(from);
    from += 4;
  }
  if (size & 2) {
    sum += load<std::uint16_t>(from);
    from += 2;
  }
  if (size & 1) {
    const std::uint8_t last[2] = {*from, 0};
    sum += load<std::uint16_t>(last);
  }
  return sum;
}

template <bool kCopy>
std::uint64_t sum_block(const std::uint8_t* from, std::size_t size, std::uint8_t* to) {
  Lanes low{};
  Lanes high{};
  for (; size >= 2 * sizeof(Lanes); size -= 2 * sizeof(Lanes), from += 2 * sizeof(Lanes)) {
    const auto first = load<Lanes>(from);
    const auto second = load<Lanes>(from + sizeof(Lanes));
    if constexpr (kCopy) {
      std::memcpy(to, &first, sizeof first);
      std::memcpy(to + sizeof first, &second, sizeof second);
      to += 2 * sizeof(Lanes);
    }
    low += first & 0xffffU;
    high += first >> 16;
    low += second & 0xffffU;
    high += second >> 16;
  }
  if (kCopy && size > 0) std::memcpy(to, from, size);
  std::uint64_t sum = sum_rest(from, size);
  for (std::size_t i = 0; i < 4; ++i) sum += std::uint64_t{low[i]} + high[i];
  return sum;
}

template <bool kCopy>
std::uint64_t sum_all(ByteView bytes, std::uint8_t* to) {
  std::uint64_t sum = 0;
  while (bytes.size() > kBlock) {
    sum += sum_block<kCopy>(bytes.data(), kBlock, to);
    bytes = bytes.subspan(kBlock);
    if constexpr (kCopy) to += kBlock;
  }
  return sum + sum_block<kCopy>(bytes.data(), bytes.size(), to);
}

}  // namespace

void Checksum::add(ByteView bytes) { sum_ += sum_all<false>(bytes, nullptr); }

void Checksum::add_copied(ByteView bytes, std::uint8_t* out) { sum_ += sum_all<true>(bytes, out); }

void Checksum::add_pseudo_header(ByteView addresses, std::uint8_t protocol, std::uint16_t size) {
  add(addresses);
  add16(protocol);
  add16(size);
}

}  // namespace arctic
