// The initiator's first messages on a new tunnel connection.
#include <array>
#include <cerrno>

#include "runtime/io/resolve.h"
#include "runtime/pegasus/worker.h"

namespace arctic {
namespace {

constexpr std::chrono::seconds kConnectTime{5};
constexpr std::chrono::seconds kAnswerTime{5};

// A reset before any answer is what a peer does that has too many connections to greet.
constexpr const char* kReset = "it reset the connection";
constexpr const char* kSilent = "it does not answer";

Dialled failed(std::string reason) { return {nullptr, std::move(reason), false}; }
Dialled failed(Got got) {
  return {nullptr, got == Got::kLate ? kSilent : kReset, got == Got::kFailed};
}

/// Null if the connection broke. Without a first record of ours the peer does not believe that we
/// are who we are.
std::unique_ptr<TunnelLink> make_link(Worker& worker, std::unique_ptr<Watched> socket,
                                      ConnectionKeys keys) {
  auto link = worker.make_link(LinkEnd::kInitiator, std::move(socket), std::move(keys));
  return link->ping() ? std::move(link) : nullptr;
}

/// The first record of the peer: only now is it known that it has our session.
Task<bool> is_confirmed(Worker& worker, TunnelLink& link) {
  const auto record = co_await link.next_record(worker.loop().now() + kAnswerTime);
  if (!record || record->type != FrameType::kPong) co_return false;
  link.take_pong();
  co_return true;
}

Task<Dialled> begin_session(Worker& worker, const PegasusConfig::Peer& peer,
                            std::unique_ptr<Watched> socket) {
  Sessions& sessions = worker.shared().sessions;
  auto attempt = InitAttempt::make(sessions.own(), peer.public_key);
  if (!attempt) co_return failed("its public key is of low order");
  if (!send_whole(*socket, attempt->bytes())) co_return failed(Got::kFailed);
  std::array<std::uint8_t, kRespBytes> resp;
  const Got got = co_await read_exactly(*socket, resp, worker.loop().now() + kAnswerTime);
  if (got == Got::kEnd) {
    co_return failed("it closed the connection without an answer: is this node's key in its file?");
  }
  if (got != Got::kAll) co_return failed(got);
  auto made = attempt->consume_resp(resp, worker.loop().now());
  if (!made) co_return failed("its answer is not authentic: is its public key right?");
  auto link = make_link(worker, std::move(socket), std::move(made->keys));
  if (!link) co_return failed("the connection broke");
  const bool confirmed = co_await is_confirmed(worker, *link);
  if (!confirmed) co_return failed("the connection broke");
  const PegasusConfig::Peer* const still = worker.peer_config(peer.name);
  if (still == nullptr || still->public_key != peer.public_key) {
    co_return failed("its key is another by now");
  }
  sessions.add_ours(std::make_shared<const Session>(std::move(made->session)));
  co_return Dialled{std::move(link), {}, false};
}

Task<Dialled> use_session(Worker& worker, SessionHandle session, std::unique_ptr<Watched> socket) {
  const Hello hello = make_hello(*session);
  std::array<std::uint8_t, kAcceptBytes> accept;
  if (!send_whole(*socket, hello)) co_return failed(Got::kFailed);
  const Got got = co_await read_exactly(*socket, accept, worker.loop().now() + kAnswerTime);
  if (got == Got::kEnd) {
    // It does not know the session: the next attempt begins another.
    worker.shared().sessions.drop_ours(session);
    co_return Dialled{nullptr, "it does not know our session any more", false, true};
  }
  if (got != Got::kAll) co_return failed(got);
  auto keys = consume_accept(*session, hello, accept);
  if (!keys) co_return failed("its answer is not authentic");
  co_return Dialled{make_link(worker, std::move(socket), std::move(*keys)), "the connection broke",
                    false};
}

}  // namespace

Task<Dialled> dial_peer(Worker& worker, PegasusConfig::Peer peer, std::uint32_t own_mark,
                        bool new_session) {
  const auto address = co_await resolve(worker.loop(), peer.endpoint->host);
  if (!address) co_return failed(address.error().message());
  const int fd =
      begin_connect({*address, peer.endpoint->port}, {own_mark, std::nullopt, true, true});
  if (fd < 0) co_return failed(errno_text(-fd));
  auto socket = Watched::make(worker.loop(), fd, Watched::Mode::kNonBlocking);
  if (!socket) co_return failed(socket.error().message());
  const int error = co_await await_connect(**socket, worker.loop().now() + kConnectTime);
  if (error == ECONNRESET) co_return failed(Got::kFailed);
  if (error != 0) co_return failed(errno_text(error));
  prepare_tunnel(fd);
  pace_if_long(fd);
  if (new_session) co_return co_await begin_session(worker, peer, std::move(*socket));
  SessionHandle session = worker.shared().sessions.with(peer.public_key, worker.loop().now());
  if (!session) co_return failed("the session ended while it was dialled");
  co_return co_await use_session(worker, std::move(session), std::move(*socket));
}

}  // namespace arctic
