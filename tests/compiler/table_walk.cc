#include "table_walk.h"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

#include "compiler/nft_numbers.h"

namespace arctic::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes big_endian(U128 value, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = size; i-- > 0; value >>= 8) bytes[i] = static_cast<std::uint8_t>(value);
  return bytes;
}

U128 number(const Bytes& bytes) {
  U128 value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  return value;
}

/// The packet's network header, as far as classification looks at it: the addresses.
Bytes network_header(const Packet& packet) {
  const bool v4 = packet.from.family == Family::kIpv4;
  const std::size_t size = v4 ? 4 : 16;
  Bytes header(v4 ? 12 : 8);
  for (const Address& address : {packet.from, packet.to}) {
    const Bytes bytes = big_endian(address.bits, size);
    header.insert(header.end(), bytes.begin(), bytes.end());
  }
  return header;
}

class Walker {
 public:
  Walker(const nft::Table& table, const Packet& packet)
      : table_(table), packet_(packet), header_(network_header(packet)) {}

  /// True if the packet ended.
  bool enter(const std::string& name) {
    if (name.rfind("svc_", 0) == 0) return end(name);
    for (const nft::Rule& rule : table_.chains.at(name).rules) {
      const std::optional<nft::Verdict> verdict = run(rule);
      if (!ended_.empty()) return true;
      if (!verdict) continue;
      switch (verdict->code) {
        case nft::VerdictCode::kAccept:
          return end("accept");
        case nft::VerdictCode::kDrop:
          return end("drop");
        case nft::VerdictCode::kGoto:
          return enter(verdict->chain);
        case nft::VerdictCode::kJump:
          if (enter(verdict->chain)) return true;
      }
    }
    return false;
  }

  [[nodiscard]] Walk result() const { return {ended_, ended_.empty() ? "" : comment_}; }

 private:
  bool end(const std::string& how) {
    ended_ = how;
    return true;
  }

  std::optional<nft::Verdict> run(const nft::Rule& rule) {
    for (const nft::Expr& expr : rule.exprs) {
      if (const auto* meta = std::get_if<nft::MetaLoad>(&expr)) {
        load_meta(meta->key);
      } else if (const auto* payload = std::get_if<nft::PayloadLoad>(&expr)) {
        load_payload(*payload);
      } else if (const auto* bitwise = std::get_if<nft::Bitwise>(&expr)) {
        apply(*bitwise);
      } else if (const auto* ct = std::get_if<nft::CtLoad>(&expr)) {
        if (ct->key != nft::kCtDirection) throw std::runtime_error("ct key");
        register_ = {nft::kDirectionOriginal};
      } else if (const auto* cmp = std::get_if<nft::Cmp>(&expr)) {
        if (cmp->op != nft::CmpOp::kEqual) throw std::runtime_error("comparison");
        if (register_.size() != cmp->data.size()) throw std::runtime_error("comparison's size");
        if (register_ != cmp->data) return std::nullopt;
      } else if (const auto* lookup = std::get_if<nft::LookupVerdict>(&expr)) {
        return find(table_.maps.at(lookup->map));
      } else if (const auto* verdict = std::get_if<nft::ImmediateVerdict>(&expr)) {
        if (!rule.comment.empty()) comment_ = rule.comment;
        return verdict->verdict;
      } else if (std::holds_alternative<nft::RejectExpr>(expr)) {
        ended_ = "reject";
        return std::nullopt;
      } else if (!std::holds_alternative<nft::Counter>(expr)) {
        throw std::runtime_error("an expression that the walk does not know");
      }
    }
    return std::nullopt;
  }

  void load_meta(std::uint32_t key) {
    if (key == nft::kMetaIifname) {
      register_ = big_endian(nft::pack_ifname(packet_.iif), 16);
    } else if (key == nft::kMetaNfproto) {
      const bool v4 = packet_.from.family == Family::kIpv4;
      register_ = {v4 ? nft::kNfprotoIpv4 : nft::kNfprotoIpv6};
    } else {
      throw std::runtime_error("meta key");
    }
  }

  void load_payload(const nft::PayloadLoad& payload) {
    const std::size_t end = payload.offset + payload.length;
    const std::size_t addresses = packet_.from.family == Family::kIpv4 ? 12 : 8;
    if (payload.base != nft::kNetworkHeader || payload.offset < addresses || end > header_.size()) {
      throw std::runtime_error("payload");
    }
    register_.assign(header_.begin() + payload.offset,
                     header_.begin() + static_cast<std::ptrdiff_t>(end));
  }

  void apply(const nft::Bitwise& bitwise) {
    if (bitwise.mask.size() != register_.size() || bitwise.flip.size() != register_.size()) {
      throw std::runtime_error("mask's size");
    }
    for (std::size_t i = 0; i < register_.size(); ++i) {
      register_[i] = static_cast<std::uint8_t>((register_[i] & bitwise.mask[i]) ^ bitwise.flip[i]);
    }
  }

  std::optional<nft::Verdict> find(const nft::Map& map) {
    if (register_.size() != nft::key_size(map.key)) throw std::runtime_error("key size");
    const U128 key = number(register_);
    for (const nft::Element& element : map.elements) {
      if (element.first > key || key > element.last) continue;
      if (!element.comment.empty()) comment_ = element.comment;
      return element.verdict;
    }
    return std::nullopt;
  }

  const nft::Table& table_;
  const Packet& packet_;
  const Bytes header_;
  Bytes register_;
  std::string ended_;
  std::string comment_;
};

class Depth {
 public:
  explicit Depth(const nft::Table& table) : table_(table) {}

  std::size_t below(const std::string& chain) {
    if (const auto known = known_.find(chain); known != known_.end()) return known->second;
    std::size_t deepest = 0;
    for (const nft::Rule& rule : table_.chains.at(chain).rules) {
      for (const nft::Expr& expr : rule.exprs) {
        if (const auto* verdict = std::get_if<nft::ImmediateVerdict>(&expr)) {
          deepest = std::max(deepest, through(verdict->verdict));
        }
        if (const auto* lookup = std::get_if<nft::LookupVerdict>(&expr)) {
          for (const nft::Element& element : table_.maps.at(lookup->map).elements) {
            deepest = std::max(deepest, through(element.verdict));
          }
        }
      }
    }
    return known_[chain] = deepest;
  }

 private:
  std::size_t through(const nft::Verdict& verdict) {
    return verdict.chain.empty() ? 0 : 1 + below(verdict.chain);
  }

  const nft::Table& table_;
  std::map<std::string, std::size_t> known_;
};

}  // namespace

Walk walk(const nft::Table& table, const std::string& chain, const Packet& packet) {
  Walker walker(table, packet);
  walker.enter(chain);
  return walker.result();
}

std::size_t deepest_run(const nft::Table& table) {
  Depth depth(table);
  std::size_t deepest = 0;
  for (const auto& [name, chain] : table.chains) {
    if (chain.hook) deepest = std::max(deepest, depth.below(name));
  }
  return deepest;
}

}  // namespace arctic::test
