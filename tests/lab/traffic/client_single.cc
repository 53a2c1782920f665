// One connection, and how it goes with it.
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "tests/lab/traffic/client.h"
#include "tests/lab/traffic/server.h"

namespace arctic::traffic {

Task<void> first(Client& client) {
  const Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return client.report.fail(connected.end);
  ++client.report.opened;
  const Arrival greeting = co_await receive_stream(*connected.socket, kGreeting);
  if (greeting.end != End::kFine) co_return client.report.fail(greeting.end);
  if (greeting.corrupt) co_return client.report.add_corrupt();
  client.report.bytes_down += greeting.bytes;
  const Stream own{client.seed, 1000, 65536};
  const End sent = co_await send_stream(*connected.socket, own);
  if (sent != End::kFine) co_return client.report.fail(sent);
  ::shutdown(connected.socket->fd(), SHUT_WR);
  const Arrival back = co_await receive_stream(*connected.socket, own);
  if (back.end != End::kFine) co_return client.report.fail(back.end);
  if (back.corrupt) co_return client.report.add_corrupt();
  client.report.bytes_up += own.size;
  const End end = co_await read_end(*connected.socket);
  if (end != End::kEof) co_return client.report.fail(end);
  ++client.report.done;
}

Task<void> who(Client& client) {
  const Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return client.report.fail(connected.end);
  ++client.report.opened;
  const auto own = local_address(connected.socket->fd());
  if (own) client.report.set("own", own->to_string());
  std::string text;
  for (;;) {
    std::array<std::uint8_t, 256> some;
    const Got got = co_await read_some(*connected.socket, some);
    if (got.end == End::kEof) break;
    if (got.end != End::kFine) co_return client.report.fail(got.end);
    text.append(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(got.bytes));
  }
  client.report.set("seen", text.substr(0, text.find('\n')));
  ++client.report.done;
}

Task<void> outcome(Client& client, std::chrono::nanoseconds within) {
  const auto began = std::chrono::steady_clock::now();
  set_patience(within);
  const Connected connected = co_await connect_to(client.loop, client.to);
  std::string how = to_string(connected.end);
  if (connected.socket) {
    ++client.report.opened;
    std::uint8_t byte = 0x21;
    const End sent = co_await write_whole(*connected.socket, {&byte, 1});
    how = to_string(sent);
    if (sent == End::kFine) {
      const Got got = co_await read_some(*connected.socket, {&byte, 1});
      how = got.bytes > 0 ? "data" : got.end == End::kTimeout ? "open" : to_string(got.end);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  client.report.set("outcome", how);
  client.report.set("seconds", took.count());
  ++client.report.done;
}

Task<void> stall(Client& client, bool up) {
  const Connected connected = co_await connect_to(client.loop, client.to);
  if (!connected.socket) co_return client.report.fail(connected.end);
  ++client.report.opened;
  Watched& socket = *connected.socket;
  constexpr std::chrono::seconds kStill{1};
  static const std::vector<std::uint8_t> kContent(262144);
  Wake wake = Wake::kReady;
  while (up && wake == Wake::kReady) {
    const ssize_t sent = ::send(socket.fd(), kContent.data(), kContent.size(), MSG_NOSIGNAL);
    if (sent < static_cast<ssize_t>(kContent.size())) socket.full();
    if (sent < 0 && errno != EAGAIN && errno != EINTR) co_return client.report.fail(end_of(errno));
    if (sent > 0) client.report.bytes_up += static_cast<std::size_t>(sent);
    wake = co_await socket.writable(client.loop.now() + kStill);
  }
  if (!up) co_await client.loop.sleep_until(client.loop.now() + kStill);
  co_await until_told(client.loop);
  const End end = end_of(connect_error(socket.fd()));
  if (end != End::kFine) co_return client.report.fail(end);
  reset_on_close(socket.fd());
  ++client.report.done;
}

}  // namespace arctic::traffic
