// Rates, idle connections and latencies, all with the server's `echo`.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "tests/lab/traffic/client.h"

namespace arctic::traffic {
namespace {

using Clock = std::chrono::steady_clock;

/// Sends and gets the same back. kFine, or how the connection ended; `same` false if it differs.
Task<End> exchange(Watched& socket, Stream stream, bool& same) {
  std::vector<std::uint8_t> content(stream.size);
  fill(stream.seed, 0, content);
  const End sent = co_await write_whole(socket, content);
  if (sent != End::kFine) co_return sent;
  const Got got = co_await read_whole(socket, content);
  if (got.end != End::kFine) co_return got.end;
  same = matches(stream.seed, 0, content);
  co_return End::kFine;
}

struct RateWork {
  Client& client;
  RatePlan plan;
  Clock::time_point began;
  Clock::time_point end;
  std::uint64_t next = 0;
};

/// When the connection is due; nullopt if no more are.
std::optional<Clock::time_point> due(const RateWork& work, std::uint64_t index) {
  const auto now = Clock::now();
  if (work.plan.count > 0 ? index >= work.plan.count : now >= work.end) return std::nullopt;
  if (work.plan.per_second <= 0) return now;
  const std::chrono::duration<double> offset(static_cast<double>(index) / work.plan.per_second);
  const auto at = work.began + std::chrono::duration_cast<Clock::duration>(offset);
  if (work.plan.count == 0 && at >= work.end) return std::nullopt;
  return at;
}

Task<void> once(Client& client, Stream stream) {
  const auto began = Clock::now();
  const Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return client.report.fail(connected.end);
  ++client.report.opened;
  bool same = false;
  const End end = co_await exchange(*connected.socket, stream, same);
  if (end != End::kFine) co_return client.report.fail(end);
  if (!same) co_return client.report.add_corrupt();
  client.report.bytes_up += stream.size;
  client.report.bytes_down += stream.size;
  ++client.report.done;
  client.report.add_time(Clock::now() - began);
}

Task<void> rate_worker(RateWork& work) {
  for (;;) {
    const std::uint64_t index = work.next++;
    const auto at = due(work, index);
    if (!at) co_return;
    const auto wait = *at - Clock::now();
    if (wait > Clock::duration::zero()) {
      co_await work.client.loop.sleep_until(work.client.loop.now() + wait);
    }
    co_await once(work.client, {mix(work.client.seed ^ mix(index)), work.plan.bytes, 65536});
  }
}

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

}  // namespace

Task<void> rate(Client& client, RatePlan plan) {
  const auto began = Clock::now();
  RateWork work{client, plan, began,
                began + std::chrono::duration_cast<Clock::duration>(plan.time)};
  Group group(client.loop);
  if (plan.until_told) work.end = Clock::time_point::max();
  for (std::uint64_t i = 0; i < plan.at_once; ++i) group.add(rate_worker(work));
  if (plan.until_told) {
    co_await until_told(client.loop);
    work.end = Clock::now();
  }
  co_await group.done();
  const double seconds = seconds_since(began);
  client.report.set("seconds", seconds);
  client.report.set("per_second", static_cast<double>(client.report.done) / seconds);
}

// ---- Connections that stay ----

Task<void> until_told(EventLoop& loop) {
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char byte = 0;
    if (::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, &byte, 1) >= 0) co_return;
    co_await loop.sleep_until(loop.now() + std::chrono::milliseconds(20));
  }
}

namespace {

struct Holding {
  Client& client;
  HoldPlan plan;
  std::vector<std::unique_ptr<Watched>> sockets;
  std::uint64_t next = 0;
  bool over = false;
};

/// Opens connections one after the other; many of these run beside each other.
Task<void> hold_open(Holding& holding) {
  while (holding.next < holding.plan.count) {
    const std::uint64_t index = holding.next++;
    Connected connected = co_await connect_to(holding.client.loop, holding.client.to);
    if (!connected.socket) {
      holding.client.report.fail(connected.end);
      continue;
    }
    ++holding.client.report.opened;
    bool same = false;
    const End end = co_await exchange(
        *connected.socket, {mix(holding.client.seed ^ index), holding.plan.bytes, 65536}, same);
    if (end != End::kFine) holding.client.report.fail(end);
    if (end == End::kFine && !same) holding.client.report.add_corrupt();
    if (end == End::kFine && same) holding.sockets[index] = std::move(connected.socket);
  }
}

Task<void> trickle(Holding& holding, std::uint64_t index) {
  Client& client = holding.client;
  Watched& socket = *holding.sockets[index];
  const auto every = std::chrono::duration_cast<Watched::Time>(holding.plan.every);
  // They start apart, so that they do not all come at once.
  Watched::Time next = client.loop.now() + every * static_cast<std::int64_t>(index) /
                                               static_cast<std::int64_t>(holding.plan.count);
  for (std::uint64_t round = 1;; ++round) {
    const bool last = holding.over || every == Watched::Time::zero();
    bool same = false;
    const End end = co_await exchange(
        socket, {mix(mix(client.seed ^ index) + round), holding.plan.bytes, 65536}, same);
    if (end != End::kFine) co_return client.report.fail(end);
    if (!same) co_return client.report.add_corrupt();
    client.report.bytes_up += holding.plan.bytes;
    client.report.bytes_down += holding.plan.bytes;
    if (last) break;
    next += every;
    if (next > client.loop.now()) co_await client.loop.sleep_until(next);
  }
  ::shutdown(socket.fd(), SHUT_WR);
  const End end = co_await read_end(socket);
  if (end != End::kEof) co_return client.report.fail(end);
  ++client.report.done;
}

void trickle_all(Holding& holding, Group& group) {
  for (std::uint64_t i = 0; i < holding.plan.count; ++i) {
    if (holding.sockets[i]) group.add(trickle(holding, i));
  }
}

}  // namespace

Task<void> hold(Client& client, HoldPlan plan) {
  constexpr std::uint64_t kOpenAtOnce = 64;
  Holding holding{client, plan, {}};
  holding.sockets.resize(plan.count);
  Group opening(client.loop);
  for (std::uint64_t i = 0; i < kOpenAtOnce; ++i) opening.add(hold_open(holding));
  co_await opening.done();
  Group group(client.loop);
  const bool idle = plan.every.count() == 0;
  if (!idle) trickle_all(holding, group);
  co_await until_told(client.loop);
  holding.over = true;
  if (idle) trickle_all(holding, group);
  co_await group.done();
}

// ---- Ping-pong ----

Task<void> ping(Client& client, std::uint64_t count) {
  const Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return client.report.fail(connected.end);
  ++client.report.opened;
  const int fd = connected.socket->fd();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto began = Clock::now();
    std::uint8_t byte = static_cast<std::uint8_t>(i);
    // The loop would add calls of its own to what is measured.
    if (::send(fd, &byte, 1, MSG_NOSIGNAL) != 1) co_return client.report.fail(end_of(errno));
    pollfd input{fd, POLLIN, 0};
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(patience()).count();
    if (::poll(&input, 1, static_cast<int>(wait)) <= 0) co_return client.report.fail(End::kTimeout);
    const ssize_t got = ::recv(fd, &byte, 1, 0);
    if (got != 1) co_return client.report.fail(got == 0 ? End::kEarlyEof : end_of(errno));
    if (byte != static_cast<std::uint8_t>(i)) co_return client.report.add_corrupt();
    client.report.add_time(Clock::now() - began);
  }
  ++client.report.done;
}

}  // namespace arctic::traffic
