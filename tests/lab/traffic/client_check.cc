#include <sys/socket.h>

#include <algorithm>

#include "tests/lab/traffic/client.h"

namespace arctic::traffic {
namespace {

using Exchange = Task<void> (*)(Client&, Order);

struct Work {
  Client& client;
  CheckPlan plan;
  Exchange exchange;
  std::uint64_t next = 0;
};

/// Sizes of all magnitudes, so that small ones are as frequent as large ones.
std::uint64_t random_size(std::uint64_t seed, std::uint64_t most) {
  const std::uint64_t scale = mix(seed) % 64;
  const std::uint64_t limit = most >> std::min<std::uint64_t>(scale / 4, 63);
  return mix(seed + 1) % (limit + 1);
}

Order make_order(const Work& work, std::uint64_t index) {
  Order order;
  order.seed = mix(work.client.seed ^ mix(index));
  order.chunk = work.plan.chunk;
  order.up = work.plan.exact ? work.plan.most : random_size(order.seed, work.plan.most);
  order.down = work.plan.exact ? work.plan.most : random_size(order.seed + 2, work.plan.most);
  return order;
}

Task<void> worker(Work& work) {
  while (work.next < work.plan.count) {
    const Order order = make_order(work, work.next++);
    co_await work.exchange(work.client, order);
  }
}

Task<void> run_all(Client& client, CheckPlan plan, Exchange exchange) {
  Work work{client, plan, exchange};
  Group group(client.loop);
  for (std::uint64_t i = 0; i < std::min(plan.at_once, plan.count); ++i) group.add(worker(work));
  co_await group.done();
}

/// A connection with its order sent; null if that failed, which is counted.
Task<std::unique_ptr<Watched>> begin(Client& client, Order order) {
  Connected connected = co_await connect_to(client.loop, client.to);
  End end = connected.end;
  if (connected.socket) {
    ++client.report.opened;
    end = co_await write_whole(*connected.socket, bytes_in(order), Push::kWithNext);
  }
  if (end == End::kFine) co_return std::move(connected.socket);
  client.report.fail(end);
  co_return nullptr;
}

Task<void> send_and_end(Watched& socket, Order order, End& out) {
  out = co_await send_stream(socket, order.up_stream());
  if (out == End::kFine) ::shutdown(socket.fd(), SHUT_WR);
}

/// True if the server saw all of the client's stream and then its end.
bool is_whole(const Verdict& verdict, Order order) {
  return verdict.end == static_cast<std::uint32_t>(End::kEof) && verdict.corrupt == 0 &&
         verdict.bytes == order.up && verdict.digest == digest_of(order.up_stream());
}

Task<bool> ask(Client& client, Order order, Verdict& out) {
  Order question = order;
  question.kind = OrderKind::kAsk;
  Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return false;
  End end = co_await write_whole(*connected.socket, bytes_in(question));
  if (end != End::kFine) co_return false;
  const Got got = co_await read_whole(*connected.socket, room_in(out));
  co_return got.end == End::kFine;
}

Task<void> exchange_both(Client& client, Order order) {
  const std::unique_ptr<Watched> socket = co_await begin(client, order);
  if (!socket) co_return;
  End sent = End::kFine;
  Arrival arrival;
  Group both(client.loop);
  both.add(send_and_end(*socket, order, sent));
  both.add(into(arrival, receive_stream(*socket, order.down_stream())));
  co_await both.done();
  client.report.bytes_down += arrival.bytes;
  if (arrival.corrupt ||
      (arrival.end == End::kFine && arrival.digest != digest_of(order.down_stream()))) {
    co_return client.report.add_corrupt();
  }
  if (sent == End::kReset) co_return client.report.fail(sent);
  // Why nothing more came says more than that nothing more could be sent.
  if (arrival.end != End::kFine) co_return client.report.fail(arrival.end);
  if (sent != End::kFine) co_return client.report.fail(sent);
  Verdict verdict;
  const Got got = co_await read_whole(*socket, room_in(verdict));
  if (got.end != End::kFine) co_return client.report.fail(got.end);
  const End end = co_await read_end(*socket);
  if (end != End::kEof) co_return client.report.fail(end);
  if (!is_whole(verdict, order)) co_return client.report.add_corrupt();
  client.report.bytes_up += order.up;
  ++client.report.done;
}

Task<void> exchange_server_ends(Client& client, Order order) {
  order.kind = OrderKind::kServerEnds;
  std::unique_ptr<Watched> socket = co_await begin(client, order);
  if (!socket) co_return;
  set_no_delay(socket->fd());  // sends the order, which was held back
  const Arrival arrival = co_await receive_stream(*socket, order.down_stream());
  client.report.bytes_down += arrival.bytes;
  if (arrival.corrupt) co_return client.report.add_corrupt();
  if (arrival.end != End::kFine) co_return client.report.fail(arrival.end);
  const End end = co_await read_end(*socket);
  if (end != End::kEof) co_return client.report.fail(end);
  End sent = End::kFine;
  co_await send_and_end(*socket, order, sent);
  if (sent != End::kFine) co_return client.report.fail(sent);
  Verdict verdict;
  const bool told = co_await ask(client, order, verdict);
  if (!told) co_return client.report.fail("no_verdict");
  if (!is_whole(verdict, order)) co_return client.report.add_corrupt();
  client.report.bytes_up += order.up;
  ++client.report.done;
}

Task<void> exchange_server_resets(Client& client, Order order) {
  order.kind = OrderKind::kServerResets;
  const std::unique_ptr<Watched> socket = co_await begin(client, order);
  if (!socket) co_return;
  End sent = End::kFine;
  Arrival arrival;
  Group both(client.loop);
  both.add(into(sent, send_stream(*socket, order.up_stream())));
  both.add(into(arrival, receive_stream(*socket, order.down_stream())));
  co_await both.done();
  client.report.bytes_down += arrival.bytes;
  if (arrival.corrupt) co_return client.report.add_corrupt();
  if (arrival.end != End::kReset && sent != End::kReset) {
    co_return client.report.fail(std::string(to_string(arrival.end)) + "_for_reset");
  }
  ++client.report.done;
}

Task<void> exchange_client_resets(Client& client, Order order) {
  std::unique_ptr<Watched> socket = co_await begin(client, order);
  if (!socket) co_return;
  Stream half = order.up_stream();
  half.size /= 2;
  const End sent = co_await send_stream(*socket, half);
  if (sent != End::kFine) co_return client.report.fail(sent);
  // A byte that comes back proves that the server knows the order: only then it can judge.
  std::uint8_t byte = 0;
  const Got got = co_await read_whole(*socket, {&byte, 1});
  if (got.end != End::kFine) co_return client.report.fail(got.end);
  reset_on_close(socket->fd());
  socket.reset();
  Verdict verdict;
  const bool told = co_await ask(client, order, verdict);
  if (!told) co_return client.report.fail("no_verdict");
  if (verdict.corrupt != 0) co_return client.report.add_corrupt();
  const auto seen = static_cast<End>(verdict.end);
  if (seen != End::kReset) {
    co_return client.report.fail(std::string(to_string(seen)) + "_for_reset");
  }
  ++client.report.done;
}

}  // namespace

Task<void> check(Client& client, CheckPlan plan) { return run_all(client, plan, exchange_both); }
Task<void> server_ends(Client& client, CheckPlan plan) {
  return run_all(client, plan, exchange_server_ends);
}
Task<void> server_resets(Client& client, CheckPlan plan) {
  plan.exact = true;
  return run_all(client, plan, exchange_server_resets);
}
Task<void> client_resets(Client& client, CheckPlan plan) {
  plan.exact = true;
  return run_all(client, plan, exchange_client_resets);
}

}  // namespace arctic::traffic
