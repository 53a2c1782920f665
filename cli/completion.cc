#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/parser.h"

namespace arctic::cli {

namespace {

// CLI11 shows the values of IsMember as "FORMAT:{table,json,yaml}".
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

CommandWords words_of(const CLI::App& app, std::vector<std::string> path) {
  CommandWords words{std::move(path), app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) {
      const bool takes_value = option->get_items_expected_max() > 0;
      const auto add = [&](const std::string& name) {
        words.flags.push_back({name, option->get_description(), takes_value, values_of(*option)});
      };
      for (const auto& name : option->get_lnames()) add("--" + name);
      for (const auto& name : option->get_snames()) add("-" + name);
    } else if (words.arguments.empty()) {
      words.arguments = values_of(*option);
    }
  }
  return words;
}

std::string names_of(const std::vector<FlagWords>& flags) {
  std::vector<std::string> names;
  for (const FlagWords& flag : flags) names.push_back(flag.name);
  return fmt::format("{}", fmt::join(names, " "));
}

std::string top_names(const std::vector<CommandWords>& words) {
  std::vector<std::string> names;
  for (const CommandWords& command : words) {
    if (command.path.size() == 1) names.push_back(command.path[0]);
  }
  return fmt::format("{}", fmt::join(names, " "));
}

std::vector<std::string> verbs_of(const std::vector<CommandWords>& words, const std::string& name) {
  std::vector<std::string> verbs;
  for (const CommandWords& command : words) {
    if (command.path.size() == 2 && command.path[0] == name) verbs.push_back(command.path[1]);
  }
  return verbs;
}

// "--node|--out|…": every flag that takes the next word.
std::string value_flags(const std::vector<CommandWords>& words) {
  std::set<std::string> names;
  for (const CommandWords& command : words) {
    for (const FlagWords& flag : command.flags) {
      if (flag.takes_value) names.insert(flag.name);
    }
  }
  return fmt::format("{}", fmt::join(names, "|"));
}

// The cases of one shell function: what may follow a command's name. bash and zsh share them.
std::string cases_of(const std::vector<CommandWords>& words) {
  std::string cases = fmt::format("    '') words='{}' ;;\n", top_names(words));
  for (const CommandWords& command : words) {
    const auto verbs =
        command.path.size() == 1 ? verbs_of(words, command.path[0]) : std::vector<std::string>();
    const bool files = verbs.empty() && command.arguments.empty();
    cases += fmt::format("    '{}') flags='{}' words='{}' files={} ;;\n",
                         fmt::join(command.path, " "), names_of(command.flags),
                         fmt::join(verbs.empty() ? command.arguments : verbs, " "), files ? 1 : 0);
  }
  return cases;
}

// Flags whose values are known, over all commands.
std::string value_cases(const std::vector<CommandWords>& words) {
  std::set<std::string> seen;
  std::string cases;
  for (const CommandWords& command : words) {
    for (const FlagWords& flag : command.flags) {
      if (flag.values.empty() || !seen.insert(flag.name).second) continue;
      cases += fmt::format("    {}) words='{}' ;;\n", flag.name, fmt::join(flag.values, " "));
    }
  }
  return cases +
         "    --node) words=$(arctic peers list 2>/dev/null | awk 'NR > 1 { print $1 }') ;;\n"
         "    --service) words=$(arctic services list 2>/dev/null | awk 'NR > 1 { print $1 }') "
         ";;\n";
}

constexpr const char* kBash = R"(# bash completion of arctic; made by `arctic completion bash`
_arctic() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  local at='' words='' flags='--json --root --help' files=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
    {0}) ((i++)) ;;
    -*) ;;
    *)
      case $at in
      '') at=${{COMP_WORDS[i]}} ;;
      {1}) at="$at ${{COMP_WORDS[i]}}" ;;
      esac ;;
    esac
  done
  case $prev in
{3}    {0}) compopt -o default; return ;;
    *)
    case $at in
{2}    esac
    [[ $cur == -* ]] && words=$flags files=0 ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  ((files)) && compopt -o default
  return 0
}}
complete -F _arctic arctic
)";

