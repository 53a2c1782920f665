// The process: finds the command, parses its flags, runs it, prints its error, ends with its code.
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "cli/parser.h"
#include "cli/usage.h"
#include "runtime/usage/usage_error.h"

namespace arctic::cli {

namespace {

// Flags before the command: only those that every command has.
Result<std::size_t> take_common(const std::vector<std::string>& words, Session& session,
                                bool& help) {
  std::size_t at = 0;
  for (; at < words.size() && words[at].size() > 1 && words[at][0] == '-'; ++at) {
    const std::string& word = words[at];
    if (word == "--json") {
      session.json = true;
    } else if (word == "--root" && at + 1 < words.size()) {
      session.root = words[++at];
    } else if (word.rfind("--root=", 0) == 0) {
      session.root = word.substr(7);
    } else if (word == "-h" || word == "--help") {
      help = true;
    } else {
      return fail(ErrorCode::kUsage, "arctic", "there is no flag `" + word + "` before the command",
                  "flags follow their command; see `arctic --help`");
    }
  }
  return at;
}

Result<ExitCode> run(std::vector<std::string> words, Session& session) {
  if (!words.empty() && (words[0] == "--version" || words[0] == "-V")) words[0] = "version";
  bool help = words.empty() || words[0] == "help";
  if (!words.empty() && words[0] == "help") words.erase(words.begin());
  ARCTIC_TRY(const std::size_t at, take_common(words, session, help));
  if (at == words.size()) {
    if (!help) return fail(ErrorCode::kUsage, "arctic", "no command", "see `arctic --help`");
    session.report.out(overview());
    return ExitCode::kSuccess;
  }
  const Command* command = find_command(words[at]);
  if (command == nullptr) return tl::unexpected<Error>(unknown_command(words[at]));
  const Parser parser = make_parser(*command, session);
  // CLI11 takes the words from the back.
  std::vector<std::string> rest(words.rbegin(), words.rend() - static_cast<std::ptrdiff_t>(at) - 1);
  if (help) rest = {"--help"};
  try {
    parser.app->parse(rest);
  } catch (const CLI::CallForHelp&) {
    const auto verbs = parser.app->get_subcommands();
    const CLI::App* of = verbs.empty() ? parser.app.get() : verbs.front();
    session.report.out(of->help(verbs.empty() ? "" : parser.app->get_name()));
    return ExitCode::kSuccess;
  } catch (const CLI::ParseError& problem) {
    return tl::unexpected<Error>(usage_error(*parser.app, problem));
  }
  while (!session.root.empty() && session.root.back() == '/') session.root.pop_back();
  return parser.run();
}

int main_of(std::vector<std::string> words) {
  // A reader that went away is an error of write, handled like a full disk, not a death half way.
  std::signal(SIGPIPE, SIG_IGN);
  Report report;
  Session session{report, {}, false};
  Result<ExitCode> result = ExitCode::kFailure;
  try {
    result = run(std::move(words), session);
  } catch (const std::exception& problem) {
    result = fail(ErrorCode::kFailure, "arctic", problem.what());
  }
  const Status written = report.finish();
  if (!result) {
    report.error(result.error());
    return static_cast<int>(exit_code_of(result.error().code));
  }
  if (!written) {
    if (!report.reader_is_gone()) report.error(written.error());
    return static_cast<int>(ExitCode::kFailure);
  }
  return static_cast<int>(*result);
}

}  // namespace

}  // namespace arctic::cli

int main(int argc, char** argv) {
  return arctic::cli::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
