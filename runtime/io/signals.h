// Signals as events of a loop.
//
// Each runtime's main blocks them before its first thread; then they come here. Linux: signalfd(2).
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"

namespace arctic {

class Signals {
 public:
  using Take = std::function<void(std::uint32_t signal)>;

  /// REQUIRES: they are blocked in every thread.
  [[nodiscard]] static Result<std::unique_ptr<Signals>> make(EventLoop& loop,
                                                             std::initializer_list<int> signals,
                                                             Take take);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct State;
  explicit Signals(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Task<void> follow(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

}  // namespace arctic
