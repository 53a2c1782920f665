// The table `inet arctic` as the kernel has it.
//
// Called by LinuxHost, and by nft_write to tell whether a concurrent change was in our table. Reads
// only that table.
#pragma once

#include <cstdint>
#include <optional>

#include "compiler/nft.h"
#include "schema/base/result.h"

namespace arctic::netlink {
class NftSocket;
}

namespace arctic::nft {

struct Snapshot {
  std::optional<Table> table;    ///< nullopt: there is none
  std::uint32_t generation = 0;  ///< of the whole ruleset, at which all of this was true
};

/// One consistent view, read again while somebody changes the ruleset. Of a table that is not ours
/// only that is told.
[[nodiscard]] Result<Snapshot> read_table(netlink::NftSocket& socket);

/// Sets' keys as nft numbers its data types.
struct KeyTypeNumber {
  KeyType key;
  std::uint32_t number;
};
inline constexpr KeyTypeNumber kKeyTypeNumbers[] = {{KeyType::kIpv4, 7},
                                                    {KeyType::kIpv6, 8},
                                                    {KeyType::kMark, 19},
                                                    {KeyType::kIfname, 41},
                                                    {KeyType::kFibType, 38}};

}  // namespace arctic::nft
