#include "runtime/pegasus/exit.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/pegasus/allow.h"
#include "runtime/pegasus/greet.h"
#include "runtime/pegasus/proxy_header.h"

namespace arctic {
namespace {

// Then others have their turn, however many records are there.
constexpr unsigned kRecordsAtOnce = 16;
constexpr std::chrono::seconds kDialTime{30};

std::string peer_name(const Worker& worker, const PublicKey& key) {
  const RunningHandle config = worker.view().knowing(key);
  return config ? config->peer(key)->name : "unknown";
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
  if ((fd == -EADDRINUSE || fd == -EADDRNOTAVAIL || fd == -EACCES) && options.source) {
    options.source->port = 0;  // only the client's port is taken, or one of the reserved
    fd = begin_connect(to, options);
  }
  if (fd < 0) co_return refused(RefusedReason::kDialFailed, -fd);
  auto socket = Watched::make(worker.loop(), fd, Watched::Mode::kNonBlocking);
  if (!socket) co_return refused(RefusedReason::kOverloaded);
  const int error = co_await await_connect(**socket, worker.loop().now() + kDialTime);
  if (error != 0) co_return refused(RefusedReason::kDialFailed, error);
  prepare_plain(fd);
  co_return Reached{std::move(*socket), {}};
}

/// The PROXY header, which the kernel has room for on a connection that is new.
bool send_proxy_header(Watched& socket, const Carried& carried) {
  return send_whole(socket, proxy_header(carried.client, carried.destination).view());
}

Task<Reached> reach(Worker& worker, const Carried& carried, const OpenFrame& open,
                    bool speaks_first) {
  const PegasusConfig::Tunnel& tunnel = *carried.found.tunnel;
  const auto* const peer = carried.found.config->peer(tunnel.peer);
  const bool theirs = peer != nullptr && peer->public_key == carried.peer;
  const Permission allowed =
      theirs ? permission(tunnel, open, worker.own_addresses) : Permission::kNoRoute;
  if (allowed != Permission::kAllowed) {
    worker.shared().log.say(
        LogLevel::kWarning, "refused",
        {{"service", tunnel.service},
         {"peer", peer_name(worker, carried.peer)},
         {"client", carried.client.to_string()},
         {"destination", carried.destination.to_string()},
         {"reason", theirs ? to_string(allowed) : "the service's source is another peer"}});
    co_return refused(RefusedReason::kNotAllowed);
  }
  DialOptions options{carried.found.config->config().own_mark, std::nullopt, true, speaks_first};
  if (tunnel.transparent) options.source = carried.client;
  Reached reached = co_await connect_to(worker, carried.destination, options);
  if (reached.socket && tunnel.proxy_protocol == ProxyProtocol::kV2 &&
      !send_proxy_header(*reached.socket, carried)) {
    co_return refused(RefusedReason::kDialFailed, EPIPE);
  }
  if (!reached.socket) {
    worker.shared().log.say(LogLevel::kInfo, "destination cannot be reached",
                            {{"service", tunnel.service},
                             {"destination", carried.destination.to_string()},
                             {"reason", errno_text(reached.refused.error)}});
  }
  co_return reached;
}

Task<bool> answer_refused(TunnelLink& link, RefusedFrame frame) {
  (void)link.send(FrameType::kRefused, encode_refused(frame));
  (void)co_await link.flush();
  co_return false;
}

/// False, with a line in the log.
bool wrong(Worker& worker, const Greeted& peer, const char* reason) {
  worker.shared().log.say(LogLevel::kWarning, "tunnel connection closed",
                          {{"peer", peer_name(worker, peer.peer)}, {"reason", reason}});
  return false;
}

/// One OPEN on a link. False if the link must close. `unread` is what it has sent.
Task<bool> serve(Worker& worker, const Greeted& greeted, const Record& record,
                 std::uint64_t& unread) {
  const auto open = parse_open(record.body);
  if (!open) co_return wrong(worker, greeted, "an OPEN that says nothing sensible");
  TunnelLink& link = *greeted.link;
  Carried carried;
  carried.found = worker.view().exit(open->service);
  carried.peer = greeted.peer;
  carried.client = {open->source, open->source_port};
  carried.destination = {open->destination, open->destination_port};
  if (!carried.found) {
    worker.shared().log.say(LogLevel::kWarning, "refused",
                            {{"service", open->service},
                             {"peer", peer_name(worker, carried.peer)},
                             {"reason", "this node does not end such a service"}});
    co_return co_await answer_refused(link, {RefusedReason::kUnknownService, 0});
  }
  OpenFrame kept = *open;  // the buffer that the record lies in is the worker's
  kept.service = carried.found.tunnel->id;
  const Worker::Listed listed(worker, carried);
  if (!listed) {
    ++worker.counts(*carried.found.tunnel).refused;
    co_return co_await answer_refused(link, {RefusedReason::kOverloaded, 0});
  }
  // The client's first bytes come with OPEN, if it is the one that begins.
  const bool speaks_first = link.has_input();
  Reached reached = co_await reach(worker, carried, kept, speaks_first);
  if (!reached.socket) {
    ++worker.counts(*carried.found.tunnel).refused;
    co_return co_await answer_refused(link, reached.refused);
  }
  worker.counts(*carried.found.tunnel).connected(worker.loop().now() - carried.since);
  const RelayResult result = co_await relay({LinkEnd::kResponder, *reached.socket, link,
                                             worker.buffers(), carried, nullptr, speaks_first});
  unread = carried.counts.to_tunnel;
  if (result.link_dead) reset_on_close(link.socket().fd());
  if (result.broken != nullptr) {
    worker.shared().log.say(LogLevel::kWarning, "tunnel connection closed",
                            {{"service", carried.found.tunnel->service},
                             {"peer", peer_name(worker, carried.peer)},
                             {"reason", result.broken}});
  }
  co_return result.reusable;
}

/// A record outside of a connection. False if the link must close.
Task<bool> between(Worker& worker, const Greeted& greeted, const Record& record,
                   std::uint64_t& unread) {
  TunnelLink& link = *greeted.link;
  switch (record.type) {
    case FrameType::kPing:
      co_return link.send(FrameType::kPong, record.body);
    case FrameType::kOpen:
      co_return co_await serve(worker, greeted, record, unread);
    case FrameType::kRekey:
    case FrameType::kSwitch:
      co_return link.take_rekey(record, worker.loop().now());
    case FrameType::kReset:  // the client's, sent before our FIN was there
      co_return false;
    default:
      co_return wrong(worker, greeted, "a frame outside of a connection");
  }
}

/// A link on the worker's list, while it is served.
class OnList {
 public:
  OnList(Worker& worker, const Greeted& greeted)
      : worker_(worker),
        at_(worker.served.insert(worker.served.end(),
                                 {greeted.peer, &greeted.link->socket(), false})) {}
  ~OnList() { worker_.served.erase(at_); }
  OnList(const OnList&) = delete;
  OnList& operator=(const OnList&) = delete;
  void set_busy(bool busy) { at_->busy = busy; }

