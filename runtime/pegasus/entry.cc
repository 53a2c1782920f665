#include "runtime/pegasus/entry.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace arctic {
namespace {

constexpr std::chrono::seconds kWaitForLink{10};

bool is_loopback(const Address& address) {
  static const Prefix kLoopback4 = *parse_prefix("127.0.0.0/8");
  static const Prefix kLoopback6 = *parse_prefix("::1/128");
  return kLoopback4.contains(address) || kLoopback6.contains(address);
}

/// OPEN, and with it in one segment what the client has sent by now, as far as the limit lets it.
/// False: the link broke, or the client did, and RESET went along.
bool send_open(Worker& worker, Watched& client, TunnelLink& link, Carried& carried,
               const ServiceLimits& limits) {
  const OpenFrame open{carried.client.address, carried.client.port, carried.destination.address,
                       carried.destination.port, carried.found.tunnel->id};
  const ByteSpan buffer(worker.buffers().sealed);
  const std::size_t body = encode_open(open, buffer.data() + kRecordHead);
  std::size_t size = body + kRecordOverhead;
  if (!link.records().seal(FrameType::kOpen, buffer.first(size))) return false;
  const ByteSpan rest = buffer.subspan(size);
  Turn turn(*limits.to_peer, worker.loop());
  const std::uint64_t room = turn.take_now(RelayBuffers::kBodyBytes);
  ssize_t got = -1;
  if (room > 0) {
    got = ::recv(client.fd(), rest.data() + kRecordHead, room, MSG_DONTWAIT);
    const int error = got < 0 ? errno : 0;
    turn.give_back(room - static_cast<std::uint64_t>(std::max<ssize_t>(got, 0)));
    if (error == EAGAIN) client.drained();
    // Asked again the kernel would say that the client had ended in order.
    if (error != 0 && error != EAGAIN && error != EINTR) {
      (void)link.write(buffer.first(size));
      (void)link.send(FrameType::kReset);
      return false;
    }
  }
  if (got > 0) {
    const std::size_t data = static_cast<std::size_t>(got) + kRecordOverhead;
    if (!link.records().seal(FrameType::kData, rest.first(data))) return false;
    carried.counts.to_tunnel += static_cast<std::size_t>(got);
    size += data;
    if (static_cast<std::uint64_t>(got) < room && !client.hung_up()) client.drained();
  }
  return link.write(buffer.first(size));
}

/// What is known of a connection before anything is done for it; no tunnel if it is none of ours.
Carried know(Worker& worker, const Watched& client, const SocketAddress& source,
             std::uint16_t port) {
  Carried carried;
  const auto destination = local_address(client.fd());
  // Who connects to the port itself, not by TPROXY, has the listener's address as destination.
  if (!destination || is_loopback(destination->address)) return carried;
  carried.found = worker.view().entry(port);
  if (!carried.found) return carried;
  carried.client = source;
  carried.destination = *destination;
  if (const auto* const peer = carried.found.config->peer(carried.found.tunnel->peer)) {
    carried.peer = peer->public_key;
  }
  return carried;
}

void say_refused(Worker& worker, const Carried& carried, const RefusedFrame& refused) {
  ++worker.counts(*carried.found.tunnel).refused;
  worker.shared().log.say(LogLevel::kInfo, "refused by the exit",
                          {{"service", carried.found.tunnel->service},
                           {"client", carried.client.to_string()},
                           {"destination", carried.destination.to_string()},
                           {"reason", to_string(refused.reason)},
                           {"error", refused.error == 0 ? "" : errno_text(refused.error)}});
}

/// Says why the client gets a reset.
void refuse(Worker& worker, const Carried& carried, const char* why) {
  ++worker.counts(*carried.found.tunnel).refused;
  worker.shared().log.say(
      LogLevel::kWarning, why,
      {{"service", carried.found.tunnel->service}, {"peer", carried.found.tunnel->peer}});
}

/// The client's connection over a link that was taken for it.
Task<RelayResult> carry_over(Worker& worker, Watched& client, TunnelLink& link, Carried& carried) {
  const auto limits = worker.shared().limits.of(carried.found.tunnel->service);
  if (!send_open(worker, client, link, carried, *limits)) co_return RelayResult{};
  co_return co_await relay(
      {LinkEnd::kInitiator, client, link, worker.buffers(), carried, limits.get()});
}

void account(Worker& worker, const Carried& carried, const RelayResult& result) {
  if (result.refused) say_refused(worker, carried, *result.refused);
  if (result.opened_at) {
    worker.counts(*carried.found.tunnel).connected(*result.opened_at - carried.since);
  }
  if (result.broken == nullptr) return;
  worker.shared().log.say(LogLevel::kWarning, "tunnel connection closed",
                          {{"service", carried.found.tunnel->service},
                           {"peer", carried.found.tunnel->peer},
                           {"client", carried.client.to_string()},
                           {"reason", result.broken}});
}

// Whatever ends this before the end was passed on closes the client's socket with a reset, which
// the listener has it set to.
Task<void> carry(Worker& worker, std::unique_ptr<Watched> client, SocketAddress from,
                 std::uint16_t port) {
  Carried carried = know(worker, *client, from, port);
  if (!carried.found) co_return;
  const Worker::Listed listed(worker, carried);
  if (!listed) co_return refuse(worker, carried, "too many connections");
  // The first bytes of a client that speaks first are often just behind its handshake.
  co_await worker.loop().yield();
  if (carried.cut_asked) co_return;
  const std::string& peer = carried.found.tunnel->peer;
  auto link = co_await worker.tunnels().take(peer, worker.loop().now() + kWaitForLink);
  if (!link) co_return refuse(worker, carried, "no tunnel connection");
  const RelayResult result = co_await carry_over(worker, *client, *link, carried);
  account(worker, carried, result);
  if (result.reusable) {
    const bool surely_done =
        !result.ended_second && carried.counts.to_tunnel <= link_life::kSurelyTaken;
    worker.tunnels().give_back(peer, std::move(link), surely_done);
  } else {
    worker.tunnels().let_end(peer, std::move(link), result);
  }
}

}  // namespace

Task<void> accept_clients(Worker& worker, std::shared_ptr<Watched> listener, std::uint16_t port) {
  co_await accept_each(*listener,
                       [&worker, port](std::unique_ptr<Watched> client, const SocketAddress& from) {
                         start(carry(worker, std::move(client), from, port));
                       });
}

}  // namespace arctic
