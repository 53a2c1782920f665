// What nft, ip and /proc/sys say about a network namespace, in a form that can be compared.
//
// The kernel tests use it as the second opinion on the reconciler: it shares no code with it. What
// differs between two equal nodes is left out: handles, counters, interface indexes, hardware
// addresses and what is made of them, and the order in which the kernel lists things.
#pragma once

#include <string>
#include <vector>

namespace arctic::test {

/// One line an object; sorted. The rules of a chain are one object, because their order counts.
using Listing = std::vector<std::string>;

/// Lists the calling thread's network namespace. Throws if a command fails.
[[nodiscard]] Listing list_kernel();

/// What in a listing belongs to others: without table inet arctic, without rules and routes of our
/// protocol, without links that have our alias and all that hangs on them, and without the sysctls
/// of the node that are ours to set.
[[nodiscard]] Listing foreign_part(const Listing& listing);

/// The lines that only one of the two has, with "-" for `a` and "+" for `b`; empty if they are
/// equal.
[[nodiscard]] std::string difference(const Listing& a, const Listing& b);

}  // namespace arctic::test
