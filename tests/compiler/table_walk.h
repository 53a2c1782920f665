// An nftables table evaluated in memory: where a new packet ends, and how deep it got.
//
// Runs the kernel expressions, not the texts, so that a proof with it is about what is loaded.
// Knows what classification and the allow lists use, and throws on anything else. Never used by the
// product.
#pragma once

#include <cstddef>
#include <string>

#include "compiler/nft.h"
#include "compiler/trace.h"

namespace arctic::test {

struct Walk {
  std::string end;      ///< "svc_NAME" where a service's chain is entered, "accept", "drop",
                        ///< "reject", or "" if the packet fell through
  std::string comment;  ///< of the last element or rule that decided something
};

/// REQUIRES: every chain and map that is named exists.
[[nodiscard]] Walk walk(const nft::Table& table, const std::string& chain, const Packet& packet);

/// The most chains in a row below any base chain; each chain entered by a jump or goto counts.
[[nodiscard]] std::size_t deepest_run(const nft::Table& table);

}  // namespace arctic::test
