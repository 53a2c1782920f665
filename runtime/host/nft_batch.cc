#include "runtime/host/nft_batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <memory>

#include "runtime/host/nft_elements.h"
#include "runtime/host/nft_expr.h"
#include "runtime/host/nft_read.h"
#include "runtime/host/nft_udata.h"

namespace arctic::nft {
namespace {

// A nested attribute tells its length in 16 bits.
constexpr std::size_t kLargestNest = 65535 - 2 * kLargestElement;
constexpr std::size_t kRoom = std::size_t{256} * 1024;  // more than any message takes
constexpr std::uint32_t kVerdictType = 0xffffff00U;
constexpr std::uint32_t kNftHostOrder = 1;  // nft's numbers for byte orders in a set's user data
constexpr std::uint32_t kNftNetworkOrder = 2;

template <class T>
T* check(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

std::uint32_t type_number(KeyType key) {
  for (const KeyTypeNumber& known : kKeyTypeNumbers) {
    if (known.key == key) return known.number;
  }
  return 0;
}

std::string set_udata(KeyType key) {
  const bool network = key == KeyType::kIpv4 || key == KeyType::kIpv6;
  return udata_number(NFTNL_UDATA_SET_KEYBYTEORDER, network ? kNftNetworkOrder : kNftHostOrder) +
         udata_number(NFTNL_UDATA_SET_DATABYTEORDER, 0) +
         udata_number(NFTNL_UDATA_SET_DATA_INTERVAL, 0);
}

void put_name(nlmsghdr* message, std::uint16_t attribute, const std::string& name) {
  mnl_attr_put_strz(message, attribute, name.c_str());
}

void put_rule(nlmsghdr* message, const std::string& chain, const Rule& rule) {
  const std::unique_ptr<nftnl_rule, void (*)(const nftnl_rule*)> object(check(nftnl_rule_alloc()),
                                                                        nftnl_rule_free);
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, kTableName);
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain.c_str());
  for (const Expr& expr : rule.exprs) nftnl_rule_add_expr(object.get(), encode_expr(expr));
  if (!rule.comment.empty()) {
    const std::string udata = udata_text(NFTNL_UDATA_RULE_COMMENT, rule.comment);
    nftnl_rule_set_data(object.get(), NFTNL_RULE_USERDATA, udata.data(),
                        static_cast<std::uint32_t>(udata.size()));
  }
  nftnl_rule_nlmsg_build_payload(message, object.get());
}

void put_chain(nlmsghdr* message, const std::string& name, const ChainHeader& chain) {
  put_name(message, NFTA_CHAIN_TABLE, kTableName);
  put_name(message, NFTA_CHAIN_NAME, name);
  if (!chain.hook) return;
  put_name(message, NFTA_CHAIN_TYPE, chain.hook->type);
  nlattr* hook = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
  mnl_attr_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(chain.hook->number));
  mnl_attr_put_u32(message, NFTA_HOOK_PRIORITY,
                   htonl(static_cast<std::uint32_t>(chain.hook->priority)));
  mnl_attr_nest_end(message, hook);
  mnl_attr_put_u32(message, NFTA_CHAIN_POLICY, htonl(chain.hook->accept ? NF_ACCEPT : NF_DROP));
}

void put_map(nlmsghdr* message, const std::string& name, const MapHeader& map, std::uint32_t id) {
  put_name(message, NFTA_SET_TABLE, kTableName);
  put_name(message, NFTA_SET_NAME, name);
  const std::uint32_t flags = NFT_SET_MAP | (map.interval ? std::uint32_t{NFT_SET_INTERVAL} : 0U);
  mnl_attr_put_u32(message, NFTA_SET_FLAGS, htonl(flags));
  mnl_attr_put_u32(message, NFTA_SET_KEY_TYPE, htonl(type_number(map.key)));
  mnl_attr_put_u32(message, NFTA_SET_KEY_LEN, htonl(static_cast<std::uint32_t>(key_size(map.key))));
  mnl_attr_put_u32(message, NFTA_SET_DATA_TYPE, htonl(kVerdictType));
  mnl_attr_put_u32(message, NFTA_SET_DATA_LEN, 0);
  mnl_attr_put_u32(message, NFTA_SET_ID, htonl(id));
  const std::string udata = set_udata(map.key);
  mnl_attr_put(message, NFTA_SET_USERDATA, udata.size(), udata.data());
}

