// One nftables transaction: all changes of the list, or none.
//
// Called by LinuxHost.
#pragma once

#include <optional>
#include <vector>

#include "compiler/diff.h"
#include "runtime/host/nft_read.h"
#include "runtime/host/nft_socket.h"

namespace arctic::nft {

/// With `seen`, the table that the changes were made for: kRefused if it is another by now, while
/// changes that others make to their own tables meanwhile do not matter. Errors name the first
/// change that the kernel refuses.
[[nodiscard]] Status write_table(netlink::NftSocket& socket, const std::vector<Change>& changes,
                                 const std::optional<Snapshot>& seen);

}  // namespace arctic::nft
