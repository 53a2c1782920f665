// One thread of the data path: its sockets, its queue of each device, and the loop over them.
//
// The control thread makes workers, runs them, and changes them by call(), in their own threads.
// Everything else is a worker's own. Linux: epoll(7), eventfd(2).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/tempest/packet_in.h"
#include "runtime/tempest/packet_out.h"

namespace arctic {

class Worker {
 public:
  using Time = TunnelPeer::Time;

  struct Options {
    std::size_t slot = 0;
    PublicKey own;
    std::shared_ptr<Indices> indices;
    std::shared_ptr<ControlSide> control;
  };
  [[nodiscard]] static Result<std::unique_ptr<Worker>> make(Options options);

  /// Until stop().
  void run();
  // From any thread.
  void stop();
  void call(std::function<void()> what);

  // ---- In the worker's thread, or while it does not run ----

  /// Borrowed; null for none.
  [[nodiscard]] Status use(const UdpPair* sockets);
  /// Instead of one of the same number, if there is one.
  [[nodiscard]] Status add(DeviceQueue queue);
  void remove(std::uint32_t device);
  void set_table(std::uint32_t device, std::shared_ptr<const PeerTable> table);
  void set_mtu(std::uint32_t device, std::uint32_t mtu);
  void return_unreachable(std::uint32_t device, ByteView packet);
  void forget_retired() { in_.forget_retired(); }

  [[nodiscard]] const DropCounter& drops() const { return drops_; }  ///< from any thread
  [[nodiscard]] bool sends_trains() const { return out_.support().sends; }

 private:
  explicit Worker(Options options);
  [[nodiscard]] Status watch(int fd, std::uint64_t tag);
  [[nodiscard]] DeviceQueue* find(std::uint32_t device);
  void run_calls();
  void serve(std::uint64_t tag, Time now);

  const std::size_t slot_;
  const std::shared_ptr<ControlSide> control_;
  DropCounter drops_;
  PacketOut out_;
  PacketIn in_;
  OwnedFd epoll_;
  OwnedFd event_;
  bool stopping_ = false;
  const UdpPair* sockets_ = nullptr;
  std::unordered_map<std::uint32_t, std::unique_ptr<DeviceQueue>> devices_;
  std::mutex mutex_;
  std::vector<std::function<void()>> called_;
};

}  // namespace arctic
