#include "runtime/pegasus/relay.h"

#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/io/sockets.h"

namespace arctic {
namespace {

constexpr std::size_t kSlot = RelayBuffers::kBodyBytes + kRecordOverhead;
constexpr std::size_t kVectors = 1024;  // IOV_MAX
// Of a link whose service is limited: what is opened waits here, in memory of its own.
constexpr std::size_t kPacedRead = 64 * 1024;
constexpr std::chrono::seconds kAnswerTime{8};
constexpr const char* kNoAnswer = "it does not answer";
// Then others have their turn, however fast both ends are.
constexpr unsigned kRoundsAtOnce = 4;

/// One connection while it is relayed; both directions share it.
class Relay : public Cuttable, public FailureWatcher {
 public:
  explicit Relay(const RelayParts& parts)
      : end_(parts.end),
        plain_(parts.plain),
        link_(parts.link),
        buffers_(parts.buffers),
        carried_(parts.carried),
        has_input_(parts.link.has_input()) {
    if (parts.limits == nullptr) return;
    up_turn_.emplace(*parts.limits->to_peer, plain_.loop());
    down_turn_.emplace(*parts.limits->from_peer, plain_.loop());
  }

  Task<RelayResult> run() {
    carried_.running = this;
    plain_.set_failure_watcher(this);
    link_.socket().set_failure_watcher(this);
    if (carried_.cut_asked) fail();
    if (end_ == LinkEnd::kResponder) open_soon();
    running_ = 2;
    start(finish(up()));
    start(finish(down()));
    co_await Join{*this};
    carried_.running = nullptr;
    if (opening_timer_) plain_.loop().forget(*opening_timer_);
    plain_.set_failure_watcher(nullptr);
    link_.socket().set_failure_watcher(nullptr);
    if (!failed_) {
      const bool flushed = co_await link_.flush();
      if (!flushed) fail();
    }
    link_.release();
    result_.reusable = !failed_;
    if (!failed_) end_on_close(plain_.fd());
    co_return result_;
  }

  void cut() override {
    if (failed_) return;
    // A record that has to wait behind others may never leave.
    if (link_.has_kept() || !link_.send(FrameType::kReset)) result_.link_dead = true;
    fail();
  }

  /// What is out for very long without a word in return, on either side, will not come.
  void look() override {
    constexpr std::chrono::seconds kPatience{120};
    for (Watched* const socket : {&plain_, &link_.socket()}) {
      const TcpState state = tcp_state(socket->fd());
      if (!failed_ && state.unanswered && state.since_answer >= kPatience) {
        result_.link_dead = socket != &plain_;
        return socket == &plain_ ? cut() : fail("nothing came back for two minutes");
      }
    }
  }

  /// Whoever still reads finds the error behind the last bytes. Whoever waits for the other socket
  /// does not.
  void failed(Watched& socket) override {
    if (&socket == &plain_ ? up_waits_ : down_waits_) cut();
  }

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

  /// Ends both directions; the client or server gets a reset.
  void fail(const char* broken = nullptr) {
    if (failed_) return;
    failed_ = true;
    if (broken == kNoAnswer) result_.link_dead = true;
    result_.broken = broken;
    plain_.cancel();
    link_.socket().cancel();
    if (up_turn_) up_turn_->cancel();
    if (down_turn_) down_turn_->cancel();
  }

  /// The other end is to see a reset, too.
  Task<void> reset_both() {
    if (failed_) co_return;
    (void)link_.send(FrameType::kReset);
    (void)co_await link_.flush();
    fail();
  }

  /// Both have said their last: what the link brings from now on is of the next connection.
  [[nodiscard]] bool ended() const { return fin_sent_ && finished_; }

  // ---- OPENED, at the exit: nobody waits for it alone, so it goes along with the answer ----

  void open_soon() {
    constexpr std::chrono::milliseconds kAtTheLatest{2};
    opening_timer_ = plain_.loop().at(plain_.loop().now() + kAtTheLatest, [this] {
      opening_timer_.reset();  // the loop has taken it out
      if (!failed_ && !link_.send(FrameType::kOpened)) fail();
    });
  }

  /// Seals it in front of other records if it has not gone yet; its size.
  std::size_t open_now(ByteSpan head) {
    if (!opening_timer_) return 0;
    plain_.loop().forget(*opening_timer_);
    opening_timer_.reset();
    return link_.records().seal(FrameType::kOpened, head.last(kRecordOverhead)) ? kRecordOverhead
                                                                                : 0;
  }

