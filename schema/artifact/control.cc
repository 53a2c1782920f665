#include "schema/artifact/control.h"

#include <algorithm>
#include <utility>

#include "schema/artifact/control_fields.h"

namespace arctic {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Request = ControlRequest;

constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxCursor = 128;
constexpr std::size_t kGenerationDigits = 12;
constexpr std::size_t kDigestDigits = 64;
constexpr const char* kParams = "/params";

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// ---- The parameters of each method, read and written side by side ----

std::string read_hex(Fields& fields, const char* key, std::size_t digits) {
  std::string text = fields.text(key);
  if (!is_hex(text, digits)) {
    fields.problem(key, "must be " + std::to_string(digits) + " lower-case hex digits");
  }
  return text;
}

void read(Fields&, Request::Hello&) {}
void write(ordered_json&, const Request::Hello&) {}

void read(Fields& fields, Request::Prepare& call) {
  call.generation = read_hex(fields, "generation", kGenerationDigits);
  call.path = read_path(fields, "path");
  call.digest = read_hex(fields, "digest", kDigestDigits);
}
void write(ordered_json& out, const Request::Prepare& call) {
  out["generation"] = call.generation;
  out["path"] = call.path;
  out["digest"] = call.digest;
}

void read(Fields& fields, Request::Commit& call) {
  call.generation = read_hex(fields, "generation", kGenerationDigits);
}
void write(ordered_json& out, const Request::Commit& call) { out["generation"] = call.generation; }

void read(Fields& fields, Request::Retire& call) {
  call.generation = read_hex(fields, "generation", kGenerationDigits);
  if (!fields.has("drain_s")) return;
  call.drain_s = static_cast<std::uint32_t>(read_number(fields, "drain_s", 0, kMaxDrainSeconds));
}
void write(ordered_json& out, const Request::Retire& call) {
  out["generation"] = call.generation;
  out["drain_s"] = call.drain_s;
}

void read(Fields& fields, Request::Abort& call) {
  call.generation = read_hex(fields, "generation", kGenerationDigits);
}
void write(ordered_json& out, const Request::Abort& call) { out["generation"] = call.generation; }

void read(Fields& fields, Request::Load& call) { call.path = read_path(fields, "path"); }
void write(ordered_json& out, const Request::Load& call) { out["path"] = call.path; }

void read(Fields&, Request::Status&) {}
void write(ordered_json&, const Request::Status&) {}

void read(Fields& fields, Request::Connections& call) {
  if (fields.has("service")) call.service = read_name(fields, "service");
  if (fields.has("limit")) {
    call.limit = static_cast<std::uint32_t>(read_number(fields, "limit", 1, kMaxConnections));
  }
  if (!fields.has("after")) return;
  call.after = fields.text("after");
  if (call.after.empty() || call.after.size() > kMaxCursor) {
    fields.problem("after", "must be what the answer before gave as `next`");
  }
}
void write(ordered_json& out, const Request::Connections& call) {
  if (!call.service.empty()) out["service"] = call.service;
  out["limit"] = call.limit;
  if (!call.after.empty()) out["after"] = call.after;
}

void read(Fields& fields, Request::Drain& call) {
  call.seconds = static_cast<std::uint32_t>(read_number(fields, "seconds", 0, kMaxDrainSeconds));
}
void write(ordered_json& out, const Request::Drain& call) { out["seconds"] = call.seconds; }

// ---- The frame of a request ----

constexpr const char* kMethods[] = {"hello", "prepare", "commit",      "retire", "abort",
                                    "load",  "status",  "connections", "drain"};
static_assert(std::size(kMethods) == std::variant_size_v<Request::Call>);

/// The call of this name, its parameters not read yet.
template <std::size_t I = 0>
std::optional<Request::Call> call_of(std::string_view name) {
  if constexpr (I < std::variant_size_v<Request::Call>) {
    if (name == kMethods[I]) return Request::Call(std::in_place_index<I>);
    return call_of<I + 1>(name);
  } else {
    return std::nullopt;
  }
}

bool good_id(const json& id) {
  return id.is_number_integer() ||
         (id.is_string() && id.get_ref<const std::string&>().size() <= kMaxId);
}

tl::unexpected<ControlRejection> reject(std::string id, std::string reason, std::string where = {},
                                        std::string hint = {}) {
  const bool close = id == "null";
  return tl::unexpected(ControlRejection{
      std::move(id),
      {ControlCode::kBadRequest, std::move(reason), std::move(where), std::move(hint)},
      close});
}

std::string method_words() {
  std::string words;
  for (const char* each : kMethods) words += words.empty() ? each : std::string(", ") + each;
  return words;
}

Result<HelloResult> read_hello(const json& item, const std::string& where) {
  Fields fields(item, where);
  HelloResult hello;
  hello.daemon = fields.text("daemon");
  hello.version = fields.text("version");
  hello.protocol = read_u32(fields, "protocol");
  hello.pid = read_u32(fields, "pid");
  hello.node = read_name(fields, "node");
  hello.public_key = read_key(fields, "public_key");
  ARCTIC_CHECK(fields.finish());
  return hello;
}

Result<ControlDone> read_done(const json& item, const std::string& where) {
  ARCTIC_CHECK(Fields(item, where).finish());
  return ControlDone{};
}

}  // namespace

