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

/// One connection while it is relayed; both directions share it.
class Relay {
 public:
  Relay(LinkEnd end, Watched& plain, TunnelLink& link, RelayBuffers& buffers, RelayCounts& counts)
      : end_(end),
        plain_(plain),
        link_(link),
        buffers_(buffers),
        counts_(counts),
        has_input_(link.has_input()) {}

  Task<RelayResult> run() {
    running_ = 2;
    start(finish(up()));
    start(finish(down()));
    co_await Join{*this};
    if (!failed_) {
      const bool flushed = co_await link_.flush();
      if (!flushed) fail();
    }
    link_.release();
    result_.reusable = !failed_;
    co_return result_;
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
    result_.broken = broken;
    reset_on_close(plain_.fd());
    plain_.cancel();
    link_.socket().cancel();
  }

  // ---- From the plain socket into the tunnel ----

  Task<void> up() {
    while (!failed_) {
      if (link_.has_kept()) {
        const bool flushed = co_await link_.flush();
        if (!flushed) co_return fail();
      }
      const Wake wake = co_await plain_.readable();
      if (wake != Wake::kReady) co_return fail();
      const ssize_t got = read_plain();
      if (got < 0) {
        if (errno == EAGAIN) plain_.drained();
        if (errno == EAGAIN || errno == EINTR) continue;
        // The reset of one end becomes one at the other.
        (void)link_.send(FrameType::kReset);
        (void)co_await link_.flush();
        co_return fail();
      }
      if (got == 0) {
        if (!link_.send(FrameType::kFin)) co_return fail();
        const bool flushed = co_await link_.flush();
        if (!flushed) fail();
        co_return;
      }
      if (!seal_and_write(static_cast<std::size_t>(got))) co_return fail();
    }
  }

  /// Lays the bytes out with gaps for what sealing adds.
  ssize_t read_plain() {
    std::array<iovec, RelayBuffers::kRecords> parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      parts[i] = {buffers_.sealed.data() + i * kSlot + kRecordHead, RelayBuffers::kBodyBytes};
    }
    const ssize_t got = ::readv(plain_.fd(), parts.data(), static_cast<int>(parts.size()));
    if (got > 0 && static_cast<std::size_t>(got) < RelayBuffers::kReadBytes && !plain_.hung_up()) {
      plain_.drained();
    }
    return got;
  }

  bool seal_and_write(std::size_t bytes) {
    counts_.to_tunnel += bytes;
    std::size_t end = 0;
    for (std::size_t at = 0; bytes > 0; at += kSlot) {
      const std::size_t body = std::min(bytes, RelayBuffers::kBodyBytes);
      const ByteSpan record = ByteSpan(buffers_.sealed).subspan(at, body + kRecordOverhead);
      if (!link_.records().seal(FrameType::kData, record)) return false;
      bytes -= body;
      end = at + record.size();
    }
    return link_.write(ByteView(buffers_.sealed).first(end));
  }

  // ---- From the tunnel to the plain socket ----

  Task<void> down() {
    while (!failed_) {
      if (!has_input_) {
        link_.release();
        const Wake wake = co_await link_.socket().readable();
        if (wake != Wake::kReady) co_return fail();
      }
      const TunnelLink::Input input = link_.read();
      has_input_ = false;
      if (input.status == TunnelLink::ReadStatus::kNothing) continue;
      if (input.status != TunnelLink::ReadStatus::kBytes) co_return fail("ended without FIN");
      open_all(input.bytes);
      if (failed_) co_return;
      bool good = write_plain();
      if (good && unwritten_at_ < unwritten_.size()) good = co_await flush_plain();
      if (!good) {
        // Whoever reads no more gets no more; the other side must learn of it.
        (void)link_.send(FrameType::kReset);
        (void)co_await link_.flush();
        co_return fail();
      }
      if (finished_) {
        ::shutdown(plain_.fd(), SHUT_WR);
        co_return;
      }
    }
  }

  /// Opens what is there; payloads stay where they are, for write_plain().
  void open_all(ByteSpan bytes) {
    vectors_ = 0;
    while (!finished_ && vectors_ < kVectors) {
      const Cut cut = cut_record(bytes);
      if (cut.bad) return fail("a record of a wrong length");
      if (cut.rest.empty()) break;
      const auto record = link_.records().open(cut.rest);
      if (!record) return fail("a record that is not authentic");
      if (!take(*record)) return;
    }
    has_input_ = !finished_ && vectors_ == kVectors;
    link_.keep(bytes);
  }

  bool take(const Record& record) {
    switch (record.type) {
      case FrameType::kData:
        if (end_ == LinkEnd::kInitiator && !opened_) return wrong("DATA before OPENED");
        payloads_[vectors_++] = {record.body.data(), record.body.size()};
        return true;
      case FrameType::kOpened:
        if (end_ != LinkEnd::kInitiator || opened_) return wrong("OPENED out of turn");
        opened_ = true;
        return true;
      case FrameType::kRefused:
        if (end_ != LinkEnd::kInitiator || opened_) return wrong("REFUSED out of turn");
        result_.refused = parse_refused(record.body);
        fail();
        return false;
      case FrameType::kFin:
        if (end_ == LinkEnd::kInitiator && !opened_) return wrong("FIN before OPENED");
        finished_ = true;
        return true;
      case FrameType::kReset:
        fail();
        return false;
      case FrameType::kPing:
        if (!link_.send(FrameType::kPong, record.body)) fail();
        return !failed_;
      case FrameType::kPong:
        return true;
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
      counts_.from_tunnel += static_cast<std::size_t>(sent);
      first = skip(first, static_cast<std::size_t>(sent));
    }
    for (; first < vectors_; ++first) {
      const auto* begin = static_cast<const std::uint8_t*>(payloads_[first].iov_base);
      unwritten_.insert(unwritten_.end(), begin, begin + payloads_[first].iov_len);
    }
    return true;
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
    while (unwritten_at_ < unwritten_.size()) {
      const Wake wake = co_await plain_.writable();
      if (wake != Wake::kReady) co_return false;
      const ssize_t sent = ::send(plain_.fd(), unwritten_.data() + unwritten_at_,
                                  unwritten_.size() - unwritten_at_, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) co_return false;
      if (sent > 0) unwritten_at_ += static_cast<std::size_t>(sent);
      if (sent > 0) counts_.from_tunnel += static_cast<std::size_t>(sent);
      if (unwritten_at_ < unwritten_.size()) plain_.full();
    }
    std::vector<std::uint8_t>().swap(unwritten_);
    unwritten_at_ = 0;
    co_return true;
  }

  /// A worker's; used between two waits only, like its buffers.
  static thread_local std::array<iovec, kVectors> payloads_;

  const LinkEnd end_;
  Watched& plain_;
  TunnelLink& link_;
  RelayBuffers& buffers_;
  RelayCounts& counts_;
  std::size_t vectors_ = 0;
  std::vector<std::uint8_t> unwritten_;  ///< opened, for the plain socket
  std::size_t unwritten_at_ = 0;
  int running_ = 0;
  std::coroutine_handle<> waiting_;
  bool opened_ = false;
  bool finished_ = false;  ///< FIN came
  bool has_input_;         ///< bytes that came before are still to be opened
  bool failed_ = false;
  RelayResult result_;
};

thread_local std::array<iovec, kVectors> Relay::payloads_;

}  // namespace

Task<RelayResult> relay(LinkEnd end, Watched& plain, TunnelLink& link, RelayBuffers& buffers,
                        RelayCounts& counts) {
  Relay relay(end, plain, link, buffers, counts);
  co_return co_await relay.run();
}

}  // namespace arctic
