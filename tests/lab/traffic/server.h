// The traffic tool's server: one process, a port per mode, IPv4 and IPv6.
//
// It runs until SIGTERM and then says what it has seen. It judges nothing by itself: what a client
// ordered and what arrived is for the client to ask, or in the counts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/lab/traffic/report.h"

namespace arctic::traffic {

class Server {
 public:
  /// `modes`: words like "echo=7". Prints what is wrong and returns null if one cannot be served.
  [[nodiscard]] static std::unique_ptr<Server> make(EventLoop& loop,
                                                    const std::vector<std::string>& modes);
  [[nodiscard]] Report& report() { return report_; }

  using Serve = Task<void> (Server::*)(std::unique_ptr<Watched>);

 private:
  explicit Server(EventLoop& loop) : loop_(loop) {}
  [[nodiscard]] bool listen(const std::string& mode, Serve serve);
  Task<void> count(Serve serve, std::unique_ptr<Watched> socket);

  Task<void> sink(std::unique_ptr<Watched> socket);
  Task<void> source(std::unique_ptr<Watched> socket);
  Task<void> echo(std::unique_ptr<Watched> socket);
  Task<void> check(std::unique_ptr<Watched> socket);
  Task<void> first(std::unique_ptr<Watched> socket);
  Task<void> reset(std::unique_ptr<Watched> socket);
  Task<void> slow(std::unique_ptr<Watched> socket);
  Task<void> who(std::unique_ptr<Watched> socket);

  [[nodiscard]] Task<End> do_echo(Watched& socket);
  Task<void> take_up(Watched& socket, Order order, Verdict& out);
  Task<void> give_down(Watched& socket, Order order, End& end);
  Task<void> reset_amid(Watched& socket, Order order);
  Task<void> answer(Watched& socket, std::uint64_t seed);

  EventLoop& loop_;
  Report report_;
  std::vector<std::unique_ptr<Watched>> listeners_;
  std::map<std::uint64_t, Verdict> verdicts_;  ///< those that the client asks for
};

/// What `first` says before it echoes: a stream of this seed and size.
inline constexpr Stream kGreeting{0x67726565, 1000, 65536};
/// `sink` answers with the bytes that came in each such slice, by the machine's monotonic clock.
inline constexpr std::chrono::milliseconds kSlice{100};

/// Bytes by slice.
class Slices {
 public:
  void add(std::size_t bytes);
  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] const std::vector<std::uint32_t>& counts() const { return counts_; }
  [[nodiscard]] static std::uint64_t now();

 private:
  std::uint64_t first_ = 0;
  std::vector<std::uint32_t> counts_;
};

}  // namespace arctic::traffic
