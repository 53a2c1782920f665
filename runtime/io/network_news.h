// Word that links, addresses or routes of this machine have changed.
//
// What changed is the listener's to ask: the events only say when, so that a lost one can leave
// nothing wrong. Follows the network namespace of the thread that made it. Linux: rtnetlink(7).
#pragma once

#include <functional>
#include <memory>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"

namespace arctic {

class NetworkNews {
 public:
  /// `changed` is called in the loop's thread; bursts come as one.
  [[nodiscard]] static Result<std::unique_ptr<NetworkNews>> make(EventLoop& loop,
                                                                 std::function<void()> changed);
  ~NetworkNews();
  NetworkNews(const NetworkNews&) = delete;
  NetworkNews& operator=(const NetworkNews&) = delete;

 private:
  struct State;
  explicit NetworkNews(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Task<void> follow(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace arctic
