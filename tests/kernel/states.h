// The named configurations that the kernel tests walk between.
//
// Each is about one thing that a node can be; together they hold every kind of resource. Text only:
// the tests compile it, and make the parent interface that MACVLANs need.
#pragma once

#include <string>
#include <vector>

namespace arctic::test {

inline constexpr const char* kStateNode = "alpha";      ///< the node whose part is applied
inline constexpr const char* kStateParent = "uplink0";  ///< its parent interface

struct NamedState {
  std::string name;
  std::string yaml;
};

/// The empty one first; the order of the others has no meaning.
[[nodiscard]] const std::vector<NamedState>& named_states();

/// The one of that name. REQUIRES: there is one.
[[nodiscard]] const NamedState& named_state(const std::string& name);

}  // namespace arctic::test
