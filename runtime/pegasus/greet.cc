#include "runtime/pegasus/greet.h"

#include <array>

namespace arctic {
namespace {

constexpr std::chrono::seconds kHandshakeTime{5};
constexpr std::size_t kLongestFirstRecord = 128;

/// What INIT or HELLO has brought.
struct Answered {
  std::unique_ptr<TunnelLink> link;
  SessionHandle session;
  bool fresh = false;             ///< made by INIT: to be added once it is confirmed
  const char* refused = nullptr;  ///< why there is no link, if it is worth a line in the log
};

Answered refuse(const char* reason) { return {nullptr, nullptr, false, reason}; }

Answered answer_init(Worker& worker, std::unique_ptr<Watched> socket, const Address& from,
                     ByteView init) {
  const KeyPair& own = worker.shared().sessions.own();
  const Watched::Time now = worker.loop().now();
  if (!good_init(own.point, init)) return refuse("its INIT is not for this node's public key");
  if (!worker.shared().admission.may_init(from, now)) return refuse("too many of INIT");
  auto answer = consume_init(own, init, now);
  if (!answer) return refuse("its INIT is not authentic");
  if (!worker.is_peer(answer->made.session.remote)) return refuse("no peer has its public key");
  if (!send_whole(*socket, answer->resp)) return {};
  return {worker.make_link(LinkEnd::kResponder, std::move(socket), std::move(answer->made.keys)),
          std::make_shared<const Session>(std::move(answer->made.session)), true, nullptr};
}

Answered answer_hello(Worker& worker, std::unique_ptr<Watched> socket, ByteView hello) {
  SessionHandle session = worker.shared().sessions.by_id(session_of(hello), worker.loop().now());
  // An everyday thing after a restart of this node.
  if (!session || !worker.is_peer(session->remote)) return {};
  auto answer = consume_hello(*session, hello);
  if (!answer) return refuse("its HELLO is not authentic");
  if (!send_whole(*socket, answer->accept)) return {};
  return {worker.make_link(LinkEnd::kResponder, std::move(socket), std::move(answer->keys)),
          std::move(session), false, nullptr};
}

Task<Answered> answer_first(Worker& worker, std::unique_ptr<Watched> socket, Address from,
                            Watched::Time deadline) {
  std::array<std::uint8_t, kInitBytes> bytes;
  const ByteSpan message(bytes);
  const Got head = co_await read_exactly(*socket, message.first(1), deadline);
  if (head != Got::kAll) {
    if (worker.draining()) reset_on_close(socket->fd());
    co_return Answered{};
  }
  if (bytes[0] != kInitType && bytes[0] != kHelloType) {
    co_return refuse("what it said is neither INIT nor HELLO");
  }
  const bool init = bytes[0] == kInitType;
  const ByteSpan rest = message.first(init ? kInitBytes : kHelloBytes).subspan(1);
  const Got got = co_await read_exactly(*socket, rest, deadline);
  if (worker.draining()) {  // it is to try again, and is not told that it is unknown
    reset_on_close(socket->fd());
    co_return Answered{};
  }
  if (got != Got::kAll) co_return refuse("it did not end what it began to say");
  if (init) co_return answer_init(worker, std::move(socket), from, message);
  co_return answer_hello(worker, std::move(socket), message.first(kHelloBytes));
}

void say_refused(Worker& worker, const Address& from, const char* reason) {
  if (reason == nullptr) return;
  worker.shared().log.say(LogLevel::kWarning, "tunnel refused",
                          {{"from", from.to_string()}, {"reason", reason}});
}

}  // namespace

Task<std::optional<Greeted>> greet(Worker& worker, std::unique_ptr<Watched> socket, Address from) {
  const auto ticket = worker.shared().admission.enter(from);
  if (!ticket) {
    say_refused(worker, from, "too many that have not shown who they are");
    reset_on_close(socket->fd());
    co_return std::nullopt;
  }
  const Watched::Time deadline = worker.loop().now() + kHandshakeTime;
  Answered answered = co_await answer_first(worker, std::move(socket), from, deadline);
  if (!answered.link) {
    say_refused(worker, from, answered.refused);
    co_return std::nullopt;
  }
  // Replayed INIT and HELLO end here: who sent them cannot make a first record.
  ++worker.answered;
  const auto record = co_await answered.link->next_record(deadline, kLongestFirstRecord);
  --worker.answered;
  if (!record) {
    if (worker.draining()) reset_on_close(answered.link->socket().fd());
    say_refused(worker, from, answered.link->wrong());
    co_return std::nullopt;
  }
  const PublicKey peer = answered.session->remote;
  if (!worker.is_peer(peer)) co_return std::nullopt;
  if (record->type != FrameType::kPing && record->type != FrameType::kOpen) {
    say_refused(worker, from, "its first record is neither PING nor OPEN");
    co_return std::nullopt;
  }
  pace_if_long(answered.link->socket().fd());
  if (answered.fresh) worker.shared().sessions.add_theirs(std::move(answered.session));
  co_return Greeted{std::move(answered.link), peer, *record};
}

}  // namespace arctic
