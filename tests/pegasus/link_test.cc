// A tunnel connection between two uses: what its other end may say, and what makes it useless.
#include "runtime/pegasus/link.h"

#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "tests/pegasus/peers.h"

namespace arctic::test {
namespace {

constexpr std::array<std::uint8_t, 8> kNumber{1, 2, 3, 4, 5, 6, 7, 8};

/// Entry and exit, each with its own view of one stream.
struct Links {
  Links() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    Met met = meet(Nodes{}, loop->now());
    const auto make = [&](int fd, LinkEnd end, ConnectionKeys keys) {
      auto socket = std::move(*Watched::make(*loop, fd));
      return std::make_unique<TunnelLink>(std::move(socket),
                                          RecordLayer(end, std::move(keys), loop->now()), buffers);
    };
    entry = make(fds[0], LinkEnd::kInitiator, std::move(met.ours.keys));
    exit = make(fds[1], LinkEnd::kResponder, std::move(met.theirs.keys));
  }

  /// What the exit got, each taken as the exit takes it.
  std::vector<FrameType> exit_takes() const {
    std::vector<FrameType> types;
    TunnelLink::Input input = exit->read();
    if (input.status != TunnelLink::ReadStatus::kBytes) return types;
    for (Cut cut = cut_record(input.bytes); !cut.rest.empty(); cut = cut_record(input.bytes)) {
      const auto record = exit->records().open(cut.rest);
      REQUIRE(record);
      types.push_back(record->type);
      if (record->type == FrameType::kPing) REQUIRE(exit->send(FrameType::kPong, record->body));
      if (record->type == FrameType::kRekey || record->type == FrameType::kSwitch) {
        REQUIRE(exit->take_rekey(*record, loop->now()));
      }
    }
    return types;
  }
  void raw(ByteView bytes) const {
    REQUIRE(::send(exit->socket().fd(), bytes.data(), bytes.size(), 0) ==
            static_cast<ssize_t>(bytes.size()));
  }
  /// After a turn of the loop, which tells the socket what has come.
  [[nodiscard]] bool entry_is_quiet() const {
    loop->stop();
    loop->run();
    const bool quiet = entry->is_quiet();
    if (quiet) CHECK_FALSE(entry->socket().has_news());
    return quiet;
  }

  std::unique_ptr<EventLoop> loop = std::move(*EventLoop::make());
  RelayBuffers buffers;
  std::unique_ptr<TunnelLink> entry;
  std::unique_ptr<TunnelLink> exit;
};

using Types = std::vector<FrameType>;

}  // namespace

TEST_CASE("an idle link stays while its PINGs are answered, late or at once") {
  Links links;
  CHECK(links.entry_is_quiet());
  REQUIRE(links.entry->ping());
  REQUIRE(links.entry->ping());
  CHECK(links.entry_is_quiet());
  CHECK(links.exit_takes() == Types{FrameType::kPing, FrameType::kPing});
  CHECK(links.entry_is_quiet());
  CHECK_FALSE(links.entry->is_last());
  CHECK(links.entry->wrong() == nullptr);
}

TEST_CASE("a PONG that answers nothing is the last of a link, and no fault") {
  for (const bool in_a_connection : {false, true}) {
    Links links;
    REQUIRE(links.entry->ping());
    CHECK(links.exit_takes() == Types{FrameType::kPing});
    if (in_a_connection) {
      links.entry->take_pong();
      links.entry->take_pong();
    } else {
      REQUIRE(links.exit->send(FrameType::kPong, kNumber));
    }
    CHECK_FALSE(links.entry_is_quiet());
    CHECK(links.entry->is_last());
    CHECK(links.entry->wrong() == nullptr);
  }
}

TEST_CASE("a change of keys that begins in a connection goes on after it") {
  Links links;
  REQUIRE(links.entry->send(FrameType::kRekey, links.entry->records().begin_rekey().bytes));
  CHECK(links.exit_takes() == Types{FrameType::kRekey});
  CHECK(links.entry_is_quiet());
  CHECK(links.exit_takes() == Types{FrameType::kSwitch});
  REQUIRE(links.entry->ping());
  CHECK(links.exit_takes() == Types{FrameType::kPing});
  CHECK(links.entry_is_quiet());
}

TEST_CASE("a record that comes in pieces is waited for") {
  Links links;
  REQUIRE(links.entry->ping());
  TunnelLink::Input input = links.exit->read();
  const Cut cut = cut_record(input.bytes);
  const auto ping = links.exit->records().open(cut.rest);
  REQUIRE(ping);
  std::array<std::uint8_t, 8 + kRecordOverhead> pong{};
  std::copy(ping->body.begin(), ping->body.end(), pong.begin() + kRecordHead);
  REQUIRE(links.exit->records().seal(FrameType::kPong, pong));
  for (const std::uint8_t byte : pong) {
    links.raw(ByteView(&byte, 1));
    CHECK(links.entry_is_quiet());
  }
  CHECK_FALSE(links.entry->has_input());
  CHECK_FALSE(links.entry->is_last());
}

TEST_CASE("whatever else comes ends a link, and says who is to blame") {
  using Attack = std::function<void(Links&)>;
  const auto frame = [](FrameType type, std::size_t size) -> Attack {
    return [type, size](Links& links) {
      const std::vector<std::uint8_t> body(size);
      REQUIRE(links.exit->send(type, body));
    };
  };
  const auto bytes = [](std::vector<std::uint8_t> raw) -> Attack {
    return [raw](Links& links) { links.raw(raw); };
  };
  const std::string frames = "a frame outside of a connection";
  const std::string lengths = "a record of a wrong length";
  const std::vector<std::pair<Attack, std::string>> table{
      {frame(FrameType::kData, 5), frames},
      {frame(FrameType::kFin, 0), frames},
      {frame(FrameType::kOpened, 0), frames},
      {frame(FrameType::kRefused, 3), frames},
      {frame(FrameType::kPing, 8), frames},
      {frame(FrameType::kSwitch, 0), frames},
      {frame(FrameType::kRekey, 32), "a change of keys out of turn"},
      {frame(FrameType::kReset, 0), ""},
      {bytes({0, 16}), lengths},
      {bytes({255, 255}), lengths},
      {bytes(std::vector<std::uint8_t>(2 + 25, 0x19)), lengths},
      {bytes([] {
         std::vector<std::uint8_t> record(2 + 25);
         record[1] = 25;
         return record;
       }()),
       "a record that is not authentic"},
      {[](Links& links) { ::shutdown(links.exit->socket().fd(), SHUT_WR); }, ""},
  };
  for (std::size_t i = 0; i < table.size(); ++i) {
    CAPTURE(i);
    Links links;
    table[i].first(links);
    CHECK_FALSE(links.entry_is_quiet());
    const char* const wrong = links.entry->wrong();
    CHECK((wrong == nullptr ? "" : wrong) == table[i].second);
  }
}

}  // namespace arctic::test
