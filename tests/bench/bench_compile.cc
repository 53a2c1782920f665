// What it costs to get from the file to a programmed kernel, at 10,000 and at 100,000 routes,
// beside what `nft -f` needs for the ruleset that we emit ourselves. Needs root; works in
// namespaces of its own. The `arctic` command is the one of the same build.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "runtime/host/apply.h"
#include "runtime/host/linux_host.h"
#include "tests/bench/measure.h"
#include "tests/support/netns.h"
#include "tests/support/synthetic_config.h"

namespace arctic::bench {
namespace {

using test::must_run;
using test::Netns;

constexpr const char* kArctic = ARCTIC_BINARY_DIR "/cli/arctic";

/// Medians in seconds, of one size.
struct Costs {
  double load = 0;
  double compile = 0;
  double artifacts = 0;  ///< both: file to artifacts
  double memory_mib = 0;
  double apply = 0;        ///< plan and kernel part of a full apply into an empty kernel
  double nft_load = 0;     ///< the same ruleset by `nft -f` into an empty kernel
  double look = 0;         ///< observe and diff, one route changed
  double transaction = 0;  ///< the transaction of that change
  double nft_reload = 0;   ///< `nft -f` of the whole, in place of the old
  double command = 0;      ///< `arctic apply` of that change
};

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "arctic-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp: " + pattern);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    const std::string file = path_ + "/" + name;
    std::ofstream out(file, std::ios::binary);
    if (!(out << text).flush()) throw std::runtime_error("cannot write " + file);
    return file;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string text_of(std::size_t routes, bool changed) {
  test::SyntheticShape shape;
  shape.routes = routes;
  if (changed) shape.changed_route = routes / 2;
  return test::synthetic_config(shape);
}

Config load_or_throw(const std::string& text) {
  Diagnostics diagnostics;
  Config config = load(text, diagnostics);
  if (diagnostics.has_errors()) {
    throw std::runtime_error(render(diagnostics.all().front(), "synthetic", text, false));
  }
  return config;
}

template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

void check(Status status) {
  if (!status) throw std::runtime_error(status.error().message());
}

void measure_compile(std::size_t routes, int runs, Costs& costs) {
  const std::string text = text_of(routes, false);
  std::vector<double> loads;
  std::vector<double> compiles;
  for (int run = 0; run < runs; ++run) {
    Config config;
    loads.push_back(seconds([&] { config = load_or_throw(text); }));
    compiles.push_back(seconds([&] {
      const Compiled compiled = compile(config, test::kSyntheticNode);
      if (compiled.artifacts.ruleset_nft.empty()) throw std::runtime_error("empty ruleset");
    }));
  }
  costs.load = median(loads);
  costs.compile = median(compiles);
  costs.artifacts = costs.load + costs.compile;
}

/// Peak resident memory of `arctic compile`, a process of its own.
double compile_memory_mib(std::size_t routes, const Folder& folder) {
  const std::string file = folder.write("memory.yaml", text_of(routes, false));
  const std::string out = folder.path() + "/compiled";
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::execl(kArctic, "arctic", "compile", file.c_str(), "--node", test::kSyntheticNode, "-o",
            out.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || status != 0) {
    throw std::runtime_error("arctic compile failed");
  }
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// The kernel frees what a transaction removed after it, and the next one may have to wait for that;
/// on a node nobody applies twice within a tenth of a second.
void settle() { ::usleep(100'000); }

void perform_all(Host& host, const std::vector<Change>& changes) {
  for (const Change& change : changes) check(host.perform(change));
}

/// observe → diff → links, routes, rules → transaction: what apply does in the kernel.
double full_apply(const NodeState& desired, const std::string& root) {
  const Netns netns;
  const Netns::Inside inside(netns);
  LinuxHost host(root);
  return seconds([&] {
    const NodeState actual = value_or_throw(host.observe(desired, {}));
    const Changes changes = diff(actual, desired);
    perform_all(host, changes.prepare);
    check(host.commit(changes.nft));
  });
}

double nft_load(const std::string& ruleset) {
  const Netns netns;
  const Netns::Inside inside(netns);
  return seconds([&] { must_run("nft -f " + ruleset); });
}

/// As apply resolves it; there is neither a MACVLAN here nor a list of ports before.
NodeState resolved(NodeState desired) {
  for (auto& [path, sysctl] : desired.sysctls) sysctl.merge_ports = false;
  return desired;
}

void measure_full_apply(std::size_t routes, int runs, const Folder& folder, Costs& costs) {
  const Compiled compiled = compile(load_or_throw(text_of(routes, false)), test::kSyntheticNode);
  const NodeState desired = resolved(compiled.desired);
  const std::string ruleset = folder.write("ruleset.nft", compiled.artifacts.ruleset_nft);
  std::vector<double> ours;
  std::vector<double> theirs;
  for (int run = 0; run < runs; ++run) {
    ours.push_back(full_apply(desired, folder.path()));
    theirs.push_back(nft_load(ruleset));
  }
  costs.apply = median(ours);
  costs.nft_load = median(theirs);
}

struct Version {
  std::string file;
  NodeState desired;
  std::string reload;  ///< an nft file that replaces the whole table
};

Version version_of(std::size_t routes, bool changed, const Folder& folder) {
  const std::string name = changed ? "changed" : "original";
  const std::string text = text_of(routes, changed);
  const Compiled compiled = compile(load_or_throw(text), test::kSyntheticNode);
  return {folder.write(name + ".yaml", text), resolved(compiled.desired),
          folder.write(name + ".nft", compiled.artifacts.ruleset_nft)};
}

void measure_one_route(std::size_t routes, int runs, const Folder& folder, Costs& costs) {
  const Version versions[] = {version_of(routes, false, folder), version_of(routes, true, folder)};
  const Netns node;
  const Netns other;
  const std::string apply = std::string(kArctic) + " --root " + folder.path() + " apply --yes " +
                            "--node " + test::kSyntheticNode + " ";
  node.sh(apply + versions[0].file);
  other.sh("nft -f " + versions[0].reload);
  std::vector<double> look;
  std::vector<double> transaction;
  std::vector<double> reload;
  std::vector<double> command;
  for (int run = 0; run < runs; ++run) {
    const Version& next = versions[1 - run % 2];
    settle();
    reload.push_back(seconds([&] { other.sh("nft -f " + next.reload); }));
    settle();
    command.push_back(seconds([&] { node.sh(apply + next.file); }));
    // Back and forth, so that every run changes one route.
    for (const Version* each : {&versions[run % 2], &next}) {
      const Netns::Inside inside(node);
      LinuxHost host(folder.path());
      Changes changes;
      look.push_back(seconds(
          [&] { changes = diff(value_or_throw(host.observe(each->desired, {})), each->desired); }));
      if (changes.nft.empty()) throw std::runtime_error("no route changed");
      settle();
      transaction.push_back(seconds([&] { check(host.commit(changes.nft)); }));
    }
  }
  costs.look = median(look);
  costs.transaction = median(transaction);
  costs.nft_reload = median(reload);
  costs.command = median(command);
}

Costs measure(std::size_t routes, int runs) {
  const Folder folder;
  Costs costs;
  measure_compile(routes, runs, costs);
  costs.memory_mib = compile_memory_mib(routes, folder);
  measure_full_apply(routes, runs, folder, costs);
  measure_one_route(routes, runs, folder, costs);
  return costs;
}

/// `arctic trace --stdin`: a million packets over a thousand routes.
double trace_million() {
  const Folder folder;
  const std::string file = folder.write("trace.yaml", text_of(1000, false));
  std::string packets;
  for (int i = 0; i < 1'000'000; ++i) {
    const std::string a = std::to_string(i % 251);
    const std::string b = std::to_string(i % 241);
    packets += i % 2 == 0
                   ? R"({"from":"10.)" + a + ".3." + b + R"(","to":"32.0.)" + b + "." + a
                   : R"({"from":"2001:)" + b + ":300::" + a + R"(","to":"2a00:0:0:)" + a + "::" + b;
    packets +=
        i % 3 == 0 ? "\",\"proto\":\"tcp\",\"iif\":\"\"}\n" : "\",\"proto\":17,\"iif\":\"\"}\n";
  }
  const std::string input = folder.write("packets", packets);
  const std::string output = folder.path() + "/answers";
  std::vector<double> runs;
  for (int run = 0; run < 3; ++run) {
    runs.push_back(seconds([&] {
      must_run(std::string(kArctic) + " trace " + file + " --node " + test::kSyntheticNode +
               " --stdin < " + input + " > " + output);
    }));
  }
  const std::string lines = must_run("wc -l < " + output);
  if (std::stol(lines) != 1'000'000) throw std::runtime_error("trace answered " + lines);
  return median(runs);
}

struct Row {
  const char* what;
  double Costs::*cost;
};

constexpr Row kRows[] = {
    {"file to all artifacts", &Costs::artifacts},
    {"  of that: read and check the file", &Costs::load},
    {"  of that: compile", &Costs::compile},
    {"full apply, kernel part", &Costs::apply},
    {"  nft -f of our ruleset.nft", &Costs::nft_load},
    {"one route: observe and diff", &Costs::look},
    {"one route: transaction", &Costs::transaction},
    {"  nft -f, reload of the whole", &Costs::nft_reload},
    {"one route: the arctic apply command", &Costs::command},
};

void print(const Costs& small, const Costs& large) {
  std::printf("  %-40s %12s %12s %8s\n", "", "10,000", "100,000", "growth");
  for (const Row& row : kRows) {
    std::printf("  %-40s %12s %12s %7.1fx\n", row.what, duration_text(small.*row.cost).c_str(),
                duration_text(large.*row.cost).c_str(), large.*row.cost / small.*row.cost);
  }
  std::printf("  %-40s %8.1f MiB %8.1f MiB %7.1fx\n\n", "memory of arctic compile, peak", small.memory_mib,
              large.memory_mib, large.memory_mib / small.memory_mib);
}

int run() {
  const Costs small = measure(10'000, 9);
  const Costs large = measure(100'000, 7);
  std::printf("routes over 200 nested sources, half IPv6; medians\n");
  print(small, large);
  const double trace = trace_million();
  Bounds bounds;
  bounds.at_most("10,000 routes: file to artifacts", small.artifacts, 1, "s");
  bounds.at_most("10,000 routes: full apply against nft -f", small.apply / small.nft_load, 1, "x");
  bounds.at_least("one route: reload against transaction", small.nft_reload / small.transaction, 20,
                  "x");
  bounds.at_most("one route: observe, diff, transaction", (small.look + small.transaction) * 1e3,
                 50, "ms");
  bounds.at_most("one route: the arctic apply command", small.command * 1e3, 500, "ms");
  bounds.at_most("trace --stdin: 1,000,000 packets, 1,000 routes", trace, 10, "s");
  for (const Row& row : kRows) {
    if (row.what[0] == ' ') continue;
    bounds.at_most(std::string("growth: ") + row.what, large.*row.cost / (small.*row.cost), 12,
                   "x");
  }
  bounds.at_most("growth: memory", large.memory_mib / small.memory_mib, 12, "x");
  return bounds.exit_status();
}

}  // namespace
}  // namespace arctic::bench

int main() {
  try {
    return arctic::bench::run();
  } catch (const std::exception& failure) {
    std::cerr << "bench_compile: " << failure.what() << "\n";
    return 1;
  }
}
