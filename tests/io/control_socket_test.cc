// The control socket over a real one: lines in order, limits, and who may have the path.
#include "runtime/io/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <vector>

#include "tests/support/loop_thread.h"

namespace arctic::test {
namespace {

namespace fs = std::filesystem;

/// A blocking client with a deadline on each call.
class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const timeval patience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  void shut() const { ::shutdown(fd_.get(), SHUT_WR); }

  /// False if the other end takes no more.
  bool send(const std::string& text) const {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t now = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return false;
      sent += static_cast<std::size_t>(now);
    }
    return true;
  }
  /// Without its newline; "<end>" if the connection ends first.
  std::string line() {
    std::size_t seen = 0;  // without a newline in it
    for (;;) {
      if (const std::size_t end = buffer_.find('\n', seen); end != std::string::npos) {
        std::string out = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return out;
      }
      seen = buffer_.size();
      char piece[65536];
      const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
      if (got <= 0) return got == 0 || errno == ECONNRESET ? "<end>" : "<nothing>";
      buffer_.append(piece, static_cast<std::size_t>(got));
    }
  }

 private:
  OwnedFd fd_;
  bool connected_ = false;
  std::string buffer_;
};

Task<ControlSocket::Answer> echo(std::string line) {
  const bool close = line == "bye";
  if (line == "big") line.assign(std::size_t{32} << 20, 'x');
  co_return ControlSocket::Answer{"<" + std::move(line) + ">", close};
}

/// A control socket in a loop of its own.
class Running {
 public:
  explicit Running(const std::string& path, Watched::Time patience = std::chrono::seconds(10)) {
    ControlSocket::Options options;
    options.path = path;
    options.handle = echo;
    options.too_long = "too long";
    options.too_many = "too many";
    options.patience = patience;
    auto made = thread_.in_loop([&] { return ControlSocket::make(thread_.loop(), options); });
    if (made) {
      socket_ = std::move(*made);
    } else {
      error_ = made.error();
    }
  }
  ~Running() {
    thread_.in_loop([&] { socket_.reset(); });
  }
  [[nodiscard]] bool runs() const { return socket_ != nullptr; }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  LoopThread thread_;
  std::unique_ptr<ControlSocket> socket_;
  Error error_;
};

unsigned mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(::lstat(path.c_str(), &about) == 0);
  return about.st_mode & 07777U;
}

}  // namespace

TEST_CASE("lines are answered in order, however they come") {
  const TempFolder folder;
  const std::string path = folder.path() + "/run/arctic/pegasus.sock";
  const Running running(path);
  REQUIRE(running.runs());
  CHECK(mode_of(path) == 0600);

  Client client(path);
  REQUIRE(client.connected());
  REQUIRE(client.send("one\ntwo\n\nth"));
  CHECK(client.line() == "<one>");
  CHECK(client.line() == "<two>");
  CHECK(client.line() == "<>");
  REQUIRE(client.send("ree\n"));
  CHECK(client.line() == "<three>");
  std::string many;
  for (int i = 0; i < 5000; ++i) many += std::to_string(i) + "\n";
  REQUIRE(client.send(many));
  for (int i = 0; i < 5000; ++i) REQUIRE(client.line() == "<" + std::to_string(i) + ">");
  // Who has said all still gets the answers.
  REQUIRE(client.send("last\nnot ended"));
  client.shut();
  CHECK(client.line() == "<last>");
  CHECK(client.line() == "<end>");

  Client other(path);
  REQUIRE(other.send("bye\nnever\n"));
  CHECK(other.line() == "<bye>");
  CHECK(other.line() == "<end>");
}

TEST_CASE("a line of 64 KiB is heard, a longer one is told so and closed") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  const Running running(path);
  REQUIRE(running.runs());
  Client client(path);
  const std::string longest(ControlSocket::kMaxLine, 'a');
  REQUIRE(client.send(longest + "\n"));
  CHECK(client.line() == "<" + longest + ">");
  // Another byte is too much with a newline behind it, and without one.
  for (const char* end : {"\n", ""}) {
    Client long_one(path);
    REQUIRE(long_one.send(longest + "b" + end));
    CHECK(long_one.line() == "too long");
    CHECK(long_one.line() == "<end>");
  }
  REQUIRE(client.send("still here\n"));
  CHECK(client.line() == "<still here>");
}

TEST_CASE("the seventeenth connection is turned away until one ends") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  const Running running(path);
  REQUIRE(running.runs());
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < ControlSocket::kMaxConnections; ++i) {
    clients.push_back(std::make_unique<Client>(path));
    REQUIRE(clients.back()->send("hello\n"));
    REQUIRE(clients.back()->line() == "<hello>");
  }
  Client late(path);
  CHECK(late.line() == "too many");
  CHECK(late.line() == "<end>");
  clients.pop_back();
  CHECK(eventually([&] {
    Client again(path);
    return again.send("hello\n") && again.line() == "<hello>";
  }));
}

