// Holds the include table: arrows between rooms point down only, and each foreign library has one
// room. A file in a folder that the table does not know is a failure too.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Room {
  std::vector<std::string> own;      // folders of ours it may include from
  std::vector<std::string> foreign;  // prefixes of <…> headers beyond the C++ library
  bool system = false;               // kernel and C library headers
};

const std::map<std::string, Room>& rooms() {
  static const std::map<std::string, Room> table = {
      {"schema/base", {{"schema/base"}, {"tl/", "sodium/"}, false}},
      {"schema", {{"schema/base", "schema"}, {}, false}},
      {"schema/parse", {{"schema/base", "schema", "schema/parse"}, {"yaml-cpp/"}, false}},
      {"schema/check", {{"schema/base", "schema", "schema/check"}, {}, false}},
      {"schema/format", {{"schema/base", "schema", "schema/parse", "schema/format"}, {}, false}},
      {"schema/artifact", {{"schema/base", "schema", "schema/artifact"}, {"nlohmann/"}, false}},
      {"compiler",
       {{"schema/base", "schema", "schema/parse", "schema/check", "schema/artifact", "compiler"},
        {"fmt/"},
        false}},
      {"runtime/crypto",
       {{"schema/base", "runtime/io", "runtime/crypto"}, {"sodium", "openssl/"}, true}},
      {"runtime/io", {{"schema/base", "runtime/io"}, {"spdlog/"}, true}},
      {"runtime/flow", {{"schema/base", "runtime/flow"}, {}, false}},
      {"runtime/usage", {{"schema/base", "runtime/usage"}, {"CLI/", "fmt/"}, false}},
      {"runtime/daemon",
       {{"schema/base", "schema/artifact", "runtime/io", "runtime/crypto", "runtime/usage",
         "runtime/daemon"},
        {"CLI/"},
        true}},
      {"runtime/pegasus",
       {{"schema/base", "schema/artifact", "runtime/io", "runtime/crypto", "runtime/flow",
         "runtime/daemon", "runtime/pegasus"},
        {"CLI/", "spdlog/"},
        true}},
      {"runtime/tempest",
       {{"schema/base", "schema/artifact", "runtime/io", "runtime/crypto", "runtime/daemon",
         "runtime/tempest"},
        {"CLI/", "spdlog/"},
        true}},
      {"runtime/host",
       {{"schema/base", "schema", "schema/artifact", "compiler", "runtime/crypto", "runtime/io",
         "runtime/host"},
        {"fmt/", "libnftnl/", "libmnl/", "netlink/"},
        true}},
      {"cli",
       {{"schema/base", "schema", "schema/parse", "schema/check", "schema/format",
         "schema/artifact", "compiler", "runtime/crypto", "runtime/io", "runtime/usage",
         "runtime/host", "cli"},
        {"CLI/", "fmt/", "nlohmann/", "spdlog/"},
        true}},
  };
  return table;
}

// Headers of the system that a room without them may use all the same, each with its reason.
const std::map<std::string, std::set<std::string>>& exceptions() {
  static const std::map<std::string, std::set<std::string>> table = {
      {"schema/base/address.cc", {"arpa/inet.h"}},  // inet_pton, inet_ntop: pure text functions
  };
  return table;
}

bool is_system(const std::string& header) {
  // The C++ library's headers have neither a folder nor an ending; everything else in <> that no
  // room names is the system's.
  return header.size() > 2 && header.compare(header.size() - 2, 2, ".h") == 0;
}

std::string folder_of(const std::string& path) {
  return fs::path(path).parent_path().generic_string();
}

std::vector<std::string> problems_of(const std::string& file, const std::string& text) {
  std::vector<std::string> problems;
  const auto room = rooms().find(folder_of(file));
  if (room == rooms().end()) return {file + ": its folder is not in the include table"};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("#include ", 0) != 0) continue;
    const char close = line[9] == '<' ? '>' : '"';
    const std::string header = line.substr(10, line.find(close, 10) - 10);
    const auto& allowed = room->second;
    bool fine = false;
    if (close == '"') {
      const std::string from = folder_of(header);
      fine = std::find(allowed.own.begin(), allowed.own.end(), from) != allowed.own.end();
    } else {
      const bool named = std::any_of(allowed.foreign.begin(), allowed.foreign.end(),
                                     [&](const std::string& p) { return header.rfind(p, 0) == 0; });
      const bool library = header.find('/') != std::string::npos || is_system(header);
      const auto exception = exceptions().find(file);
      fine = !library || named ||
             (exception != exceptions().end() && exception->second.count(header) > 0) ||
             (allowed.system && is_system(header) && header.rfind("nlohmann", 0) != 0 &&
              header.rfind("yaml-cpp", 0) != 0);
      // JSON in the compiler belongs to the emitters alone.
      if (header.rfind("nlohmann/", 0) == 0 && file.rfind("compiler/emit", 0) == 0) fine = true;
    }
    if (!fine) problems.push_back(file + ": may not include " + header);
  }
  return problems;
}

}  // namespace

TEST_CASE("arrows between rooms point down only") {
  const fs::path root = ARCTIC_SOURCE_DIR;
  std::vector<std::string> problems;
  std::size_t files = 0;
  for (const char* top : {"schema", "compiler", "runtime", "cli"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string ending = entry.path().extension().string();
      if (ending != ".h" && ending != ".cc") continue;
      ++files;
      std::ifstream in(entry.path());
      std::stringstream text;
      text << in.rdbuf();
      for (auto& problem :
           problems_of(fs::relative(entry.path(), root).generic_string(), text.str())) {
        problems.push_back(std::move(problem));
      }
    }
  }
  REQUIRE(files > 20);
  for (const auto& problem : problems) UNSCOPED_INFO(problem);
  CHECK(problems.empty());
}

TEST_CASE("the include table refuses what it should") {
  CHECK(problems_of("schema/base/x.h", "#include \"compiler/order.h\"\n").size() == 1);
  CHECK(problems_of("compiler/x.cc", "#include \"runtime/host/host.h\"\n").size() == 1);
  CHECK(problems_of("compiler/x.cc", "#include <unistd.h>\n").size() == 1);
  CHECK(problems_of("compiler/x.cc", "#include <nlohmann/json.hpp>\n").size() == 1);
  CHECK(problems_of("schema/check/x.cc", "#include <yaml-cpp/parser.h>\n").size() == 1);
  CHECK(problems_of("cli/x.cc", "#include <yaml-cpp/parser.h>\n").size() == 1);
  CHECK(problems_of("runtime/new/x.cc", "").size() == 1);
  CHECK(
      problems_of("compiler/emit.cc", "#include <nlohmann/json.hpp>\n#include <string>\n").empty());
  CHECK(problems_of("runtime/host/x.cc", "#include <sys/socket.h>\n").empty());
}