const char* method_name(const Request::Call& call) { return kMethods[call.index()]; }

const char* to_string(ControlCode code) {
  switch (code) {
    case ControlCode::kBadRequest:
      return "bad_request";
    case ControlCode::kBadConfig:
      return "bad_config";
    case ControlCode::kBadDigest:
      return "bad_digest";
    case ControlCode::kBadIdentity:
      return "bad_identity";
    case ControlCode::kBadState:
      return "bad_state";
    case ControlCode::kUnavailable:
      return "unavailable";
    case ControlCode::kBusy:
      return "busy";
  }
  return "";
}

ControlError control_error(ControlCode code, const Error& error) {
  return {code, error.subject.empty() ? error.reason : error.subject + ": " + error.reason,
          error.where, error.hint};
}

tl::expected<ControlRequest, ControlRejection> decode_control_request(std::string_view line) {
  constexpr const char* kNone = "null";
  if (line.size() > kMaxControlLine) return reject(kNone, "the line is longer than 64 KiB");
  const json document = parse_strict(line, kMaxControlDepth);
  if (!document.is_object()) {
    return reject(kNone, "the line is no JSON object, has a key twice, or is nested too deep");
  }
  Fields fields(document, "");
  const json& id = fields.value("id");
  if (!good_id(id)) {
    return reject(kNone, "must be a whole number or a text of at most 128 bytes", "/id");
  }
  Request request{control_line(ordered_json(id)), {}};
  const std::string method = fields.text("method");
  const bool has_params = fields.has("params");
  const json params = has_params ? fields.value("params") : json::object();
  if (const auto top = fields.finish(); !top) {
    return reject(request.id, top.error().reason, top.error().where);
  }
  const auto call = call_of(method);
  if (!call) return reject(request.id, "is not known", "/method", "one of: " + method_words());
  request.call = *call;
  Fields inner(params, kParams);
  std::visit([&](auto& each) { read(inner, each); }, request.call);
  if (const auto good = inner.finish(); !good) {
    return reject(request.id, good.error().reason, good.error().where);
  }
  return request;
}

std::string encode(const ControlRequest& request) {
  ordered_json params = ordered_json::object();
  std::visit([&](const auto& call) { write(params, call); }, request.call);
  return "{\"id\":" + request.id + ",\"method\":\"" + method_name(request.call) +
         "\",\"params\":" + control_line(params) + "}";
}

std::string encode_error(std::string_view id, const ControlError& error) {
  const ordered_json content = {{"code", to_string(error.code)},
                                {"reason", error.reason},
                                {"where", text_or_null(error.where)},
                                {"hint", text_or_null(error.hint)}};
  return "{\"id\":" + std::string(id) + ",\"ok\":false,\"error\":" + control_line(content) + "}";
}

std::string encode_answer(std::string_view id, const ControlDone&) {
  return good_answer(id, ordered_json::object());
}

std::string encode_answer(std::string_view id, const HelloResult& hello) {
  return good_answer(id, {{"daemon", hello.daemon},
                          {"version", hello.version},
                          {"protocol", hello.protocol},
                          {"pid", hello.pid},
                          {"node", hello.node},
                          {"public_key", hello.public_key.to_string()}});
}

Result<ControlAnswer<ControlDone>> decode_done_answer(std::string_view line) {
  return decode_answer<ControlDone>(line, read_done);
}

Result<ControlAnswer<HelloResult>> decode_hello_answer(std::string_view line) {
  return decode_answer<HelloResult>(line, read_hello);
}

}  // namespace arctic
