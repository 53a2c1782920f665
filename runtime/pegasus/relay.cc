#include "runtime/pegasus/relay.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/io/sockets.h"
#include "runtime/pegasus/pool.h"

namespace arctic {
namespace {

// Of a link whose service is limited: what is opened waits in memory of its own.
constexpr std::size_t kPacedRead = 64 * 1024;
// Then others have their turn, however fast both ends are.
constexpr unsigned kRoundsAtOnce = 4;

/// True if what was sent on the socket has been out for that long without a word in return.
bool is_silent(const Watched& socket, std::chrono::seconds patience) {
  // Who has no room for more answers each probe, but these become rare, and the last one may have
  // gone just now: two in a row without an answer are silence.
  constexpr unsigned kTries = 2;
  const TcpState state = tcp_state(socket.fd());
  return state.unanswered && state.since_answer >= patience && state.tries >= kTries;
}

/// One connection while it is relayed; both directions share it.
class Relay : public Cuttable, public SocketWatcher {
 public:
  explicit Relay(const RelayParts& parts)
      : end_(parts.end),
        plain_(parts.plain),
        link_(parts.link),
        carried_(parts.carried),
        reader_(parts.plain, parts.buffers),
        writer_(parts.plain, parts.limits != nullptr ? parts.limits->from_peer.get() : nullptr,
                parts.carried.counts.from_tunnel),
        has_input_(parts.link.has_input()),
        acks_late_(parts.speaks_first),
        plain_failed_(parts.plain.hung_up() && connect_error(parts.plain.fd()) != 0),
        answer_by_(parts.plain.loop().now() + kOpenTime) {
    if (parts.limits != nullptr) up_turn_.emplace(*parts.limits->to_peer, plain_.loop());
  }

  Task<RelayResult> run() {
    carried_.running = this;
    plain_.set_watcher(this);
    link_.socket().set_watcher(this);
    if (carried_.cut_asked) cut();
    if (end_ == LinkEnd::kResponder) open_soon();
    running_ = 2;
    start(finish(up()));
    start(finish(down()));
    co_await Join{*this};
    carried_.running = nullptr;
    (void)take_opened();
    plain_.set_watcher(nullptr);
    link_.socket().set_watcher(nullptr);
    if (!failed_) {
      const bool flushed = co_await link_.flush(link_.socket().loop().now() + link_life::kIdleTime);
      if (!flushed) fail();
    }
    link_.release();
    result_.reusable = !failed_;
    if (!failed_) end_on_close(plain_.fd());
    co_return result_;
  }

  void cut() override {
    if (failed_) return;
    // A record that has to wait, be it behind others, may never leave.
    if (link_.has_kept() || !send_reset() || link_.has_kept()) result_.link_dead = true;
    fail();
  }

  void look() override {
    constexpr std::chrono::seconds kPatience{120};
    if (failed_) return;
    // Most connections are over before anybody looks at them, and are spared these calls.
    if (!std::exchange(lasting_, true)) keep_plain_alive(plain_.fd());
    if (is_silent(plain_, kPatience)) return cut();
    if (is_silent(link_.socket(), kPatience)) {
      lose_link("nothing came back for two minutes", /*silent=*/true);
    }
  }

  /// Whoever still reads finds the error behind the last bytes. Whoever waits for the other socket
  /// does not.
  void failed(Watched& socket) override {
    plain_failed_ = plain_failed_ || &socket == &plain_;
    if (&socket == &plain_ ? up_waits_ : down_waits_) cut();
  }
  void heard(Watched&) override {}

 private:
  struct Join {
    Relay& relay;
    bool await_ready() const { return relay.running_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) { relay.waiting_ = waiting; }
    void await_resume() const {}
  };

  Task<void> finish(Task<void> direction) {
    co_await std::move(direction);
    if (--running_ == 0 && waiting_) plain_.loop().resume_soon(waiting_);
  }

  void suit_path() {
    constexpr std::uint64_t kMuch = 256 * 1024;
    if (carried_.counts.from_tunnel < kMuch || std::exchange(suited_, true)) return;
    pace_as_default(plain_.fd());
  }

  /// Ends both directions; the client or server gets a reset.
  void fail(const char* broken = nullptr) {
    if (failed_) return;
    failed_ = true;
    result_.broken = broken;
    plain_.cancel();
    link_.socket().cancel();
    if (up_turn_) up_turn_->cancel();
    writer_.cancel();
  }

  /// The same where nothing that is sent on the link will arrive any more.
  void lose_link(const char* why, bool silent) {
    result_.link_dead = true;
    result_.peer_silent = silent;
    fail(why);
  }

  /// The other end is to see a reset, too.
  Task<void> reset_both() {
    // The other direction may wait for the link just now: a record behind its bytes would go when
    // they do, which is too late, or never.
    if (failed_ || link_.has_kept()) co_return cut();
    if (!send_reset() || link_.has_kept()) result_.link_dead = true;
    fail();
  }

