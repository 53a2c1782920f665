#include "runtime/pegasus/exit.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "runtime/pegasus/allow.h"

namespace arctic {
namespace {

constexpr std::chrono::seconds kHandshakeTime{5};
constexpr std::chrono::seconds kDialTime{30};
constexpr std::chrono::seconds kIdleTime{60};
constexpr std::chrono::seconds kKeepaliveAfter{60};
constexpr std::chrono::seconds kUnacknowledged{120};

struct Greeting {
  std::unique_ptr<TunnelLink> link;
  SessionHandle session;
  bool fresh = false;  ///< made by INIT: to be added once it is confirmed
};

std::unique_ptr<TunnelLink> make_link(Worker& worker, std::unique_ptr<Watched> socket,
                                      ConnectionKeys keys) {
  return std::make_unique<TunnelLink>(
      std::move(socket), RecordLayer(LinkEnd::kResponder, std::move(keys), worker.loop().now()),
      worker.buffers());
}

/// INIT or HELLO and the answer to it. No link if anything is wrong: then the connection closes
/// without a byte.
Task<Greeting> greet(Worker& worker, std::unique_ptr<Watched> socket) {
  const Watched::Time deadline = worker.loop().now() + kHandshakeTime;
  Sessions& sessions = worker.shared().sessions;
  std::array<std::uint8_t, kInitBytes> bytes;
  const ByteSpan message(bytes);
  if (!co_await read_exactly(*socket, message.first(1), deadline)) co_return Greeting{};
  if (bytes[0] != kInitType && bytes[0] != kHelloType) co_return Greeting{};
  const std::size_t size = bytes[0] == kInitType ? kInitBytes : kHelloBytes;
  if (!co_await read_exactly(*socket, message.subspan(1, size - 1), deadline)) co_return Greeting{};

  if (bytes[0] == kInitType) {
    if (!good_init(sessions.own().point, message)) co_return Greeting{};
    auto answer = consume_init(sessions.own(), message, worker.loop().now());
    if (!answer || worker.running()->peer(answer->made.session.remote) == nullptr) {
      co_return Greeting{};
    }
    if (!send_whole(*socket, answer->resp)) co_return Greeting{};
    auto link = make_link(worker, std::move(socket), std::move(answer->made.keys));
    co_return Greeting{std::move(link),
                       std::make_shared<const Session>(std::move(answer->made.session)), true};
  }
  const ByteView hello = message.first(kHelloBytes);
  SessionHandle session = sessions.by_id(session_of(hello), worker.loop().now());
  if (!session) co_return Greeting{};
  auto answer = consume_hello(*session, hello);
  if (!answer || !send_whole(*socket, answer->accept)) co_return Greeting{};
  auto link = make_link(worker, std::move(socket), std::move(answer->keys));
  co_return Greeting{std::move(link), std::move(session), false};
}

/// A connection to the destination, or why there is none.
struct Reached {
  std::unique_ptr<Watched> socket;
  RefusedFrame refused;
};

Reached refused(RefusedReason reason, int error = 0) {
  return {nullptr, {reason, static_cast<std::uint16_t>(error)}};
}

Task<Reached> connect_to(Worker& worker, const SocketAddress& to, DialOptions options) {
  int fd = begin_connect(to, options);
  if (fd == -EADDRINUSE && options.source) {
    options.source->port = 0;  // only the client's port is taken
    fd = begin_connect(to, options);
  }
  if (fd < 0) co_return refused(RefusedReason::kDialFailed, -fd);
  auto socket = Watched::make(worker.loop(), fd);
  if (!socket) co_return refused(RefusedReason::kOverloaded);
  (*socket)->full();
  set_no_delay(fd);
  set_timeouts(fd, kKeepaliveAfter, kUnacknowledged);
  if (co_await (*socket)->writable(worker.loop().now() + kDialTime) != Wake::kReady) {
    co_return refused(RefusedReason::kDialFailed, ETIMEDOUT);
  }
  if (const int error = connect_error(fd); error != 0) {
    co_return refused(RefusedReason::kDialFailed, error);
  }
  co_return Reached{std::move(*socket), {}};
}

Task<Reached> reach(Worker& worker, const PublicKey& asking, OpenFrame open,
                    RunningHandle running) {
  const PegasusConfig::Tunnel* const tunnel = running->exit(open.service);
  if (tunnel == nullptr) co_return refused(RefusedReason::kUnknownService);
  const PegasusConfig::Peer* const peer = running->peer(tunnel->peer);
  const bool theirs = peer != nullptr && peer->public_key == asking;
  const Permission allowed =
      theirs ? permission(*tunnel, open, worker.own_addresses) : Permission::kNoRoute;
  if (allowed != Permission::kAllowed) {
    worker.shared().say(
        "service " + tunnel->service + ": refused " +
        SocketAddress{open.destination, open.destination_port}.to_string() + ": " +
        (theirs ? to_string(allowed) : "the asking peer is not the service's source"));
    co_return refused(RefusedReason::kNotAllowed);
  }
  DialOptions options{running->config().own_mark, std::nullopt};
  if (tunnel->transparent) options.source = SocketAddress{open.source, open.source_port};
  co_return co_await connect_to(worker, {open.destination, open.destination_port}, options);
}

/// One OPEN on a link. False if the link must close.
Task<bool> serve(Worker& worker, const Greeting& greeting, const Record& record) {
  const auto open = parse_open(record.body);
  if (!open) co_return false;
  const std::string service(open->service);  // the buffer it lies in is the worker's
  OpenFrame kept = *open;
  kept.service = service;
  Reached reached = co_await reach(worker, greeting.session->remote, kept, worker.running());
  if (!reached.socket) {
    (void)greeting.link->send(FrameType::kRefused, encode_refused(reached.refused));
    (void)co_await greeting.link->flush();
    co_return false;
  }
  if (!greeting.link->send(FrameType::kOpened)) co_return false;
  const RelayResult result = co_await relay(LinkEnd::kResponder, *reached.socket, *greeting.link,
                                            worker.buffers(), worker.counts());
  if (result.broken != nullptr) {
    worker.shared().say("service " + service + ": closed a tunnel connection: " + result.broken);
  }
  co_return result.reusable;
}

/// A record outside of a connection. False if the link must close.
Task<bool> between(Worker& worker, const Greeting& greeting, const Record& record) {
  TunnelLink& link = *greeting.link;
  switch (record.type) {
    case FrameType::kPing:
      co_return link.send(FrameType::kPong, record.body);
    case FrameType::kOpen:
      co_return co_await serve(worker, greeting, record);
    case FrameType::kRekey:
    case FrameType::kSwitch: {
      const auto step = link.records().consume_rekey(record, worker.loop().now());
      if (!step.good) co_return false;
      co_return !step.answer || link.send(*step.answer, step.point.bytes);
    }
    default:
      co_return false;
  }
}

Task<void> serve_peer(Worker& worker, std::unique_ptr<Watched> socket) {
  prepare_tunnel(socket->fd());
  Greeting greeting = co_await greet(worker, std::move(socket));
  if (!greeting.link) co_return;
  // Replayed INIT and HELLO end here: who sent them cannot make a first record.
  auto record = co_await greeting.link->next_record(worker.loop().now() + kHandshakeTime);
  if (!record) co_return;
  if (greeting.fresh) worker.shared().sessions.add_theirs(greeting.session);
  while (record) {
    if (!co_await between(worker, greeting, *record)) co_return;
    record = co_await greeting.link->next_record(worker.loop().now() + kIdleTime);
  }
}

}  // namespace

Task<void> accept_peers(Worker& worker, Watched& listener) {
  return accept_each(listener, [&worker](std::unique_ptr<Watched> socket) {
    start(serve_peer(worker, std::move(socket)));
  });
}

}  // namespace arctic
