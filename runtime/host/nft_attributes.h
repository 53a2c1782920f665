// The attributes of a netlink message, or nested in another attribute, as a range to loop over.
//
// libmnl's loops are macros in C's dialect; these are theirs in ours, without a copy, since element
// dumps are the one place of this folder where speed counts.
#pragma once

#include <libmnl/libmnl.h>

namespace arctic::netlink {

class AttributeRange {
 public:
  struct End {};
  class Iterator {
   public:
    Iterator(const nlattr* at, int left) : at_(at), left_(left) {}
    const nlattr* operator*() const { return at_; }
    Iterator& operator++() {
      left_ -= static_cast<int>(MNL_ALIGN(at_->nla_len));
      at_ = mnl_attr_next(at_);
      return *this;
    }
    bool operator!=(End) const { return mnl_attr_ok(at_, left_); }

   private:
    const nlattr* at_;
    int left_;
  };

  AttributeRange(const void* first, std::size_t size)
      : first_(static_cast<const nlattr*>(first)), size_(static_cast<int>(size)) {}

  [[nodiscard]] Iterator begin() const { return {first_, size_}; }
  [[nodiscard]] End end() const { return {}; }

 private:
  const nlattr* first_;
  int size_;
};

/// The attributes behind `skip` bytes of a message's own header.
[[nodiscard]] inline AttributeRange attributes_of(const nlmsghdr* message, std::size_t skip) {
  return {mnl_nlmsg_get_payload_offset(message, skip),
          mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(skip)};
}

[[nodiscard]] inline AttributeRange nested_in(const nlattr* attribute) {
  return {mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute)};
}

}  // namespace arctic::netlink