  /// With OPENED before it if that has not gone yet: it was a connection, and the entry counts it.
  [[nodiscard]] bool send_reset() {
    if (take_opened() && !link_.send(FrameType::kOpened)) return false;
    return link_.send(FrameType::kReset);
  }

  /// Both have said their last: what the link brings from now on is none of this connection's.
  [[nodiscard]] bool ended() const { return fin_sent_ && finished_; }

  // ---- OPENED, at the exit: nobody waits for it alone, so it goes along with the answer ----

  void open_soon() {
    constexpr std::chrono::milliseconds kAtTheLatest{10};
    opening_timer_ = plain_.loop().at(plain_.loop().now() + kAtTheLatest, [this] {
      opening_timer_.reset();  // the loop has taken it out
      if (!failed_ && !link_.send(FrameType::kOpened)) fail();
    });
  }

  /// Whether OPENED has still to go; the caller sends it.
  [[nodiscard]] bool take_opened() {
    if (!opening_timer_) return false;
    plain_.loop().forget(*opening_timer_);
    opening_timer_.reset();
    return true;
  }

  // ---- From the plain socket into the tunnel ----

  Task<void> up() {
    for (unsigned rounds = 1; !failed_; ++rounds) {
      if (!plain_.has_news()) rounds = 0;  // others have their turn while it waits
      if (link_.has_kept()) {
        up_waits_ = true;
        const bool flushed = co_await link_.flush();
        up_waits_ = false;
        if (!flushed) co_return fail();
      }
      const Wake wake = co_await plain_.readable();
      if (wake != Wake::kReady) co_return fail();
      if (rounds == kRoundsAtOnce) co_await plain_.loop().yield();
      rounds %= kRoundsAtOnce;
      std::uint64_t room = RelayBuffers::kReadBytes;
      if (up_turn_) room = co_await up_turn_->take(room);
      if (room == 0 || failed_) co_return fail();
      const ssize_t got = reader_.read(room);
      const int error = got < 0 ? errno : 0;
      const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
      if (up_turn_) up_turn_->give_back(room - bytes);
      if (error == EAGAIN) plain_.drained();
      if (error == EAGAIN || error == EINTR) continue;
      if (error != 0) co_return co_await reset_both();
      if (bytes == 0) co_return co_await end_up();
      if (!seal_and_write(bytes)) co_return fail();
    }
  }

  bool seal_and_write(std::size_t bytes) {
    carried_.counts.to_tunnel += bytes;
    if (!link_.change_keys_if_due(plain_.loop().now())) return false;
    const auto sealed = reader_.seal(link_.records(), bytes, take_opened());
    return sealed && link_.write(*sealed);
  }

  /// FIN was read: passes it on, and watches for a reset for as long as the other direction lives.
  Task<void> end_up() {
    if (take_opened() && !link_.send(FrameType::kOpened)) co_return fail();
    if (!link_.send(FrameType::kFin)) co_return fail();
    fin_sent_ = true;
    result_.ended_second = finished_;
    up_waits_ = true;
    const bool flushed = co_await link_.flush();
    up_waits_ = false;
    if (!flushed) co_return fail();
    if (finished_) link_.socket().nudge();
    while (!failed_ && !down_ended_) {
      plain_.drained();
      // A reset that came together with the end makes no event of its own.
      if (plain_failed_) co_return co_await reset_both();
      const Wake wake = co_await plain_.readable();
      if (wake != Wake::kReady) co_return;
    }
  }

  // ---- From the tunnel to the plain socket ----

  Task<void> down() {
    for (unsigned rounds = 1; !failed_ && !ended(); ++rounds) {
      if (!has_input_) {
        link_.release();
        if (!link_.socket().has_news()) rounds = 0;
        const Wake wake = co_await link_.socket().readable(answer_due());
        if (wake == Wake::kTimeout) {
          if (is_late()) co_return lose_link("it does not answer OPEN", /*silent=*/false);
          if (is_silent(link_.socket(), kAnswerTime)) {
            co_return lose_link("it does not answer", /*silent=*/true);
          }
          continue;
        }
        if (wake != Wake::kReady) co_return fail();
        if (ended()) break;
      }
      if (rounds == kRoundsAtOnce) co_await plain_.loop().yield();
      rounds %= kRoundsAtOnce;
      if (failed_) co_return;
      const TunnelLink::Input input =
          link_.read(writer_.paced() ? kPacedRead : RelayBuffers::kReadBytes);
      has_input_ = false;
      if (input.status == TunnelLink::ReadStatus::kNothing) continue;
      if (input.status == TunnelLink::ReadStatus::kEnd) co_return fail("ended without FIN");
      if (input.status == TunnelLink::ReadStatus::kBroken) co_return fail();
      open_all(input.bytes);
      if (failed_) co_return;
      if (is_late()) co_return lose_link("it does not answer OPEN", /*silent=*/false);
      bool good = writer_.write();
      if (std::exchange(acks_late_, false)) acknowledge_at_once(plain_.fd());
      suit_path();
      if (good && writer_.has_kept()) {
        down_waits_ = true;
        good = co_await writer_.flush();
        down_waits_ = false;
      }
      // Whoever reads no more gets no more; the other side must learn of it.
      if (!good) co_return co_await reset_both();
      pass_fin_on();
    }
    down_ended_ = true;
    if (fin_sent_) plain_.nudge();
  }

