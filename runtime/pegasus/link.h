// One tunnel connection: a socket and its records, read and written without holding buffers.
//
// Entry and exit own links, the relay moves data over them. Buffers belong to the worker and are
// only used between two waits; what the kernel does not take, and the beginning of a record whose
// rest has not arrived, is kept here until it can go on.
#pragma once

#include <memory>
#include <vector>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"
#include "runtime/pegasus/record.h"

namespace arctic {

/// A worker's; nothing in them outlives a wait.
struct RelayBuffers {
  static constexpr std::size_t kBodyBytes = 16384;  ///< of plain text in a record that we make
  static constexpr std::size_t kRecords = 16;
  static constexpr std::size_t kReadBytes = kBodyBytes * kRecords;
  static constexpr std::size_t kHead = kRecordOverhead;  ///< for an OPENED that goes before

  std::vector<std::uint8_t> sealed =
      std::vector<std::uint8_t>(kHead + kRecords * (kBodyBytes + kRecordOverhead));
  /// What is kept from before and what one read gives.
  std::vector<std::uint8_t> opened =
      std::vector<std::uint8_t>(kLengthBytes + kMaxRecordRest + kReadBytes);
};

/// What every tunnel connection's socket is set to, whoever dialled it. On a listener: what it
/// accepts.
void prepare_tunnel(int fd);
/// The same for a client's or a destination's; one that is closed before its end was passed on
/// sends a reset, however the process ends.
void prepare_plain(int fd);
/// For one that lasts: it is asked now and then whether it is still there.
void keep_plain_alive(int fd);

class TunnelLink {
 public:
  TunnelLink(std::unique_ptr<Watched> socket, RecordLayer records, RelayBuffers& buffers)
      : socket_(std::move(socket)),
        records_(std::move(records)),
        buffers_(buffers),
        born_(socket_->loop().now()) {}

  [[nodiscard]] Watched& socket() const { return *socket_; }
  [[nodiscard]] RecordLayer& records() { return records_; }
  [[nodiscard]] Watched::Time born() const { return born_; }
  /// The dialling end's number for the key and place that it was made for.
  void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

  // ---- Writing. False: the link is broken. ----

  /// Seals a frame and hands it to the kernel, or keeps it. Broken, too, if the other end makes us
  /// answer and does not read the answers.
  [[nodiscard]] bool send(FrameType type, ByteView body = {});
  /// A PING, whose answer shows that the other end is there and has our keys.
  [[nodiscard]] bool ping();
  /// For an opened PONG, of the initiator's.
  void take_pong();
  /// A PONG came that answers no PING: an exit says so that it begins nothing new on the link.
  [[nodiscard]] bool is_last() const { return last_; }
  [[nodiscard]] bool owes_pong() const { return due_ > 0; }
  /// For an opened record that no connection is waiting for, at the initiator. False: it must
  /// close.
  [[nodiscard]] bool take_between(const Record& record);
  /// The initiator's part: keys that have been in use for long are changed.
  [[nodiscard]] bool change_keys_if_due(Time now);
  /// For an opened REKEY or SWITCH. False, too, if it is out of turn: then wrong() says so.
  [[nodiscard]] bool take_rekey(const Record& record, Time now);
  /// Hands sealed records to the kernel; keeps what it does not take.
  [[nodiscard]] bool write(ByteView sealed);
  [[nodiscard]] bool has_kept() const { return written_ < kept_.size(); }
  /// Waits until the kernel has everything. Broken, too, if the deadline comes first.
  [[nodiscard]] Task<bool> flush(Watched::Time deadline = Watched::kForever);

  // ---- Reading ----

  enum class ReadStatus : std::uint8_t { kBytes, kNothing, kEnd, kBroken };
  struct Input {
    ReadStatus status = ReadStatus::kNothing;
    ByteSpan bytes;  ///< in the worker's buffer
  };
  /// What was kept and, unless that holds a whole record, up to about `most` of what the socket
  /// has; no wait.
  [[nodiscard]] Input read(std::size_t most = RelayBuffers::kReadBytes);
  /// Keeps bytes of an Input that were not used. To be called before any wait.
  void keep(ByteView bytes);
  [[nodiscard]] bool has_input() const { return !input_.empty(); }
  /// The socket's next bytes may be long in coming: keeps no memory that is not in use.
  void release();

  /// For links between two uses: the next record, opened, in the worker's buffer; nullopt if the
  /// link ends or breaks, or the deadline comes first. A record whose rest is longer than
  /// `longest` breaks it before it is there.
  [[nodiscard]] Task<std::optional<Record>> next_record(Watched::Time deadline,
                                                        std::size_t longest = kMaxRecordRest);
  /// For an idle link, no wait: takes what there is. False if that is anything but the answer to a
  /// PING or to a REKEY, or the link ended; then wrong() says whether the other end is to blame.
  [[nodiscard]] bool is_quiet();
  /// What the other end did wrong; nullptr if it did nothing wrong, or is only gone.
  [[nodiscard]] const char* wrong() const { return wrong_; }

 private:
  [[nodiscard]] bool take_idle(ByteSpan bytes);

  std::unique_ptr<Watched> socket_;
  RecordLayer records_;
  RelayBuffers& buffers_;
  Watched::Time born_;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint8_t> kept_;  ///< sealed, for the kernel
  std::size_t written_ = 0;         ///< of kept_
  bool flushing_ = false;
  bool last_ = false;
  unsigned due_ = 0;  ///< PONGs that the other end has still to send
  const char* wrong_ = nullptr;
  std::vector<std::uint8_t> input_;  ///< from the kernel, not yet opened
};

/// Takes the next whole record off the front of `bytes`: its part behind the length. Empty if there
/// is none yet; `bad` if its length is none.
struct Cut {
  ByteSpan rest;
  bool bad = false;
};
[[nodiscard]] Cut cut_record(ByteSpan& bytes);

}  // namespace arctic
