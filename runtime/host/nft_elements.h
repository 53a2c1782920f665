// Elements of verdict maps as netlink attributes, written and read without an object between, since
// a table can have hundreds of thousands of them.
//
// Called by nft_write and nft_read. The kernel keeps an interval as two elements: its start, with
// verdict and comment, and the first key behind its end, flagged; one that reaches the highest key
// has no second element.
#pragma once

#include <cstddef>
#include <vector>

#include "compiler/nft.h"

struct nlattr;
struct nlmsghdr;

namespace arctic::nft {

/// No element takes more bytes than this.
inline constexpr std::size_t kLargestElement = 1024;

/// Appends what stands for `element` to an open NFTA_SET_ELEM_LIST_ELEMENTS; without `value` only
/// the keys, which is what deleting takes. REQUIRES: room for kLargestElement bytes.
void put_element(nlmsghdr* message, KeyType key, bool interval, const Element& element, bool value);

/// Gathers the elements of one map from the messages of its dump.
class ElementReader {
 public:
  ElementReader(KeyType key, bool interval) : key_(key), interval_(interval) {}

  void add(const nlmsghdr* message);
  /// True if the map holds what ours never hold: time-outs, expressions, other verdicts.
  [[nodiscard]] bool strange() const { return strange_; }
  /// Sorted and disjoint. An end without a start, which nft writes before the first interval, is
  /// left out. Empties the reader.
  [[nodiscard]] std::vector<Element> finish();

 private:
  void add_one(const nlattr* attribute);

  KeyType key_;
  bool interval_;
  bool strange_ = false;
  std::vector<Element> starts_;  // their `last` is not set yet
  std::vector<U128> ends_;       // the first keys behind intervals
};

}  // namespace arctic::nft
