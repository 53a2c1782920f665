#include "runtime/host/nft_elements.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "runtime/host/nft_attributes.h"
#include "runtime/host/nft_expr.h"
#include "runtime/host/nft_udata.h"

namespace arctic::nft {
namespace {

/// Addresses and names are in network order; marks and address types in the machine's own.
bool host_order(KeyType key) { return key == KeyType::kMark || key == KeyType::kFibType; }

U128 max_key(KeyType key) { return key_size(key) == 4 ? U128{0xffffffffU} : ~U128{0}; }

void put_key(nlmsghdr* message, KeyType type, U128 key) {
  std::uint8_t bytes[16];
  const std::size_t size = key_size(type);
  if (host_order(type)) {
    const auto number = static_cast<std::uint32_t>(key);
    std::memcpy(bytes, &number, sizeof number);
  } else {
    for (std::size_t i = size; i-- > 0; key >>= 8) bytes[i] = static_cast<std::uint8_t>(key);
  }
  nlattr* nest = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
  mnl_attr_put(message, NFTA_DATA_VALUE, size, bytes);
  mnl_attr_nest_end(message, nest);
}

std::optional<U128> get_key(const nlattr* nest, KeyType type) {
  for (const nlattr* attribute : netlink::nested_in(nest)) {
    if (netlink::type_of(attribute) != NFTA_DATA_VALUE) continue;
    const std::size_t size = netlink::size_of(attribute);
    if (size != key_size(type)) return std::nullopt;
    const auto* bytes = static_cast<const std::uint8_t*>(netlink::payload_of(attribute));
    if (host_order(type)) {
      std::uint32_t number = 0;
      std::memcpy(&number, bytes, sizeof number);
      return U128{number};
    }
    U128 key = 0;
    for (std::size_t i = 0; i < size; ++i) key = (key << 8) | bytes[i];
    return key;
  }
  return std::nullopt;
}

void put_verdict(nlmsghdr* message, const Verdict& verdict) {
  nlattr* data = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
  nlattr* nest = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);
  mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl(verdict_number(verdict.code)));
  if (!verdict.chain.empty()) {
    mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, verdict.chain.c_str());
  }
  mnl_attr_nest_end(message, nest);
  mnl_attr_nest_end(message, data);
}

std::optional<Verdict> get_verdict(const nlattr* data) {
  for (const nlattr* nest : netlink::nested_in(data)) {
    if (netlink::type_of(nest) != NFTA_DATA_VERDICT) continue;
    Verdict verdict;
    std::optional<VerdictCode> code;
    for (const nlattr* attribute : netlink::nested_in(nest)) {
      const auto type = netlink::type_of(attribute);
      if (type == NFTA_VERDICT_CODE) {
        code = verdict_code(static_cast<std::int32_t>(netlink::be32_of(attribute)));
      } else if (type == NFTA_VERDICT_CHAIN) {
        verdict.chain = netlink::text_of(attribute);
      }
    }
    if (!code) return std::nullopt;
    verdict.code = *code;
    return verdict;
  }
  return std::nullopt;
}

/// The kernel lists a tree of intervals backwards, and a hash in no order.
template <class T, class Before>
void put_in_order(std::vector<T>& values, Before before) {
  if (std::is_sorted(values.rbegin(), values.rend(), before)) {
    std::reverse(values.begin(), values.end());
  } else if (!std::is_sorted(values.begin(), values.end(), before)) {
    std::sort(values.begin(), values.end(), before);
  }
}

}  // namespace

void put_element(nlmsghdr* message, KeyType key, bool interval, const Element& element,
                 bool value) {
  const bool open = interval && element.last >= max_key(key);
  nlattr* start = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  put_key(message, key, element.first);
  if (value) {
    put_verdict(message, element.verdict);
    // nft flags an open end in the user data, and lists the interval by it.
    std::string udata;
    if (!element.comment.empty()) {
      udata += udata_text(NFTNL_UDATA_SET_ELEM_COMMENT, element.comment);
    }
    if (open) udata += udata_number(NFTNL_UDATA_SET_ELEM_FLAGS, NFTNL_SET_ELEM_F_INTERVAL_OPEN);
    if (!udata.empty()) {
      mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, udata.size(), udata.data());
    }
  }
  mnl_attr_nest_end(message, start);
  if (!interval || open) return;
  nlattr* end = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
  put_key(message, key, element.last + 1);
  mnl_attr_nest_end(message, end);
}

void ElementReader::add(const nlmsghdr* message) {
  for (const nlattr* attribute : netlink::attributes_of(message, sizeof(nfgenmsg))) {
    if (netlink::type_of(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    for (const nlattr* element : netlink::nested_in(attribute)) add_one(element);
  }
}

void ElementReader::add_one(const nlattr* attribute) {
  std::optional<U128> key;
  std::optional<Verdict> verdict;
  std::string comment;
  bool end = false;
  for (const nlattr* field : netlink::nested_in(attribute)) {
    switch (netlink::type_of(field)) {
      case NFTA_SET_ELEM_KEY:
        key = get_key(field, key_);
        break;
      case NFTA_SET_ELEM_DATA:
        verdict = get_verdict(field);
        break;
      case NFTA_SET_ELEM_FLAGS:
        end = netlink::be32_of(field) == NFT_SET_ELEM_INTERVAL_END;
        strange_ = strange_ || !end;
        break;
      case NFTA_SET_ELEM_USERDATA:
        comment = find_udata_text(netlink::payload_of(field), netlink::size_of(field),
                                  NFTNL_UDATA_SET_ELEM_COMMENT);
        break;
      default:
        strange_ = true;
    }
  }
  if (!key || end == verdict.has_value()) {
    strange_ = true;
  } else if (end) {
    ends_.push_back(*key);
  } else {
    starts_.push_back({*key, *key, std::move(*verdict), std::move(comment)});
  }
}

std::vector<Element> ElementReader::finish() {
  put_in_order(starts_, [](const Element& a, const Element& b) { return a.first < b.first; });
  put_in_order(ends_, std::less<>());
  if (interval_) {
    auto end = ends_.begin();
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      Element& element = starts_[i];
      while (end != ends_.end() && *end <= element.first) ++end;
      element.last = end != ends_.end() ? *end - 1 : max_key(key_);
      // An interval that another follows at once may have no end of its own.
      if (i + 1 < starts_.size()) element.last = std::min(element.last, starts_[i + 1].first - 1);
    }
  }
  ends_.clear();
  return std::move(starts_);
}

}  // namespace arctic::nft
