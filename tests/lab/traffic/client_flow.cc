// Bulk flows, measured where they arrive.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "tests/lab/traffic/client.h"
#include "tests/lab/traffic/server.h"

namespace arctic::traffic {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPiece = 262144;

ByteSpan piece() {
  static thread_local std::vector<std::uint8_t> bytes(kPiece);
  return bytes;
}

/// One flow's bytes by slice, the first of which is the run's first.
struct Flow {
  std::vector<std::uint32_t> slices;
};

struct Run {
  Client& client;
  FlowPlan plan;
  Clock::time_point end;
  std::uint64_t first_slice = 0;
  std::vector<Flow> flows;
};

void place(Run& run, Flow& flow, std::uint64_t first, const std::vector<std::uint32_t>& counts) {
  flow.slices.resize(first < run.first_slice ? 0 : first - run.first_slice);
  flow.slices.insert(flow.slices.end(), counts.begin(), counts.end());
}

Task<End> send_until(Watched& socket, Clock::time_point end) {
  while (Clock::now() < end) {
    const Wake wake = co_await socket.writable(socket.loop().now() + patience());
    if (wake != Wake::kReady) co_return End::kTimeout;
    const ssize_t sent = ::send(socket.fd(), piece().data(), kPiece, MSG_NOSIGNAL);
    if (sent < static_cast<ssize_t>(kPiece)) socket.full();
    if (sent < 0 && errno != EAGAIN && errno != EINTR) co_return end_of(errno);
  }
  ::shutdown(socket.fd(), SHUT_WR);
  co_return End::kFine;
}

Task<End> go_up(Run& run, Flow& flow, Watched& socket) {
  const End sent = co_await send_until(socket, run.end);
  if (sent != End::kFine) co_return sent;
  std::uint64_t head[2] = {0, 0};
  const Got got = co_await read_whole(socket, room_in(head));
  if (got.end != End::kFine) co_return got.end;
  std::vector<std::uint32_t> counts(std::min<std::uint64_t>(head[1], 100'000));
  const ByteSpan room(reinterpret_cast<std::uint8_t*>(counts.data()),
                      counts.size() * sizeof(std::uint32_t));
  const Got rest = co_await read_whole(socket, room);
  if (rest.end != End::kFine) co_return rest.end;
  place(run, flow, head[0], counts);
  co_return End::kFine;
}

Task<End> go_down(Run& run, Flow& flow, Watched& socket) {
  Slices slices;
  End end = End::kFine;
  while (Clock::now() < run.end) {
    const Wake wake = co_await socket.readable(socket.loop().now() + patience());
    if (wake != Wake::kReady) end = End::kTimeout;
    if (end != End::kFine) break;
    const ssize_t got = ::recv(socket.fd(), piece().data(), kPiece, 0);
    if (got > 0) slices.add(static_cast<std::size_t>(got));
    if (got > 0 && static_cast<std::size_t>(got) < kPiece) socket.drained();
    if (got < 0 && errno == EAGAIN) socket.drained();
    if (got == 0) end = End::kEarlyEof;
    if (got < 0 && errno != EAGAIN && errno != EINTR) end = end_of(errno);
  }
  place(run, flow, slices.first(), slices.counts());
  reset_on_close(socket.fd());
  co_return end;
}

Task<void> run_flow(Run& run, std::size_t index) {
  Client& client = run.client;
  const bool is_late = run.plan.late.count() >= 0 && index + 1 == run.flows.size();
  if (is_late) {
    co_await client.loop.sleep_until(client.loop.now() +
                                     std::chrono::duration_cast<Watched::Time>(run.plan.late));
  }
  const Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return client.report.fail(connected.end);
  ++client.report.opened;
  End end = End::kFine;
  Flow& flow = run.flows[index];
  if (run.plan.up) {
    end = co_await go_up(run, flow, *connected.socket);
  } else {
    end = co_await go_down(run, flow, *connected.socket);
  }
  if (end != End::kFine) co_return client.report.fail(end);
  ++client.report.done;
}

std::uint64_t bytes_between(const Flow& flow, std::size_t from, std::size_t to) {
  const std::size_t end = std::min(to, flow.slices.size());
  std::uint64_t sum = 0;
  for (std::size_t i = from; i < end; ++i) sum += flow.slices[i];
  return sum;
}

/// How long the last flow took, from its beginning, to have 90 % of its share over 300 ms.
double late_ms(const Run& run, std::size_t begin, std::size_t end) {
  constexpr std::size_t kWindow = 3;
  for (std::size_t at = begin; at + kWindow <= end; ++at) {
    std::uint64_t all = 0;
    for (const Flow& flow : run.flows) all += bytes_between(flow, at, at + kWindow);
    const auto share = static_cast<double>(all) / static_cast<double>(run.flows.size());
    const auto own = static_cast<double>(bytes_between(run.flows.back(), at, at + kWindow));
    if (all > 0 && own >= 0.9 * share) {
      return static_cast<double>(at - begin) * static_cast<double>(kSlice.count());
    }
  }
  return -1;
}

std::size_t slices_in(std::chrono::duration<double> time) {
  return static_cast<std::size_t>(time / kSlice);
}

void summarise(Run& run) {
  const double per_slice = std::chrono::duration<double>(kSlice).count();
  const bool late = run.plan.late.count() >= 0;
  // The first and the last slice are not whole.
  const std::size_t from = slices_in(late ? run.plan.late : run.plan.skip) + 1;
  const std::size_t to = slices_in(run.plan.time);
  double sum = 0;
  double squares = 0;
  for (const Flow& flow : run.flows) {
    const double seconds = static_cast<double>(to - from) * per_slice;
    const double rate = static_cast<double>(bytes_between(flow, from, to)) * 8 / seconds / 1e6;
    sum += rate;
    squares += rate * rate;
    const std::uint64_t all = bytes_between(flow, 0, flow.slices.size());
    (run.plan.up ? run.client.report.bytes_up : run.client.report.bytes_down) += all;
  }
  Report& report = run.client.report;
  report.set("mbps", sum);
  const auto count = static_cast<double>(run.flows.size());
  report.set("jain", squares > 0 ? sum * sum / (count * squares) : 0);
  if (late) report.set("late_fair_ms", late_ms(run, slices_in(run.plan.late), to));
  if (!run.plan.samples) return;
  report.set("first_slice", static_cast<double>(run.first_slice));
  std::vector<std::vector<std::uint32_t>> table;
  for (const Flow& flow : run.flows) table.push_back(flow.slices);
  report.set("samples", std::move(table));
}

}  // namespace

Task<void> flow(Client& client, FlowPlan plan) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(plan.time);
  Run run{client, plan, end, Slices::now(), std::vector<Flow>(plan.flows)};
  Group group(client.loop);
  for (std::size_t i = 0; i < plan.flows; ++i) group.add(run_flow(run, i));
  co_await group.done();
  summarise(run);
}

}  // namespace arctic::traffic
