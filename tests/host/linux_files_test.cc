// Files, the lock and the runtimes' sockets of LinuxHost.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/host/linux_host.h"
#include "tests/host/linux_machine.h"

using namespace arctic;
using arctic::test::Folder;
namespace fs = std::filesystem;

namespace {

std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("files are written with their mode and folders, whatever the umask") {
  Folder folder;
  LinuxHost host(folder.path());
  for (const mode_t mask : {0000, 0022, 0077, 0777}) {
    const mode_t before = ::umask(mask);
    const std::string name = "/opt/tillered/u" + std::to_string(mask) + "/config.json";
    const auto status = host.write_file(name, "text", 0644);
    const auto secret = host.write_file("/etc/arctic/k" + std::to_string(mask), "key", 0600);
    ::umask(before);
    REQUIRE(status.has_value());
    REQUIRE(secret.has_value());
    CHECK(mode_of(folder.path() + name) == 0644);
    CHECK(mode_of((folder.path() + "/etc/arctic/k") + std::to_string(mask)) == 0600);
    CHECK(mode_of(fs::path(folder.path() + name).parent_path()) == 0755);
  }
  REQUIRE(host.write_file("/var/lib/arctic/generations/1-a/plan.json", "x", 0600).has_value());
  for (const char* each :
       {"/var/lib/arctic", "/var/lib/arctic/generations", "/var/lib/arctic/generations/1-a"}) {
    CHECK(mode_of(folder.path() + each) == 0700);
  }
  CHECK(mode_of(folder.path() + "/var/lib") == 0755);
}

TEST_CASE("reading, writing, appending, listing, removing") {
  Folder folder;
  LinuxHost host(folder.path());
  CHECK_FALSE(host.read_file("/a/b").value().has_value());
  CHECK(host.list_folder("/a").value().empty());
  CHECK(host.remove_file("/a/b").has_value());
  CHECK(host.remove_folder("/a").has_value());
  const std::string bytes("zero\0 and \xff", 11);
  for (const std::string& content : {bytes, std::string(), std::string(1 << 20, 'x')}) {
    REQUIRE(host.write_file("/a/b", content, 0644).has_value());
    CHECK(host.read_file("/a/b").value() == content);
    CHECK(entries(folder.path() + "/a") == 1);
  }
  REQUIRE(host.append_file("/a/journal", "one\n").has_value());
  REQUIRE(host.append_file("/a/journal", "two\n").has_value());
  CHECK(host.read_file("/a/journal").value() == "one\ntwo\n");
  CHECK(mode_of(folder.path() + "/a/journal") == 0600);
  REQUIRE(host.write_file("/a/c/d/e", "deep", 0644).has_value());
  std::ofstream(folder.path() + "/a/.b.1-1.new") << "left by a crash";
  CHECK(host.list_folder("/a").value() == std::vector<std::string>{"b", "c", "journal"});
  CHECK_FALSE(host.remove_file("/a/c").has_value());
  REQUIRE(host.remove_file("/a/b").has_value());
  REQUIRE(host.remove_folder("/a").has_value());
  CHECK(entries(folder.path()) == 0);
}

TEST_CASE("files are observed and changed like everything else") {
  Folder folder;
  test::Netns netns;
  const test::Netns::Inside inside(netns);
  LinuxHost host(folder.path());
  NodeState desired;
  desired.files[kPegasusConfigPath].content = "{}\n";
  CHECK(host.observe(desired, {}).value().files.empty());
  REQUIRE(host.perform(FileDelta{kPegasusConfigPath, {}, File{"{}\n", {}}}).has_value());
  CHECK(host.observe(desired, {}).value().files == desired.files);
  CHECK(host.observe({}, {}).value().files.empty());
  CHECK(mode_of(folder.path() + kPegasusConfigPath) == 0644);
  REQUIRE(host.perform(FileDelta{kPegasusConfigPath, File{"{}\n", {}}, {}}).has_value());
  CHECK(host.observe(desired, {}).value().files.empty());
}

TEST_CASE("nothing leads out of the root folder") {
  Folder folder;
  Folder outside;
  LinuxHost host(folder.path());
  std::ofstream(outside.path() + "/secret") << "secret";
  fs::create_directory(folder.path() + "/a");

  // A link in the last component is replaced, not followed.
  fs::create_symlink(outside.path() + "/secret", folder.path() + "/a/link");
  REQUIRE(host.write_file("/a/link", "new", 0600).has_value());
  CHECK(fs::symlink_status(folder.path() + "/a/link").type() == fs::file_type::regular);
  // Appending, and the lock, refuse one.
  fs::create_symlink(outside.path() + "/secret", folder.path() + "/a/journal");
  CHECK_FALSE(host.append_file("/a/journal", "x").has_value());
  fs::create_directories(folder.path() + "/run/arctic");
  fs::create_symlink(outside.path() + "/secret", folder.path() + "/run/arctic/lock");
  CHECK_FALSE(host.lock().has_value());
  // A folder that is a link means what it means inside the root.
  fs::create_directory_symlink(outside.path(), folder.path() + "/out");
  CHECK_FALSE(host.read_file("/out/secret").value().has_value());
  CHECK_FALSE(host.read_file("/../../../../../../../../etc/hostname").value().has_value());
  fs::create_directory_symlink("/a", folder.path() + "/in");
  CHECK(host.read_file("/in/link").value() == "new");
  // Removing a folder does not follow links in it.
  fs::create_directory_symlink(outside.path(), folder.path() + "/a/way");
  REQUIRE(host.remove_folder("/a").has_value());
  CHECK(slurp(outside.path() + "/secret") == "secret");
}

TEST_CASE("what is no regular file is refused at once") {
  Folder folder;
  LinuxHost host(folder.path());
  REQUIRE(::mkfifo((folder.path() + "/fifo").c_str(), 0600) == 0);
  fs::create_directory(folder.path() + "/folder");
  for (const char* path : {"/fifo", "/folder"}) {
    const auto text = host.read_file(path);
    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().subject == folder.path() + path);
    CHECK_FALSE(host.append_file(path, "x").has_value());
  }
  CHECK_FALSE(host.write_file("/folder", "x", 0600).has_value());
  CHECK(entries(folder.path()) == 2);
  LinuxHost nowhere(folder.path() + "/missing");
  CHECK(nowhere.read_file("/a").error().subject == folder.path() + "/missing/");
}

