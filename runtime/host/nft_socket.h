// Talking nf_tables: requests, dumps and transactions over libmnl.
//
// Knows messages, not what they mean: nft_read and nft_write do. A socket belongs to the network
// namespace of the thread that opened it, wherever it is used.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/host/netlink.h"
#include "schema/base/result.h"

struct mnl_socket;

namespace arctic::netlink {

class NftSocket {
 public:
  [[nodiscard]] static Result<NftSocket> open();

  using Receive = std::function<void(const nlmsghdr*)>;
  /// Fills the payload of a request behind its header; may be empty.
  using Fill = std::function<void(nlmsghdr*)>;

  /// Dumps (NLM_F_DUMP) or gets what NFT_MSG_* `type` asks for in family inet.
  /// EINTR: it changed meanwhile, begin again.
  [[nodiscard]] Answer ask(std::uint16_t type, int flags, const Fill& fill, const Receive& receive);

  /// The number of the ruleset's generation, which every transaction of anybody raises.
  [[nodiscard]] Result<std::uint32_t> generation();

  /// Sends a whole transaction and returns the kernel's objections; none: it is done.
  [[nodiscard]] Result<std::vector<Answer>> send_batch(const std::vector<unsigned char>& batch);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  explicit NftSocket(mnl_socket* socket) : socket_(socket), buffer_(64 * 1024) {}

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<unsigned char> buffer_;
  std::uint32_t sequence_ = 0;
};

}  // namespace arctic::netlink
