#include "schema/artifact/fields.h"

#include <algorithm>
#include <vector>

#include "schema/base/diagnostic.h"

namespace arctic {
namespace {

using nlohmann::json;

const json kNull;

}  // namespace

namespace {

/// "line 3, column 14" of a byte's number, which counts from 1.
std::string place_in(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " +
         std::to_string(before.size() - line_start + 1);
}

}  // namespace

json parse_strict(std::string_view text, int depth, std::string* why) {
  std::string problem;
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int level, json::parse_event_t event, json& parsed) {
    if (!problem.empty()) return false;
    if (level > depth) problem = "is nested more than " + std::to_string(depth) + " deep";
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      if (!keys.back().insert(key).second)
        problem = "has the key " + arctic::quoted(key) + " twice";
    }
    return problem.empty();
  };
  json value;
  try {
    value = json::parse(text.begin(), text.end(), watch);
  } catch (const json::parse_error& error) {
    if (problem.empty()) problem = "is not JSON: see " + place_in(text, error.byte);
  } catch (const json::exception&) {
    if (problem.empty()) problem = "has a number that is too large";
  }
  if (problem.empty()) return value;
  if (why != nullptr) *why = std::move(problem);
  return json(json::value_t::discarded);
}

std::string json_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string json_pointer(std::string_view parent, std::string_view key) {
  std::string out(parent);
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

Fields::Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) {
    problem_ = "must be an object";
    problem_where_ = where_;
  }
}

bool Fields::has(const char* key) const { return object_.is_object() && object_.contains(key); }

const json& Fields::value(const char* key) {
  asked_.insert(key);
  if (!object_.is_object()) return kNull;
  const auto found = object_.find(key);
  if (found != object_.end()) return *found;
  problem(key, "is missing");
  return kNull;
}

std::string Fields::text(const char* key) {
  const json& found = value(key);
  if (found.is_string()) return found.get<std::string>();
  problem(key, "must be a text");
  return {};
}

std::uint64_t Fields::number(const char* key) {
  const json& found = value(key);
  if (found.is_number_unsigned()) return found.get<std::uint64_t>();
  problem(key, "must be a whole number, 0 or more");
  return 0;
}

std::int64_t Fields::signed_number(const char* key) {
  const json& found = value(key);
  if (found.is_number_integer()) return found.get<std::int64_t>();
  problem(key, "must be a whole number");
  return 0;
}

void Fields::problem(std::string_view key, std::string reason) {
  if (!problem_.empty()) return;
  problem_ = std::move(reason);
  problem_where_ = json_pointer(where_, key);
}

Status Fields::finish() const {
  if (!problem_.empty()) return fail(ErrorCode::kConfig, {}, problem_, {}, problem_where_);
  for (const auto& item : object_.items()) {
    if (asked_.count(item.key()) == 0) {
      return fail(ErrorCode::kConfig, {}, "unknown key", {}, json_pointer(where_, item.key()));
    }
  }
  return {};
}

}  // namespace arctic
