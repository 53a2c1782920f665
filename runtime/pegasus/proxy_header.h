// The header that tells a server, before the first byte of a connection, who the client is: PROXY
// protocol version 2, for TCP over IPv4 or IPv6.
//
// The exit sends it where a service says `proxy_protocol: v2`. Pure. Reference: HAProxy's
// proxy-protocol.txt, 2.2.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/io/sockets.h"
#include "schema/base/bytes.h"

namespace arctic {

struct ProxyHeader {
  std::array<std::uint8_t, 52> bytes{};
  std::size_t size = 0;  ///< 28 or 52

  [[nodiscard]] ByteView view() const { return ByteView(bytes).first(size); }
};

/// `destination`: what the client dialled. REQUIRES: both of one family.
[[nodiscard]] ProxyHeader proxy_header(const SocketAddress& source,
                                       const SocketAddress& destination);

}  // namespace arctic
