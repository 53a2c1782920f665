#include "cli/usage.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "schema/base/diagnostic.h"

namespace arctic::cli {

std::string overview() {
  std::string text =
      "Arctic: tunnels and routes from one YAML file, programmed into each node.\n\n"
      "Usage: arctic COMMAND [FILE] [OPTIONS]\n";
  std::string_view group;
  for (const Command& command : commands()) {
    if (group != command.group) {
      group = command.group;
      text += fmt::format("\n{}:\n", group);
    }
    text += fmt::format("  {:<12}{}\n", command.name, command.summary);
  }
  text +=
      "\nOptions, of every command:\n"
      "  --json      print data as JSON\n"
      "  --root DIR  look for /etc, /opt, /var and /run below this folder\n"
      "  -h, --help  print help; after a command, the help of that command\n"
      "\nFILE may be left out: then it is $ARCTIC_FILE, ./arctic.yaml or /etc/arctic/arctic.yaml; "
      "`-` is\nstandard input. Colours appear on a terminal, and never with NO_COLOR set.\n"
      "\nExit codes:\n";
  for (const ExitCodeRow& row : kExitCodes) {
    text += fmt::format("  {:<3} {:<15}{}\n", static_cast<int>(row.code), row.name, row.meaning);
  }
  return text;
}

Error unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string_view near = nearest(word, names);
  return {ErrorCode::kUsage,
          "arctic",
          fmt::format("there is no command `{}`", word),
          {},
          near.empty() ? "see `arctic --help`" : fmt::format("did you mean `arctic {}`?", near)};
}

}  // namespace arctic::cli
