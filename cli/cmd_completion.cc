#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/completion.h"

namespace arctic::cli {

Run define_completion(CLI::App& app, Session& session) {
  auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("")
      ->required();
  app.footer(
      "bash: arctic completion bash > /etc/bash_completion.d/arctic\n"
      "zsh:  arctic completion zsh > \"${fpath[1]}/_arctic\"\n"
      "fish: arctic completion fish > ~/.config/fish/completions/arctic.fish");
  return [&session, shell]() -> Result<ExitCode> {
    session.report.out(completion_script(*shell, completion_words()));
    return ExitCode::kSuccess;
  };
}

}  // namespace arctic::cli
