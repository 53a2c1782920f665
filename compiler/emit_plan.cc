#include <fmt/format.h>

#include "compiler/compile.h"
#include "compiler/node_view.h"
#include "schema/artifact/json_writer.h"

namespace arctic {
namespace {

using Layout = JsonWriter::Layout;

std::string mark_text(std::uint32_t mark) { return fmt::format("{:#010x}", mark); }

void write_marks(JsonWriter& out, const Marks& marks) {
  out.key("marks");
  out.open_object(Layout::kLine);
  out.field("shift", std::int64_t{marks.shift});
  out.field("mask", mark_text(marks.mask()));
  out.field("forwarded", mark_text(marks.forwarded()));
  out.field("own", mark_text(marks.own()));
  out.field("transparent", mark_text(marks.transparent()));
  out.field("local", mark_text(marks.local()));
  out.close();
}

void write_peers(JsonWriter& out, const NodeView& view) {
  out.key("peers");
  out.open_array();
  for (const Neighbour& neighbour : view.neighbours) {
    out.open_object(Layout::kLine);
    out.field("name", neighbour.name());
    out.field("number", std::int64_t{neighbour.number});
    out.field("mark", mark_text(view.marks.peer(neighbour.number)));
    out.field("table", std::int64_t{kPeerTableBase + neighbour.number});
    out.field("device", neighbour.device);
    out.field("origin", origin_of(*neighbour.peer));
    out.close();
  }
  out.close();
}

void write_services(JsonWriter& out, const NodeView& view) {
  out.key("services");
  out.open_array();
  for (const Entry& entry : view.entries) {
    const Service& service = *entry.service;
    out.open_object(Layout::kLine);
    out.field("name", entry.name());
    out.field("id", service_id(service));
    out.field("number", std::int64_t{entry.number});
    out.field("mark", mark_text(view.marks.service(entry.number)));
    out.field("port", std::int64_t{entry.port()});
    out.field("peer", entry.target->name());
    out.field("device", entry.target->device);
    out.field_or_null("interface", service.has_interface() ? macvlan_name(service) : "");
    out.field("transport", to_string(service.transport ? service.transport->value : Transport{}));
    out.field("on_down", to_string(service.on_down.value));
    out.field("origin", origin_of(service));
    out.close();
  }
  out.close();
}

std::string text_or_empty(const std::optional<Prefix>& prefix) {
  return prefix ? prefix->to_string() : std::string();
}

void write_rule(JsonWriter& out, const Rule& rule, const Entry& entry, const std::string& id) {
  const bool routed = rule.route >= 0;
  out.open_object(Layout::kLine);
  out.field("category", to_string(rule.category));
  out.field_or_null("source", text_or_empty(rule.source));
  out.field_or_null("destination", text_or_empty(rule.destination));
  if (routed) out.field("priority", std::int64_t{rule.priority});
  out.field("service", entry.name());
  out.field("id", id);
  if (routed) out.field("route", std::int64_t{rule.route});
  out.field("peer", entry.target->name());
  out.field("device", entry.target->device);
  out.field("port", std::int64_t{entry.port()});
  out.field("origin", routed ? origin_of(*entry.service, static_cast<std::size_t>(rule.route))
                             : origin_of(*entry.service));
  out.close();
}

/// The list's order is the rank. It ends with what holds for packets that no rule matches, so that
/// every rule's line ends alike.
void write_rules(JsonWriter& out, const Config& config, const NodeView& view,
                 const RulePlan& plan) {
  struct Known {
    const Entry* entry = nullptr;
    std::string id;
  };
  std::vector<Known> by_service(config.services.size());
  for (const Entry& entry : view.entries) {
    const auto index = static_cast<std::size_t>(entry.service - config.services.data());
    by_service[index] = {&entry, service_id(*entry.service)};
  }
  out.key("rules");
  out.open_array();
  for (const Rule& rule : plan.rules) {
    const Known& known = by_service[rule.service];
    write_rule(out, rule, *known.entry, known.id);
  }
  out.open_object(Layout::kLine);
  out.field("category", "none");
  out.key("service");
  out.null();
  out.close();
  out.close();
}

void write_allow(JsonWriter& out, const Neighbour& neighbour, const Service& service,
                 const Route* route, const std::string& origin) {
  const auto prefix = [](const std::optional<Located<Prefix>>& value) {
    return value ? value->value.to_string() : std::string();
  };
  out.open_object(Layout::kLine);
  out.field("peer", neighbour.name());
  out.field("service", service.name.value);
  out.field("id", service_id(service));
  out.field_or_null("source", route ? prefix(route->source) : "");
  out.field_or_null("destination", route ? prefix(route->destination) : "");
  out.field("origin", origin);
  out.close();
}

/// What neighbours may reach through this node.
void write_allows(JsonWriter& out, const NodeView& view) {
  out.key("allows");
  out.open_array();
  for (const Neighbour& neighbour : view.neighbours) {
    for (const Service* service : neighbour.arriving) {
      if (service->has_interface()) {
        write_allow(out, neighbour, *service, nullptr, origin_of(*service));
        continue;
      }
      for (std::size_t i = 0; i < service->routes.size(); ++i) {
        write_allow(out, neighbour, *service, &service->routes[i], origin_of(*service, i));
      }
    }
  }
  out.close();
}

}  // namespace

std::string emit_plan(const Config& config, const Numbers& numbers, const RulePlan& plan) {
  const NodeView view = view_of(config, numbers, plan.node);
  JsonWriter out;
  out.open_object();
  out.field("version", std::int64_t{1});
  out.field("node", plan.node);
  write_marks(out, view.marks);
  write_peers(out, view);
  write_services(out, view);
  write_rules(out, config, view, plan);
  write_allows(out, view);
  out.close();
  return out.take();
}

}  // namespace arctic
