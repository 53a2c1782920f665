#include "runtime/host/netlink.h"

#include <netlink/attr.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace arctic::netlink {
namespace {

constexpr std::size_t kReceiveSize = 64 * 1024;
constexpr int kDumpAttempts = 50;

nl_msg* allocate_message() {
  nl_msg* message = nlmsg_alloc_size(8192);
  if (message == nullptr) throw std::bad_alloc();
  return message;
}

}  // namespace

Answer read_answer(const nlmsghdr* header) {
  Answer answer;
  answer.sequence = header->nlmsg_seq;
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(int))) {
    answer.error = header->nlmsg_type == NLMSG_DONE ? 0 : EBADMSG;
    return answer;
  }
  const auto* payload = static_cast<const unsigned char*>(NLMSG_DATA(header));
  int code = 0;
  std::memcpy(&code, payload, sizeof code);
  answer.error = -code;
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return answer;
  std::size_t skip = sizeof(int);
  if (header->nlmsg_type == NLMSG_ERROR) {
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return answer;
    const auto* error = reinterpret_cast<const nlmsgerr*>(payload);
    skip = sizeof(nlmsgerr);
    if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
  }
  skip = NLMSG_ALIGN(skip);
  const std::size_t size = header->nlmsg_len - NLMSG_HDRLEN;
  if (skip >= size) return answer;
  const Attributes attributes(reinterpret_cast<const nlattr*>(payload + skip),
                              static_cast<int>(size - skip));
  answer.text = attributes.text(NLMSGERR_ATTR_MSG);
  answer.offset = attributes.u32(NLMSGERR_ATTR_OFFS);
  return answer;
}

std::string answer_text(const Answer& answer) {
  std::string text = errno_text(answer.error);
  if (!answer.text.empty()) text += " (kernel: " + answer.text + ")";
  return text;
}

tl::unexpected<Error> refused(const std::string& subject, const std::string& doing,
                              const Answer& answer, std::string hint) {
  if (answer.error == EPERM) {
    return fail(ErrorCode::kFailure, subject, doing + ": this needs root (CAP_NET_ADMIN)",
                "run it as root");
  }
  return fail(ErrorCode::kFailure, subject, doing + ": " + answer_text(answer), std::move(hint));
}

Message::Message(std::uint16_t type, int flags) : message_(allocate_message()) {
  if (nlmsg_put(message_.get(), NL_AUTO_PORT, 0, type, 0, NLM_F_REQUEST | flags) == nullptr) {
    throw std::bad_alloc();
  }
}

Message Message::copy(const nlmsghdr* header, std::uint16_t type) {
  Message message(type, 0);
  if (nlmsg_append(message.message_.get(), nlmsg_data(const_cast<nlmsghdr*>(header)),
                   static_cast<std::size_t>(nlmsg_datalen(header)), NLMSG_ALIGNTO) < 0) {
    throw std::bad_alloc();
  }
  return message;
}

void Message::put(int attribute, const void* data, std::size_t size) {
  if (nla_put(message_.get(), attribute, static_cast<int>(size), data) < 0) throw std::bad_alloc();
}

void Message::put(int attribute, std::string_view text) {
  const std::string terminated(text);
  put(attribute, terminated.c_str(), terminated.size() + 1);
}

nlattr* Message::begin(int attribute) {
  nlattr* nest = nla_nest_start(message_.get(), attribute | NLA_F_NESTED);
  if (nest == nullptr) throw std::bad_alloc();
  return nest;
}

void Message::end(nlattr* nest) { nla_nest_end(message_.get(), nest); }

void RouteSocket::Free::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Result<RouteSocket> RouteSocket::open() {
  RouteSocket socket(nl_socket_alloc());
  if (socket.socket_ == nullptr) throw std::bad_alloc();
  if (const int error = nl_connect(socket.socket_.get(), NETLINK_ROUTE); error < 0) {
    return fail(ErrorCode::kFailure, "rtnetlink",
                std::string("cannot open a socket: ") + nl_geterror(error));
  }
  // Old kernels know neither option: then there is no explanation, and nothing is filtered.
  const int on = 1;
  const int fd = nl_socket_get_fd(socket.socket_.get());
  (void)::setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  (void)::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  (void)::setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return socket;
}

