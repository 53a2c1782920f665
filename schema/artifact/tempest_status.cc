#include "schema/artifact/tempest_status.h"

#include "schema/artifact/control_fields.h"
#include "schema/artifact/process_fields.h"

namespace arctic {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Peer = TempestStatus::Peer;
using Offloads = TempestStatus::Offloads;

ordered_json write(const Peer& peer) {
  return {{"name", peer.name},
          {"device", peer.device},
          {"attached", peer.attached},
          {"endpoint", text_or_null(peer.endpoint)},
          {"has_session", peer.has_session},
          {"handshake_age_s",
           peer.handshake_age_s ? ordered_json(*peer.handshake_age_s) : ordered_json()},
          {"bytes", {{"sent", peer.sent_bytes}, {"received", peer.received_bytes}}},
          {"last_error", text_or_null(peer.last_error)}};
}

bool read_flag(Fields& fields, const char* key) {
  const json& value = fields.value(key);
  if (value.is_boolean()) return value.get<bool>();
  fields.problem(key, "must be true or false");
  return false;
}

Result<Peer> read_peer(const json& item, const std::string& where) {
  Fields fields(item, where);
  Peer peer;
  peer.name = read_name(fields, "name");
  peer.device = fields.text("device");
  peer.attached = read_flag(fields, "attached");
  peer.endpoint = read_text_or_null(fields, "endpoint");
  peer.has_session = read_flag(fields, "has_session");
  if (!fields.value("handshake_age_s").is_null()) {
    peer.handshake_age_s = fields.number("handshake_age_s");
  }
  Fields bytes(fields.value("bytes"), where + "/bytes");
  peer.sent_bytes = bytes.number("sent");
  peer.received_bytes = bytes.number("received");
  peer.last_error = read_text_or_null(fields, "last_error");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_CHECK(bytes.finish());
  return peer;
}

Result<Offloads> read_offloads(const json& item, const std::string& where) {
  Fields fields(item, where);
  Offloads offloads;
  offloads.udp_send = read_flag(fields, "udp_send");
  offloads.udp_receive = read_flag(fields, "udp_receive");
  offloads.tun_tcp = read_flag(fields, "tun_tcp");
  offloads.tun_udp = read_flag(fields, "tun_udp");
  ARCTIC_CHECK(fields.finish());
  return offloads;
}

Result<std::map<std::string, std::uint64_t>> read_dropped(const json& item,
                                                          const std::string& where) {
  if (!item.is_object()) return fail(ErrorCode::kConfig, {}, "must be an object", {}, where);
  std::map<std::string, std::uint64_t> out;
  for (const auto& [reason, count] : item.items()) {
    if (!count.is_number_unsigned()) {
      return fail(ErrorCode::kConfig, {}, "must be a whole number, 0 or more", {},
                  where + "/" + reason);
    }
    out[reason] = count.get<std::uint64_t>();
  }
  return out;
}

Result<TempestStatus> read_status(const json& item, const std::string& where) {
  Fields fields(item, where);
  TempestStatus status;
  const json& peers = fields.value("peers");
  const json& offloads = fields.value("offloads");
  const json& dropped = fields.value("dropped");
  status.cipher = fields.text("cipher");
  auto process = read_process(fields, where);
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(status.process, std::move(process));
  ARCTIC_TRY(status.peers, read_list<Peer>(peers, where + "/peers", read_peer));
  ARCTIC_TRY(status.offloads, read_offloads(offloads, where + "/offloads"));
  ARCTIC_TRY(status.dropped, read_dropped(dropped, where + "/dropped"));
  return status;
}

}  // namespace

std::string encode_answer(std::string_view id, const TempestStatus& status) {
  ordered_json out = ordered_json::object();
  write_process(out, status.process);
  ordered_json& peers = out["peers"] = ordered_json::array();
  for (const auto& each : status.peers) peers.push_back(write(each));
  out["offloads"] = {{"udp_send", status.offloads.udp_send},
                     {"udp_receive", status.offloads.udp_receive},
                     {"tun_tcp", status.offloads.tun_tcp},
                     {"tun_udp", status.offloads.tun_udp}};
  out["cipher"] = status.cipher;
  ordered_json& dropped = out["dropped"] = ordered_json::object();
  for (const auto& [reason, count] : status.dropped) dropped[reason] = count;
  return good_answer(id, out);
}

Result<ControlAnswer<TempestStatus>> decode_tempest_status_answer(std::string_view line) {
  return decode_answer<TempestStatus>(line, read_status);
}

}  // namespace arctic