  void pass_fin_on() {
    // Where the other direction has ended too, closing says it.
    if (!finished_ || shut_ || fin_sent_) return;
    shut_ = true;
    ::shutdown(plain_.fd(), SHUT_WR);
  }

  /// Until OPENED: a link that was idle may have died without a word.
  [[nodiscard]] Watched::Time answer_due() const {
    if (!awaits_answer()) return Watched::kForever;
    return std::min(plain_.loop().now() + kAnswerTime, answer_by_);
  }

  /// Opens what is there; payloads stay where they are, for the writer.
  void open_all(ByteSpan bytes) {
    writer_.begin();
    while (!ended() && !writer_.full()) {
      const Cut cut = cut_record(bytes);
      if (cut.bad) return fail("a record of a wrong length");
      if (cut.rest.empty()) break;
      const auto record = link_.records().open(cut.rest);
      if (!record) return fail("a record that is not authentic");
      if (!take(*record)) return;
    }
    has_input_ = !ended() && writer_.full();
    link_.keep(bytes);
    if (!writer_.empty() && !link_.change_keys_if_due(plain_.loop().now())) fail();
  }

  [[nodiscard]] bool is_late() const {
    return awaits_answer() && plain_.loop().now() >= answer_by_;
  }

  /// At the entry: whether the exit has still to say OPENED.
  [[nodiscard]] bool awaits_answer() const {
    return end_ == LinkEnd::kInitiator && !result_.opened_at;
  }

  bool take(const Record& record) {
    const bool awaited = awaits_answer();
    switch (record.type) {
      case FrameType::kData:
        if (awaited) return wrong("DATA before OPENED");
        if (finished_) return wrong("DATA after FIN");
        writer_.add(record.body);
        return true;
      case FrameType::kOpened:
        if (!awaited) return wrong("OPENED out of turn");
        result_.opened_at = plain_.loop().now();
        return true;
      case FrameType::kRefused:
        if (!awaited) return wrong("REFUSED out of turn");
        result_.refused = parse_refused(record.body);
        if (!result_.refused) return wrong("REFUSED for no known reason");
        fail();
        return false;
      case FrameType::kFin:
        if (awaited) return wrong("FIN before OPENED");
        if (finished_) return wrong("a second FIN");
        finished_ = true;
        return true;
      case FrameType::kReset:
        fail();
        return false;
      case FrameType::kPing:
        if (!link_.send(FrameType::kPong, record.body)) fail(link_.wrong());
        return !failed_;
      case FrameType::kPong:
        if (end_ == LinkEnd::kResponder) return wrong("PONG unasked");
        link_.take_pong();
        return true;
      case FrameType::kRekey:
      case FrameType::kSwitch:
        if (!link_.take_rekey(record, plain_.loop().now())) fail(link_.wrong());
        return !failed_;
      case FrameType::kOpen:
        break;
    }
    return wrong("OPEN inside of a connection");
  }

  bool wrong(const char* what) {
    fail(what);
    return false;
  }

  static constexpr std::chrono::seconds kAnswerTime{8};
  // An exit gives up a destination after 30 s.
  static constexpr std::chrono::seconds kOpenTime{40};

  const LinkEnd end_;
  Watched& plain_;
  TunnelLink& link_;
  Carried& carried_;
  PlainReader reader_;
  PlainWriter writer_;
  std::optional<Turn> up_turn_;
  int running_ = 0;
  std::coroutine_handle<> waiting_;
  std::optional<EventLoop::Timers::iterator> opening_timer_;  ///< set: OPENED has not gone yet
  bool up_waits_ = false;                                     ///< for the link
  bool down_waits_ = false;                                   ///< for the plain socket, or its turn
  bool finished_ = false;                                     ///< FIN came
  bool fin_sent_ = false;                                     ///< FIN went
  bool shut_ = false;        ///< FIN was passed on to the plain socket
  bool down_ended_ = false;  ///< nothing more is to be read from the link
  bool has_input_;           ///< bytes that came before are still to be opened
  bool acks_late_;           ///< what the plain socket brings; until the first bytes are written
  bool plain_failed_;        ///< its reset came
  const Watched::Time answer_by_;
  bool failed_ = false;
  bool lasting_ = false;  ///< it was looked at
  bool suited_ = false;   ///< the plain socket carries much, and was told so
  RelayResult result_;
};

}  // namespace

Task<RelayResult> relay(RelayParts parts) {
  Relay relay(parts);
  co_return co_await relay.run();
}

}  // namespace arctic
