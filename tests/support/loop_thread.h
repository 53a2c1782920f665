// An event loop that runs in a thread of its own, and what tests do with it.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "runtime/io/event_loop.h"

namespace arctic::test {

/// Its coroutines must have come to their ends, or be able to, when it goes.
class LoopThread {
 public:
  LoopThread() : loop_(std::move(*EventLoop::make())), thread_([this] { run(); }) {}
  ~LoopThread() {
    loop_->stop();
    thread_.join();
    CHECK(wound_up_);
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  [[nodiscard]] EventLoop& loop() { return *loop_; }

  /// Calls it in the loop's thread and waits for its end.
  template <class Call>
  auto in_loop(Call call) {
    std::packaged_task<decltype(call())()> task(std::move(call));
    auto result = task.get_future();
    loop_->post([&task] { task(); });
    return result.get();
  }

 private:
  void run() {
    loop_->run();
    wound_up_ = loop_->wind_up();
  }

  std::unique_ptr<EventLoop> loop_;
  bool wound_up_ = false;
  std::thread thread_;
};

/// A folder that goes with everything in it.
class TempFolder {
 public:
  TempFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "arctic-io-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Waits until it is true, at most ten seconds.
inline bool eventually(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace arctic::test
