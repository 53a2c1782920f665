#include "schema/parse/read_value.h"

#include <algorithm>
#include <charconv>

namespace arctic {
namespace {

void refuse(const Value& value, Diagnostics& diagnostics, std::string reason,
            std::string help = {}) {
  diagnostics.error(value.rule, value.node.span(), std::move(reason), std::move(help));
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=';
}

template <class T>
Located<T> located(T thing, const Value& value) {
  return {std::move(thing), value.node.span()};
}

std::string why_no_number(std::string_view text) {
  if (text.find('.') != std::string_view::npos) return "write it without a fraction";
  if (text.substr(0, 2) == "0x" || text.substr(0, 2) == "0o") return "write it in decimal";
  if (text.find('_') != std::string_view::npos) return "write it without `_`";
  if (all_digits(text)) return "write it without the leading zero";
  return {};
}

}  // namespace

std::optional<std::string_view> read_scalar(const Value& value, std::string_view wanted,
                                            Diagnostics& diagnostics) {
  const NodeKind kind = value.node.kind;
  if (kind == NodeKind::kScalar && !value.node.text.empty()) return value.node.text;
  if (kind == NodeKind::kNull || kind == NodeKind::kScalar) {
    refuse(value, diagnostics, value.name() + " has no value", "write " + std::string(wanted));
  } else {
    refuse(value, diagnostics,
           value.name() + " must be " + std::string(wanted) + ", not " +
               (kind == NodeKind::kList ? "a list" : "a mapping"));
  }
  return std::nullopt;
}

std::optional<Located<std::string>> read_text(const Value& value, Diagnostics& diagnostics) {
  const auto text = read_scalar(value, "a text", diagnostics);
  if (!text) return std::nullopt;
  return located(std::string(*text), value);
}

std::optional<Located<bool>> read_boolean(const Value& value, Diagnostics& diagnostics) {
  const auto text = read_scalar(value, "`true` or `false`", diagnostics);
  if (!text) return std::nullopt;
  std::string word(*text);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool yes = word == "true" || word == "yes" || word == "on" || word == "y";
  const bool no = word == "false" || word == "no" || word == "off" || word == "n";
  const bool core = *text == "true" || *text == "True" || *text == "TRUE" || *text == "false" ||
                    *text == "False" || *text == "FALSE";
  if (core && value.node.plain) return located(yes, value);
  std::string help;
  if (core) {
    help = "write it without quotes";
  } else if (yes || no) {
    help = quoted(*text) + " is a mere text in YAML 1.2; write `" + (yes ? "true" : "false") + "`";
  }
  refuse(value, diagnostics,
         value.name() + " must be `true` or `false`, not the text " + quoted(*text), help);
  return std::nullopt;
}

std::optional<Located<std::uint32_t>> read_number(const Value& value, std::uint32_t least,
                                                  std::uint32_t most, Diagnostics& diagnostics) {
  const auto text = read_scalar(value, "a whole number", diagnostics);
  if (!text) return std::nullopt;
  const std::string_view digits = text->substr((*text)[0] == '-' ? 1 : 0);
  const bool leading_zero = digits.size() > 1 && digits[0] == '0';
  if (!value.node.plain || !all_digits(digits) || leading_zero) {
    refuse(value, diagnostics, value.name() + " must be a whole number, not " + quoted(*text),
           value.node.plain ? why_no_number(digits) : "write it without quotes");
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool fits = end.ec == std::errc{} && digits.size() == text->size();
  if (!fits || number < least || number > most) {
    refuse(value, diagnostics,
           value.name() + " must be " + std::to_string(least) + " to " + std::to_string(most) +
               ", not " + quoted(*text));
    return std::nullopt;
  }
  return located(static_cast<std::uint32_t>(number), value);
}

std::optional<std::size_t> read_word(const Value& value,
                                     std::initializer_list<std::string_view> words,
                                     Diagnostics& diagnostics) {
  std::string list;
  for (const std::string_view word : words) {
    if (!list.empty()) list += word == *(words.end() - 1) ? " or " : ", ";
    list += quoted(word);
  }
  const auto text = read_scalar(value, list, diagnostics);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::string_view near = nearest(*text, {words.begin(), words.end()});
  refuse(value, diagnostics, value.name() + " must be " + list + ", not " + quoted(*text),
         near.empty() ? std::string() : "did you mean " + quoted(near) + "?");
  return std::nullopt;
}

std::optional<Located<PublicKey>> read_public_key(const Value& value, Diagnostics& diagnostics) {
  const auto text = read_scalar(value, "a public key", diagnostics);
  if (!text) return std::nullopt;
  const auto key = parse_public_key(*text);
  if (key) return located(*key, value);
  constexpr std::size_t kCharacters = 44;
  std::string reason = "is not canonical base64 of 32 bytes";
  if (!std::all_of(text->begin(), text->end(), is_base64)) {
    reason = "has characters that base64 has not";
  } else if (text->size() != kCharacters) {
    reason = "has " + std::to_string(text->size()) + " characters, not 44";
  }
  refuse(value, diagnostics, value.name() + " " + reason,
         "it is what `arctic keygen` or `wg pubkey` prints on that node");
  return std::nullopt;
}

std::optional<Located<std::string>> read_device(const Value& value, Diagnostics& diagnostics) {
  constexpr std::size_t kMostBytes = 15;
  const auto text = read_scalar(value, "the name of an interface", diagnostics);
  if (!text) return std::nullopt;
  const bool odd = std::any_of(text->begin(), text->end(), [](char c) {
    return c <= ' ' || c >= 0x7f || c == '/' || c == ':';
  });
  if (text->size() > kMostBytes || odd || *text == "." || *text == "..") {
    refuse(value, diagnostics, quoted(*text) + " cannot be the name of an interface",
           "it has 1 to 15 characters, without blanks, `/` and `:`; `ip link` lists them");
    return std::nullopt;
  }
  return located(std::string(*text), value);
}

}  // namespace arctic
