// Help texts and wrong command lines. golden/help holds every help text; with
// ARCTIC_GOLDEN_ACCEPT=1 they are written instead of compared.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "cli/completion.h"
#include "cli/exit_code.h"
#include "tests/cli/program.h"

namespace arctic::test {

namespace {

const std::string kHelp = std::string(ARCTIC_SOURCE_DIR) + "/golden/help/";

void compare_golden(const std::string& name, const std::string& text) {
  INFO(kHelp + name);
  const char* accept = std::getenv("ARCTIC_GOLDEN_ACCEPT");
  if (accept != nullptr && *accept == '1') std::ofstream(kHelp + name, std::ios::binary) << text;
  std::ifstream in(kHelp + name, std::ios::binary);
  REQUIRE(in.is_open());
  CHECK(text == std::string(std::istreambuf_iterator<char>(in), {}));
}

std::string joined(const std::vector<std::string>& words, char between) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : std::string(1, between)) + word;
  return text;
}

}  // namespace

TEST_CASE("help of every command is as written", "[cli]") {
  compare_golden("arctic.txt", arctic({}, {"--help"}).out);
  std::size_t commands = 0;
  for (const auto& command : cli::completion_words()) {
    ++commands;
    std::vector<std::string> words = command.path;
    words.emplace_back("--help");
    const Ran ran = arctic({}, words);
    CHECK(ran.status == 0);
    CHECK(ran.err.empty());
    compare_golden(joined(command.path, '-') + ".txt", ran.out);
  }
  CHECK(commands == 16 + 6);
}

TEST_CASE("a bare arctic, -h, help and help COMMAND are all help", "[cli]") {
  const std::string overview = arctic({}, {"--help"}).out;
  CHECK(arctic({}, {}).out == overview);
  CHECK(arctic({}, {"-h"}).out == overview);
  CHECK(arctic({}, {"help"}).out == overview);
  CHECK(arctic({}, {"help", "plan"}).out == arctic({}, {"plan", "--help"}).out);
}

TEST_CASE("a wrong command line ends with 64 and says what was meant", "[cli]") {
  struct Row {
    std::vector<std::string> words;
    const char* error;
    const char* help;
  };
  const Row rows[] = {
      {{"plna"}, "there is no command `plna`", "did you mean `arctic plan`?"},
      {{"frobnicate"}, "there is no command `frobnicate`", "see `arctic --help`"},
      {{"--jsno", "plan"}, "there is no flag `--jsno` before the command", "flags follow"},
      {{"--json"}, "no command", "see `arctic --help`"},
      {{"validate", "--strcit"}, "there is no flag `--strcit`", "did you mean `--strict`?"},
      {{"validate", "--zzz"}, "there is no flag `--zzz`", "see `arctic validate --help`"},
      {{"validate", "a", "b"}, "`b` is one argument too many", "see `arctic validate --help`"},
      {{"plan", "--noed=syd"}, "there is no flag `--noed`", "did you mean `--node`?"},
      {{"plan", "--detailed-exitcode=x"}, "--detailed-exitcode takes no value", "see"},
      {{"plan", "--node"}, "--node needs a value: NAME", "see `arctic plan --help`"},
      {{"services"}, "say which: list, get", "see `arctic services --help`"},
      {{"services", "lst"}, "there is no `lst` here", "did you mean `list`?"},
      {{"services", "get"}, "NAME is missing", "see `arctic services get --help`"},
      {{"services", "list", "-o", "xml"},
       "`xml` is none of table, json, yaml: --output",
       "see `arctic services list --help`"},
      {{"routes", "list", "--servcie", "a"}, "there is no flag `--servcie`", "`--service`"},
      {{"diff"}, "OLD is missing", "see `arctic diff --help`"},
      {{"completion"}, "SHELL is missing", "see `arctic completion --help`"},
      {{"completion", "tcsh"},
       "`tcsh` is none of bash, zsh, fish: SHELL",
       "see `arctic completion --help`"},
      {{"compile", "--all", "--node", "syd"},
       "--node and --all exclude each other",
       "see `arctic compile --help`"},
      {{"fmt", "--write", "--check"},
       "--write and --check exclude each other",
       "see `arctic fmt --help`"},
      {{"fmt", "--write", "-"}, "standard input cannot be written back", "leave --write out"},
      {{"trace", "--to", "10.0.0.1"}, "--from: is missing", "for instance"},
      {{"trace", "--from", "10.0.0.1", "--to", "x"}, "`x` is no IPv4 or IPv6 address", ""},
      {{"trace", "--from", "10.0.0.1", "--to", "::1"}, "one is IPv4 and the other IPv6", ""},
      {{"trace", "--from", "10.0.0.1", "--to", "10.0.0.2", "--proto", "tpc"}, "`tpc`", "tcp"},
      {{"trace", "--stdin", "--from", "10.0.0.1"}, "--stdin", "leave --from"},
  };
  const TemporaryFolder folder;
  for (const Row& row : rows) {
    INFO(joined(row.words, ' '));
    const Ran ran = arctic({.folder = folder.path()}, row.words);
    CHECK(ran.status == 64);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, Catch::Contains("error: ") && Catch::Contains(row.error));
    CHECK_THAT(ran.err, Catch::Contains(row.help));
  }
}

