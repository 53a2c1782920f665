#include "schema/artifact/peer_places.h"

#include "schema/artifact/fields.h"
#include "schema/artifact/runtime_fields.h"

namespace arctic {

std::string encode(const PeerPlaces& places) {
  nlohmann::ordered_json list = nlohmann::ordered_json::object();
  for (const auto& [key, place] : places) {
    nlohmann::ordered_json declared;
    if (place.declared) declared = place.declared->to_string();
    list[key.to_string()] = {{"endpoint", place.endpoint.to_string()},
                             {"declared", std::move(declared)}};
  }
  return json_text({{"format_version", 1}, {"peers", std::move(list)}});
}

Result<PeerPlaces> decode_peer_places(std::string_view json) {
  constexpr std::size_t kDepth = 8;
  const nlohmann::json document = parse_strict(json, kDepth);
  if (document.is_discarded()) return fail(ErrorCode::kConfig, {}, "is not JSON");
  Fields top(document, "");
  if (top.number("format_version") != 1) top.problem("format_version", "must be 1");
  const nlohmann::json& list = top.value("peers");
  if (!list.is_object()) top.problem("peers", "must be an object");
  ARCTIC_CHECK(top.finish());
  PeerPlaces places;
  for (const auto& item : list.items()) {
    const std::string where = json_pointer("/peers", item.key());
    const auto key = parse_public_key(item.key());
    if (!key) return fail(ErrorCode::kConfig, {}, "is no public key", {}, where);
    Fields fields(item.value(), where);
    PeerPlace place;
    if (const auto endpoint = parse_endpoint(fields.text("endpoint"))) place.endpoint = *endpoint;
    if (!parse_address(place.endpoint.host)) {
      fields.problem("endpoint", "must be address:port or [IPv6]:port");
    }
    place.declared = read_endpoint_or_null(fields, "declared");
    ARCTIC_CHECK(fields.finish());
    places.emplace(*key, std::move(place));
  }
  return places;
}

}  // namespace arctic