constexpr const char* kZsh = R"(#compdef arctic
# zsh completion of arctic; made by `arctic completion zsh`
_arctic() {{
  local at='' words='' flags='--json --root --help' files=0 i
  for ((i = 2; i < CURRENT; i++)); do
    case ${{argv_of[i]}} in
    {0}) ((i++)) ;;
    -*) ;;
    *)
      case $at in
      '') at=${{argv_of[i]}} ;;
      {1}) at="$at ${{argv_of[i]}}" ;;
      esac ;;
    esac
  done
  case ${{argv_of[CURRENT-1]}} in
{3}    {0}) _files; return ;;
    *)
    case $at in
{2}    esac
    [[ ${{argv_of[CURRENT]}} == -* ]] && words=$flags files=0 ;;
  esac
  compadd -- ${{(z)words}}
  ((files)) && _files
  return 0
}}
# The special array is named words, as is the local above.
_arctic_entry() {{
  local -a argv_of=("${{words[@]}}")
  _arctic
}}
compdef _arctic_entry arctic
)";

std::string shell_script(const char* form, const std::vector<CommandWords>& words) {
  std::set<std::string> with_verbs;
  for (const CommandWords& command : words) {
    if (command.path.size() == 2) with_verbs.insert(command.path[0]);
  }
  return fmt::format(fmt::runtime(form), value_flags(words), fmt::join(with_verbs, "|"),
                     cases_of(words), value_cases(words));
}

std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_flag(const std::string& condition, const FlagWords& flag) {
  const bool is_long = flag.name.compare(0, 2, "--") == 0;
  std::string line =
      fmt::format("complete -c arctic -n {} {} {} -d {}", fish_quoted(condition),
                  is_long ? "-l" : "-s", flag.name.substr(is_long ? 2 : 1), fish_quoted(flag.help));
  if (flag.takes_value) line += " -r";
  if (!flag.values.empty()) {
    line += " -f -a " + fish_quoted(fmt::format("{}", fmt::join(flag.values, " ")));
  }
  return line + "\n";
}

std::string fish_script(const std::vector<CommandWords>& words) {
  std::string text = "# fish completion of arctic; made by `arctic completion fish`\n";
  for (const CommandWords& command : words) {
    const std::string& name = command.path.back();
    std::string condition = fmt::format("__fish_seen_subcommand_from {}", command.path[0]);
    if (command.path.size() == 1) {
      text += fmt::format("complete -c arctic -f -n __fish_use_subcommand -a {} -d {}\n", name,
                          fish_quoted(command.summary));
    } else {
      const auto verbs = verbs_of(words, command.path[0]);
      text += fmt::format("complete -c arctic -f -n {} -a {} -d {}\n",
                          fish_quoted(fmt::format("{}; and not __fish_seen_subcommand_from {}",
                                                  condition, fmt::join(verbs, " "))),
                          name, fish_quoted(command.summary));
      condition += fmt::format("; and __fish_seen_subcommand_from {}", name);
    }
    if (!command.arguments.empty()) {
      text += fmt::format("complete -c arctic -f -n {} -a {}\n", fish_quoted(condition),
                          fish_quoted(fmt::format("{}", fmt::join(command.arguments, " "))));
    }
    for (const FlagWords& flag : command.flags) text += fish_flag(condition, flag);
  }
  return text;
}

}  // namespace

std::vector<CommandWords> completion_words() {
  Report unused;
  Session session{unused, {}, false};
  std::vector<CommandWords> all;
  for (const Command& command : commands()) {
    const Parser parser = make_parser(command, session);
    all.push_back(words_of(*parser.app, {command.name}));
    for (const CLI::App* verb : parser.app->get_subcommands([](CLI::App*) { return true; })) {
      all.push_back(words_of(*verb, {command.name, verb->get_name()}));
    }
  }
  return all;
}

std::string completion_script(const std::string& shell, const std::vector<CommandWords>& words) {
  if (shell == "fish") return fish_script(words);
  return shell_script(shell == "zsh" ? kZsh : kBash, words);
}

}  // namespace arctic::cli
