#include <fmt/format.h>

#include "compiler/compile.h"
#include "schema/artifact/json_writer.h"

namespace arctic {
namespace {

using Layout = JsonWriter::Layout;

const char* kind_name(LinkKind kind) {
  switch (kind) {
    case LinkKind::kMacvlan:
      return "macvlan";
    case LinkKind::kTun:
      return "tun";
    case LinkKind::kOther:
      break;
  }
  return "other";
}

const char* type_name(RouteType type) {
  switch (type) {
    case RouteType::kLocal:
      return "local";
    case RouteType::kUnreachable:
      return "unreachable";
    case RouteType::kUnicast:
      break;
  }
  return "unicast";
}

std::int64_t number(Family family) { return family == Family::kIpv4 ? 4 : 6; }

void write_links(JsonWriter& out, const NodeState& state) {
  for (const auto& [name, link] : state.links) {
    out.open_object(Layout::kLine);
    out.field("name", name);
    out.field("kind", kind_name(link.kind));
    if (link.kind == LinkKind::kMacvlan) {
      // The host finds the interface of its default route; null says that the file names none.
      out.field_or_null("parent", link.parent == kDefaultRouteInterface ? "" : link.parent);
    }
    out.field("alias", link.alias);
    if (link.mtu != 0) out.field("mtu", std::int64_t{link.mtu});
    if (link.tx_queue_length != 0) {
      out.field("tx_queue_length", std::int64_t{link.tx_queue_length});
    }
    if (link.kind == LinkKind::kTun) out.field("multi_queue", link.multi_queue);
    out.field("origin", link.origin);
    out.close();
  }
}

void write_addresses(JsonWriter& out, const NodeState& state) {
  for (const LinkAddress& address : state.addresses) {
    out.open_object(Layout::kLine);
    out.field("link", address.link);
    out.field("address", address.address.to_string());
    out.field("origin", address.origin);
    out.close();
  }
}

void write_rules(JsonWriter& out, const NodeState& state) {
  for (const PolicyRule& rule : state.rules) {
    out.open_object(Layout::kLine);
    out.field("family", number(rule.family));
    out.field("preference", std::int64_t{rule.preference});
    if (!rule.iif.empty()) out.field("iif", rule.iif);
    if (rule.mark) {
      out.field("fwmark", fmt::format("{:#010x}/{:#010x}", *rule.mark, rule.mask));
    }
    switch (rule.action) {
      case RuleAction::kLookup:
        out.field("lookup", std::int64_t{rule.target});
        break;
      case RuleAction::kGoto:
        out.field("goto", std::int64_t{rule.target});
        break;
      case RuleAction::kNop:
        out.field("nop", true);
        break;
    }
    out.field("origin", rule.origin);
    out.close();
  }
}

void write_routes(JsonWriter& out, const NodeState& state) {
  for (const PolicyRoute& route : state.routes) {
    out.open_object(Layout::kLine);
    out.field("family", number(route.family));
    out.field("table", std::int64_t{route.table});
    out.field("type", type_name(route.type));
    out.field("destination", "default");
    if (!route.device.empty()) out.field("device", route.device);
    out.field("metric", std::int64_t{route.metric});
    out.field("origin", route.origin);
    out.close();
  }
}

void write_sysctls(JsonWriter& out, const NodeState& state) {
  for (const auto& [path, sysctl] : state.sysctls) {
    out.open_object(Layout::kLine);
    out.field("path", path);
    out.field("value", sysctl.value);
    if (sysctl.merge_ports) out.field("merge", true);
    out.field("origin", sysctl.origin);
    out.close();
  }
}

}  // namespace

std::string emit_host(const NodeState& desired) {
  JsonWriter out;
  out.open_object();
  out.field("version", std::int64_t{1});
  const auto section = [&](const char* name, auto write) {
    out.key(name);
    out.open_array();
    write(out, desired);
    out.close();
  };
  section("links", write_links);
  section("addresses", write_addresses);
  section("rules", write_rules);
  section("routes", write_routes);
  section("sysctls", write_sysctls);
  out.close();
  return out.take();
}

}  // namespace arctic
