// The node's own addresses, and word when they change.
//
// The exit's guard asks for them: no peer may reach the node itself through it. A netlink socket
// only says that something changed; the list is then read anew as a whole, so that no lost event
// can leave it wrong. Follows the network namespace of the thread that made it. Linux:
// rtnetlink(7), getifaddrs(3).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"
#include "schema/base/address.h"
#include "schema/base/result.h"

namespace arctic {

/// Sorted, each once; of all interfaces, up or down.
[[nodiscard]] Result<std::vector<Address>> read_own_addresses();

class OwnAddresses {
 public:
  using Changed = std::function<void(const std::vector<Address>&)>;

  /// Calls `changed` in the loop's thread with each list that differs from the one before; bursts
  /// of events are read once every 50 ms.
  [[nodiscard]] static Result<std::unique_ptr<OwnAddresses>> make(EventLoop& loop, Changed changed);
  /// In the loop's thread, before the loop stops.
  ~OwnAddresses();
  OwnAddresses(const OwnAddresses&) = delete;
  OwnAddresses& operator=(const OwnAddresses&) = delete;

  /// As read last. In the loop's thread, or before the loop runs.
  [[nodiscard]] const std::vector<Address>& now() const;

 private:
  struct State;
  explicit OwnAddresses(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Task<void> follow(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace arctic
