// Key files on a real disk, and which peer of the file a key makes this node.
#include "runtime/host/identity.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/load.h"
#include "runtime/crypto/key_file.h"
#include "tests/support/killed.h"

namespace arctic::test {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "arctic-identity-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void write(const std::string& path, const std::string& text, mode_t mode) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 256> line{};
  const std::size_t size = std::fread(line.data(), 1, line.size(), pipe);
  REQUIRE(::pclose(pipe) == 0);
  return {line.data(), size};
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

std::size_t entries(const std::string& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// RFC 7748, 6.1: Alice's pair.
constexpr const char* kAlicePrivate = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=";
constexpr const char* kAlicePublic = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
constexpr const char* kBobPublic = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";

Config config_with(const std::string& syd_key, const std::string& lon_key) {
  std::string yaml = "version: v1\npeers:\n  - name: syd\n    address: 192.0.2.1\n";
  if (!syd_key.empty()) yaml += "    public_key: \"" + syd_key + "\"\n";
  yaml += "  - name: lon\n    address: 192.0.2.2\n";
  if (!lon_key.empty()) yaml += "    public_key: \"" + lon_key + "\"\n";
  yaml += "services: []\n";
  Diagnostics diagnostics;
  Config config = load(yaml, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return config;
}

}  // namespace

TEST_CASE("the public key of a known private key") {
  const auto key = PrivateKey::parse(kAlicePrivate);
  REQUIRE(key);
  CHECK(key->public_key().to_string() == kAlicePublic);
}

TEST_CASE("a generated pair is what wg makes and reads") {
  const Folder folder;
  const std::string path = folder.path() + "/new/folders/node.key";
  const auto made = generate_key(path, false);
  REQUIRE(made);
  const std::string line = read(path);
  CHECK(line.size() == 45);
  CHECK(line.back() == '\n');
  CHECK(mode_of(path) == 0600);
  CHECK(output_of("wg pubkey < " + path) == made->to_string() + "\n");
  CHECK(entries(folder.path() + "/new/folders") == 1);
  const auto key = PrivateKey::parse(line.substr(0, 44));
  REQUIRE(key);
  CHECK((key->bytes()[0] & 7) == 0);
  CHECK((key->bytes()[31] & 192) == 64);
  CHECK_FALSE(generate_key(folder.path() + "/other", false)->to_string() == made->to_string());
}

TEST_CASE("a key of wg genkey is read") {
  const Folder folder;
  const std::string line = output_of("wg genkey");
  write(folder.path() + "/etc/arctic/node.key", line, 0600);
  const auto key = node_public_key(folder.path());
  REQUIRE(key);
  REQUIRE(*key);
  CHECK((*key)->to_string() + "\n" == output_of("printf %s '" + line + "' | wg pubkey"));
}

TEST_CASE("an existing key is replaced with force alone") {
  const Folder folder;
  const std::string path = folder.path() + "/node.key";
  REQUIRE(generate_key(path, false));
  const std::string first = read(path);
  const auto refused = generate_key(path, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK(refused.error().hint.find("--force") != std::string::npos);
  CHECK(read(path) == first);
  CHECK(entries(folder.path()) == 1);
  REQUIRE(generate_key(path, true));
  CHECK(read(path) != first);
  CHECK(mode_of(path) == 0600);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a link in the key's place is neither followed nor replaced") {
  const Folder folder;
  const std::string path = folder.path() + "/etc/arctic/node.key";
  write(folder.path() + "/elsewhere", std::string(kAlicePrivate) + "\n", 0600);
  fs::create_directories(folder.path() + "/etc/arctic");
  fs::create_symlink(folder.path() + "/elsewhere", path);
  const auto key = node_public_key(folder.path());
  REQUIRE_FALSE(key);
  CHECK(key.error().code == ErrorCode::kRefused);
  CHECK_FALSE(generate_key(path, false));
  CHECK(read(folder.path() + "/elsewhere") == std::string(kAlicePrivate) + "\n");
}

TEST_CASE("what is no regular file is not replaced by a key, forced or not") {
  const Folder folder;
  const std::string path = folder.path() + "/place";
  const auto refuses = [&](const char* what) {
    INFO(what);
    for (const bool force : {false, true}) {
      const auto made = generate_key(path, force);
      REQUIRE_FALSE(made);
      CHECK(made.error().code == ErrorCode::kRefused);
      CHECK(made.error().reason.find("not a regular file") != std::string::npos);
      CHECK(entries(folder.path()) == 1);
    }
    CHECK_FALSE(fs::is_regular_file(fs::symlink_status(path)));
    fs::remove(path);
  };
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  refuses("a pipe");
  REQUIRE(::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0);
  refuses("a device");
  REQUIRE(::mknod(path.c_str(), S_IFSOCK | 0600, 0) == 0);
  refuses("a socket");
  fs::create_symlink("/dev/null", path);
  refuses("a link");
  fs::create_directory(path);
  refuses("a folder");
}

TEST_CASE("killed at any system call, keygen leaves no key but the one in its place") {
  for (const bool force : {false, true}) {
    bool alive = true;
    for (int n = 1; alive; ++n) {
      const Folder folder;
      const std::string path = folder.path() + "/node.key";
      alive = killed_at(n, [&] { (void)generate_key(path, force); });
      const bool placed = fs::exists(path);
      INFO("stop " << n << (force ? ", forced" : ""));
      // Replacing needs a second name for a moment, always the same one.
      const bool aside = fs::exists(folder.path() + "/.node.key.arctic.new");
      CHECK(entries(folder.path()) == std::size_t{placed} + std::size_t{aside});
      CHECK_FALSE((aside && !force));
      REQUIRE(generate_key(path, true));
      CHECK(entries(folder.path()) == 1);
      REQUIRE(n < 1000);
    }
  }
}

TEST_CASE("keygen makes usable folders under any umask") {
  for (const mode_t mask : {mode_t{0}, mode_t{0077}, mode_t{0777}}) {
    const Folder folder;
    const mode_t before = ::umask(mask);
    const auto made = generate_key(folder.path() + "/etc/arctic/node.key", false);
    ::umask(before);
    REQUIRE(made);
    CHECK(mode_of(folder.path() + "/etc") == 0755);
    CHECK(mode_of(folder.path() + "/etc/arctic") == 0755);
    CHECK(mode_of(folder.path() + "/etc/arctic/node.key") == 0600);
  }
}

TEST_CASE("the node key on disk") {
  const std::string good = std::string(kAlicePrivate) + "\n";
  struct Row {
    const char* name;
    std::string text;
    mode_t mode;
    std::optional<ErrorCode> error;
  };
  std::string loose = kAlicePrivate;
  loose[42] = 'p';  // bits beyond the 32 bytes
  const Row rows[] = {
      {"as wg prints it", good, 0600, std::nullopt},
      {"without its newline", kAlicePrivate, 0600, std::nullopt},
      {"read-only", good, 0400, std::nullopt},
      {"readable by the group", good, 0640, ErrorCode::kRefused},
      {"readable by all", good, 0644, ErrorCode::kRefused},
      {"writable by all", good, 0602, ErrorCode::kRefused},
      {"empty", "", 0600, ErrorCode::kConfig},
      {"a newline", "\n", 0600, ErrorCode::kConfig},
      {"two lines", good + "\n", 0600, ErrorCode::kConfig},
      {"two keys", good + good, 0600, ErrorCode::kConfig},
      {"a blank before it", " " + good, 0600, ErrorCode::kConfig},
      {"carriage return", std::string(kAlicePrivate) + "\r", 0600, ErrorCode::kConfig},
      {"too short", "aGVsbG8=\n", 0600, ErrorCode::kConfig},
      {"not canonical", loose + "\n", 0600, ErrorCode::kConfig},
      {"not base64", std::string(43, '*') + "=\n", 0600, ErrorCode::kConfig},
      {"long", std::string(100000, 'A'), 0600, ErrorCode::kConfig},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const Folder folder;
    const std::string path = folder.path() + "/etc/arctic/node.key";
    write(path, row.text, row.mode);
    const auto key = node_public_key(folder.path());
    REQUIRE(key.has_value() == !row.error);
    if (key) {
      REQUIRE(*key);
      CHECK((*key)->to_string() == kAlicePublic);
      continue;
    }
    CHECK(key.error().code == *row.error);
    CHECK(key.error().subject == path);
    CHECK_FALSE(key.error().hint.empty());
    CHECK(key.error().message().find(kAlicePrivate) == std::string::npos);
    if (row.error == ErrorCode::kRefused) CHECK(key.error().hint == "chmod 600 " + path);
  }
}

TEST_CASE("no key, a folder, a pipe, somebody else's key") {
  const Folder folder;
  const std::string path = folder.path() + "/etc/arctic/node.key";
  auto key = node_public_key(folder.path());
  REQUIRE(key);
  CHECK_FALSE(*key);
  fs::create_directories(path);
  CHECK(node_public_key(folder.path()).error().code == ErrorCode::kRefused);
  fs::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(node_public_key(folder.path()).error().code == ErrorCode::kRefused);
  fs::remove(path);
  REQUIRE(::geteuid() == 0);
  write(path, std::string(kAlicePrivate) + "\n", 0600);
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  const auto other = node_public_key(folder.path());
  REQUIRE_FALSE(other);
  CHECK(other.error().code == ErrorCode::kRefused);
  CHECK(other.error().hint == "chown root " + path);
}

TEST_CASE("a key that cannot be written says why and leaves nothing") {
  const auto status = generate_key("/proc/arctic/node.key", false);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::kFailure);
}

TEST_CASE("which peer this node is") {
  const std::optional<PublicKey> alice = parse_public_key(kAlicePublic);
  const std::optional<PublicKey> none;
  const std::string a = kAlicePublic;
  const std::string b = kBobPublic;
  struct Row {
    const char* name;
    std::string syd_key, lon_key;
    std::optional<PublicKey> key;
    std::optional<std::string> said;
    std::string node;  // empty: an error
    ErrorCode error;
    std::string hint;
  };
  const ErrorCode ok{};
  const Row rows[] = {
      {"by key", a, b, alice, {}, "syd", ok, ""},
      {"by --node", a, b, none, "lon", "lon", ok, ""},
      {"by both", a, b, alice, "syd", "syd", ok, ""},
      {"by neither", a, b, none, {}, "", ErrorCode::kUsage, "--node NAME"},
      {"key of another peer", a, b, alice, "lon", "", ErrorCode::kRefused, "run this on `lon`"},
      {"key of another peer, none in the file", a, "", alice, "lon", "", ErrorCode::kRefused, ""},
      {"key of nobody", b, "", alice, {}, "", ErrorCode::kRefused, kAlicePublic},
      {"key of nobody, the peer has one", b, "", alice, "syd", "", ErrorCode::kRefused,
       kAlicePublic},
      {"key of nobody, the peer has none", b, "", alice, "lon", "lon", ok, ""},
      {"--node of nobody", a, b, none, "lom", "", ErrorCode::kConfig, "did you mean `lon`?"},
      {"--node of nobody, with a key", a, b, alice, "london", "", ErrorCode::kConfig, ""},
      {"--node of nobody, nothing near", a, b, none, "tokyo-3", "", ErrorCode::kConfig,
       "peers: syd, lon"},
      {"--node that climbs", a, b, none, "..", "", ErrorCode::kConfig, ""},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const auto node = node_of(config_with(row.syd_key, row.lon_key), row.key, row.said);
    REQUIRE(node.has_value() == !row.node.empty());
    if (node) {
      CHECK(*node == row.node);
      continue;
    }
    CHECK(node.error().code == row.error);
    CHECK(node.error().hint.find(row.hint) != std::string::npos);
    CHECK_FALSE(node.error().hint.empty());
  }
}

}  // namespace arctic::test