bool same_hook(const ChainHeader& a, const ChainHeader& b) {
  if (!a.hook || !b.hook) return false;
  return a.hook->type == b.hook->type && a.hook->number == b.hook->number &&
         a.hook->priority == b.hook->priority;
}

}  // namespace

Batch::Batch(std::optional<std::uint32_t> generation) {
  nlmsghdr* message = begin(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  if (generation) mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(*generation));
  end(message);
}

nlmsghdr* Batch::begin(std::uint16_t type, int flags, std::uint8_t family, std::uint16_t resource) {
  if (bytes_.size() < used_ + kRoom) bytes_.resize(std::max(2 * bytes_.size(), used_ + kRoom));
  nlmsghdr* message = mnl_nlmsg_put_header(bytes_.data() + used_);
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = ++sequence_;
  auto* header = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  header->res_id = htons(resource);
  return message;
}

void Batch::end(const nlmsghdr* message) { used_ += MNL_ALIGN(message->nlmsg_len); }

void Batch::put(std::uint16_t type, int flags, std::size_t change, const Fill& fill) {
  nlmsghdr* message =
      begin(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type), flags, NFPROTO_INET, 0);
  fill(message);
  messages_.push_back({message->nlmsg_seq, change});
  end(message);
}

void Batch::add_table(std::size_t index, const TableDelta& delta) {
  const bool replace = delta.after && delta.after->replace;
  if (delta.before || replace) {
    put(NFT_MSG_DELTABLE, 0, index,
        [](nlmsghdr* message) { put_name(message, NFTA_TABLE_NAME, kTableName); });
  }
  if (!delta.after) return;
  put(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, index, [](nlmsghdr* message) {
    put_name(message, NFTA_TABLE_NAME, kTableName);
    mnl_attr_put_u32(message, NFTA_TABLE_FLAGS, 0);
    const std::string udata = udata_text(NFTNL_UDATA_TABLE_COMMENT, kTableComment);
    mnl_attr_put(message, NFTA_TABLE_USERDATA, udata.size(), udata.data());
  });
}

void Batch::add_map(std::size_t index, const MapDelta& delta) {
  if (delta.before) {
    put(NFT_MSG_DELSET, 0, index, [&](nlmsghdr* message) {
      put_name(message, NFTA_SET_TABLE, kTableName);
      put_name(message, NFTA_SET_NAME, delta.name);
    });
  }
  if (!delta.after) return;
  put(NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, index,
      [&](nlmsghdr* message) { put_map(message, delta.name, *delta.after, ++set_id_); });
}

void Batch::add_chain(std::size_t index, const ChainDelta& delta) {
  // The policy is all that the kernel changes in place.
  const bool policy_only = delta.before && delta.after && same_hook(*delta.before, *delta.after);
  if (delta.before && !policy_only) {
    put(NFT_MSG_DELCHAIN, 0, index, [&](nlmsghdr* message) {
      put_name(message, NFTA_CHAIN_TABLE, kTableName);
      put_name(message, NFTA_CHAIN_NAME, delta.name);
    });
  }
  if (!delta.after) return;
  put(NFT_MSG_NEWCHAIN, policy_only ? 0 : NLM_F_CREATE | NLM_F_EXCL, index,
      [&](nlmsghdr* message) { put_chain(message, delta.name, *delta.after); });
}

Status Batch::add_rule(std::size_t index, const NftRuleDelta& delta) {
  if (delta.before && delta.before->handle == 0) {
    return fail(ErrorCode::kFailure, "chain " + delta.name,
                "cannot delete a rule that was not read from the kernel",
                "run it again: it starts from what the kernel has");
  }
  if (delta.before && !delta.after) {
    put(NFT_MSG_DELRULE, 0, index, [&](nlmsghdr* message) {
      put_name(message, NFTA_RULE_TABLE, kTableName);
      put_name(message, NFTA_RULE_CHAIN, delta.name);
      mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(delta.before->handle));
    });
  }
  if (!delta.after) return {};
  for (const Expr& expr : delta.after->exprs) {
    if (!std::holds_alternative<UnknownExpr>(expr)) continue;
    return fail(ErrorCode::kFailure, "chain " + delta.name,
                "cannot write a rule with an expression that is not arctic's");
  }
  put(NFT_MSG_NEWRULE, delta.before ? NLM_F_REPLACE : NLM_F_CREATE | NLM_F_APPEND, index,
      [&](nlmsghdr* message) {
        put_rule(message, delta.name, *delta.after);
        if (delta.before) {
          mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(delta.before->handle));
        }
      });
  return {};
}

