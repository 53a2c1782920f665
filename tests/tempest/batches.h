// Batches of packets through a Coalescer, and what the kernel would make of what comes out.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/tempest/coalesce.h"
#include "runtime/tempest/segment.h"
#include "tests/tempest/packets.h"

namespace arctic::test {

using Packets = std::vector<Bytes>;

struct Written {
  OffloadHeader header;
  std::size_t packets = 0;
  Bytes bytes;
};

/// One batch, each packet in room of exactly its size.
inline std::vector<Written> coalesce_with(Coalescer& coalescer, Packets packets) {
  for (Bytes& packet : packets) coalescer.add(packet);
  std::vector<Written> writes;
  while (const auto write = coalescer.next()) {
    Written& out = writes.emplace_back(Written{write->header, write->pieces.size(), {}});
    for (const ByteView piece : write->pieces) {
      out.bytes.insert(out.bytes.end(), piece.begin(), piece.end());
    }
  }
  return writes;
}

inline std::vector<Written> coalesce(Packets packets, Coalescer::Options options = {}) {
  const auto coalescer = std::make_unique<Coalescer>(options);
  return coalesce_with(*coalescer, std::move(packets));
}

inline std::vector<std::size_t> sizes_of(const std::vector<Written>& writes) {
  std::vector<std::size_t> sizes;
  for (const Written& write : writes) sizes.push_back(write.packets);
  return sizes;
}

using Sizes = std::vector<std::size_t>;

/// What the kernel makes of the writes.
inline Packets cut_again(const std::vector<Written>& writes) {
  Packets packets;
  for (const Written& write : writes) {
    if (write.packets == 1) {
      REQUIRE(write.header == OffloadHeader{});
      packets.push_back(write.bytes);
      continue;
    }
    Bytes bytes = write.bytes;
    const auto super = SuperPacket::parse(write.header, bytes);
    REQUIRE(super);
    REQUIRE(super->count() == write.packets);
    REQUIRE(super->packet().size() == bytes.size());
    for (std::size_t i = 0; i < super->count(); ++i) {
      super->write(i, packets.emplace_back(super->size(i)).data());
    }
  }
  return packets;
}

/// Parts of `size` bytes, as they come out of a tunnel.
inline Packets parts_of(const Packet& whole, std::size_t size) {
  Packets packets;
  for (std::size_t i = 0; i * size < whole.payload.size(); ++i) {
    packets.push_back(encode(part_of(whole, i, size)));
  }
  return packets;
}

/// Two parts of 100 bytes that follow each other.
inline std::pair<Packet, Packet> two_parts(Packet packet) {
  packet.payload = some_bytes(200);
  return {part_of(packet, 0, 100), part_of(packet, 1, 100)};
}

}  // namespace arctic::test
