#include "tests/lab/traffic/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

namespace arctic::traffic {
namespace {

constexpr std::size_t kPiece = 262144;
constexpr std::uint64_t kResetAfter = 100'000;

struct Mode {
  const char* name;
  Server::Serve serve;
};

/// Used between two waits only.
ByteSpan piece() {
  static thread_local std::vector<std::uint8_t> bytes(kPiece);
  return bytes;
}

}  // namespace

// ---- Slices ----

std::uint64_t Slices::now() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / kSlice);
}

void Slices::add(std::size_t bytes) {
  const std::uint64_t slice = now();
  if (counts_.empty()) first_ = slice;
  if (counts_.size() <= slice - first_) counts_.resize(slice - first_ + 1);
  counts_[slice - first_] += static_cast<std::uint32_t>(bytes);
}

// ---- Listening ----

std::unique_ptr<Server> Server::make(EventLoop& loop, const std::vector<std::string>& modes) {
  static constexpr Mode kModes[] = {{"sink", &Server::sink},   {"source", &Server::source},
                                    {"echo", &Server::echo},   {"check", &Server::check},
                                    {"first", &Server::first}, {"reset", &Server::reset},
                                    {"slow", &Server::slow},   {"who", &Server::who}};
  std::unique_ptr<Server> server(new Server(loop));
  for (const auto& mode : modes) {
    const auto known = std::find_if(std::begin(kModes), std::end(kModes), [&](const Mode& each) {
      return mode.rfind(std::string(each.name) + "=", 0) == 0;
    });
    if (known == std::end(kModes)) {
      std::fprintf(stderr, "traffic: \"%s\" is no MODE=PORT that is known\n", mode.c_str());
      return nullptr;
    }
    if (!server->listen(mode, known->serve)) return nullptr;
  }
  return server;
}

bool Server::listen(const std::string& mode, Serve serve) {
  const std::string digits = mode.substr(mode.find('=') + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || port == 0) {
    std::fprintf(stderr, "traffic: \"%s\" has no port\n", mode.c_str());
    return false;
  }
  for (const Family family : kFamilies) {
    const auto fd = listen_tcp({{family, 0}, port}, {.transparent = false, .shared = false});
    if (!fd) {
      std::fprintf(stderr, "traffic: %s\n", fd.error().message().c_str());
      return false;
    }
    set_no_delay(*fd);
    auto socket = Watched::make(loop_, *fd);
    if (!socket) return false;
    listeners_.push_back(std::move(*socket));
    start(accept_each(*listeners_.back(),
                      [this, serve](std::unique_ptr<Watched> accepted, const SocketAddress&) {
                        start(count(serve, std::move(accepted)));
                      }));
  }
  return true;
}

Task<void> Server::count(Serve serve, std::unique_ptr<Watched> socket) {
  ++report_.opened;
  co_await (this->*serve)(std::move(socket));
  ++report_.done;
}

// ---- Simple modes ----

Task<void> Server::sink(std::unique_ptr<Watched> socket) {
  Slices slices;
  for (;;) {
    const Wake wake = co_await socket->readable();
    if (wake != Wake::kReady) co_return;
    const ssize_t got = ::recv(socket->fd(), piece().data(), kPiece, 0);
    if (got < 0 && errno == EAGAIN) socket->drained();
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) {
      report_.fail(end_of(errno));
      co_return;
    }
    if (got == 0) break;
    report_.bytes_up += static_cast<std::size_t>(got);
    slices.add(static_cast<std::size_t>(got));
  }
  const std::uint64_t head[2] = {slices.first(), slices.counts().size()};
  const End begun = co_await write_whole(*socket, bytes_in(head), Push::kWithNext);
  if (begun != End::kFine) co_return;
  const auto& counts = slices.counts();
  const ByteView body(reinterpret_cast<const std::uint8_t*>(counts.data()),
                      counts.size() * sizeof counts[0]);
  (void)co_await write_whole(*socket, body);
}

Task<void> Server::source(std::unique_ptr<Watched> socket) {
  for (;;) {
    const Wake wake = co_await socket->writable();
    if (wake != Wake::kReady) co_return;
    const ssize_t sent = ::send(socket->fd(), piece().data(), kPiece, MSG_NOSIGNAL);
    if (sent < static_cast<ssize_t>(kPiece)) socket->full();
    if (sent < 0 && errno != EAGAIN && errno != EINTR) co_return;
    if (sent > 0) report_.bytes_down += static_cast<std::size_t>(sent);
  }
}

Task<End> Server::do_echo(Watched& socket) {
  constexpr std::size_t kEchoPiece = 16384;  // lies in the coroutine while it waits
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const Wake wake = co_await socket.readable();
    if (wake != Wake::kReady) co_return End::kOther;
    const ssize_t got = ::recv(socket.fd(), piece().data(), kEchoPiece, 0);
    if (got < 0 && errno == EAGAIN) socket.drained();
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) co_return end_of(errno);
    if (got == 0) co_return End::kEof;
    const auto size = static_cast<std::size_t>(got);
    if (size < kEchoPiece && !socket.hung_up()) socket.drained();
    report_.bytes_up += size;
    const ssize_t sent = ::send(socket.fd(), piece().data(), size, MSG_NOSIGNAL);
    if (sent == got) continue;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) co_return end_of(errno);
    socket.full();
    const ByteView left = piece().subspan(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    bytes.assign(left.begin(), left.begin() + (got - std::max<ssize_t>(sent, 0)));
    const End end = co_await write_whole(socket, bytes);
    if (end != End::kFine) co_return end;
    std::vector<std::uint8_t>().swap(bytes);
  }
}

