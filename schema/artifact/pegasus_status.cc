#include "schema/artifact/pegasus_status.h"

#include "schema/artifact/control_fields.h"
#include "schema/artifact/process_fields.h"

namespace arctic {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Service = PegasusStatus::Service;
using Peer = PegasusStatus::Peer;
using PeerState = PegasusStatus::PeerState;
using Role = PegasusConfig::Role;

// ---- A service ----

Result<std::uint64_t> read_count(const json& item, const std::string& where) {
  if (item.is_number_unsigned()) return item.get<std::uint64_t>();
  return fail(ErrorCode::kConfig, {}, "must be a whole number, 0 or more", {}, where);
}

Result<Histogram> read_histogram(const json& item, const std::string& where) {
  Fields fields(item, where);
  Histogram histogram;
  const json& bounds = fields.value("bounds");
  const json& counts = fields.value("counts");
  histogram.sum = fields.number("sum");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(histogram.bounds, read_list<std::uint64_t>(bounds, where + "/bounds", read_count));
  ARCTIC_TRY(histogram.counts, read_list<std::uint64_t>(counts, where + "/counts", read_count));
  if (histogram.counts.size() != histogram.bounds.size() + 1) {
    return fail(ErrorCode::kConfig, {}, "must be one more than bounds", {}, where + "/counts");
  }
  return histogram;
}

ordered_json write(const Service& service) {
  return {{"service", service.service},
          {"id", service.id},
          {"role", to_string(service.role)},
          {"peer", service.peer},
          {"transport", to_string(service.transport)},
          {"limit_mbps", service.limit_mbps},
          {"connections",
           {{"open", service.open}, {"total", service.total}, {"refused", service.refused}}},
          {"bytes", {{"sent", service.sent}, {"received", service.received}}},
          {"waits", service.waits},
          {"connect_ms",
           {{"bounds", service.connect_ms.bounds},
            {"counts", service.connect_ms.counts},
            {"sum", service.connect_ms.sum}}}};
}

Result<Service> read_service(const json& item, const std::string& where) {
  Fields fields(item, where);
  Service service;
  service.service = read_name(fields, "service");
  service.id = read_name(fields, "id");
  service.role = read_word(fields, "role", {Role::kEntry, Role::kExit});
  service.peer = read_name(fields, "peer");
  service.transport = read_word(fields, "transport", {Transport::kTcp, Transport::kKcp});
  service.limit_mbps = read_u32(fields, "limit_mbps");
  Fields connections(fields.value("connections"), where + "/connections");
  service.open = connections.number("open");
  service.total = connections.number("total");
  service.refused = connections.number("refused");
  Fields bytes(fields.value("bytes"), where + "/bytes");
  service.sent = bytes.number("sent");
  service.received = bytes.number("received");
  service.waits = fields.number("waits");
  const json& connect_ms = fields.value("connect_ms");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_CHECK(connections.finish());
  ARCTIC_CHECK(bytes.finish());
  ARCTIC_TRY(service.connect_ms, read_histogram(connect_ms, where + "/connect_ms"));
  return service;
}

// ---- A peer ----

ordered_json write(const Peer& peer) {
  return {{"name", peer.name},
          {"endpoint", text_or_null(peer.endpoint)},
          {"state", to_string(peer.state)},
          {"links", {{"idle", peer.links_idle}, {"busy", peer.links_busy}}},
          {"handshakes", peer.handshakes},
          {"last_error", text_or_null(peer.last_error)},
          {"rtt_us", peer.rtt_us ? ordered_json(*peer.rtt_us) : ordered_json()},
          {"retransmits", peer.retransmits}};
}

Result<Peer> read_peer(const json& item, const std::string& where) {
  Fields fields(item, where);
  Peer peer;
  peer.name = read_name(fields, "name");
  peer.endpoint = read_text_or_null(fields, "endpoint");
  peer.state = read_word(fields, "state", {PeerState::kUp, PeerState::kDown, PeerState::kIdle});
  Fields links(fields.value("links"), where + "/links");
  peer.links_idle = links.number("idle");
  peer.links_busy = links.number("busy");
  peer.handshakes = fields.number("handshakes");
  peer.last_error = read_text_or_null(fields, "last_error");
  if (!fields.value("rtt_us").is_null()) peer.rtt_us = fields.number("rtt_us");
  peer.retransmits = fields.number("retransmits");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_CHECK(links.finish());
  return peer;
}

// ---- What is not confirmed ----

ordered_json write(const PegasusStatus::Unconfirmed& unconfirmed) {
  return {{"open", unconfirmed.open},
          {"refused",
           {{"source", unconfirmed.refused_source},
            {"total", unconfirmed.refused_total},
            {"init_source", unconfirmed.refused_init_source},
            {"init_total", unconfirmed.refused_init_total}}}};
}

Result<PegasusStatus::Unconfirmed> read_unconfirmed(const json& item, const std::string& where) {
  Fields fields(item, where);
  PegasusStatus::Unconfirmed unconfirmed;
  unconfirmed.open = fields.number("open");
  Fields refused(fields.value("refused"), where + "/refused");
  unconfirmed.refused_source = refused.number("source");
  unconfirmed.refused_total = refused.number("total");
  unconfirmed.refused_init_source = refused.number("init_source");
  unconfirmed.refused_init_total = refused.number("init_total");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_CHECK(refused.finish());
  return unconfirmed;
}

Result<PegasusStatus> read_status(const json& item, const std::string& where) {
  Fields fields(item, where);
  PegasusStatus status;
  const json& services = fields.value("services");
  const json& peers = fields.value("peers");
  const json& unconfirmed = fields.value("unconfirmed");
  auto process = read_process(fields, where);
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(status.process, std::move(process));
  ARCTIC_TRY(status.services, read_list<Service>(services, where + "/services", read_service));
  ARCTIC_TRY(status.peers, read_list<Peer>(peers, where + "/peers", read_peer));
  ARCTIC_TRY(status.unconfirmed, read_unconfirmed(unconfirmed, where + "/unconfirmed"));
  return status;
}

}  // namespace

const char* to_string(PeerState state) {
  return state == PeerState::kUp ? "up" : state == PeerState::kDown ? "down" : "idle";
}

std::string encode_answer(std::string_view id, const PegasusStatus& status) {
  ordered_json out = ordered_json::object();
  write_process(out, status.process);
  ordered_json& services = out["services"] = ordered_json::array();
  for (const auto& each : status.services) services.push_back(write(each));
  ordered_json& peers = out["peers"] = ordered_json::array();
  for (const auto& each : status.peers) peers.push_back(write(each));
  out["unconfirmed"] = write(status.unconfirmed);
  return good_answer(id, out);
}

Result<ControlAnswer<PegasusStatus>> decode_status_answer(std::string_view line) {
  return decode_answer<PegasusStatus>(line, read_status);
}

}  // namespace arctic
