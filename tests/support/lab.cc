#include "tests/support/lab.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace arctic::lab {

namespace {

constexpr Milliseconds kCommandPatience{60000};
constexpr Milliseconds kPause{2};

Fd own_namespace() {
  Fd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) throw_errno("open the thread's network namespace");
  return fd;
}

Fd new_namespace() {
  // In a thread of its own, so that the caller never leaves the namespace it is in.
  Fd made;
  int error = 0;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      error = errno;
      return;
    }
    made = Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    error = made.valid() ? 0 : errno;
  }).join();
  if (error != 0) {
    errno = error;
    throw_errno("make a network namespace (the lab needs root)");
  }
  return made;
}

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

[[noreturn]] void become(int net, const Pipe& in, const Pipe& out, const Pipe& err, char** words) {
  // Nothing that allocates: other threads of the test may have held a lock when we were forked.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (setns(net, CLONE_NEWNET) != 0) _exit(126);
  dup2(in.read_end.get(), 0);
  dup2(out.write_end.get(), 1);
  dup2(err.write_end.get(), 2);
  execvp(words[0], words);
  _exit(127);
}

/// Feeds `input` and collects both outputs until the command closes them; false if time ends.
bool exchange(Pipe& in, Pipe& out, Pipe& err, const std::string& input, Output& output) {
  const auto end = Clock::now() + kCommandPatience;
  std::size_t fed = 0;
  if (input.empty()) in.write_end.reset();
  fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);
  while (out.read_end.valid() || err.read_end.valid()) {
    std::array<pollfd, 3> polled{pollfd{out.read_end.get(), POLLIN, 0},
                                 pollfd{err.read_end.get(), POLLIN, 0},
                                 pollfd{in.write_end.get(), POLLOUT, 0}};
    if (poll(polled.data(), polled.size(), 100) < 0 && errno != EINTR) throw_errno("poll");
    if (Clock::now() > end) return false;
    std::array<char, 65536> chunk;
    const auto drain = [&](const pollfd& p, Fd& from, std::string& to) {
      if ((p.revents & (POLLIN | POLLHUP)) == 0) return;
      const ssize_t n = read(from.get(), chunk.data(), chunk.size());
      if (n <= 0) return from.reset();
      to.append(chunk.data(), static_cast<std::size_t>(n));
    };
    drain(polled[0], out.read_end, output.out);
    drain(polled[1], err.read_end, output.err);
    if ((polled[2].revents & (POLLOUT | POLLERR)) != 0) {
      const ssize_t n = write(in.write_end.get(), input.data() + fed, input.size() - fed);
      if (n > 0) fed += static_cast<std::size_t>(n);
      if (fed == input.size() || (n < 0 && errno != EAGAIN)) in.write_end.reset();
    }
  }
  return true;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string bare(const std::string& host_prefix) {
  return host_prefix.substr(0, host_prefix.find('/'));
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() { reset(); }

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void throw_errno(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

Namespace::Namespace() : fd_(new_namespace()) {
  ip("link set lo up");
  // Addresses are usable at once; replies of routers that are not there are not waited for.
  for (const char* which : {"all", "default"}) {
    const std::string folder = std::string("net/ipv6/conf/") + which;
    set_sysctl(folder + "/accept_dad", "0");
    set_sysctl(folder + "/router_solicitations", "0");
    set_sysctl(std::string("net/ipv4/conf/") + which + "/rp_filter", "0");
  }
}

Output Namespace::run(const std::vector<std::string>& arguments, const std::string& input) const {
  signal(SIGPIPE, SIG_IGN);
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  std::vector<std::string> copies = arguments;
  std::vector<char*> words;
  for (auto& word : copies) words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) become(fd_.get(), in, out, err, words.data());
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();
  Output output;
  const bool ended = exchange(in, out, err, input, output);
  if (!ended) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) throw std::runtime_error(joined(arguments) + ": did not end within a minute");
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (output.status == 127 && output.err.empty()) output.err = "no such program";
  return output;
}

std::string Namespace::must(const std::vector<std::string>& arguments,
                            const std::string& input) const {
  Output output = run(arguments, input);
  if (output.status != 0) {
    throw std::runtime_error(joined(arguments) + ": exit " + std::to_string(output.status) + ": " +
                             output.err + output.out);
  }
  return std::move(output.out);
}

void Namespace::ip(const std::string& batch) const {
  std::string plain;
  std::string six;
  std::istringstream lines(batch);
  for (std::string line; std::getline(lines, line);) {
    const bool is_six = line.rfind("-6 ", 0) == 0;
    (is_six ? six : plain) += (is_six ? line.substr(3) : line) + "\n";
  }
  if (!plain.empty()) must({"ip", "-batch", "-"}, plain);
  if (!six.empty()) must({"ip", "-6", "-batch", "-"}, six);
}

