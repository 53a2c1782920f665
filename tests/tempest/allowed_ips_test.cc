// The trie of allowed addresses against a twin that looks at every prefix.
#include "runtime/tempest/allowed_ips.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace arctic::test {
namespace {

/// Every prefix in turn.
class Twin {
 public:
  void insert(const Prefix& prefix, AllowedIps::Value value) { all_[prefix] = value; }
  bool remove(const Prefix& prefix, AllowedIps::Value value) {
    const auto found = all_.find(prefix);
    if (found == all_.end() || found->second != value) return false;
    all_.erase(found);
    return true;
  }
  void remove_all(AllowedIps::Value value) {
    std::erase_if(all_, [&](const auto& each) { return each.second == value; });
  }
  [[nodiscard]] std::optional<AllowedIps::Value> find(const Address& address) const {
    std::optional<AllowedIps::Value> best;
    int length = -1;
    for (const auto& [prefix, value] : all_) {
      if (prefix.length <= length || !prefix.contains(address)) continue;
      best = value;
      length = prefix.length;
    }
    return best;
  }
  [[nodiscard]] std::vector<Prefix> list(AllowedIps::Value value) const {
    std::vector<Prefix> out;
    for (const auto& [prefix, of] : all_) {
      if (of == value) out.push_back(prefix);
    }
    std::sort(out.begin(), out.end(), [](const Prefix& a, const Prefix& b) {
      return std::tie(a.family, a.bits, a.length) < std::tie(b.family, b.bits, b.length);
    });
    return out;
  }

 private:
  std::map<Prefix, AllowedIps::Value> all_;
};

std::optional<AllowedIps::Value> find(const AllowedIps& trie, const Address& address) {
  const auto bytes = address.bytes();
  return address.family == Family::kIpv4 ? trie.find4(bytes.data()) : trie.find6(bytes.data());
}

/// Few different bits, so that prefixes meet and contain one another.
Address random_address(std::mt19937& random) {
  const Family family = kFamilies[random() % 2];
  U128 bits = 0;
  if (family == Family::kIpv4) {
    bits = U128{random() & 0xc0c00303U};
  } else {
    bits = U128{random() & 0xf0000003U} << 96 | U128{random() % 3} << 62 | (random() & 5U);
  }
  return {family, bits};
}

Prefix random_prefix(std::mt19937& random) {
  const Address address = random_address(random);
  const int bits = address_bits(address.family);
  const auto length = static_cast<std::uint8_t>(random() % static_cast<unsigned>(bits + 1));
  const U128 mask =
      length == 0 ? U128{0} : max_address(address.family) >> (bits - length) << (bits - length);
  return {address.family, length, address.bits & mask};
}

Prefix prefix(const char* text) { return *parse_prefix(text); }

}  // namespace

TEST_CASE("the longest prefix decides, in both families") {
  AllowedIps trie;
  for (const auto& [text, value] : std::map<const char*, AllowedIps::Value>{{"0.0.0.0/0", 1},
                                                                            {"10.0.0.0/8", 2},
                                                                            {"10.1.0.0/16", 3},
                                                                            {"10.1.2.3/32", 4},
                                                                            {"::/0", 5},
                                                                            {"2001:db8::/32", 6},
                                                                            {"2001:db8::1/128", 7},
                                                                            {"128.0.0.0/1", 8}}) {
    trie.insert(prefix(text), value);
  }
  const std::map<const char*, AllowedIps::Value> wanted = {
      {"1.2.3.4", 1},     {"10.255.0.1", 2}, {"10.1.2.2", 3}, {"10.1.2.3", 4},
      {"10.1.2.4", 3},    {"200.1.1.1", 8},  {"fe80::1", 5},  {"2001:db8::2", 6},
      {"2001:db8::1", 7}, {"2001:db9::", 5},
  };
  for (const auto& [text, value] : wanted) {
    INFO(text);
    CHECK(find(trie, *parse_address(text)) == value);
  }
  CHECK(trie.list(4) == std::vector<Prefix>{prefix("10.1.2.3/32")});
  CHECK_FALSE(trie.remove(prefix("10.1.0.0/16"), 2));
  CHECK_FALSE(trie.remove(prefix("10.1.0.0/17"), 3));
  CHECK(trie.remove(prefix("10.1.0.0/16"), 3));
  CHECK(find(trie, *parse_address("10.1.2.2")) == 2);
  CHECK(find(AllowedIps(), *parse_address("10.1.2.2")) == std::nullopt);
}

TEST_CASE("a million random steps: the trie and its twin agree") {
  std::mt19937 random(11);
  AllowedIps trie;
  Twin twin;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto what = static_cast<unsigned>(random() % 100);
    const auto value = static_cast<AllowedIps::Value>(random() % 7);
    if (what < 3) {
      const Prefix some = random_prefix(random);
      trie.insert(some, value);
      twin.insert(some, value);
    } else if (what < 6) {
      const Prefix some = random_prefix(random);
      REQUIRE(trie.remove(some, value) == twin.remove(some, value));
    } else if (random() % 3000 == 0) {
      trie.remove_all(value);
      twin.remove_all(value);
    } else if (random() % 3000 == 0) {
      REQUIRE(trie.list(value) == twin.list(value));
    } else {
      const Address address = random_address(random);
      REQUIRE(find(trie, address) == twin.find(address));
    }
  }
}

}  // namespace arctic::test
