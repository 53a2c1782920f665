#include "runtime/pegasus/exit.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/pegasus/allow.h"
#include "runtime/pegasus/proxy_header.h"

namespace arctic {
namespace {

// Before it is known who it is.
constexpr std::chrono::seconds kHandshakeTime{5};
constexpr std::size_t kLongestFirstRecord = 128;
// Then others have their turn, however many records are there.
constexpr unsigned kRecordsAtOnce = 16;
constexpr std::chrono::seconds kDialTime{30};

struct Greeting {
  std::unique_ptr<TunnelLink> link;
  PublicKey peer;
  SessionHandle session;          ///< until it is confirmed: links outlive it
  bool fresh = false;             ///< made by INIT: to be added once it is confirmed
  const char* refused = nullptr;  ///< why there is no link, if it is worth a line in the log
};

Greeting refuse(const char* reason) { return {nullptr, {}, nullptr, false, reason}; }

bool is_peer(const Worker& worker, const PublicKey& key) {
  return worker.view().knowing(key) != nullptr;
}

std::unique_ptr<TunnelLink> make_link(Worker& worker, std::unique_ptr<Watched> socket,
                                      ConnectionKeys keys) {
  return std::make_unique<TunnelLink>(
      std::move(socket), RecordLayer(LinkEnd::kResponder, std::move(keys), worker.loop().now()),
      worker.buffers());
}

/// INIT or HELLO and the answer to it. No link if anything is wrong: then the connection closes
/// without a byte.
Task<Greeting> greet(Worker& worker, std::unique_ptr<Watched> socket, Address from,
                     Watched::Time deadline) {
  Sessions& sessions = worker.shared().sessions;
  std::array<std::uint8_t, kInitBytes> bytes;
  const ByteSpan message(bytes);
  const Got head = co_await read_exactly(*socket, message.first(1), deadline);
  if (head != Got::kAll) co_return Greeting{};
  if (bytes[0] != kInitType && bytes[0] != kHelloType) {
    co_return refuse("what it said is neither INIT nor HELLO");
  }
  const std::size_t size = bytes[0] == kInitType ? kInitBytes : kHelloBytes;
  const Got rest = co_await read_exactly(*socket, message.subspan(1, size - 1), deadline);
  if (rest != Got::kAll) co_return refuse("it did not end what it began to say");

  if (bytes[0] == kInitType) {
    if (!good_init(sessions.own().point, message)) {
      co_return refuse("its INIT is not for this node's public key");
    }
    if (!worker.shared().admission.may_init(from, worker.loop().now())) {
      co_return refuse("too many of INIT");
    }
    auto answer = consume_init(sessions.own(), message, worker.loop().now());
    if (!answer) co_return refuse("its INIT is not authentic");
    if (!is_peer(worker, answer->made.session.remote)) {
      co_return refuse("no peer has its public key");
    }
    if (!send_whole(*socket, answer->resp)) co_return Greeting{};
    auto link = make_link(worker, std::move(socket), std::move(answer->made.keys));
    const PublicKey peer = answer->made.session.remote;
    co_return Greeting{std::move(link), peer,
                       std::make_shared<const Session>(std::move(answer->made.session)), true};
  }
  const ByteView hello = message.first(kHelloBytes);
  SessionHandle session = sessions.by_id(session_of(hello), worker.loop().now());
  // An everyday thing after a restart of this node.
  if (!session || !is_peer(worker, session->remote)) co_return Greeting{};
  auto answer = consume_hello(*session, hello);
  if (!answer) co_return refuse("its HELLO is not authentic");
  if (!send_whole(*socket, answer->accept)) co_return Greeting{};
  auto link = make_link(worker, std::move(socket), std::move(answer->keys));
  const PublicKey peer = session->remote;
  co_return Greeting{std::move(link), peer, std::move(session), false};
}

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

Task<Reached> reach(Worker& worker, const Carried& carried, const OpenFrame& open) {
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
  DialOptions options{carried.found.config->config().own_mark, std::nullopt};
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
bool wrong(Worker& worker, const Greeting& greeting, const char* reason) {
  worker.shared().log.say(LogLevel::kWarning, "tunnel connection closed",
                          {{"peer", peer_name(worker, greeting.peer)}, {"reason", reason}});
  return false;
}

/// One OPEN on a link. False if the link must close.
Task<bool> serve(Worker& worker, const Greeting& greeting, const Record& record) {
  const auto open = parse_open(record.body);
  if (!open) co_return wrong(worker, greeting, "an OPEN that says nothing sensible");
  TunnelLink& link = *greeting.link;
  Carried carried;
  carried.found = worker.view().exit(open->service);
  carried.peer = greeting.peer;
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
  Reached reached = co_await reach(worker, carried, kept);
  if (!reached.socket) {
    ++worker.counts(*carried.found.tunnel).refused;
    co_return co_await answer_refused(link, reached.refused);
  }
  worker.counts(*carried.found.tunnel).connected(worker.loop().now() - carried.since);
  const RelayResult result = co_await relay(
      {LinkEnd::kResponder, *reached.socket, link, worker.buffers(), carried, nullptr});
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
      if (!step.good) co_return wrong(worker, greeting, "a change of keys out of turn");
      co_return !step.answer || link.send(*step.answer, step.point.bytes);
    }
    default:
      co_return wrong(worker, greeting, "a frame outside of a connection");
  }
}

/// A link on the worker's list, while it is served.
class OnList {
 public:
  OnList(Worker& worker, const Greeting& greeting)
      : worker_(worker),
        at_(worker.served.insert(worker.served.end(),
                                 {greeting.peer, &greeting.link->socket(), false})) {}
  ~OnList() { worker_.served.erase(at_); }
  OnList(const OnList&) = delete;
  OnList& operator=(const OnList&) = delete;
  void set_busy(bool busy) { at_->busy = busy; }

