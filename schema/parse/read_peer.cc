#include "schema/parse/reader.h"

namespace arctic {
namespace {

constexpr std::uint32_t kMostPort = 65535;

std::optional<Located<std::uint16_t>> read_port(const YamlEntry& entry, Reader& reader) {
  const auto number = read_number({entry, 20}, 1, kMostPort, reader.diagnostics);
  if (!number) return std::nullopt;
  return Located<std::uint16_t>{static_cast<std::uint16_t>(number->value), number->span};
}

const Field<Peer> kPeerFields[] = {
    {"name",
     [](const YamlEntry& e, Peer& p, Reader& r) {
       store(read_text({e, 3}, r.diagnostics), p.name);
     }},
    {"address",
     [](const YamlEntry& e, Peer& p, Reader& r) {
       store(read_host({e, 12}, r.diagnostics), p.address);
       p.bad_address = !p.address;
     }},
    {"public_key",
     [](const YamlEntry& e, Peer& p, Reader& r) {
       store(read_public_key({e, 12}, r.diagnostics), p.public_key);
       p.bad_public_key = !p.public_key;
     }},
    {"parent_interface",
     [](const YamlEntry& e, Peer& p, Reader& r) {
       store(read_device({e, 20}, r.diagnostics), p.parent_interface);
     }},
    {"pegasus_port",
     [](const YamlEntry& e, Peer& p, Reader& r) { store(read_port(e, r), p.pegasus_port); }},
    {"tempest_port",
     [](const YamlEntry& e, Peer& p, Reader& r) { store(read_port(e, r), p.tempest_port); }},
    {"mark_shift",
     [](const YamlEntry& e, Peer& p, Reader& r) {
       constexpr std::uint32_t kMostShift = 19;  // 13 bits of 32
       const auto shift = read_number({e, 20}, 0, kMostShift, r.diagnostics);
       if (shift) p.mark_shift = {static_cast<int>(shift->value), shift->span};
     }},
    {"metrics",
     [](const YamlEntry& e, Peer& p, Reader& r) {
       store(read_listen({e, 20}, kMostPort - 1, r.diagnostics), p.metrics);
     }},
};

}  // namespace

Peer read_peer(const YamlNode& node, Reader& reader) {
  Peer peer;
  const auto entries = reader.tree.entries(node);
  peer.span = item_span(node, entries);
  read_entries(entries, kPeerFields, peer, reader);
  if (!has_key(entries, "name")) {
    reader.diagnostics.error(3, peer.span, "this peer has no `name`",
                             "services name it in `source_peer` and `target_peer`");
  }
  return peer;
}

}  // namespace arctic
