// Derived names that meet each other: the part of rule 20 that needs the compiler's names.
#include <catch2/catch.hpp>

#include "compiler/allocate.h"
#include "tests/compiler/problems.h"

namespace arctic {
namespace {

using test::Problems;

Problems names_in(const std::string& text) { return test::problems_of(text, 20, 20); }

std::string service(const std::string& name, const std::string& id, bool interface = true,
                    const std::string& peers = "source_peer: syd, target_peer: lon") {
  return "  - {name: " + name + (id.empty() ? "" : ", id: " + id) + ", " + peers +
         ", transport_type: tcp, " +
         (interface ? "interface: {enabled: true, ipv4: 10.0.0.9/24}"
                    : "routes: [{priority: 1, source_cidr: 10.0.0.0/8}]") +
         "}\n";
}

std::string derived_id(const std::string& name) {
  Service made;
  made.name.value = name;
  return service_id(made);
}

TEST_CASE("names that meet are reported where the later one is written") {
  struct Row {
    const char* what;
    std::string services;
    Problems expected;
  };
  const std::string back = "source_peer: lon, target_peer: syd";
  const Row rows[] = {
      {"nothing meets", service("a", "x") + service("b", "y") + service("c", ""), {}},
      {"equal IDs",
       service("a", "x", false) + service("b", "x", false, back),
       {"error 20 at `x`: the service ID `x` is that of `a` already"}},
      {"an ID that another derives from its name",
       service("a", "") + service("b", derived_id("a")),
       {"error 20 at `" + derived_id("a") + "`: the service ID `" + derived_id("a") +
        "` is that of `a` already"}},
      {"the same the other way round",
       service("b", derived_id("a")) + service("a", ""),
       {"error 20 at `a`: the service ID `" + derived_id("a") + "` is that of `b` already"}},
      {"equal in the first 15 characters",
       service("a", "office-network-1") + service("b", "office-network-2"),
       {"error 20 at `office-network-2`: the interface of this service is named `office-network-` "
        "(the first 15 characters of its ID), and so is that of `a` on the same peer"}},
      {"on different peers, or without interface, they may",
       service("a", "office-network-1") + service("b", "office-network-2", true, back) +
           service("c", "office-network-3", false),
       {}},
      {"like a tunnel device",
       service("a", "tp-lon"),
       {"error 20 at `tp-lon`: the interface of this service is named `tp-lon` (the first 15 "
        "characters of its ID), and so is the tunnel device to `lon`"}},
      {"like another peer's tunnel device it may be", service("a", "tp-syd"), {}},
      {"like the parent",
       service("a", "eth1"),
       {"error 20 at `eth1`: the interface of this service is named `eth1` (the first 15 "
        "characters of its ID), and so is `parent_interface` of peer `syd`"}},
      {"like another peer's parent it may be", service("a", "eth1", true, back), {}},
      {"no name for Linux",
       service("a", "all") + service("b", "default") + service("c", "lo"),
       {"error 20 at `all`: the interface of this service is named `all` (the first 15 characters "
        "of its ID), which Linux does not take for an interface",
        "error 20 at `default`: the interface of this service is named `default` (the first 15 "
        "characters of its ID), which Linux does not take for an interface",
        "error 20 at `lo`: the interface of this service is named `lo` (the first 15 characters of "
        "its ID), which Linux does not take for an interface"}},
      {"without interface any ID will do", service("a", "all", false), {}}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(names_in(test::two_peers() + row.services) == row.expected);
  }
}

/// Four peers, of which the last two have one tunnel device.
std::string meeting_peers() {
  const std::string hashed = tunnel_device("frankfurt-am-main-1").substr(3);
  return "version: v1\npeers:\n  - {name: syd}\n  - {name: par}\n  - {name: frankfurt-am-main-1}\n"
         "  - {name: " +
         hashed + "}\nservices:\n";
}

TEST_CASE("two peers with one tunnel device are reported once where a node needs both") {
  const std::string hashed = tunnel_device("frankfurt-am-main-1").substr(3);
  const std::string first = "source_peer: syd, target_peer: frankfurt-am-main-1";
  const std::string second = "source_peer: " + hashed + ", target_peer: syd";
  CHECK(names_in(meeting_peers() + service("a", "", false, first)).empty());
  CHECK(names_in(meeting_peers() + service("a", "", false, first) +
                 service("b", "", false, second) +
                 service("c", "", false, "source_peer: par, target_peer: frankfurt-am-main-1") +
                 service("d", "", false, "source_peer: par, target_peer: " + hashed)) ==
        Problems{"error 20 at `" + hashed + "`: on peer `syd` the tunnel device `tp-" + hashed +
                 "` would lead to `frankfurt-am-main-1` and to `" + hashed + "`"});
}

TEST_CASE("a tunnel device cannot be the parent interface") {
  const std::string text =
      "version: v1\npeers:\n  - {name: syd, parent_interface: tp-lon}\n  - {name: lon}\n"
      "services:\n";
  CHECK(names_in(text + service("a", "", false) + service("b", "", false)) ==
        Problems{"error 20 at `tp-lon`: `tp-lon` is the tunnel device from this peer to `lon`"});
}

}  // namespace
}  // namespace arctic
