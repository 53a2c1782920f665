#include "cli/starter.h"

namespace arctic::cli {

const std::string_view kStarter =
    R"(# yaml-language-server: $schema=arctic.schema.json
#
# The whole network in one file: every node reads it and takes its own part.
# `arctic validate` checks it, `arctic plan` shows what it changes on this node, `arctic apply` does it.
version: v1

peers:
  - name: here
    address: 192.0.2.10             # where the other peers reach it: IPv4, IPv6 or a name
    # public_key: "…"               # what `arctic keygen` prints on this peer

  - name: there
    address: 198.51.100.20
    # public_key: "…"

services:
  - name: here-to-there
    source_peer: here               # where traffic enters
    target_peer: there              # where it leaves
    transport_type: tcp             # how TCP is carried between the two: tcp or kcp
    routes:
      - priority: 100
        source_cidr: 10.0.0.0/8
        dest_cidr: 192.168.100.0/24
)";

}  // namespace arctic::cli