TEST_CASE("a full or read-only disk is told, and the old content stays") {
  // A mount namespace of a child of ours: the machine's mounts are never touched.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto check = [](bool good, int code) {
      if (!good) ::_exit(code);
    };
    check(::unshare(CLONE_NEWNS) == 0, 1);
    check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, 2);
    Folder folder;
    check(::mount("none", folder.path().c_str(), "tmpfs", 0, "size=64k") == 0, 3);
    LinuxHost host(folder.path());
    check(host.write_file("/a", "old", 0600).has_value(), 4);
    const auto full = host.write_file("/a", std::string(1 << 20, 'x'), 0600);
    check(!full && full.error().reason.find("No space left") != std::string::npos, 5);
    check(!full.error().hint.empty() && full.error().subject == folder.path() + "/a", 6);
    check(host.read_file("/a").value() == "old" && entries(folder.path()) == 1, 7);
    check(!host.append_file("/a", std::string(1 << 20, 'x')).has_value(), 8);
    check(host.read_file("/a").value() == "old", 9);
    check(::mount("none", folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0,
          10);
    const auto fixed = host.write_file("/a", "new", 0600);
    check(!fixed && fixed.error().reason.find("Read-only") != std::string::npos, 11);
    check(host.read_file("/a").value() == "old", 12);
    check(::umount(folder.path().c_str()) == 0, 13);
    ::rmdir(folder.path().c_str());
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("one lock at a time, and it dies with its process") {
  Folder folder;
  LinuxHost host(folder.path());
  const std::string file = folder.path() + "/run/arctic/lock";
  {
    const auto lock = host.lock();
    REQUIRE(lock.has_value());
    CHECK(mode_of(file) == 0600);
    LinuxHost other(folder.path());
    const auto refused = other.lock();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::kRefused);
    CHECK(refused.error().reason.find("pid " + std::to_string(::getpid()) + ", user root, since") !=
          std::string::npos);
  }
  CHECK(slurp(file).empty());
  CHECK(host.lock().has_value());

  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto lock = host.lock();
    (void)!::write(ready[1], lock ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  const auto refused = host.lock();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().reason.find("pid " + std::to_string(child)) != std::string::npos);
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(host.lock().has_value());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a runtime answers where something listens") {
  Folder folder;
  // Longer than a socket address holds.
  const std::string root = folder.path() + "/" + std::string(120, 'r');
  fs::create_directories(root + "/run/arctic");
  LinuxHost host(root);
  CHECK_FALSE(host.runtime_answers("pegasus"));
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(listener >= 0);
  const fs::path before = fs::current_path();
  fs::current_path(root + "/run/arctic");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "pegasus.sock");
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  fs::current_path(before);
  CHECK_FALSE(host.runtime_answers("pegasus"));
  REQUIRE(::listen(listener, 0) == 0);
  for (int i = 0; i < 5; ++i) CHECK(host.runtime_answers("pegasus"));
  CHECK_FALSE(host.runtime_answers("tempest"));
  // It takes the question, whole, and says what it says.
  REQUIRE(::listen(listener, 8) == 0);
  std::thread runtime([listener] {
    for (const std::string& answer : {std::string("one\nmore"), std::string()}) {
      std::string asked;
      int peer = -1;
      // Those who only looked whether somebody is there come first, and say nothing.
      while (asked.empty() && (peer = ::accept(listener, nullptr, nullptr)) >= 0) {
        char byte = 0;
        while (::read(peer, &byte, 1) == 1 && byte != '\n') asked += byte;
        if (asked.empty()) ::close(peer);
      }
      if (asked == "question") (void)!::write(peer, answer.data(), answer.size());
      ::close(peer);
    }
  });
  const auto answer = host.ask_runtime("pegasus", "question");
  const auto none = host.ask_runtime("pegasus", "question");
  runtime.join();
  REQUIRE(answer);
  CHECK(*answer == "one");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::kUnreachable);
  CHECK(none.error().reason == "hung up before it had answered");
  const auto nobody = host.ask_runtime("tempest", "question");
  REQUIRE(nobody);
  CHECK_FALSE(*nobody);
  ::close(listener);
  CHECK_FALSE(host.runtime_answers("pegasus"));
  std::ofstream(root + "/run/arctic/tempest.sock") << "a file";
  CHECK_FALSE(host.runtime_answers("tempest"));
}

TEST_CASE("without root the answer says so") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(9);
    LinuxHost host("");
    const auto seen = host.observe({}, {});
    const auto made = host.perform(LinkDelta{"tp-lon", {}, [] {
                                               Link link;
                                               link.kind = LinkKind::kTun;
                                               return link;
                                             }()});
    const auto says = [](const Error& error) {
      return error.code == ErrorCode::kFailure && !error.hint.empty();
    };
    const bool good = !seen && says(seen.error()) &&
                      seen.error().reason.find("needs root") != std::string::npos && !made;
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