std::size_t Batch::add_elements(const std::vector<Change>& changes, std::size_t first) {
  const std::string& map = std::get<ElementDelta>(changes[first]).name;
  std::size_t last = first;
  while (last < changes.size()) {
    const auto* delta = std::get_if<ElementDelta>(&changes[last]);
    if (delta == nullptr || delta->name != map) break;
    ++last;
  }
  put_elements(changes, first, last, /*adding=*/false);
  put_elements(changes, first, last, /*adding=*/true);
  return last;
}

void Batch::put_elements(const std::vector<Change>& changes, std::size_t first, std::size_t last,
                         bool adding) {
  const auto type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) |
                                               (adding ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM));
  nlmsghdr* message = nullptr;
  nlattr* list = nullptr;
  const auto close = [&] {
    if (message == nullptr) return;
    mnl_attr_nest_end(message, list);
    end(message);
    message = nullptr;
  };
  for (std::size_t i = first; i < last; ++i) {
    const auto& delta = std::get<ElementDelta>(changes[i]);
    const auto& side = adding ? delta.after : delta.before;
    if (!side) continue;
    if (message == nullptr) {
      message = begin(type, adding ? NLM_F_CREATE | NLM_F_EXCL : 0, NFPROTO_INET, 0);
      put_name(message, NFTA_SET_ELEM_LIST_TABLE, kTableName);
      put_name(message, NFTA_SET_ELEM_LIST_SET, delta.name);
      list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
      messages_.push_back({message->nlmsg_seq, i});
    }
    parts_.push_back({message->nlmsg_seq, message->nlmsg_len, i});
    put_element(message, side->key, side->interval, side->element, adding);
    const auto* tail = static_cast<const unsigned char*>(mnl_nlmsg_get_payload_tail(message));
    if (static_cast<std::size_t>(tail - reinterpret_cast<unsigned char*>(list)) > kLargestNest) {
      close();
    }
  }
  close();
}

Status Batch::add(const std::vector<Change>& changes) {
  for (std::size_t i = 0; i < changes.size();) {
    const Change& change = changes[i];
    if (std::holds_alternative<ElementDelta>(change)) {
      i = add_elements(changes, i);
      continue;
    }
    if (const auto* table = std::get_if<TableDelta>(&change)) {
      add_table(i, *table);
    } else if (const auto* map = std::get_if<MapDelta>(&change)) {
      add_map(i, *map);
    } else if (const auto* chain = std::get_if<ChainDelta>(&change)) {
      add_chain(i, *chain);
    } else if (const auto* rule = std::get_if<NftRuleDelta>(&change)) {
      ARCTIC_CHECK(add_rule(i, *rule));
    } else {
      return fail(ErrorCode::kFailure, "table inet arctic",
                  "a change that is not nftables' does not fit into its transaction");
    }
    ++i;
  }
  return {};
}

const std::vector<unsigned char>& Batch::finish() {
  end(begin(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
  bytes_.resize(used_);
  return bytes_;
}

std::optional<std::size_t> Batch::change_of(const netlink::Answer& answer) const {
  const auto message = std::lower_bound(
      messages_.begin(), messages_.end(), answer.sequence,
      [](const Message& a, std::uint32_t sequence) { return a.sequence < sequence; });
  if (message == messages_.end() || message->sequence != answer.sequence) return std::nullopt;
  // The element that the kernel stopped at is the last that begins no later than the place it
  // names.
  std::size_t change = message->change;
  auto part =
      std::lower_bound(parts_.begin(), parts_.end(), answer.sequence,
                       [](const Part& a, std::uint32_t sequence) { return a.sequence < sequence; });
  for (; part != parts_.end() && part->sequence == answer.sequence; ++part) {
    if (part->offset > answer.offset) break;
    change = part->change;
  }
  return change;
}

}  // namespace arctic::nft