 private:
  Worker& worker_;
  std::list<ServedLink>::iterator at_;
};

/// The next record; nullopt if the link ends, is idle for too long or is to close. `last_call` is
/// the link's: until when it is served once it is to close.
Task<std::optional<Record>> await_record(Worker& worker, TunnelLink& link,
                                         std::optional<Watched::Time>& last_call) {
  std::optional<Record> record;
  if (!worker.draining()) {
    const Watched::Time oldest = link.born() + link_life::kOldest;
    const Watched::Time idle = worker.loop().now() + link_life::kIdleTime;
    record = co_await link.next_record(std::min(idle, oldest));
    const bool ended = link.socket().hung_up() || link.wrong() != nullptr;
    if (!worker.draining() && (record || ended)) co_return record;
  }
  if (worker.cutting() || link.wrong() != nullptr) co_return std::nullopt;
  link.socket().renew();  // the drain has woken us, or would do it now
  if (record) co_return record;
  // OPEN may be on its way. A PONG that nobody asked for says that it is the last: the other end
  // closes the link as soon as it knows, unless it has used it meanwhile.
  constexpr std::chrono::seconds kUntilItKnows{1};
  if (!last_call) {
    if (!link.send(FrameType::kPong, std::array<std::uint8_t, 8>{})) co_return std::nullopt;
    last_call = worker.loop().now() + kUntilItKnows;
  }
  if (worker.loop().now() >= *last_call) co_return std::nullopt;
  record = co_await link.next_record(*last_call);
  co_return record;
}

/// Leaves it to the other end to close first: it may still read for a client that is slow, and
/// would lose what it has not read when the kernel here has forgotten the connection.
Task<void> end_slowly(Worker& worker, TunnelLink& link) {
  Watched& socket = link.socket();
  ::shutdown(socket.fd(), SHUT_WR);
  socket.renew();
  const Watched::Time deadline = worker.loop().now() + link_life::kSlowest;
  // It may change its keys meanwhile, or use the link: that gets no answer, and is not much.
  constexpr std::size_t kMost = 64 * 1024;
  std::array<std::uint8_t, 4096> unheard;
  for (std::size_t all = 0; all <= kMost;) {
    const Wake wake = co_await socket.readable(deadline);
    if (worker.cutting()) co_return;
    if (wake != Wake::kReady) break;
    const ssize_t got = ::recv(socket.fd(), unheard.data(), unheard.size(), 0);
    if (got == 0) co_return;
    if (got > 0) {
      all += static_cast<std::size_t>(got);
    } else if (errno == EAGAIN) {
      socket.drained();
    } else if (errno != EINTR) {
      break;
    }
  }
  reset_on_close(socket.fd());
}

/// Records of a confirmed link, until it ends, is idle for too long, or nobody wants it any more.
Task<void> serve_link(Worker& worker, const Greeted& greeted) {
  OnList entry(worker, greeted);
  std::optional<Record> record = greeted.first;
  std::optional<Watched::Time> last_call;
  std::uint64_t unread = 0;  // as far as is known
  bool goes_on = true;
  for (unsigned records = 1; record; ++records) {
    entry.set_busy(true);
    // The other end says these two when it has read all that went before; keys it may change
    // while it still reads.
    if (record->type == FrameType::kPing || record->type == FrameType::kOpen) unread = 0;
    goes_on = co_await between(worker, greeted, *record, unread);
    // Who does not read our answers is not read either.
    if (goes_on && greeted.link->has_kept()) {
      goes_on = co_await greeted.link->flush(worker.loop().now() + link_life::kIdleTime);
    }
    entry.set_busy(false);
    if (records % kRecordsAtOnce == 0) co_await worker.loop().yield();
    const Watched::Time now = worker.loop().now();
    const bool old = now >= greeted.link->born() + link_life::kOldest;
    if (!goes_on || old || !worker.is_peer(greeted.peer)) break;
    record = co_await await_record(worker, *greeted.link, last_call);
  }
  if (greeted.link->wrong() != nullptr) {
    (void)wrong(worker, greeted, greeted.link->wrong());
  } else if (goes_on && unread > link_life::kSurelyTaken && !worker.cutting()) {
    entry.set_busy(true);
    co_await end_slowly(worker, *greeted.link);
  }
}

Task<void> serve_peer(Worker& worker, std::unique_ptr<Watched> socket, Address from) {
  if (worker.draining()) co_return reset_on_close(socket->fd());
  const auto greeted = co_await greet(worker, std::move(socket), from);
  if (greeted) co_await serve_link(worker, *greeted);
}

}  // namespace

Task<void> accept_peers(Worker& worker, std::shared_ptr<Watched> listener) {
  co_await accept_each(*listener,
                       [&worker](std::unique_ptr<Watched> socket, const SocketAddress& from) {
                         start(serve_peer(worker, std::move(socket), from.address));
                       });
}

}  // namespace arctic
