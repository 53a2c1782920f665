// One value of the tree → one value of the Config, or an error that says what is wrong with it.
//
// The readers of peers and services call these. Each function reports at most one problem and then
// returns nothing; nobody has to look at the diagnostics in between. Knows no key by name.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "schema/base/diagnostic.h"
#include "schema/config.h"
#include "schema/parse/tree.h"

namespace arctic {

/// A value and what to call it in a message: by its key, or as an item of that key's list.
struct Value {
  std::string_view key;
  const YamlNode& node;
  int rule = 0;  ///< that the errors belong to
  bool is_item = false;

  Value(const YamlEntry& entry, int rule_number)
      : key(entry.key->text), node(*entry.value), rule(rule_number) {}
  Value(std::string_view list, const YamlNode& item, int rule_number)
      : key(list), node(item), rule(rule_number), is_item(true) {}

  [[nodiscard]] std::string name() const {
    return is_item ? "an item of " + quoted(key) : quoted(key);
  }
};

/// The text of a scalar; `wanted` says in the error what should be there.
std::optional<std::string_view> read_scalar(const Value& value, std::string_view wanted,
                                            Diagnostics& diagnostics);

/// Any scalar, as it is written; numbers and booleans are text too where text is wanted.
std::optional<Located<std::string>> read_text(const Value& value, Diagnostics& diagnostics);

/// `true` or `false`, not quoted.
std::optional<Located<bool>> read_boolean(const Value& value, Diagnostics& diagnostics);

/// Decimal digits, not quoted, least <= number <= most.
std::optional<Located<std::uint32_t>> read_number(const Value& value, std::uint32_t least,
                                                  std::uint32_t most, Diagnostics& diagnostics);

/// The index of the word among `words`.
std::optional<std::size_t> read_word(const Value& value,
                                     std::initializer_list<std::string_view> words,
                                     Diagnostics& diagnostics);

/// A network; a bare address is a host.
std::optional<Located<Prefix>> read_prefix(const Value& value, Diagnostics& diagnostics);

/// An address of an interface with the length of its network.
std::optional<Located<HostPrefix>> read_host_prefix(const Value& value, Family family,
                                                    Diagnostics& diagnostics);

/// An address or a name. `:port`, which old files carry, is dropped with a note.
std::optional<Located<HostName>> read_host(const Value& value, Diagnostics& diagnostics);

/// An address and a port, both to listen on.
std::optional<Located<Endpoint>> read_listen(const Value& value, std::uint16_t last_port,
                                             Diagnostics& diagnostics);

std::optional<Located<PublicKey>> read_public_key(const Value& value, Diagnostics& diagnostics);

/// The name of a network device, by the kernel's rules.
std::optional<Located<std::string>> read_device(const Value& value, Diagnostics& diagnostics);

}  // namespace arctic
