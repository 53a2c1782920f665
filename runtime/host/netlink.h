// Talking rtnetlink: one message, its answer with the kernel's own words, and dumps.
//
// Built on libnl-3's sockets, messages and attributes. Its object layer (libnl-route) is not used:
// it hides attributes that we own things by (rule protocol, goto, alias at creation) and drops the
// kernel's error text. Used by links, routes and the nftables files of this folder (answers only);
// knows nothing about what the messages mean. A socket belongs to the network namespace of the
// thread that opened it, so sockets live no longer than one call on LinuxHost.
#pragma once

#include <linux/netlink.h>
#include <netlink/msg.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"

struct nl_sock;

namespace arctic::netlink {

/// What the kernel says to one request.
struct Answer {
  int error = 0;               ///< an errno value; 0 for success
  std::string text;            ///< the kernel's explanation, often empty
  std::uint32_t offset = 0;    ///< of the attribute it objects to, from the message's start; or 0
  std::uint32_t sequence = 0;  ///< of the request
};

/// REQUIRES: `header` is a whole NLMSG_ERROR or NLMSG_DONE message.
[[nodiscard]] Answer read_answer(const nlmsghdr* header);

/// "File exists", with the kernel's explanation if there is one.
[[nodiscard]] std::string answer_text(const Answer& answer);

/// The Error of a refused request: `doing` is "cannot …", to which the answer is added. EPERM says
/// that root is needed.
[[nodiscard]] tl::unexpected<Error> refused(const std::string& subject, const std::string& doing,
                                            const Answer& answer, std::string hint = {});

/// One request under construction.
class Message {
 public:
  Message(std::uint16_t type, int flags);
  /// The payload of `header` as a request of another type: what the kernel said, said back.
  [[nodiscard]] static Message copy(const nlmsghdr* header, std::uint16_t type);

  template <class T>
  void header(const T& value) {
    nlmsg_append(message_.get(), const_cast<T*>(&value), sizeof(T), NLMSG_ALIGNTO);
  }
  void put(int attribute, const void* data, std::size_t size);
  void put(int attribute, std::uint32_t value) { put(attribute, &value, sizeof value); }
  void put(int attribute, std::uint8_t value) { put(attribute, &value, sizeof value); }
  void put(int attribute, std::string_view text);  ///< with its final zero
  [[nodiscard]] nlattr* begin(int attribute);
  void end(nlattr* nest);

  [[nodiscard]] nlmsghdr* raw() { return nlmsg_hdr(message_.get()); }

 private:
  struct Free {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
  };
  std::unique_ptr<nl_msg, Free> message_;
};

class RouteSocket {
 public:
  [[nodiscard]] static Result<RouteSocket> open();

  /// Sends one message and waits for its answer.
  [[nodiscard]] Answer request(Message& message);
  /// Sends several messages in one system call, so that the kernel handles all of them even if this
  /// process is killed at any moment; a failed one does not stop the next. Answers in order.
  [[nodiscard]] std::vector<Answer> request_all(const std::vector<Message*>& messages);

  using Receive = std::function<void(const nlmsghdr*)>;
  /// Calls `receive` for each message of a dump. EINTR: the list changed meanwhile, begin again.
  [[nodiscard]] Answer dump(Message& message, const Receive& receive);
  /// Asks for one object, without dumping.
  [[nodiscard]] Answer get(Message& message, const Receive& receive);

 private:
  struct Free {
    void operator()(nl_sock* socket) const;
  };
  explicit RouteSocket(nl_sock* socket) : socket_(socket) {}
  [[nodiscard]] Answer ask(Message& message, int flags, const Receive& receive);
  [[nodiscard]] int receive(std::vector<unsigned char>& into);

  std::unique_ptr<nl_sock, Free> socket_;
  std::uint32_t sequence_ = 0;
};

/// Repeats `dump` until it ran without the list changing under it; `reset` drops what was received.
[[nodiscard]] Answer steady_dump(RouteSocket& socket, Message& message,
                                 const std::function<void()>& reset,
                                 const RouteSocket::Receive& receive);

/// The attributes of one rtnetlink message, by number.
class Attributes {
 public:
  /// REQUIRES: `header` is a whole message that begins with a T.
  template <class T>
  static Attributes of(const nlmsghdr* header, const T*) {
    return Attributes(nlmsg_attrdata(header, sizeof(T)), nlmsg_attrlen(header, sizeof(T)));
  }
  Attributes(const nlattr* first, int length);

  [[nodiscard]] const nlattr* find(int attribute) const;
  [[nodiscard]] int highest() const { return static_cast<int>(by_number_.size()) - 1; }
  [[nodiscard]] bool has(int attribute) const { return find(attribute) != nullptr; }
  [[nodiscard]] std::uint32_t u32(int attribute, std::uint32_t otherwise = 0) const;
  [[nodiscard]] std::uint8_t u8(int attribute, std::uint8_t otherwise = 0) const;
  [[nodiscard]] std::string text(int attribute) const;
  [[nodiscard]] Attributes nested(int attribute) const;

 private:
  std::vector<const nlattr*> by_number_;
};

}  // namespace arctic::netlink