  bool send_fin() {
    std::array<std::uint8_t, 2 * kRecordOverhead> records;
    const ByteSpan bytes(records);
    const std::size_t head = open_now(bytes.first(kRecordOverhead));
    const ByteSpan fin = bytes.last(kRecordOverhead);
    return link_.records().seal(FrameType::kFin, fin) &&
           link_.write(bytes.last(kRecordOverhead + head));
  }

  // ---- From the plain socket into the tunnel ----

  Task<void> up() {
    for (unsigned rounds = 1; !failed_; ++rounds) {
      if (link_.has_kept()) {
        up_waits_ = true;
        const bool flushed = co_await link_.flush();
        up_waits_ = false;
        if (!flushed) co_return fail();
      }
      const Wake wake = co_await plain_.readable();
      if (wake != Wake::kReady) co_return fail();
      if (rounds % kRoundsAtOnce == 0) co_await plain_.loop().yield();
      std::uint64_t room = RelayBuffers::kReadBytes;
      if (up_turn_) room = co_await up_turn_->take(room);
      if (room == 0 || failed_) co_return fail();
      const ssize_t got = read_plain(room);
      if (up_turn_) unused(*up_turn_, room, got);
      if (got < 0) {
        if (errno == EAGAIN) plain_.drained();
        if (errno == EAGAIN || errno == EINTR) continue;
        co_return co_await reset_both();
      }
      if (got == 0) co_return co_await end_up();
      if (!seal_and_write(static_cast<std::size_t>(got))) co_return fail();
    }
  }

  static void unused(Turn& turn, std::uint64_t room, ssize_t got) {
    const std::uint64_t used = got > 0 ? static_cast<std::uint64_t>(got) : 0;
    if (used < room) turn.give_back(room - used);
  }

  /// FIN was read: passes it on, and watches for a reset for as long as the other direction lives.
  Task<void> end_up() {
    if (!send_fin()) co_return fail();
    fin_sent_ = true;
    const bool flushed = co_await link_.flush();
    if (!flushed) co_return fail();
    if (finished_) link_.socket().nudge();
    while (!failed_ && !down_ended_) {
      plain_.drained();
      const Wake wake = co_await plain_.readable();
      if (wake != Wake::kReady) co_return;
      if (!down_ended_ && connect_error(plain_.fd()) != 0) co_return co_await reset_both();
    }
  }

  /// Lays the bytes out with gaps for what sealing adds.
  ssize_t read_plain(std::size_t room) {
    std::array<iovec, RelayBuffers::kRecords> parts;
    int used = 0;
    for (std::size_t left = room; left > 0 && used < static_cast<int>(parts.size()); ++used) {
      const std::size_t size = std::min(left, RelayBuffers::kBodyBytes);
      const auto slot = static_cast<std::size_t>(used);
      parts[slot] = {buffers_.sealed.data() + RelayBuffers::kHead + slot * kSlot + kRecordHead,
                     size};
      left -= size;
    }
    const ssize_t got = ::readv(plain_.fd(), parts.data(), used);
    if (got > 0 && static_cast<std::size_t>(got) < room && !plain_.hung_up()) plain_.drained();
    return got;
  }

  bool seal_and_write(std::size_t bytes) {
    carried_.counts.to_tunnel += bytes;
    if (!change_keys_if_due()) return false;
    const ByteSpan sealed(buffers_.sealed);
    const std::size_t begin = RelayBuffers::kHead - open_now(sealed.first(RelayBuffers::kHead));
    std::size_t end = RelayBuffers::kHead;
    for (std::size_t at = end; bytes > 0; at += kSlot) {
      const std::size_t body = std::min(bytes, RelayBuffers::kBodyBytes);
      const ByteSpan record = sealed.subspan(at, body + kRecordOverhead);
      if (!link_.records().seal(FrameType::kData, record)) return false;
      bytes -= body;
      end = at + record.size();
    }
    return link_.write(sealed.subspan(begin, end - begin));
  }

  // ---- From the tunnel to the plain socket ----