TEST_CASE("the version comes as text and as JSON", "[cli]") {
  CHECK(arctic({}, {"version"}).out == "arctic 0.1.0\n");
  CHECK(arctic({}, {"--version"}).out == "arctic 0.1.0\n");
  CHECK(arctic({}, {"version", "--json"}).out == "{\"version\":\"0.1.0\"}\n");
  CHECK(arctic({}, {"--json", "version"}).out == "{\"version\":\"0.1.0\"}\n");
}

TEST_CASE("exit codes are the table's, in the code, the documentation and the errors", "[cli]") {
  std::ifstream in(std::string(ARCTIC_SOURCE_DIR) + "/docs/exit-codes.md");
  REQUIRE(in.is_open());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::set<int> codes;
  for (const auto& row : cli::kExitCodes) {
    std::ostringstream line;
    line << "| " << static_cast<int>(row.code) << " | " << row.name << " | " << row.meaning << " |";
    CHECK_THAT(text, Catch::Contains(line.str()));
    codes.insert(static_cast<int>(row.code));
  }
  CHECK(codes == std::set<int>{0, 1, 2, 3, 4, 5, 6, 64});
  for (const ErrorCode code : {ErrorCode::kFailure, ErrorCode::kConfig, ErrorCode::kUnreachable,
                               ErrorCode::kRefused, ErrorCode::kPartly, ErrorCode::kUsage}) {
    CHECK(codes.count(static_cast<int>(cli::exit_code_of(code))) == 1);
    CHECK(static_cast<int>(cli::exit_code_of(code)) == static_cast<int>(code));
  }
}

TEST_CASE("a full standard output is a failure", "[cli]") {
  const Ran ran = shell({}, "exec \"$ARCTIC\" --help > /dev/full");
  CHECK(ran.status == 1);
  CHECK_THAT(ran.err, Catch::Contains("standard output: No space left on device"));
}

TEST_CASE("a reader of standard output that went away is no message, but no success", "[cli]") {
  // The reader is gone for sure before anything is written.
  const Ran ran = shell({},
                        "mkfifo_dir=$(mktemp -d) && mkfifo $mkfifo_dir/p && "
                        "{ exec 3<>$mkfifo_dir/p 4>$mkfifo_dir/p 3<&-; "
                        "\"$ARCTIC\" --help >&4; code=$?; rm -r $mkfifo_dir; exit $code; }");
  CHECK(ran.err.empty());
  CHECK(ran.status == 1);
}

}  // namespace arctic::test