void Namespace::nft(const std::string& ruleset) const { must({"nft", "-f", "-"}, ruleset); }

void Namespace::set_sysctl(const std::string& path, const std::string& value) const {
  const Inside inside(*this);
  std::ofstream file("/proc/sys/" + path);
  file << value << std::flush;
  if (!file) throw_errno("write /proc/sys/" + path);
}

std::string Namespace::sysctl(const std::string& path) const {
  const Inside inside(*this);
  std::ifstream file("/proc/sys/" + path);
  std::string value;
  std::getline(file, value);
  return value;
}

bool Namespace::has_link(const std::string& name) const {
  const Inside inside(*this);
  return if_nametoindex(name.c_str()) != 0;
}

void Namespace::await_carrier(const std::string& link, bool carrier) const {
  const Inside inside(*this);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  const bool runs = eventually([&] {
    if (ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) throw_errno("flags of " + link);
    return ((request.ifr_flags & IFF_RUNNING) != 0) == carrier;
  });
  if (!runs) throw std::runtime_error(link + (carrier ? " has no carrier" : " keeps its carrier"));
  // The watcher sets the flag first and opens (or shuts) the queue next, under the lock that this
  // call takes.
  if (ioctl(socket.get(), SIOCGIFTXQLEN, &request) != 0 ||
      ioctl(socket.get(), SIOCSIFTXQLEN, &request) != 0) {
    throw_errno("queue length of " + link);
  }
}

std::string Namespace::mac(const std::string& link) const {
  const Inside inside(*this);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) throw_errno("address of " + link);
  return {request.ifr_hwaddr.sa_data, 6};
}

std::string Namespace::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
}

Inside::Inside(const Namespace& where) : before_(own_namespace()) {
  if (setns(where.fd(), CLONE_NEWNET) != 0) throw_errno("enter a network namespace");
}

Inside::~Inside() {
  // Going on in the wrong namespace could touch the machine's own.
  if (setns(before_.get(), CLONE_NEWNET) != 0) abort();
}

void connect(const End& a, const End& b) {
  a.where->ip("link add " + a.name + " type veth peer name " + b.name + " netns " +
              b.where->path());
  for (const End* end : {&a, &b}) {
    std::string batch = "link set " + end->name + " up\n";
    for (const auto& address : end->addresses) {
      batch += "address add " + address + " dev " + end->name +
               (address.find(':') == std::string::npos ? "\n" : " nodad\n");
    }
    end->where->ip(batch);
  }
  a.where->await_carrier(a.name);
  b.where->await_carrier(b.name);
  const auto introduce = [](const End& to, const End& whom) {
    const std::string mac = whom.where->mac(whom.name);
    std::array<char, 18> text{};
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(mac[i]); };
    std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", byte(0), byte(1),
                  byte(2), byte(3), byte(4), byte(5));
    for (const auto& address : whom.addresses) {
      to.where->ip("neigh replace " + bare(address) + " lladdr " + text.data() + " dev " + to.name +
                   " nud permanent");
    }
  };
  introduce(a, b);
  introduce(b, a);
}

Folder::Folder() {
  const Fd context(fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context.valid()) throw_errno("fsopen tmpfs (the lab needs root)");
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    throw_errno("make a tmpfs");
  }
  fd_ = Fd(fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!fd_.valid()) throw_errno("fsmount");
}

std::string Folder::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_.get());
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  const std::string where = path() + "/" + name;
  std::ofstream file(where);
  file << text << std::flush;
  if (!file) throw_errno("write " + where);
  return where;
}

Output arctic(const Namespace& where, const Folder& root, std::vector<std::string> arguments,
              const std::string& input) {
  arguments.insert(arguments.begin(), ARCTIC_BINARY_DIR "/cli/arctic");
  arguments.insert(arguments.end(), {"--root", root.path()});
  return where.run(arguments, input);
}

std::string apply(const Namespace& where, const Folder& root, const std::string& yaml,
                  const std::string& node) {
  const std::string file = root.write("arctic.yaml", yaml);
  const Output output = arctic(where, root, {"apply", file, "--node", node, "--yes", "--prune"});
  if (output.status != 0) {
    throw std::runtime_error("arctic apply: exit " + std::to_string(output.status) + ": " +
                             output.err + output.out);
  }
  return output.out + output.err;
}

bool eventually(const std::function<bool()>& done, Milliseconds patience) {
  const auto end = Clock::now() + patience;
  while (!done()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

void stay_on_one_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) throw_errno("sched_setaffinity");
}

}  // namespace arctic::lab