  Task<void> down() {
    for (unsigned rounds = 1; !failed_ && !ended(); ++rounds) {
      if (!has_input_) {
        link_.release();
        const Wake wake = co_await link_.socket().readable(answer_due());
        if (wake == Wake::kTimeout && link_answers()) continue;
        if (wake == Wake::kTimeout) co_return fail(kNoAnswer);
        if (wake != Wake::kReady) co_return fail();
        if (ended()) break;
      }
      if (rounds % kRoundsAtOnce == 0) co_await plain_.loop().yield();
      if (failed_) co_return;
      const bool paced = down_turn_ && down_turn_->limited();
      const TunnelLink::Input input = link_.read(paced ? kPacedRead : RelayBuffers::kReadBytes);
      has_input_ = false;
      if (input.status == TunnelLink::ReadStatus::kNothing) continue;
      if (input.status != TunnelLink::ReadStatus::kBytes)
        co_return fail(input.status == TunnelLink::ReadStatus::kEnd ? "ended without FIN"
                                                                    : nullptr);
      open_all(input.bytes);
      if (failed_) co_return;
      bool good = paced || write_plain();
      if (paced) keep_unwritten(0);
      if (good && !unwritten_.empty()) {
        down_waits_ = true;
        good = co_await flush_plain();
        down_waits_ = false;
      }
      // Whoever reads no more gets no more; the other side must learn of it.
      if (!good) co_return co_await reset_both();
      if (finished_ && !shut_ && !fin_sent_) {
        shut_ = true;  // where the other direction has ended too, closing says it
        ::shutdown(plain_.fd(), SHUT_WR);
      }
    }
    down_ended_ = true;
    if (fin_sent_) plain_.nudge();
  }

  /// Until OPENED: a link that was idle may have died without a word.
  [[nodiscard]] Watched::Time answer_due() const {
    if (end_ != LinkEnd::kInitiator || opened_) return Watched::kForever;
    return plain_.loop().now() + kAnswerTime;
  }
  [[nodiscard]] bool link_answers() const {
    const TcpState state = tcp_state(link_.socket().fd());
    return !state.unanswered || state.since_answer < kAnswerTime;
  }

  /// Opens what is there; payloads stay where they are, for write_plain().
  void open_all(ByteSpan bytes) {
    vectors_ = 0;
    while (!ended() && vectors_ < kVectors) {
      const Cut cut = cut_record(bytes);
      if (cut.bad) return fail("a record of a wrong length");
      if (cut.rest.empty()) break;
      const auto record = link_.records().open(cut.rest);
      if (!record) return fail("a record that is not authentic");
      if (!take(*record)) return;
    }
    has_input_ = !ended() && vectors_ == kVectors;
    link_.keep(bytes);
    if (vectors_ > 0 && !change_keys_if_due()) fail();
  }

  /// The initiator's part: keys that have been in use for long are changed.
  bool change_keys_if_due() {
    if (!link_.records().rekey_due(plain_.loop().now())) return true;
    const PublicKey point = link_.records().begin_rekey();
    return link_.send(FrameType::kRekey, point.bytes);
  }

  bool take(const Record& record) {
    switch (record.type) {
      case FrameType::kData:
        if (end_ == LinkEnd::kInitiator && !opened_) return wrong("DATA before OPENED");
        if (finished_) return wrong("DATA after FIN");
        payloads_[vectors_++] = {record.body.data(), record.body.size()};
        return true;
      case FrameType::kOpened:
        if (end_ != LinkEnd::kInitiator || opened_) return wrong("OPENED out of turn");
        opened_ = true;
        result_.opened_at = plain_.loop().now();
        return true;
      case FrameType::kRefused:
        if (end_ != LinkEnd::kInitiator || opened_) return wrong("REFUSED out of turn");
        result_.refused = parse_refused(record.body);
        fail();
        return false;
      case FrameType::kFin:
        if (end_ == LinkEnd::kInitiator && !opened_) return wrong("FIN before OPENED");
        if (finished_) return wrong("a second FIN");
        finished_ = true;
        return true;
      case FrameType::kReset:
        fail();
        return false;
      case FrameType::kPing:
        if (!link_.send(FrameType::kPong, record.body)) fail();
        return !failed_;
      case FrameType::kPong:
        return end_ == LinkEnd::kInitiator || wrong("PONG unasked");
      case FrameType::kRekey:
      case FrameType::kSwitch:
        return rekey(record);
      case FrameType::kOpen:
        break;
    }
    return wrong("OPEN inside of a connection");
  }

