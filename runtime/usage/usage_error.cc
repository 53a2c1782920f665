#include "runtime/usage/usage_error.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/diagnostic.h"

namespace arctic {
namespace {

// The (sub)command that the words chose: that is whose flags are meant.
const CLI::App& chosen(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    for (const auto& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(verb->get_name());
  }
  return names;
}

std::string nearest_of(std::string_view word, const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  return std::string(nearest(word, views));
}

// The parser's own wordings in ours; as it is what is not known here.
std::string in_our_words(const std::string& text) {
  const auto between = [&](const std::string& left, const std::string& right) {
    const std::size_t begin = left.empty() ? 0 : text.find(left);
    const std::size_t end = right.empty() ? text.size() : text.find(right, begin + left.size());
    if (begin == std::string::npos || end == std::string::npos) return std::string();
    return text.substr(begin + left.size(), end - begin - left.size());
  };
  if (const std::string name = between("", " is required"); !name.empty()) {
    return name + " is missing";
  }
  if (const std::string one = between("", " excludes "); !one.empty()) {
    return fmt::format("{} and {} exclude each other", one, between(" excludes ", ""));
  }
  if (const std::string flag = between("", ": 1 required "); !flag.empty()) {
    return fmt::format("{} needs a value: {}", flag, between(": 1 required ", " missing"));
  }
  if (const std::string wrong = between(": ", " not in {"); !wrong.empty()) {
    std::string choice;
    for (const char c : between(" not in {", "}")) choice += c == ',' ? ", " : std::string(1, c);
    return fmt::format("{} is none of {}: {}", arctic::quoted(wrong), choice, between("", ": "));
  }
  if (const std::string flag = between("Could not convert: ", " = "); !flag.empty()) {
    return fmt::format("{} takes no value", flag);
  }
  return text;
}

std::string help_line(const CLI::App& app) {
  return fmt::format("see `{} --help`", full_name(app));
}

}  // namespace

Error usage_error(const CLI::App& app, const CLI::ParseError& problem) {
  const CLI::App& at = chosen(app);
  const std::vector<std::string> verbs = verbs_of(at);
  // CLI11 leaves what it could not place on the parser; the first such word is the mistake.
  std::vector<std::string> left = app.remaining(true);
  if (!left.empty()) {
    const std::string& word = left.front();
    const bool flag = word.size() > 1 && word[0] == '-';
    const std::string bare = word.substr(0, flag ? word.find('=') : std::string::npos);
    const std::string near = nearest_of(bare, flag ? flags_of(at) : verbs);
    const std::string what = flag            ? fmt::format("there is no flag `{}`", bare)
                             : verbs.empty() ? fmt::format("`{}` is one argument too many", word)
                                             : fmt::format("there is no `{}` here", word);
    return {ErrorCode::kUsage,
            full_name(at),
            what,
            {},
            near.empty() ? help_line(at) : fmt::format("did you mean `{}`?", near)};
  }
  if (!verbs.empty()) {
    return {ErrorCode::kUsage,
            full_name(at),
            fmt::format("say which: {}", fmt::join(verbs, ", ")),
            {},
            help_line(at)};
  }
  return {ErrorCode::kUsage, full_name(at), in_our_words(problem.what()), {}, help_line(at)};
}

}  // namespace arctic