TEST_CASE("who does not read its answer is closed, and others are served meanwhile") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  const Running running(path, std::chrono::milliseconds(200));
  REQUIRE(running.runs());
  Client lazy(path);
  REQUIRE(lazy.send("big\n"));
  Client other(path);
  REQUIRE(other.send("hello\n"));
  CHECK(other.line() == "<hello>");
  pollfd gone{lazy.fd(), POLLRDHUP, 0};
  CHECK(::poll(&gone, 1, 10'000) == 1);
  // One that reads late but in time gets all of it.
  const std::string slow_path = folder.path() + "/t";
  const Running patient(slow_path);
  Client slow(slow_path);
  REQUIRE(slow.send("big\n"));
  CHECK(slow.line().size() == (std::size_t{32} << 20) + 2);
}

TEST_CASE("the socket of a dead process is replaced, that of a living one is not") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  {
    const Running first(path);
    REQUIRE(first.runs());
    const Running second(path);
    REQUIRE_FALSE(second.runs());
    CHECK(second.error().code == ErrorCode::kRefused);
    CHECK(second.error().reason == "another process listens there");
    Client client(path);
    REQUIRE(client.send("hello\n"));
    CHECK(client.line() == "<hello>");
  }
  CHECK_FALSE(fs::exists(fs::symlink_status(path)));
  // A process that was killed leaves its socket.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::_exit(bound && ::listen(fd, 1) == 0 ? 0 : 1);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(fs::exists(path));
  const Running after(path);
  REQUIRE(after.runs());
  CHECK(mode_of(path) == 0600);
  Client client(path);
  REQUIRE(client.send("hello\n"));
  CHECK(client.line() == "<hello>");
}

TEST_CASE("a living process that is too busy to answer is not taken for dead") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  const OwnedFd busy(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(busy.get(), raw, sizeof address) == 0);
  REQUIRE(::listen(busy.get(), 0) == 0);
  std::vector<OwnedFd> waiting;
  int result = 0;
  while (result == 0 && waiting.size() < 10) {
    waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    result = ::connect(waiting.back().get(), raw, sizeof address);
  }
  REQUIRE(result != 0);
  REQUIRE(errno == EAGAIN);
  const Running running(path);
  REQUIRE_FALSE(running.runs());
  CHECK(running.error().reason == "another process listens there");
  CHECK(fs::exists(path));
}

TEST_CASE("what is not its own is neither replaced nor removed") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  const std::string target = folder.path() + "/target";
  std::ofstream(target) << "content";
  const auto refused = [&](const char* what) {
    INFO(what);
    const Running running(path);
    REQUIRE_FALSE(running.runs());
    CHECK(running.error().code == ErrorCode::kRefused);
    CHECK(running.error().subject == path);
    CHECK(fs::exists(fs::symlink_status(path)));
    fs::remove_all(path);
  };
  std::ofstream(path) << "a file";
  refused("a file");
  fs::create_directory(path);
  refused("a folder");
  fs::create_symlink(target, path);
  refused("a link to a file");
  fs::create_symlink(folder.path() + "/nowhere", path);
  refused("a link to nothing");
  CHECK_FALSE(fs::exists(folder.path() + "/nowhere"));

  fs::create_directory(folder.path() + "/real");
  fs::create_symlink(folder.path() + "/real", folder.path() + "/link");
  const Running through_link(folder.path() + "/link/s");
  CHECK_FALSE(through_link.runs());
  CHECK(fs::is_empty(folder.path() + "/real"));

  const Running too_long(folder.path() + "/" + std::string(120, 'x'));
  REQUIRE_FALSE(too_long.runs());
  CHECK(too_long.error().code == ErrorCode::kConfig);

  {
    const Running mine(path);
    REQUIRE(mine.runs());
    fs::remove(path);
    std::ofstream(path) << "somebody else's";
  }
  CHECK(fs::exists(path));
}

TEST_CASE("another user is closed without a byte") {
  const TempFolder folder;
  const std::string path = folder.path() + "/s";
  const Running running(path);
  REQUIRE(running.runs());
  fs::permissions(folder.path(), fs::perms::all);
  REQUIRE(::chmod(path.c_str(), 0777) == 0);
  REQUIRE(::geteuid() == 0);  // only root can be somebody else
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    Client client(path);
    if (!client.connected()) ::_exit(3);
    client.send("hello\n");
    ::_exit(client.line() == "<end>" ? 0 : 4);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  Client own(path);
  REQUIRE(own.send("hello\n"));
  CHECK(own.line() == "<hello>");
}

}  // namespace arctic::test