  bool rekey(const Record& record) {
    const auto step = link_.records().consume_rekey(record, plain_.loop().now());
    if (!step.good) return wrong("a change of keys out of turn");
    if (!step.answer) return true;
    const ByteView body =
        *step.answer == FrameType::kRekey ? ByteView(step.point.bytes) : ByteView();
    if (!link_.send(*step.answer, body)) fail();
    return !failed_;
  }

  bool wrong(const char* what) {
    fail(what);
    return false;
  }

  /// False if the plain socket takes no more, ever.
  bool write_plain() {
    std::size_t first = 0;
    while (first < vectors_) {
      const ssize_t sent = write_vectors(first);
      if (sent < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return false;
        plain_.full();
        break;
      }
      carried_.counts.from_tunnel += static_cast<std::size_t>(sent);
      first = skip(first, static_cast<std::size_t>(sent));
    }
    keep_unwritten(first);
    return true;
  }

  void keep_unwritten(std::size_t first) {
    for (; first < vectors_; ++first) {
      const auto* begin = static_cast<const std::uint8_t*>(payloads_[first].iov_base);
      unwritten_.insert(unwritten_.end(), begin, begin + payloads_[first].iov_len);
    }
  }

  ssize_t write_vectors(std::size_t first) {
    msghdr message{};
    message.msg_iov = payloads_.data() + first;
    message.msg_iovlen = vectors_ - first;
    return ::sendmsg(plain_.fd(), &message, MSG_NOSIGNAL);
  }

  std::size_t skip(std::size_t first, std::size_t bytes) {
    while (first < vectors_ && bytes >= payloads_[first].iov_len) {
      bytes -= payloads_[first++].iov_len;
    }
    if (bytes > 0) {
      payloads_[first].iov_base = static_cast<std::uint8_t*>(payloads_[first].iov_base) + bytes;
      payloads_[first].iov_len -= bytes;
    }
    return first;
  }

  Task<bool> flush_plain() {
    for (std::size_t at = 0; at < unwritten_.size();) {
      std::uint64_t room = unwritten_.size() - at;
      if (down_turn_) room = co_await down_turn_->take(room);
      if (room == 0) co_return false;
      const ssize_t sent = ::send(plain_.fd(), unwritten_.data() + at, room, MSG_NOSIGNAL);
      const int error = sent < 0 ? errno : 0;
      if (down_turn_) unused(*down_turn_, room, sent);
      if (error != 0 && error != EAGAIN && error != EINTR) co_return false;
      if (sent > 0) at += static_cast<std::size_t>(sent);
      if (sent > 0) carried_.counts.from_tunnel += static_cast<std::size_t>(sent);
      if (error == 0 && static_cast<std::size_t>(sent) == room) continue;
      plain_.full();
      const Wake wake = co_await plain_.writable();
      if (wake != Wake::kReady) co_return false;
    }
    std::vector<std::uint8_t>().swap(unwritten_);
    co_return true;
  }

  /// A worker's; used between two waits only, like its buffers.
  static thread_local std::array<iovec, kVectors> payloads_;

  const LinkEnd end_;
  Watched& plain_;
  TunnelLink& link_;
  RelayBuffers& buffers_;
  Carried& carried_;
  std::optional<Turn> up_turn_;
  std::optional<Turn> down_turn_;
  std::size_t vectors_ = 0;
  std::vector<std::uint8_t> unwritten_;  ///< opened, for the plain socket
  int running_ = 0;
  std::coroutine_handle<> waiting_;
  std::optional<EventLoop::Timers::iterator> opening_timer_;  ///< set: OPENED has not gone yet
  bool up_waits_ = false;                                     ///< for the link
  bool down_waits_ = false;                                   ///< for the plain socket, or its turn
  bool opened_ = false;
  bool finished_ = false;    ///< FIN came
  bool fin_sent_ = false;    ///< FIN went
  bool shut_ = false;        ///< FIN was passed on to the plain socket
  bool down_ended_ = false;  ///< nothing more is to be read from the link
  bool has_input_;           ///< bytes that came before are still to be opened
  bool failed_ = false;
  RelayResult result_;
};

thread_local std::array<iovec, kVectors> Relay::payloads_;

}  // namespace

Task<RelayResult> relay(RelayParts parts) {
  Relay relay(parts);
  co_return co_await relay.run();
}

}  // namespace arctic