int RouteSocket::receive(std::vector<unsigned char>& into) {
  into.resize(kReceiveSize);
  sockaddr_nl from{};
  for (;;) {
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(nl_socket_get_fd(socket_.get()), into.data(), into.size(),
                                    MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (from.nl_pid != 0) continue;
    if (static_cast<std::size_t>(size) > into.size()) return EMSGSIZE;
    into.resize(static_cast<std::size_t>(size));
    return 0;
  }
}

Answer RouteSocket::request(Message& message) { return request_all({&message}).front(); }

std::vector<Answer> RouteSocket::request_all(const std::vector<Message*>& messages) {
  std::vector<unsigned char> bytes;
  const std::uint32_t first = sequence_ + 1;
  for (Message* message : messages) {
    nlmsghdr* header = message->raw();
    header->nlmsg_seq = ++sequence_;
    header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | NLM_F_ACK);
    const auto* start = reinterpret_cast<const unsigned char*>(header);
    bytes.insert(bytes.end(), start, start + header->nlmsg_len);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
  }
  std::vector<Answer> answers(messages.size());
  std::size_t missing = messages.size();
  const auto give_up = [&](int error) {
    for (Answer& answer : answers) {
      if (answer.sequence == 0) answer.error = error;
    }
    return answers;
  };
  if (nl_sendto(socket_.get(), bytes.data(), bytes.size()) < 0) return give_up(errno);
  std::vector<unsigned char> buffer;
  while (missing > 0) {
    if (const int error = receive(buffer); error != 0) return give_up(error);
    int left = static_cast<int>(buffer.size());
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(header, left);
         header = nlmsg_next(header, &left)) {
      const std::uint32_t index = header->nlmsg_seq - first;
      if (header->nlmsg_type != NLMSG_ERROR || index >= answers.size()) continue;
      if (answers[index].sequence == 0) --missing;
      answers[index] = read_answer(header);
    }
  }
  return answers;
}

Answer RouteSocket::dump(Message& message, const Receive& receive_one) {
  return ask(message, NLM_F_DUMP, receive_one);
}

Answer RouteSocket::get(Message& message, const Receive& receive_one) {
  return ask(message, NLM_F_ACK, receive_one);
}

Answer RouteSocket::ask(Message& message, int flags, const Receive& receive_one) {
  nlmsghdr* request = message.raw();
  request->nlmsg_seq = ++sequence_;
  request->nlmsg_flags = static_cast<std::uint16_t>(request->nlmsg_flags | flags);
  Answer answer;
  answer.sequence = sequence_;
  if (nl_sendto(socket_.get(), request, request->nlmsg_len) < 0) {
    answer.error = errno;
    return answer;
  }
  bool interrupted = false;
  std::vector<unsigned char> buffer;
  for (;;) {
    if (answer.error = receive(buffer); answer.error != 0) return answer;
    int left = static_cast<int>(buffer.size());
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(header, left);
         header = nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence_) continue;
      interrupted = interrupted || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
        answer = read_answer(header);
        if (answer.error == 0 && interrupted) answer.error = EINTR;
        return answer;
      }
      receive_one(header);
    }
  }
}

Answer steady_dump(RouteSocket& socket, Message& message, const std::function<void()>& reset,
                   const RouteSocket::Receive& receive) {
  Answer answer;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    reset();
    answer = socket.dump(message, receive);
    if (answer.error != EINTR) return answer;
  }
  answer.text = "the list kept changing while it was read";
  return answer;
}

Attributes::Attributes(const nlattr* first, int length) {
  for (const nlattr* attribute = first; nla_ok(attribute, length);
       attribute = nla_next(attribute, &length)) {
    const auto number = static_cast<std::size_t>(nla_type(attribute));
    if (number >= by_number_.size()) by_number_.resize(number + 1, nullptr);
    by_number_[number] = attribute;
  }
}

const nlattr* Attributes::find(int attribute) const {
  const auto number = static_cast<std::size_t>(attribute);
  return number < by_number_.size() ? by_number_[number] : nullptr;
}

std::uint32_t Attributes::u32(int attribute, std::uint32_t otherwise) const {
  const nlattr* found = find(attribute);
  if (found == nullptr || nla_len(found) < 4) return otherwise;
  return nla_get_u32(found);
}

std::uint8_t Attributes::u8(int attribute, std::uint8_t otherwise) const {
  const nlattr* found = find(attribute);
  if (found == nullptr || nla_len(found) < 1) return otherwise;
  return nla_get_u8(found);
}

std::string Attributes::text(int attribute) const {
  const nlattr* found = find(attribute);
  if (found == nullptr) return {};
  const auto* bytes = static_cast<const char*>(nla_data(found));
  return std::string(bytes, ::strnlen(bytes, static_cast<std::size_t>(nla_len(found))));
}

Attributes Attributes::nested(int attribute) const {
  const nlattr* found = find(attribute);
  if (found == nullptr) return Attributes(nullptr, 0);
  return Attributes(static_cast<const nlattr*>(nla_data(found)), nla_len(found));
}

}  // namespace arctic::netlink
