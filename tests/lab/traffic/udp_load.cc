#include "tests/lab/traffic/udp_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "runtime/io/owned_fd.h"

namespace arctic::traffic {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBufferBytes = 4 << 20;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostBytes = 65507;

/// What begins each datagram, in this machine's byte order.
struct Head {
  std::uint64_t kind = 0;
  std::uint64_t run = 0;
  std::uint64_t number = 0;
};
constexpr std::uint64_t kLoad = 0x4c4f41442e554450;
constexpr std::uint64_t kAsk = 0x41534b2e2e554450;

struct Count {
  std::uint64_t kind = kAsk;
  std::uint64_t run = 0;
  std::uint64_t received = 0;
  std::uint64_t disordered = 0;  ///< came after one with a higher number
  std::uint64_t gap_us = 0;      ///< the longest time in which nothing came
};

struct Run {
  Count count;
  std::uint64_t next = 0;
  Clock::time_point last;
};

void take(Run& run, std::uint64_t number, Clock::time_point now) {
  if (run.count.received > 0) {
    const auto gap = std::chrono::duration_cast<std::chrono::microseconds>(now - run.last).count();
    run.count.gap_us = std::max(run.count.gap_us, static_cast<std::uint64_t>(gap));
  }
  ++run.count.received;
  if (number < run.next) ++run.count.disordered;
  run.next = std::max(run.next, number + 1);
  run.last = now;
}

/// Receives many at once; of each only its beginning is looked at.
class Receiving {
 public:
  Receiving() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      places_[i] = {&heads_[i], sizeof(Head)};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = &places_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &from_[i];
    }
  }
  std::size_t receive(int fd) {
    for (auto& each : messages_) each.msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    const int got = ::recvmmsg(fd, messages_.data(), kBatch, MSG_WAITFORONE, nullptr);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  const Head* head(std::size_t i) const {
    return messages_[i].msg_len < sizeof(Head) ? nullptr : &heads_[i];
  }
  const sockaddr_in6& from(std::size_t i) const { return from_[i]; }

 private:
  std::array<Head, kBatch> heads_;
  std::array<sockaddr_in6, kBatch> from_;
  std::array<iovec, kBatch> places_;
  std::array<mmsghdr, kBatch> messages_;
};

sockaddr_storage socket_address(const Address& address, std::uint16_t port, socklen_t& size) {
  sockaddr_storage out{};
  const auto bytes = address.bytes();
  if (address.family == Family::kIpv4) {
    auto& four = reinterpret_cast<sockaddr_in&>(out);
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&four.sin_addr, bytes.data(), 4);
    size = sizeof four;
  } else {
    auto& six = reinterpret_cast<sockaddr_in6&>(out);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&six.sin6_addr, bytes.data(), 16);
    size = sizeof six;
  }
  return out;
}

/// Sends the next `count` datagrams; how many the kernel took.
class Sending {
 public:
  Sending(int fd, std::uint64_t run, std::size_t bytes) : fd_(fd), rest_(bytes - sizeof(Head)) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      heads_[i] = {kLoad, run, 0};
      places_[i] = {iovec{&heads_[i], sizeof(Head)}, iovec{rest_.data(), rest_.size()}};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = places_[i].data();
      messages_[i].msg_hdr.msg_iovlen = places_[i].size();
    }
  }
  void send(std::size_t count) {
    while (count > 0) {
      const std::size_t now = std::min(count, kBatch);
      for (std::size_t i = 0; i < now; ++i) heads_[i].number = sent_ + i;
      const int took = ::sendmmsg(fd_, messages_.data(), static_cast<unsigned>(now), 0);
      // What the kernel refuses counts as sent and lost.
      const std::size_t done = took > 0 ? static_cast<std::size_t>(took) : 1;
      sent_ += done;
      count -= done;
    }
  }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

 private:
  const int fd_;
  std::uint64_t sent_ = 0;
  std::vector<std::uint8_t> rest_;
  std::array<Head, kBatch> heads_;
  std::array<std::array<iovec, 2>, kBatch> places_;
  std::array<mmsghdr, kBatch> messages_;
};

/// What came, as the other end says; a run is over when that does not grow any more.
bool ask(int fd, std::uint64_t run, Count& count) {
  bool answered = false;
  std::uint64_t before = ~std::uint64_t{0};
  for (int tries = 0; tries < 50; ++tries) {
    const Head question{kAsk, run, 0};
    (void)::send(fd, &question, sizeof question, 0);
    pollfd wait{fd, POLLIN, 0};
    while (::poll(&wait, 1, 100) > 0) {
      Count answer;
      const ssize_t got = ::recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
      if (got == static_cast<ssize_t>(sizeof answer) && answer.run == run) {
        count = answer;
        answered = true;
        break;
      }
    }
    if (answered && count.received == before) return true;
    if (answered) before = count.received;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return answered;
}

/// Takes a byte, so that each byte tells one of those who wait for it.
bool is_told() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  return ::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, &byte, 1) >= 0;
}

}  // namespace

int count_datagrams(std::uint16_t port) {
  const OwnedFd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  sockaddr_in6 own{};
  own.sin6_family = AF_INET6;
  own.sin6_port = htons(port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
    std::perror("traffic: bind");
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  std::map<std::uint64_t, Run> runs;
  Receiving receiving;
  for (;;) {
    const std::size_t got = receiving.receive(fd.get());
    const auto now = Clock::now();
    for (std::size_t i = 0; i < got; ++i) {
      const Head* const head = receiving.head(i);
      if (head == nullptr) continue;
      Run& run = runs[head->run];
      if (head->kind == kLoad) {
        take(run, head->number, now);
      } else if (head->kind == kAsk) {
        run.count.run = head->run;
        (void)::sendto(fd.get(), &run.count, sizeof run.count, 0,
                       reinterpret_cast<const sockaddr*>(&receiving.from(i)), sizeof(sockaddr_in6));
      }
    }
  }
}

int load_datagrams(const UdpLoad& load) {
  if (load.bytes < sizeof(Head) || load.bytes > kMostBytes) {
    std::fprintf(stderr, "traffic: a datagram has %zu to %zu bytes here\n", sizeof(Head),
                 kMostBytes);
    return 64;
  }
  const int family = load.address.family == Family::kIpv4 ? AF_INET : AF_INET6;
  const OwnedFd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  socklen_t size = 0;
  const sockaddr_storage to = socket_address(load.address, load.port, size);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), size) != 0) {
    std::perror("traffic: connect");
    return 1;
  }
  const std::uint64_t run = std::random_device{}() | std::uint64_t{std::random_device{}()} << 32;
  Sending sending(fd.get(), run, load.bytes);
  const auto begin = Clock::now();
  const std::chrono::duration<double> length(load.seconds);
  std::chrono::duration<double> passed{};
  while (passed < length && !(load.until_told && is_told())) {
    const auto due = static_cast<std::uint64_t>(load.per_second * passed.count());
    if (due > sending.sent()) sending.send(due - sending.sent());
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    passed = Clock::now() - begin;
  }
  Count count;
  const bool answered = ask(fd.get(), run, count);
  const auto sent = static_cast<double>(sending.sent());
  const nlohmann::ordered_json out = {
      {"sent", sending.sent()},
      {"received", count.received},
      {"lost", sent > 0 ? 1 - static_cast<double>(count.received) / sent : 0},
      {"per_second", static_cast<double>(count.received) / passed.count()},
      {"disordered", count.disordered},
      {"gap_ms", static_cast<double>(count.gap_us) / 1000}};
  std::printf("%s\n", out.dump().c_str());
  return answered ? 0 : 1;
}

}  // namespace arctic::traffic
