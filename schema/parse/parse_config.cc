#include "schema/parse/parse_config.h"

#include "schema/parse/reader.h"

namespace arctic {
namespace {

template <class T>
void read_items(const YamlEntry& entry, std::vector<T>& out, T (*read)(const YamlNode&, Reader&),
                Reader& reader) {
  if (!is_list({entry, 2}, reader)) return;
  const auto items = reader.tree.items(*entry.value);
  out.reserve(items.size());
  for (const YamlNode* item : items) {
    if (is_map({entry.key->text, *item, 2}, reader)) out.push_back(read(*item, reader));
  }
}

void read_version(const YamlEntry& entry, Config&, Reader& reader) {
  const auto version = read_text({entry, 1}, reader.diagnostics);
  if (!version || version->value == "v1") return;
  reader.diagnostics.error(1, version->span, "version " + quoted(version->value) + " is not known",
                           "write `version: v1`");
}

const Field<Config> kTopFields[] = {
    {"version", read_version},
    {"peers", [](const YamlEntry& e, Config& config,
                 Reader& r) { read_items(e, config.peers, read_peer, r); }},
    {"services", [](const YamlEntry& e, Config& config,
                    Reader& r) { read_items(e, config.services, read_service, r); }},
    {"protect",
     [](const YamlEntry& e, Config& config, Reader& r) {
       if (!is_list({e, 8}, r)) return;
       for (const YamlNode* item : r.tree.items(*e.value)) {
         const auto prefix = read_prefix({"protect", *item, 8}, r.diagnostics);
         if (prefix) config.protect.push_back(*prefix);
       }
     }},
    {"license",
     [](const YamlEntry& e, Config&, Reader& r) {
       r.diagnostics.note(18, e.key->span(), "`license` is ignored; no licence is needed",
                          "the line can go");
     }},
};

}  // namespace

void report_unknown_key(const YamlNode& key, const std::vector<std::string_view>& known,
                        Reader& reader) {
  std::string help;
  if (reader.diagnostics.errors() < Diagnostics::kMaxOfOneSeverity) {
    const std::string_view near = nearest(key.text, known);
    if (!near.empty()) {
      help = "did you mean " + quoted(near) + "?";
    } else {
      for (const std::string_view k : known) {
        help += (help.empty() ? "the keys here are " : ", ") + quoted(k);
      }
    }
  }
  reader.diagnostics.error(2, key.span(), "unknown key " + quoted(key.text), help);
}

namespace {

bool is_kind(NodeKind kind, const char* what, const Value& value, Reader& reader) {
  if (value.node.kind == kind) return true;
  if (value.node.kind == NodeKind::kNull && !value.is_item) return false;
  const bool empty = value.node.kind == NodeKind::kNull;
  reader.diagnostics.error(value.rule, value.node.span(),
                           empty ? value.name() + " is empty" : value.name() + " must be " + what,
                           empty ? "remove its `-`" : "");
  return false;
}

}  // namespace

bool is_map(const Value& value, Reader& reader) {
  return is_kind(NodeKind::kMap, "a mapping (`key: value` lines)", value, reader);
}

bool is_list(const Value& value, Reader& reader) {
  return is_kind(NodeKind::kList, "a list (lines that begin with `- `)", value, reader);
}

bool has_key(const std::vector<YamlEntry>& entries, std::string_view key) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const YamlEntry& entry) { return entry.key->text == key; });
}

Span item_span(const YamlNode& item, const std::vector<YamlEntry>& entries) {
  return entries.empty() ? item.span() : entries.front().key->span();
}

namespace {

// Keys, one a line, and nothing else but comments. The line of the first; 0 for any other file.
std::size_t key_file_line(std::string_view text) {
  std::size_t first = 0;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view here = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t begin = here.find_first_not_of(" \t\r\"'");
    if (begin == std::string_view::npos || here[begin] == '#') continue;
    here = here.substr(begin, here.find_last_not_of(" \t\r\"'") - begin + 1);
    if (!looks_like_key(here)) return 0;
    if (first == 0) first = line;
  }
  return first;
}

}  // namespace

Config parse_config(std::string_view text, Diagnostics& diagnostics) {
  if (const std::size_t line = key_file_line(text); line > 0) {
    diagnostics.error(0, {line, 1, 1}, "this looks like a key file, not like a configuration",
                      "name the configuration instead; if the key is a private one, it must not be "
                      "shared or committed");
    return {};
  }
  const auto tree = parse_tree(text, diagnostics);
  if (!tree) return {};
  const YamlNode& root = tree->root();
  if (root.kind != NodeKind::kMap) {
    diagnostics.error(0, root.span(), "this is no configuration: the file must be a mapping",
                      "it begins with `version: v1`, then `peers:` and `services:`");
    return {};
  }
  Reader reader{*tree, diagnostics};
  Config config;
  const auto entries = tree->entries(root);
  read_entries(entries, kTopFields, config, reader);
  if (!has_key(entries, "version")) {
    diagnostics.error(1, item_span(root, entries), "the file has no `version`",
                      "write `version: v1` at its top");
  }
  return config;
}

}  // namespace arctic
