// The connections that Pegasus carries: the answer to `connections`.
//
// The daemon encodes it, the command line decodes it. A list may end before the last connection;
// then `next` says where to go on, and what begins or ends meanwhile may be missed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/artifact/control.h"
#include "schema/artifact/pegasus_config.h"

namespace arctic {

struct ConnectionList {
  struct Connection {
    std::uint64_t id = 0;
    std::string service;
    PegasusConfig::Role role = PegasusConfig::Role::kEntry;
    std::string client;       ///< "192.0.2.1:1025", "[2001:db8::1]:1025"
    std::string destination;  ///< as `client`
    std::string peer;
    std::uint64_t sent = 0;  ///< bytes from the client to the destination
    std::uint64_t received = 0;
    std::uint64_t age_s = 0;
    friend bool operator==(const Connection&, const Connection&) = default;
  };
  std::vector<Connection> connections;
  std::string next;  ///< `after` of the next request; empty: there are no more

  friend bool operator==(const ConnectionList&, const ConnectionList&) = default;
};

[[nodiscard]] std::string encode_answer(std::string_view id, const ConnectionList& list);
/// kConfig if the line is no answer of this kind.
[[nodiscard]] Result<ControlAnswer<ConnectionList>> decode_connections_answer(
    std::string_view line);

}  // namespace arctic
