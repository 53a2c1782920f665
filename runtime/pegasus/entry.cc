#include "runtime/pegasus/entry.h"

#include <sys/socket.h>

#include <cerrno>

namespace arctic {
namespace {

constexpr std::chrono::seconds kWaitForLink{10};
constexpr std::chrono::seconds kKeepaliveAfter{60};
constexpr std::chrono::seconds kUnacknowledged{120};

bool is_loopback(const Address& address) {
  static const Prefix kLoopback4 = *parse_prefix("127.0.0.0/8");
  static const Prefix kLoopback6 = *parse_prefix("::1/128");
  return kLoopback4.contains(address) || kLoopback6.contains(address);
}

/// OPEN, and with it in one segment what the client has sent by now. False: the link broke.
bool send_open(Worker& worker, Watched& client, TunnelLink& link, const OpenFrame& open) {
  const ByteSpan buffer(worker.buffers().sealed);
  const std::size_t body = encode_open(open, buffer.data() + kRecordHead);
  std::size_t size = body + kRecordOverhead;
  if (!link.records().seal(FrameType::kOpen, buffer.first(size))) return false;
  const ByteSpan rest = buffer.subspan(size);
  const ssize_t got =
      ::recv(client.fd(), rest.data() + kRecordHead, RelayBuffers::kBodyBytes, MSG_DONTWAIT);
  if (got > 0) {
    const std::size_t data = static_cast<std::size_t>(got) + kRecordOverhead;
    if (!link.records().seal(FrameType::kData, rest.first(data))) return false;
    worker.counts().to_tunnel += static_cast<std::size_t>(got);
    size += data;
    if (static_cast<std::size_t>(got) < RelayBuffers::kBodyBytes && !client.hung_up()) {
      client.drained();
    }
  } else if (got < 0 && errno == EAGAIN) {
    client.drained();
  }
  return link.write(buffer.first(size));
}

Task<void> carry(Worker& worker, std::unique_ptr<Watched> client, std::uint16_t port) {
  const RunningHandle running = worker.running();
  const PegasusConfig::Tunnel* const tunnel = running->entry(port);
  const auto source = peer_address(client->fd());
  const auto destination = local_address(client->fd());
  // Who connects to the port itself, not by TPROXY, has the listener's address as destination.
  if (tunnel == nullptr || !source || !destination || is_loopback(destination->address)) {
    reset_on_close(client->fd());
    co_return;
  }
  set_no_delay(client->fd());
  set_timeouts(client->fd(), kKeepaliveAfter, kUnacknowledged);
  auto link = co_await worker.take_link(tunnel->peer, worker.loop().now() + kWaitForLink);
  const OpenFrame open{source->address, source->port, destination->address, destination->port,
                       tunnel->id};
  if (!link || !send_open(worker, *client, *link, open)) {
    reset_on_close(client->fd());
    co_return;
  }
  const RelayResult result =
      co_await relay(LinkEnd::kInitiator, *client, *link, worker.buffers(), worker.counts());
  if (result.broken != nullptr) {
    worker.shared().say("peer " + tunnel->peer + ": closed a tunnel connection: " + result.broken);
  }
  if (result.reusable) worker.give_back(tunnel->peer, std::move(link));
}

}  // namespace

Task<void> accept_clients(Worker& worker, Watched& listener, std::uint16_t port) {
  return accept_each(listener, [&worker, port](std::unique_ptr<Watched> client) {
    start(carry(worker, std::move(client), port));
  });
}

}  // namespace arctic
