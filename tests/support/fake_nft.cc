#include <algorithm>

#include "tests/support/fake_host.h"

namespace arctic {
namespace {

tl::unexpected<Error> refuse(const std::string& what, const char* error) {
  return fail(ErrorCode::kFailure, what, error);
}

bool jumps_to(const nft::Verdict& verdict, const std::string& chain) {
  return (verdict.code == nft::VerdictCode::kJump || verdict.code == nft::VerdictCode::kGoto) &&
         verdict.chain == chain;
}

/// The state of the table inside a transaction.
class Transaction {
 public:
  Transaction(std::optional<nft::Table> table, std::uint64_t next_handle)
      : table_(std::move(table)), next_handle_(next_handle) {}

  Status operator()(const TableDelta& delta) {
    if (!delta.after || delta.after->replace) {
      if (!table_ && !delta.after) return refuse("table", "ENOENT");
      table_.reset();
    }
    if (delta.after && !table_) table_.emplace();
    return {};
  }

  Status operator()(const MapDelta& delta) {
    if (!table_) return refuse("table", "ENOENT");
    if (delta.before && delta.after) return refuse("map " + delta.name, "EEXIST");
    if (delta.after) {
      const nft::Map map{delta.after->key, delta.after->interval, {}};
      if (!table_->maps.emplace(delta.name, map).second) return refuse("map", "EEXIST");
      return {};
    }
    if (map_is_used(delta.name)) return refuse("map " + delta.name, "EBUSY");
    if (table_->maps.erase(delta.name) == 0) return refuse("map " + delta.name, "ENOENT");
    return {};
  }

  Status operator()(const ChainDelta& delta) {
    if (!table_) return refuse("table", "ENOENT");
    if (delta.before && delta.after) return refuse("chain " + delta.name, "EOPNOTSUPP");
    if (delta.after) {
      if (!table_->chains.emplace(delta.name, nft::Chain{delta.after->hook, {}}).second) {
        return refuse("chain " + delta.name, "EEXIST");
      }
      return {};
    }
    if (chain_is_used(delta.name)) return refuse("chain " + delta.name, "EBUSY");
    if (table_->chains.erase(delta.name) == 0) return refuse("chain " + delta.name, "ENOENT");
    return {};
  }

  Status operator()(const NftRuleDelta& delta) {
    if (!table_ || table_->chains.count(delta.name) == 0) {
      return refuse("chain " + delta.name, "ENOENT");
    }
    auto& rules = table_->chains[delta.name].rules;
    if (delta.before) {
      const auto old = std::find_if(rules.begin(), rules.end(), [&](const nft::Rule& rule) {
        return rule.handle == delta.before->handle;
      });
      if (old == rules.end()) return refuse("rule in " + delta.name, "ENOENT");
      rules.erase(old);
    }
    if (!delta.after) return {};
    for (const nft::Expr& expr : delta.after->exprs) ARCTIC_CHECK(check(expr));
    rules.push_back(*delta.after);
    rules.back().handle = next_handle_++;
    rules.back().text.clear();
    return {};
  }

  Status operator()(const ElementDelta& delta) {
    if (!table_ || table_->maps.count(delta.name) == 0) {
      return refuse("map " + delta.name, "ENOENT");
    }
    nft::Map& map = table_->maps[delta.name];
    if (delta.before) ARCTIC_CHECK(remove(map, delta.before->element));
    if (delta.after) ARCTIC_CHECK(add(delta.name, map, delta.after->element));
    return {};
  }

  template <class Other>
  Status operator()(const Delta<Other>&) {
    return refuse("transaction", "is not nftables");
  }

  std::optional<nft::Table> table_;
  std::uint64_t next_handle_;

 private:
  static Status remove(nft::Map& map, const nft::Element& element) {
    const auto old = std::find_if(map.elements.begin(), map.elements.end(), [&](const auto& each) {
      return each.first == element.first && each.last == element.last;
    });
    if (old == map.elements.end()) return refuse("element", "ENOENT");
    map.elements.erase(old);
    return {};
  }

  Status add(const std::string& name, nft::Map& map, const nft::Element& element) {
    if (!chain_is_there(element.verdict)) return refuse("element of " + name, "ENOENT");
    if (!map.interval && element.first != element.last) return refuse("element", "EINVAL");
    for (const nft::Element& other : map.elements) {
      if (element.first <= other.last && other.first <= element.last) {
        return refuse("element of " + name, "EEXIST");
      }
    }
    const auto place = std::find_if(map.elements.begin(), map.elements.end(),
                                    [&](const auto& o) { return element.first < o.first; });
    map.elements.insert(place, element);
    return {};
  }

  [[nodiscard]] bool chain_is_there(const nft::Verdict& verdict) const {
    const bool named =
        verdict.code == nft::VerdictCode::kJump || verdict.code == nft::VerdictCode::kGoto;
    return !named || table_->chains.count(verdict.chain) > 0;
  }

  [[nodiscard]] Status check(const nft::Expr& expr) const {
    if (const auto* lookup = std::get_if<nft::LookupVerdict>(&expr)) {
      if (table_->maps.count(lookup->map) == 0) return refuse("map " + lookup->map, "ENOENT");
    }
    if (const auto* immediate = std::get_if<nft::ImmediateVerdict>(&expr)) {
      if (!chain_is_there(immediate->verdict)) return refuse("chain", "ENOENT");
    }
    if (std::holds_alternative<nft::UnknownExpr>(expr)) return refuse("expression", "EINVAL");
    return {};
  }

  [[nodiscard]] bool map_is_used(const std::string& name) const {
    for (const auto& [chain_name, chain] : table_->chains) {
      for (const nft::Rule& rule : chain.rules) {
        for (const nft::Expr& expr : rule.exprs) {
          const auto* lookup = std::get_if<nft::LookupVerdict>(&expr);
          if (lookup != nullptr && lookup->map == name) return true;
        }
      }
    }
    return false;
  }

  [[nodiscard]] bool chain_is_used(const std::string& name) const {
    for (const auto& [map_name, map] : table_->maps) {
      for (const nft::Element& element : map.elements) {
        if (jumps_to(element.verdict, name)) return true;
      }
    }
    for (const auto& [chain_name, chain] : table_->chains) {
      // The kernel deletes a chain's own rules with it.
      if (chain_name == name) continue;
      for (const nft::Rule& rule : chain.rules) {
        for (const nft::Expr& expr : rule.exprs) {
          const auto* immediate = std::get_if<nft::ImmediateVerdict>(&expr);
          if (immediate != nullptr && jumps_to(immediate->verdict, name)) return true;
        }
      }
    }
    return false;
  }
};

}  // namespace

Status fake_transaction(const std::vector<Change>& changes, std::optional<nft::Table>& table,
                        std::uint64_t& next_handle) {
  Transaction transaction(table, next_handle);
  for (const Change& change : changes) {
    auto status = std::visit([&](const auto& delta) { return transaction(delta); }, change);
    if (!status) return status;
  }
  table = std::move(transaction.table_);
  next_handle = transaction.next_handle_;
  return {};
}

}  // namespace arctic