 private:
  Worker& worker_;
  std::list<ServedLink>::iterator at_;
};

/// Records of a confirmed link, until it ends, is idle for too long, or nobody wants it any more.
Task<void> serve_link(Worker& worker, const Greeting& greeting, Record first) {
  OnList entry(worker, greeting);
  std::optional<Record> record = first;
  for (unsigned records = 1; record; ++records) {
    entry.set_busy(true);
    bool goes_on = co_await between(worker, greeting, *record);
    entry.set_busy(false);
    // Who does not read our answers is not read either.
    if (goes_on && greeting.link->has_kept()) {
      goes_on = co_await greeting.link->flush(worker.loop().now() + link_life::kIdleTime);
    }
    if (records % kRecordsAtOnce == 0) co_await worker.loop().yield();
    const Watched::Time now = worker.loop().now();
    const Watched::Time oldest = greeting.link->born() + link_life::kOldest;
    if (!goes_on || worker.draining() || now >= oldest) co_return;
    if (!is_peer(worker, greeting.peer)) co_return;
    record = co_await greeting.link->next_record(std::min(now + link_life::kIdleTime, oldest));
  }
  if (greeting.link->wrong() != nullptr) (void)wrong(worker, greeting, greeting.link->wrong());
}

void say_refused(Worker& worker, const Address& from, const char* reason) {
  if (reason == nullptr) return;
  worker.shared().log.say(LogLevel::kWarning, "tunnel refused",
                          {{"from", from.to_string()}, {"reason", reason}});
}

Task<void> serve_peer(Worker& worker, std::unique_ptr<Watched> socket, Address from) {
  auto ticket = worker.shared().admission.enter(from);
  if (!ticket || worker.draining()) {
    if (!ticket) say_refused(worker, from, "too many that have not shown who they are");
    reset_on_close(socket->fd());
    co_return;
  }
  const Watched::Time deadline = worker.loop().now() + kHandshakeTime;
  Greeting greeting = co_await greet(worker, std::move(socket), from, deadline);
  if (!greeting.link) co_return say_refused(worker, from, greeting.refused);
  // Replayed INIT and HELLO end here: who sent them cannot make a first record.
  auto record = co_await greeting.link->next_record(deadline, kLongestFirstRecord);
  if (!record) co_return say_refused(worker, from, greeting.link->wrong());
  if (!is_peer(worker, greeting.peer)) co_return;
  if (record->type != FrameType::kPing && record->type != FrameType::kOpen) {
    co_return say_refused(worker, from, "its first record is neither PING nor OPEN");
  }
  ticket.reset();
  if (greeting.fresh) worker.shared().sessions.add_theirs(greeting.session);
  greeting.session.reset();
  co_await serve_link(worker, greeting, *record);
}

}  // namespace

Task<void> accept_peers(Worker& worker, std::shared_ptr<Watched> listener) {
  co_await accept_each(*listener,
                       [&worker](std::unique_ptr<Watched> socket, const SocketAddress& from) {
                         start(serve_peer(worker, std::move(socket), from.address));
                       });
}

}  // namespace arctic
