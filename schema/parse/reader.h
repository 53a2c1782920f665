// How a mapping of the tree is read into a struct: by a table of its keys.
//
// parse_config and the readers of peers and services share it. A table lists every key that a
// mapping may have, so it also tells which keys are unknown and which were probably meant.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/diagnostic.h"
#include "schema/config.h"
#include "schema/parse/read_value.h"
#include "schema/parse/tree.h"

namespace arctic {

struct Reader {
  const YamlTree& tree;
  Diagnostics& diagnostics;
};

template <class T>
struct Field {
  std::string_view key;
  void (*read)(const YamlEntry& entry, T& out, Reader& reader);
};

/// Rule 2. `known` are the keys of the mapping that it stands in.
void report_unknown_key(const YamlNode& key, const std::vector<std::string_view>& known,
                        Reader& reader);

/// False, with an error, for anything but a mapping (or list). A key without a value is as good as
/// left out: false without an error.
[[nodiscard]] bool is_map(const Value& value, Reader& reader);
[[nodiscard]] bool is_list(const Value& value, Reader& reader);

[[nodiscard]] bool has_key(const std::vector<YamlEntry>& entries, std::string_view key);

/// The place of a list item: its first key, or the item itself.
[[nodiscard]] Span item_span(const YamlNode& item, const std::vector<YamlEntry>& entries);

template <class T, std::size_t N>
void read_entries(const std::vector<YamlEntry>& entries, const Field<T> (&fields)[N], T& out,
                  Reader& reader) {
  for (const YamlEntry& entry : entries) {
    const auto* field = std::find_if(fields, fields + N,
                                     [&](const Field<T>& f) { return f.key == entry.key->text; });
    if (field != fields + N) {
      field->read(entry, out, reader);
      continue;
    }
    std::vector<std::string_view> known;
    for (const Field<T>& f : fields) known.push_back(f.key);
    report_unknown_key(*entry.key, known, reader);
  }
}

/// Stores what was read, if anything was, in a Located field or an optional one.
template <class To, class From>
void store(std::optional<From> from, To& to) {
  if (from) to = std::move(*from);
}

[[nodiscard]] Peer read_peer(const YamlNode& node, Reader& reader);
[[nodiscard]] Service read_service(const YamlNode& node, Reader& reader);

}  // namespace arctic
