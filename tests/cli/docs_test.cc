// What README.md and docs/ show is what the program prints: their commands are run as they stand.
//
// In a block, a line that begins with `$ ` or `# ` is typed; what follows up to the next one is the
// output of both streams. A line `…` stands for any lines.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/cli/program.h"
#include "tests/support/netns.h"

namespace arctic::test {

namespace {

using Lines = std::vector<std::string>;

const std::string kSource = ARCTIC_SOURCE_DIR;
const std::string kDots = "…";

Lines lines_of(const std::string& text) {
  std::istringstream in(text);
  Lines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Lines lines_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.is_open());
  return lines_of(std::string(std::istreambuf_iterator<char>(in), {}));
}

struct Typed {
  std::string command;
  Lines output;
};

// The commands of all blocks with this prompt, in order.
std::vector<Typed> typed_in(const std::string& path, const std::string& prompt) {
  std::vector<Typed> all;
  bool inside = false;
  bool plain = false;  // what a block of another language shows is not a dialogue
  bool ours = false;
  for (const std::string& line : lines_of_file(path)) {
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      plain = inside && line == "```";
      ours = false;
    } else if (plain && line.rfind(prompt, 0) == 0) {
      all.push_back({line.substr(prompt.size()), {}});
      ours = true;
    } else if (plain && ours) {
      all.back().output.push_back(line);
    }
  }
  return all;
}

bool fits(Lines::const_iterator want, Lines::const_iterator want_end, Lines::const_iterator has,
          Lines::const_iterator has_end) {
  for (; want != want_end; ++want, ++has) {
    const bool dots = want->find_first_not_of(" \t") != std::string::npos &&
                      want->substr(want->find_first_not_of(" \t")) == kDots;
    if (dots) {
      for (auto from = has;; ++from) {
        if (fits(want + 1, want_end, from, has_end)) return true;
        if (from == has_end) return false;
      }
    }
    if (has == has_end || *want != *has) return false;
  }
  return has == has_end;
}

void check_output(const Typed& typed, const std::string& printed) {
  INFO("$ " << typed.command << "\n" << printed);
  const Lines has = lines_of(printed);
  CHECK(fits(typed.output.begin(), typed.output.end(), has.begin(), has.end()));
}

// The commands' shell: `arctic` is the program, on a machine of its own.
std::string in_shell(const std::string& command) {
  return "arctic() { \"$ARCTIC\" \"$@\" --root root; }\n" + command;
}

// What the page takes for granted: the clone.
void put_clone(const TemporaryFolder& folder) {
  folder.write("root/.keep", "");
  for (const char* name : {"examples", "golden", "tests"}) {
    REQUIRE(shell({.folder = folder.path()}, "ln -s " + kSource + "/" + name + " .").status == 0);
  }
}

}  // namespace

TEST_CASE("README: commands without a node print what it shows", "[cli]") {
  const TemporaryFolder folder;
  put_clone(folder);
  const auto all = typed_in(kSource + "/README.md", "$ ");
  CHECK(all.size() >= 7);
  int status = 0;
  for (const Typed& typed : all) {
    const Ran ran =
        shell({.folder = folder.path()},
              in_shell("exec 2>&1; (exit " + std::to_string(status) + ")\n" + typed.command));
    status = ran.status;
    check_output(typed, ran.out);
  }
}

TEST_CASE("README: commands on a node print what it shows", "[cli][root]") {
  const TemporaryFolder folder;
  put_clone(folder);
  const Netns netns;
  // As on the demo's routers, and the parameter that is left is the one that changes.
  netns.sh(
      "for each in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$each; "
      "done");
  const Netns::Inside inside(netns);
  const auto all = typed_in(kSource + "/README.md", "# ");
  CHECK(all.size() == 4);
  for (const Typed& typed : all) {
    const Ran ran = shell({.folder = folder.path()}, in_shell("exec 2>&1\n" + typed.command));
    CHECK(ran.status == 0);
    // Of a listing the page shows one chain, without what is around it.
    Typed wanted = typed;
    if (typed.command.rfind("nft ", 0) == 0) {
      wanted.output.insert(wanted.output.begin(), kDots);
      wanted.output.push_back(kDots);
    }
    check_output(wanted, ran.out);
  }
}

TEST_CASE("docs/exit-codes.md shows a message that the program prints", "[cli]") {
  const Lines page = lines_of_file(kSource + "/docs/exit-codes.md");
  const std::string first = "arctic.yaml:14:18: error: ";
  const auto begin = std::find_if(page.begin(), page.end(),
                                  [&](const auto& line) { return line.rfind(first, 0) == 0; });
  REQUIRE(begin != page.end());
  Typed typed{"arctic validate", Lines(begin, std::find(begin, page.end(), "```"))};
  typed.output.push_back("error: arctic.yaml: has 1 error");
  const TemporaryFolder folder;
  folder.write("arctic.yaml",
               "version: v1\n\npeers:\n"
               "  - name: syd\n    public_key: \"N9GoHYjoQ2/eq0KsHEl74eqmTdwrPMbCBknVenYyjXk=\"\n"
               "  - name: lon\n    address: 192.0.2.1\n"
               "    public_key: \"kBKprsVFyGK0GRz19nQrMo1UgeZSHdLl5D5npnhNzlQ=\"\n\n\nservices:\n"
               "  - name: a\n    source_peer: syd\n    target_peer: lno\n    transport_type: tcp\n"
               "    routes: [{priority: 1, dest_cidr: 10.0.0.0/8}]\n");
  check_output(typed, shell({.folder = folder.path()}, in_shell("exec 2>&1; arctic validate")).out);
}

}  // namespace arctic::test
