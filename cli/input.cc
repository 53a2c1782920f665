#include "cli/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/plan_view.h"
#include "compiler/load.h"
#include "runtime/io/owned_fd.h"

namespace arctic::cli {

namespace {

constexpr const char* kNamed = "name a file, or `-` for standard input";

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

tl::unexpected<Error> too_big(const std::string& name, std::size_t limit) {
  return fail(ErrorCode::kConfig, name,
              fmt::format("is bigger than {} MiB, the most that is read", limit >> 20),
              "is this the file you meant?");
}

Result<std::string> read_all(int fd, const std::string& name, std::size_t limit) {
  std::string text;
  std::string piece(1U << 16, '\0');
  while (true) {
    const ssize_t n = ::read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorCode::kFailure, name, errno_text(errno));
    if (n == 0) return text;
    text.append(piece, 0, static_cast<std::size_t>(n));
    if (text.size() > limit) return too_big(name, limit);
  }
}

}  // namespace

Result<std::string> find_file(const Session& session, const std::string& argument) {
  if (!argument.empty()) return argument;
  const char* named = std::getenv("ARCTIC_FILE");
  if (named != nullptr && *named != '\0') return std::string(named);
  if (exists("arctic.yaml")) return std::string("arctic.yaml");
  const std::string installed = session.root + "/etc/arctic/arctic.yaml";
  if (exists(installed)) return installed;
  return fail(ErrorCode::kUsage, "",
              fmt::format("no configuration: there is neither ./arctic.yaml nor {}, and "
                          "$ARCTIC_FILE is not set",
                          installed),
              std::string(kNamed) + "; `arctic init` writes a starter");
}

Result<Input> read_input(const std::string& path, std::size_t limit) {
  const bool standard = path == "-";
  Input input{standard ? "standard input" : path, {}};
  const OwnedFd opened(standard ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const int file = standard ? STDIN_FILENO : opened.get();
  if (file < 0) {
    const int error = errno;
    return fail(ErrorCode::kFailure, path, errno_text(error),
                error == ENOENT   ? kNamed
                : error == EACCES ? "check who may read the file and its folders"
                                  : "");
  }
  struct stat about {};
  if (::fstat(file, &about) != 0) return fail(ErrorCode::kFailure, path, errno_text(errno));
  if (S_ISDIR(about.st_mode)) {
    return fail(ErrorCode::kFailure, path, "is a directory",
                fmt::format("name the file in it, for instance {}{}arctic.yaml", path,
                            path.back() == '/' ? "" : "/"));
  }
  if (S_ISREG(about.st_mode) && static_cast<std::size_t>(about.st_size) > limit) {
    return too_big(input.name, limit);
  }
  ARCTIC_TRY(input.text, read_all(file, input.name, limit));
  return input;
}

Result<Input> read_config_text(const Session& session, const std::string& argument,
                               std::size_t limit) {
  ARCTIC_TRY(const std::string path, find_file(session, argument));
  return read_input(path, limit);
}

std::string problem_count(const Diagnostics& diagnostics) {
  const auto some = [](std::size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  if (diagnostics.warnings() == 0) return some(diagnostics.errors(), "error");
  if (diagnostics.errors() == 0) return some(diagnostics.warnings(), "warning");
  return some(diagnostics.errors(), "error") + ", " + some(diagnostics.warnings(), "warning");
}

std::string problems_json(const Input& input, const Diagnostics& diagnostics, bool valid) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const Diagnostic& d : diagnostics.all()) {
    problems.push_back({{"severity", to_string(d.severity)},
                        {"rule", d.rule},
                        {"line", d.span.line},
                        {"column", d.span.column},
                        {"length", d.span.length},
                        {"reason", d.reason}});
    if (!d.help.empty()) problems.back()["help"] = d.help;
  }
  return json_text({{"file", input.name},
                    {"valid", valid},
                    {"errors", diagnostics.errors()},
                    {"warnings", diagnostics.warnings()},
                    {"problems", std::move(problems)}});
}

Error refuse(Session& session, const Input& input, const Diagnostics& diagnostics,
             const std::string& more) {
  if (session.json) {
    session.report.out(problems_json(input, diagnostics, false));
  } else {
    session.report.diagnostics(diagnostics, input.name, input.text);
  }
  return {ErrorCode::kConfig, input.name, "has " + problem_count(diagnostics) + more, {}, {}};
}

Result<Loaded> load_input(Session& session, Input input) {
  Loaded loaded{std::move(input), {}, {}};
  loaded.config = load(loaded.input.text, loaded.diagnostics);
  if (loaded.diagnostics.has_errors()) {
    return tl::unexpected<Error>(refuse(session, loaded.input, loaded.diagnostics));
  }
  if (loaded.diagnostics.warnings() > 0) {
    session.report.warn(fmt::format("{} has {}: see `arctic validate`", loaded.input.name,
                                    problem_count(loaded.diagnostics)));
  }
  return loaded;
}

Result<Loaded> load_config(Session& session, const std::string& argument) {
  ARCTIC_TRY(Input input, read_config_text(session, argument));
  return load_input(session, std::move(input));
}

void add_file(CLI::App& app, std::string& file) {
  app.add_option("FILE", file,
                 "the configuration; left out: $ARCTIC_FILE, ./arctic.yaml or "
                 "/etc/arctic/arctic.yaml; `-`: standard input")
      ->type_name("");
}

}  // namespace arctic::cli
