// Any bytes as datagrams from the network: no handshake message and no data but those that were
// made for a peer do anything.
#include <cstdint>
#include <vector>

#include "tests/fuzz/require.h"
#include "tests/tempest/two_peers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace arctic;
  using namespace arctic::test;
  static TwoPeers* const world = [] {
    auto* const made = new TwoPeers;
    made->a.send(Bytes(64, 1));
    made->deliver();
    return made;
  }();
  End& end = world->b;
  const std::size_t indices = end.local->indices->size();
  const auto endpoint = end.peer->endpoint();
  const PeerEndpoint from{{{Family::kIpv4, 0xcb007101U}, 9}, 0, {}};
  for (const bool loaded : {false, true}) {
    end.loaded = loaded;
    // With the index of a session and a right mac1, the rest of the message is looked at.
    for (const bool dressed : {false, true}) {
      Bytes bytes(data, data + size);
      if (dressed && bytes.size() >= 16) {
        const auto way = world->a.peer->way(world->now);
        if (way) put32(way->session->remote_index(), bytes.data() + data::kReceiverAt);
      }
      if (dressed && (bytes.size() == initiation::kBytes || bytes.size() == response::kBytes)) {
        CookieMaker(end.local->own.point).add_macs(bytes, world->now);
      }
      require(end.receive(bytes, from).has_value(), "what nobody made is dropped");
    }
  }
  require(end.local->indices->size() == indices, "nothing is left of it");
  require(end.peer->endpoint() == endpoint, "and nobody has moved");
  require(end.came.size() == 1, "no packet came of it");
  end.out.clear();
  return 0;
}
