#include "tests/cli/program.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace arctic::test {

namespace {

namespace fs = std::filesystem;

const std::string kProgram = std::string(ARCTIC_BINARY_DIR) + "/cli/arctic";
constexpr unsigned kNobody = 65534;

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(int which) {
    if (ends[which] >= 0) ::close(ends[which]);
    ends[which] = -1;
  }
};

// Between fork and exec: nothing here may fail quietly.
void need(bool fine, const char* what) {
  if (fine) return;
  std::perror(what);
  ::_exit(126);
}

void enter(const Place& place) {
  if (!place.mounted.empty()) {
    need(::unshare(CLONE_NEWNS) == 0, "unshare");
    need(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    need(::mount("tmpfs", place.mounted.c_str(), "tmpfs", place.read_only ? MS_RDONLY : 0,
                 "size=16k,mode=755") == 0,
         "tmpfs");
  }
  if (!place.folder.empty()) need(::chdir(place.folder.c_str()) == 0, "chdir");
  if (place.as_nobody) {
    need(::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0,
         "setuid");
  }
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// Feeds and reads at once, so that neither side waits for the other for ever.
void exchange(Pipe& in, Pipe& out, Pipe& err, const std::string& input, Ran& ran) {
  std::size_t sent = 0;
  ::fcntl(in.ends[1], F_SETFL, O_NONBLOCK);
  if (input.empty()) in.close_end(1);
  std::string* const texts[] = {&ran.out, &ran.err};
  Pipe* const pipes[] = {&out, &err};
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    pollfd fds[] = {{in.ends[1], POLLOUT, 0}, {out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}};
    if (::poll(fds, 3, -1) < 0) continue;
    if (fds[0].revents != 0) {
      const ssize_t n = ::write(in.ends[1], input.data() + sent, input.size() - sent);
      if (n > 0) sent += static_cast<std::size_t>(n);
      if (n < 0 || sent == input.size()) in.close_end(1);
    }
    for (int i = 0; i < 2; ++i) {
      if (fds[i + 1].revents == 0) continue;
      char buffer[65536];
      const ssize_t n = ::read(pipes[i]->ends[0], buffer, sizeof buffer);
      if (n > 0) texts[i]->append(buffer, static_cast<std::size_t>(n));
      if (n <= 0) pipes[i]->close_end(0);
    }
  }
}

Ran run(const Place& place, const std::string& program, std::vector<std::string> words) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  Pipe err;
  // Opened before the child gives up its rights: the build folder may be closed to it.
  const int file = ::open(program.c_str(), O_PATH | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("not built: " + program);
  std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                          "ARCTIC=" + kProgram};
  environment.insert(environment.end(), place.environment.begin(), place.environment.end());
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    ::dup2(in.ends[0], STDIN_FILENO);
    ::dup2(out.ends[1], STDOUT_FILENO);
    ::dup2(err.ends[1], STDERR_FILENO);
    enter(place);
    ::fexecve(file, argv.data(), envp.data());
    need(false, "exec");
  }
  ::close(file);
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);
  Ran ran;
  exchange(in, out, err, place.input, ran);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

}  // namespace

Ran arctic(const Place& place, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"arctic"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run(place, kProgram, std::move(words));
}

Ran shell(const Place& place, const std::string& line) {
  return run(place, "/bin/sh", {"sh", "-c", line});
}

TemporaryFolder::TemporaryFolder() {
  char form[] = "/tmp/arctic-cli-XXXXXX";
  if (::mkdtemp(form) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = form;
  ::chmod(form, 0755);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TemporaryFolder::write(const std::string& name, const std::string& text, unsigned mode) const {
  const fs::path file = at(name);
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out.good() || ::chmod(file.c_str(), mode) != 0) throw std::runtime_error("write " + name);
}

std::string TemporaryFolder::read(const std::string& name) const {
  std::ifstream in(at(name), std::ios::binary);
  if (!in.is_open()) throw std::runtime_error("read " + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool TemporaryFolder::has(const std::string& name) const { return fs::exists(at(name)); }

std::vector<std::string> TemporaryFolder::list() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    names.push_back(entry.path().lexically_relative(path_).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string example(const std::string& name) {
  return std::string(ARCTIC_SOURCE_DIR) + "/examples/" + name + ".yaml";
}

}  // namespace arctic::test
