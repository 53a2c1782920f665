// Files that commands write where the user said.
#include "cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/cli/program.h"
#include "tests/support/killed.h"

namespace arctic::test {

namespace fs = std::filesystem;

TEST_CASE("what is no regular file is not replaced", "[cli]") {
  const TemporaryFolder folder;
  const std::string path = folder.at("place");
  const auto refuses = [&](const char* what) {
    INFO(what);
    struct stat before {};
    struct stat after {};
    REQUIRE(::stat(path.c_str(), &before) == 0);
    const Status written = cli::write_file(path, "new");
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::kRefused);
    CHECK(written.error().hint.find("--json") != std::string::npos);
    CHECK_FALSE(cli::create_file(path, "new"));
    REQUIRE(::stat(path.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
    CHECK(folder.list().size() == 1);
    fs::remove(path);
  };
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  refuses("a pipe");
  REQUIRE(::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0);
  refuses("a device");
  REQUIRE(::mknod(path.c_str(), S_IFSOCK | 0600, 0) == 0);
  refuses("a socket");
  fs::create_symlink("/dev/null", path);
  refuses("a link to a device");
}

TEST_CASE("compile does not replace what is no file", "[cli]") {
  const TemporaryFolder folder;
  const Place here{folder.path()};
  const Ran out = shell(here, "mkdir -p compiled/syd; mkfifo compiled/syd/plan.json; $ARCTIC " +
                                  std::string("compile --node syd ") + example("two-sites"));
  INFO(out.err);
  CHECK(out.status == 5);
  CHECK(out.err.find("is not a regular file, and is not replaced") != std::string::npos);
  CHECK(fs::is_fifo(folder.at("compiled/syd/plan.json")));
}

TEST_CASE("a file that this process prints to is not replaced", "[cli]") {
  const TemporaryFolder folder;
  folder.write("out", "old");
  // Catch prints nothing between the two.
  const int before = ::dup(STDOUT_FILENO);
  const int file = ::open(folder.at("out").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::dup2(file, STDOUT_FILENO) == STDOUT_FILENO);
  const Status by_path = cli::write_file(folder.at("out"), "new");
  const Status by_name = cli::write_file("/dev/stdout", "new");
  REQUIRE(::dup2(before, STDOUT_FILENO) == STDOUT_FILENO);
  ::close(before);
  ::close(file);
  for (const Status* status : {&by_path, &by_name}) {
    REQUIRE_FALSE(*status);
    CHECK(status->error().code == ErrorCode::kRefused);
    CHECK(status->error().hint.find("--json") != std::string::npos);
  }
  CHECK(folder.read("out") == "old");
}

TEST_CASE("killed at any system call, a file is old or new, and nothing piles up", "[cli]") {
  const TemporaryFolder folder;
  folder.write("f", "old");
  bool alive = true;
  for (int n = 1; alive; ++n) {
    INFO("stop " << n);
    alive = killed_at(n, [&] { (void)cli::write_file(folder.at("f"), "new"); });
    const std::string content = folder.read("f");
    CHECK((content == "old" || content == "new"));
    CHECK(folder.list().size() <= 2);
    REQUIRE(cli::write_file(folder.at("f"), "old"));
    CHECK(folder.list().size() == 1);
    REQUIRE(n < 1000);
  }
}

}  // namespace arctic::test
