// The attributes of a netlink message, or nested in another attribute, as a range to loop over.
//
// Called where elements are read, the one place of this folder where speed counts: nothing is
// copied, and nothing is a call into a library. Lengths come from the kernel and are checked all
// the same.
#pragma once

#include <arpa/inet.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace arctic::netlink {

[[nodiscard]] inline unsigned type_of(const nlattr* attribute) {
  return attribute->nla_type & static_cast<unsigned>(NLA_TYPE_MASK);
}
[[nodiscard]] inline std::size_t size_of(const nlattr* attribute) {
  return static_cast<std::size_t>(attribute->nla_len) - NLA_HDRLEN;
}
[[nodiscard]] inline const std::uint8_t* payload_of(const nlattr* attribute) {
  return reinterpret_cast<const std::uint8_t*>(attribute) + NLA_HDRLEN;
}
/// A number in network order; 0 if the attribute is too short.
[[nodiscard]] inline std::uint32_t be32_of(const nlattr* attribute) {
  std::uint32_t number = 0;
  if (size_of(attribute) >= sizeof number) {
    std::memcpy(&number, payload_of(attribute), sizeof number);
  }
  return ntohl(number);
}
/// To its first zero.
[[nodiscard]] inline std::string text_of(const nlattr* attribute) {
  const auto* text = reinterpret_cast<const char*>(payload_of(attribute));
  return std::string(text, ::strnlen(text, size_of(attribute)));
}

class AttributeRange {
 public:
  struct End {};
  class Iterator {
   public:
    Iterator(const std::uint8_t* at, std::size_t left) : at_(at), left_(left) {}
    const nlattr* operator*() const { return reinterpret_cast<const nlattr*>(at_); }
    Iterator& operator++() {
      const std::size_t step = NLA_ALIGN(static_cast<std::size_t>((**this)->nla_len));
      left_ -= step < left_ ? step : left_;
      at_ += step;
      return *this;
    }
    bool operator!=(End) const {
      return left_ >= NLA_HDRLEN && (**this)->nla_len >= NLA_HDRLEN && (**this)->nla_len <= left_;
    }

   private:
    const std::uint8_t* at_;
    std::size_t left_;
  };

  AttributeRange(const std::uint8_t* first, std::size_t size) : first_(first), size_(size) {}

  [[nodiscard]] Iterator begin() const { return {first_, size_}; }
  [[nodiscard]] End end() const { return {}; }

 private:
  const std::uint8_t* first_;
  std::size_t size_;
};

/// The attributes behind `skip` bytes of a message's own header. REQUIRES: a whole message.
[[nodiscard]] inline AttributeRange attributes_of(const nlmsghdr* message, std::size_t skip) {
  const std::size_t before = NLMSG_HDRLEN + NLMSG_ALIGN(skip);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(message);
  return {bytes + before, message->nlmsg_len > before ? message->nlmsg_len - before : 0};
}

[[nodiscard]] inline AttributeRange nested_in(const nlattr* attribute) {
  return {payload_of(attribute), size_of(attribute)};
}

}  // namespace arctic::netlink
