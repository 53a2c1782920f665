// Keys are what the wire's description says, differ wherever they must, and are gone when they are
// old: the process's whole memory is searched for them, libcrypto's included.
#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/pegasus/sessions.h"
#include "tests/pegasus/peers.h"
#include "tests/support/hex.h"

namespace arctic::test {
namespace {

constexpr Time kNow = std::chrono::seconds(1000);

// ---- Randomness that the test knows ----

unsigned draws = 0;

/// The n-th random number is HASH("random" || n), as in known_answers.py.
void draw_known(void* out, std::size_t size) {
  const std::uint8_t number = static_cast<std::uint8_t>(++draws);
  const Digest digest = blake2s({bytes_of("random"), {&number, 1}});
  REQUIRE(size == digest.size());
  std::copy(digest.begin(), digest.end(), static_cast<std::uint8_t*>(out));
}

const char* name_of_source() { return "test"; }

/// While it lives, libsodium draws from `draw`.
class Randomness {
 public:
  explicit Randomness(void (*draw)(void*, std::size_t)) {
    draws = 0;
    source_.implementation_name = name_of_source;
    source_.buf = draw;
    randombytes_set_implementation(&source_);
  }
  ~Randomness() { randombytes_set_implementation(&randombytes_sysrandom_implementation); }
  Randomness(const Randomness&) = delete;
  Randomness& operator=(const Randomness&) = delete;