Task<void> Server::echo(std::unique_ptr<Watched> socket) {
  const End end = co_await do_echo(*socket);
  if (end != End::kEof) report_.fail(end);
}

Task<void> Server::first(std::unique_ptr<Watched> socket) {
  const End greeted = co_await send_stream(*socket, kGreeting);
  if (greeted != End::kFine) co_return report_.fail(greeted);
  set_no_delay(socket->fd());  // sends what was held back for more
  const End end = co_await do_echo(*socket);
  if (end != End::kEof) report_.fail(end);
}

Task<void> Server::reset(std::unique_ptr<Watched> socket) {
  std::uint64_t bytes = 0;
  while (bytes < kResetAfter) {
    std::array<std::uint8_t, 4096> some;
    const Got got = co_await read_some(*socket, some);
    if (got.end != End::kFine) co_return report_.fail(got.end);
    bytes += got.bytes;
  }
  reset_on_close(socket->fd());
}

Task<void> Server::slow(std::unique_ptr<Watched> socket) {
  while (!socket->hung_up()) {
    socket->drained();
    const Wake wake = co_await socket->readable();
    if (wake != Wake::kReady) co_return;
  }
}

Task<void> Server::who(std::unique_ptr<Watched> socket) {
  const auto peer = peer_address(socket->fd());
  if (!peer) co_return report_.fail("no_peer");
  const std::string text = peer->to_string() + "\n";
  const End end = co_await write_whole(*socket, bytes_of(text));
  if (end != End::kFine) co_return report_.fail(end);
  ::shutdown(socket->fd(), SHUT_WR);
  (void)co_await read_end(*socket);
}

// ---- The checked exchange ----

Task<void> Server::take_up(Watched& socket, Order order, Verdict& out) {
  const Arrival arrival = co_await receive_stream(socket, order.up_stream());
  End end = arrival.end;
  if (end == End::kFine) end = co_await read_end(socket);
  out = {arrival.bytes, static_cast<std::uint32_t>(end), arrival.corrupt ? 1U : 0U, arrival.digest};
  report_.bytes_up += arrival.bytes;
  if (arrival.corrupt) report_.add_corrupt();
}

Task<void> Server::give_down(Watched& socket, Order order, End& end) {
  end = co_await send_stream(socket, order.down_stream());
  if (end == End::kFine) {
    report_.bytes_down += order.down;
    if (order.kind == OrderKind::kServerEnds) ::shutdown(socket.fd(), SHUT_WR);
  }
}

Task<void> Server::reset_amid(Watched& socket, Order order) {
  Stream up = order.up_stream();
  up.size /= 2;
  Stream down = order.down_stream();
  down.size /= 2;
  const Arrival arrival = co_await receive_stream(socket, up);
  (void)co_await send_stream(socket, down);
  verdicts_[order.seed] = {arrival.bytes, static_cast<std::uint32_t>(arrival.end),
                           arrival.corrupt ? 1U : 0U, arrival.digest};
  reset_on_close(socket.fd());
}

Task<void> Server::answer(Watched& socket, std::uint64_t seed) {
  const Watched::Time deadline = loop_.now() + patience();
  while (verdicts_.count(seed) == 0) {
    if (loop_.now() >= deadline) co_return;  // an end without a verdict says enough
    co_await loop_.sleep_until(loop_.now() + std::chrono::milliseconds(5));
  }
  (void)co_await write_whole(socket, bytes_in(verdicts_[seed]));
}

Task<void> Server::check(std::unique_ptr<Watched> socket) {
  Order order;
  const Got got = co_await read_whole(*socket, room_in(order));
  if (got.end != End::kFine) co_return report_.fail(got.end);
  switch (order.kind) {
    case OrderKind::kAsk:
      co_await answer(*socket, order.seed);
      co_return;
    case OrderKind::kServerResets:
      co_await reset_amid(*socket, order);
      co_return;
    case OrderKind::kBoth:
    case OrderKind::kServerEnds:
      break;
    default:
      co_return report_.fail("no_order");
  }
  Verdict verdict;
  End given = End::kFine;
  Group both(loop_);
  both.add(take_up(*socket, order, verdict));
  both.add(give_down(*socket, order, given));
  co_await both.done();
  if (given == End::kReset) verdict.end = static_cast<std::uint32_t>(given);
  const bool ended = verdict.end == static_cast<std::uint32_t>(End::kEof);
  if (!ended) report_.fail(static_cast<End>(verdict.end));
  if (order.kind == OrderKind::kServerEnds || !ended) {
    verdicts_[order.seed] = verdict;
    co_return;
  }
  (void)co_await write_whole(*socket, bytes_in(verdict), Push::kWithNext);
  ::shutdown(socket->fd(), SHUT_WR);
}

}  // namespace arctic::traffic
