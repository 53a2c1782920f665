// The traffic tool's client: what it can do, each as one coroutine that fills a report.
//
// main starts one of them per run. All failures are counted in the report, none is printed.
#pragma once

#include "tests/lab/traffic/report.h"

namespace arctic::traffic {

struct Client {
  EventLoop& loop;
  SocketAddress to;
  std::uint64_t seed = 1;
  Report report;
};

// ---- Checked exchanges, with the server's `check` ----

struct CheckPlan {
  std::uint64_t count = 1;  ///< of connections
  std::uint64_t at_once = 1;
  std::uint64_t most = 1 << 20;  ///< bytes each way; each connection has its own size up to that
  bool exact = false;            ///< `most` is every connection's size, both ways
  std::uint32_t chunk = 65536;   ///< of one write
};
/// Every byte both ways and SHA-256 at both ends; the client ends first, FIN with the last data.
Task<void> check(Client& client, CheckPlan plan);
/// The server ends first, and the client sends only then.
Task<void> server_ends(Client& client, CheckPlan plan);
/// The server resets in mid-stream: the client must see that and no end of file.
Task<void> server_resets(Client& client, CheckPlan plan);
/// The client resets in mid-stream: the server must see that and no end of file.
Task<void> client_resets(Client& client, CheckPlan plan);

// ---- Others ----

struct RatePlan {
  double per_second = 0;    ///< 0: as many as there can be
  std::uint64_t count = 0;  ///< 0: until the time is over
  std::chrono::duration<double> time{5};
  bool until_told = false;  ///< instead of a time
  std::uint64_t at_once = 32;
  std::size_t bytes = 64;  ///< of content that no other connection has
};
/// With `echo`: connect, send, get the same back, close.
Task<void> rate(Client& client, RatePlan plan);

struct HoldPlan {
  std::uint64_t count = 100;
  std::chrono::duration<double> every{0.1};  ///< an exchange on each; 0: none until the end
  std::size_t bytes = 64;
};
/// With `echo`: opens all, says "ready", and ends them when it is told.
Task<void> hold(Client& client, HoldPlan plan);

struct FlowPlan {
  bool up = true;  ///< with `sink`; else down, with `source`
  std::uint64_t flows = 1;
  std::chrono::duration<double> time{5};
  std::chrono::duration<double> skip{1};   ///< at the beginning; not in the rates
  std::chrono::duration<double> late{-1};  ///< when the last flow begins; negative: with the rest
  bool samples = false;                    ///< print every slice of every flow
};
Task<void> flow(Client& client, FlowPlan plan);

/// With `echo`: a byte there and back, that many times on one connection.
Task<void> ping(Client& client, std::uint64_t count);
/// With `first`: the greeting comes before anything was sent.
Task<void> first(Client& client);
/// With `who`: what address the server saw.
Task<void> who(Client& client);
/// Connects, sends a byte, and tells how that ends: refused, reset, eof, …, or "open" if it has
/// not ended after `within`, "data" if bytes came.
Task<void> outcome(Client& client, std::chrono::nanoseconds within);
/// With `slow`: sends until nothing moves for a second, says "ready", and resets when it is
/// told. With `source` (`up` false): reads nothing.
Task<void> stall(Client& client, bool up);

/// Prints "ready" and waits for a byte on standard input, or its end.
Task<void> until_told(EventLoop& loop);

}  // namespace arctic::traffic