 private:
  randombytes_implementation source_{};
};

std::string sealed_ping(RecordLayer& from) {
  std::vector<std::uint8_t> record(8 + kRecordOverhead);
  const ByteView body = bytes_of("12345678");
  std::copy(body.begin(), body.end(), record.begin() + kRecordHead);
  REQUIRE(from.seal(FrameType::kPing, record));
  return hex(record);
}

/// Hands a change of keys from one end to the other and back.
void change_keys(RecordLayer& entry, RecordLayer& exit) {
  const auto carry = [](RecordLayer& from, RecordLayer& to, FrameType type, ByteView body) {
    std::vector<std::uint8_t> record(body.size() + kRecordOverhead);
    std::copy(body.begin(), body.end(), record.begin() + kRecordHead);
    REQUIRE(from.seal(type, record));
    const auto opened = to.open(ByteSpan(record).subspan(kLengthBytes));
    REQUIRE(opened);
    return to.consume_rekey(*opened, kNow);
  };
  const PublicKey point = entry.begin_rekey();
  const auto at_exit = carry(entry, exit, FrameType::kRekey, point.bytes);
  REQUIRE(at_exit.good);
  const auto at_entry = carry(exit, entry, FrameType::kRekey, at_exit.point.bytes);
  REQUIRE(at_entry.good);
  REQUIRE(carry(entry, exit, FrameType::kSwitch, {}).good);
}

}  // namespace

// The answers are known_answers.py's.
TEST_CASE("every derived key is what another implementation of the description says") {
  const Randomness known(draw_known);
  const Nodes nodes{KeyPair::of(blake2s({bytes_of("entry")})),
                    KeyPair::of(blake2s({bytes_of("exit")}))};
  auto attempt = InitAttempt::make(nodes.entry, nodes.exit.point);
  REQUIRE(attempt);
  CHECK(hex(attempt->bytes()) ==
        "0133eb28cf400feb8d0f6976b81fe23ca9e046d32953d473ff1d55afca3d52a6"
        "09feac28b780b0f4a70d3aaf5035064c3b809622a814eb992b75edf3ff4419bd"
        "2712240c898133542deda3f009788b08828bf5100083ad44b13bf5654461be01"
        "28bc33fee93a41cdbe79049dbcdae8a399");
  auto answer = consume_init(nodes.exit, attempt->bytes(), kNow);
  REQUIRE(answer);
  CHECK(hex(answer->resp) ==
        "0224994a6a4e835b28f8612beef1533f004bc6baccbe84f34b377184b949a74f"
        "43bb48b573647e53ee8bcc98bc87ce76d1");
  auto ours = attempt->consume_resp(answer->resp, kNow);
  REQUIRE(ours);
  for (const NewSession* each : {&*ours, &answer->made}) {
    CHECK(hex(each->session.secret.view()) ==
          "4e308a6c6f209db1bed51bfe1bb6a40d44e7cababf2b9cf4dc6396dac58e8577");
    CHECK(hex(each->session.id) == "f5fd775e710fc2af58703ec6e6210597");
    CHECK(hex(each->keys.chaining.view()) ==
          "a3ab041900c2df6ce1fae153e70f07beb890a913c8f6af68998b37b53a18230f");
    CHECK(hex(each->keys.to_responder.view()) ==
          "b21c76432dbd85b6b31b1a32d813ea7cedecb5144c6cff58f0a83f7507e85cdc");
    CHECK(hex(each->keys.to_initiator.view()) ==
          "15bde2e32cbc475a25a8ac1b88aa7e16c451c07dec941bfc01c749beca8dd72c");
  }
  RecordLayer first(LinkEnd::kInitiator, std::move(ours->keys), kNow);
  CHECK(sealed_ping(first) == "0019ab289e91c023b5b13b2579b8335f39d937a4d18d60c3ef01ae");

  const Hello hello = make_hello(ours->session);
  CHECK(hex(hello) ==
        "03f5fd775e710fc2af58703ec6e62105975ef5a5c52f9968febc55f879b6933c"
        "c4a84d5eef566f5a65647cf51065aea88b7c663d0850bd702e9f21c6f1a47c47"
        "c1");
  auto accepted = consume_hello(answer->made.session, hello);
  REQUIRE(accepted);
  CHECK(hex(accepted->accept) ==
        "0431c1e84468acc754f22f935a6d92c508d40684ca2630044541da0ea76e5251"
        "1c074cd38f515473845b3d65ce9ca6d5e2");
  auto keys = consume_accept(ours->session, hello, accepted->accept);
  REQUIRE(keys);
  for (const ConnectionKeys* each : {&*keys, &accepted->keys}) {
    CHECK(hex(each->chaining.view()) ==
          "109d91153669a9361eaed71b0cc5e0368af641fe074f7ef3387cf929fa379320");
    CHECK(hex(each->to_responder.view()) ==
          "914f2fb7d55d987698d7307d03a39c1923758096b2fde22709764829bc06c20a");
    CHECK(hex(each->to_initiator.view()) ==
          "da6064d90e738129b9157316b0e8ab4200f3a4b0b7bb6f937d03f464c691e3e5");
  }
  RecordLayer entry(LinkEnd::kInitiator, std::move(*keys), kNow);
  RecordLayer exit(LinkEnd::kResponder, std::move(accepted->keys), kNow);
  change_keys(entry, exit);
  CHECK(sealed_ping(entry) == "001935616874cab9f0ddbfea1f90f91aa67b85af5f83ed7b5879a3");
  CHECK(draws == 6);
}

TEST_CASE("keys differ between directions, connections, sessions and nodes") {
  std::set<std::string> seen;
  const auto add = [&](const ConnectionKeys& keys) {
    CHECK(seen.insert(hex(keys.chaining.view())).second);
    CHECK(seen.insert(hex(keys.to_responder.view())).second);
    CHECK(seen.insert(hex(keys.to_initiator.view())).second);
  };
  const Nodes nodes;
  // As several workers make connections: of one session, with HELLOs that cross.
  for (int i = 0; i < 3; ++i) {
    const Met met = meet(nodes, kNow);
    CHECK(seen.insert(hex(met.ours.session.secret.view())).second);
    add(met.ours.keys);
    std::vector<Hello> hellos;
    for (int worker = 0; worker < 4; ++worker) hellos.push_back(make_hello(met.ours.session));
    for (const Hello& hello : hellos) {
      const auto answer = consume_hello(met.theirs.session, hello);
      REQUIRE(answer);
      add(answer->keys);
    }
    // The same two nodes the other way round have a session of their own.
    const Met back = meet({nodes.exit.clone(), nodes.entry.clone()}, kNow);
    CHECK(seen.insert(hex(back.ours.session.secret.view())).second);
    add(back.ours.keys);
  }
}

// ---- Memory ----

namespace {

constexpr std::uint8_t kMask = 0xa5;

/// A secret that the search does not find in the test itself.
class Masked {
 public:
  Masked(std::string name, ByteView secret) : name_(std::move(name)) {
    for (const std::uint8_t byte : secret) bytes_.push_back(byte ^ kMask);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Whether a half of it lies there: registers that were saved hold no more than that.
  [[nodiscard]] bool lies_in(ByteView memory) const {
    const std::size_t half = bytes_.size() / 2;
    return lies_in(memory, {bytes_.data(), half}) || lies_in(memory, {bytes_.data() + half, half});
  }

 private:
  [[nodiscard]] static bool lies_in(ByteView memory, ByteView masked) {
    // Most memory is zeros: those are no good place to begin a comparison.
    std::size_t anchor = 0;
    while (masked[anchor] == kMask) ++anchor;
    const std::uint8_t* at = memory.data() + anchor;
    const std::uint8_t* const end = memory.data() + memory.size() - (masked.size() - anchor) + 1;
    for (; at < end; ++at) {
      at = static_cast<const std::uint8_t*>(
          std::memchr(at, masked[anchor] ^ kMask, static_cast<std::size_t>(end - at)));
      if (at == nullptr) return false;
      if (same(at - anchor, masked)) return true;
    }
    return false;
  }
  [[nodiscard]] static bool same(const std::uint8_t* at, ByteView masked) {
    for (std::size_t i = 0; i < masked.size(); ++i) {
      if ((at[i] ^ kMask) != masked[i]) return false;
    }
    return true;
  }
  std::string name_;
  std::vector<std::uint8_t> bytes_;
};

std::vector<std::unique_ptr<Masked>> drawn;

void draw_and_note(void* out, std::size_t size) {
  REQUIRE(::getrandom(out, size, 0) == static_cast<ssize_t>(size));
  const ByteView bytes(static_cast<const std::uint8_t*>(out), size);
  drawn.push_back(std::make_unique<Masked>("random " + std::to_string(++draws), bytes));
}

/// How often each of the secrets, or a half of it, lies in the memory of this process.
class Search {
 public:
  Search()
      : memory_(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)),
        window_(static_cast<std::uint8_t*>(
            ::mmap(nullptr, kWindow, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(memory_ >= 0);
    REQUIRE(window_ != MAP_FAILED);
  }
  ~Search() {
    ::munmap(window_, kWindow);
    ::close(memory_);
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  [[nodiscard]] std::string found(const std::vector<const Masked*>& secrets) {
    std::set<std::string> out;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) look(line, secrets, out);
    std::string text;
    for (const std::string& each : out) text += each + "\n";
    return text;
  }

 private:
  static constexpr std::size_t kWindow = std::size_t{1} << 20;
  static constexpr std::size_t kOverlap = 64;
  // A sanitizer's shadow memory; no allocation of ours comes near.
  static constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;

  void look(const std::string& line, const std::vector<const Masked*>& secrets,
            std::set<std::string>& out) {
    std::istringstream fields(line);
    std::uint64_t begin = 0, end = 0;
    char dash = 0;
    std::string rights, skip, where;
    fields >> std::hex >> begin >> dash >> end >> rights >> skip >> skip >> skip >> where;
    if (rights.rfind("rw", 0) != 0 || end - begin > kLargest) return;
    const auto window = reinterpret_cast<std::uint64_t>(window_);
    for (std::uint64_t at = begin; at < end; at += kWindow - kOverlap) {
      if (at < window + kWindow && at + kWindow > window) continue;
      const ssize_t got = ::pread(memory_, window_, std::min<std::uint64_t>(kWindow, end - at),
                                  static_cast<off_t>(at));
      if (got <= 0) continue;
      scan(static_cast<std::size_t>(got), secrets, where, out);
    }
  }

  void scan(std::size_t size, const std::vector<const Masked*>& secrets, const std::string& where,
            std::set<std::string>& out) {
    for (const Masked* each : secrets) {
      if (size >= 32 && each->lies_in({window_, size})) out.insert(each->name() + " in " + where);
    }
  }

  int memory_;
  std::uint8_t* window_;
};

std::vector<const Masked*> all(const std::vector<std::unique_ptr<Masked>>& of) {
  std::vector<const Masked*> out;
  for (const auto& each : of) out.push_back(each.get());
  return out;
}

void note(std::vector<std::unique_ptr<Masked>>& in, const char* name, const ConnectionKeys& keys) {
  const std::string text(name);
  in.push_back(std::make_unique<Masked>(text + ": chaining", keys.chaining.view()));
  in.push_back(std::make_unique<Masked>(text + ": to responder", keys.to_responder.view()));
  in.push_back(std::make_unique<Masked>(text + ": to initiator", keys.to_initiator.view()));
}

struct Links {
  std::unique_ptr<RecordLayer> entry, exit;
};

Links link(ConnectionKeys ours, ConnectionKeys theirs) {
  return {std::make_unique<RecordLayer>(LinkEnd::kInitiator, std::move(ours), kNow),
          std::make_unique<RecordLayer>(LinkEnd::kResponder, std::move(theirs), kNow)};
}

}  // namespace

TEST_CASE("after a change of keys, expiry and close no old key is left in memory") {
  const Randomness noted(draw_and_note);
  Search search;
  std::vector<std::unique_ptr<Masked>> first, second, secret;
  Sessions sessions(KeyPair::generate());
  drawn.clear();  // the node's own key stays
  auto links = std::make_unique<Links>();
  auto others = std::make_unique<Links>();
  {
    const Nodes nodes{KeyPair::generate(), sessions.own().clone()};
    drawn.clear();
    Met met = meet(nodes, kNow);
    note(first, "INIT's connection", met.ours.keys);
    secret.push_back(std::make_unique<Masked>("session secret", met.ours.session.secret.view()));
    *links = link(std::move(met.ours.keys), std::move(met.theirs.keys));
    const Hello hello = make_hello(met.ours.session);
    drawn.resize(2);  // what HELLO and ACCEPT say is no secret
    auto accepted = consume_hello(met.theirs.session, hello);
    auto keys = consume_accept(met.ours.session, hello, accepted.value().accept);
    drawn.resize(2);
    note(second, "HELLO's connection", accepted->keys);
    *others = link(std::move(keys.value()), std::move(accepted->keys));
    sessions.add_ours(std::make_shared<const Session>(std::move(met.ours.session)));
    sessions.add_theirs(std::make_shared<const Session>(std::move(met.theirs.session)));
  }
  const auto is_found = [&](const std::vector<std::unique_ptr<Masked>>& secrets) {
    for (const auto& each : secrets) {
      INFO(each->name());
      CHECK_FALSE(search.found({each.get()}).empty());
    }
  };
  // What is in use is found, or else nothing that follows would mean anything.
  is_found(first);
  is_found(second);
  is_found(secret);
  CHECK(search.found(all(drawn)) == "");

  change_keys(*links->entry, *links->exit);
  CHECK(drawn.size() == 4);
  CHECK(search.found(all(drawn)) == "");
  CHECK(search.found(all(first)) == "");
  is_found(second);

  sessions.forget_old(kNow + kSessionKeep);
  CHECK(search.found(all(secret)) == "");
  is_found(second);
  others.reset();
  CHECK(search.found(all(second)) == "");
}

}  // namespace arctic::test
