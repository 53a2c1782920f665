#include "tests/lab/talk.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace arctic::lab {

namespace {

std::string missing(const char* what, const Address& to) {
  return std::string(what) + " (towards " + to.to_string() + ")";
}

/// The socket's next message that `wanted` accepts.
bool hears(const Fd& socket, const std::function<bool(std::string_view)>& wanted) {
  const auto end = Clock::now() + kPatience;
  while (Clock::now() < end) {
    const std::string text = read_message(socket, kPatience);
    if (text.empty()) return false;
    if (wanted(text)) return true;
  }
  return false;
}

}  // namespace

std::string tcp_talks(const Namespace& where, const std::optional<Address>& from, const Address& to,
                      Listener& listener) {
  std::optional<Place> source;
  if (from) source = Place{*from, 0};
  const Attempt attempt = dial(where, source, {to, 443});
  if (!attempt.connected()) {
    return missing("tcp: ", to) + std::strerror(attempt.error);
  }
  const auto connection = listener.accept();
  if (!connection) return missing("tcp: connected, but not through the listener", to);
  if (connection->local != Place{to, 443}) {
    return missing("tcp: the listener was told ", to) + to_string(connection->local);
  }
  if (from && connection->remote.address != *from) {
    return missing("tcp: the client's address is lost", to);
  }
  write_all(attempt.fd, "question");
  if (read_some(connection->fd, 8) != "question")
    return missing("tcp: nothing towards Pegasus", to);
  write_all(connection->fd, "answer");
  if (read_some(attempt.fd, 6) != "answer") return missing("tcp: nothing back", to);
  return {};
}

std::string udp_talks(const Namespace& where, const std::optional<Address>& from, const Address& to,
                      Tunnel& tunnel) {
  const Address any{to.family, 0};
  const Fd socket = serve(where, kUdp, {from.value_or(any), 0});
  if (const int error = send_message(socket, {to, 53}, "question"); error != 0) {
    return missing("udp: ", to) + std::strerror(error);
  }
  const auto question = tunnel.until([&](const Datagram& d) { return d.protocol == kUdp; });
  if (!question) return missing("udp: nothing in the tunnel", to);
  if (question->to != to || question->payload != "question" || (from && question->from != *from)) {
    return "udp: another packet in the tunnel: " + to_string(*question);
  }
  tunnel.write(answer_to(*question, "answer"));
  const bool heard = hears(socket, [](std::string_view text) { return text == "answer"; });
  return heard ? "" : missing("udp: no answer", to);
}

std::string icmp_talks(const Namespace& where, const std::optional<Address>& from,
                       const Address& to, Tunnel& tunnel) {
  const bool v4 = to.family == Family::kIpv4;
  const Fd socket = raw_socket(where, to.family, icmp_of(to.family));
  if (from) bind_socket(socket, {*from, 0});
  const Datagram echo = fresh(from.value_or(to), to, icmp_of(to.family));
  // The kernel adds the IP header, and for IPv6 the checksum.
  const std::string message = encode(echo).substr(v4 ? 20 : 40);
  if (const int error = send_message(socket, {to, 0}, message); error != 0) {
    return missing("icmp: ", to) + std::strerror(error);
  }
  const auto question = tunnel.until([&](const Datagram& d) {
    return d.protocol == echo.protocol && d.source_port == echo.source_port;
  });
  if (!question) return missing("icmp: nothing in the tunnel", to);
  tunnel.write(answer_to(*question, "answer"));
  const bool heard = hears(socket, [](std::string_view text) {
    return text.size() >= 6 && text.substr(text.size() - 6) == "answer";
  });
  return heard ? "" : missing("icmp: no answer", to);
}

Datagram answer_to(const Datagram& question, const std::string& payload) {
  Datagram answer = question;
  std::swap(answer.from, answer.to);
  answer.payload = payload;
  if (question.protocol == kIcmp || question.protocol == kIcmpv6) {
    answer.icmp_type = question.protocol == kIcmp ? std::uint8_t{0} : std::uint8_t{129};
  } else {
    std::swap(answer.source_port, answer.destination_port);
  }
  return answer;
}

int send_raw(const Namespace& where, const Datagram& datagram) {
  const Fd socket = raw_socket(where, datagram.from.family, IPPROTO_RAW);
  return send_message(socket, {datagram.to, 0}, encode(datagram));
}

}  // namespace arctic::lab
