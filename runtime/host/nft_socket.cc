#include "runtime/host/nft_socket.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "runtime/host/nft_attributes.h"

namespace arctic::netlink {
namespace {

constexpr const char* kSubject = "nftables";
constexpr int kErrorBuffer = 8 * 1024 * 1024;
constexpr const char* kNoTables = "the kernel has no nf_tables";
constexpr const char* kNoTablesHint =
    "load the kernel module nf_tables, or use a kernel with CONFIG_NF_TABLES and "
    "CONFIG_NF_TABLES_INET";

}  // namespace

void NftSocket::Close::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<NftSocket> NftSocket::open() {
  NftSocket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
  if (socket.socket_ == nullptr) {
    if (errno == EPROTONOSUPPORT) {
      return fail(ErrorCode::kFailure, kSubject, kNoTables, kNoTablesHint);
    }
    return fail(ErrorCode::kFailure, kSubject, "cannot open a socket: " + errno_text(errno));
  }
  if (mnl_socket_bind(socket.socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    return fail(ErrorCode::kFailure, kSubject, "cannot bind a socket: " + errno_text(errno));
  }
  // Old kernels know neither option: then there is no explanation.
  int on = 1;
  (void)mnl_socket_setsockopt(socket.socket_.get(), NETLINK_EXT_ACK, &on, sizeof on);
  (void)mnl_socket_setsockopt(socket.socket_.get(), NETLINK_CAP_ACK, &on, sizeof on);
  return socket;
}

Answer NftSocket::ask(std::uint16_t type, int flags, const Fill& fill, const Receive& receive) {
  std::vector<unsigned char> request(1024);
  nlmsghdr* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
  header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  header->nlmsg_seq = ++sequence_;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  family->nfgen_family = type == NFT_MSG_GETGEN ? NFPROTO_UNSPEC : NFPROTO_INET;
  family->version = NFNETLINK_V0;
  if (fill) fill(header);
  Answer answer;
  answer.sequence = sequence_;
  if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0) {
    answer.error = errno;
    return answer;
  }
  bool interrupted = false;
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      answer.error = errno;
      return answer;
    }
    int left = static_cast<int>(size);
    for (const auto* reply = reinterpret_cast<const nlmsghdr*>(buffer_.data());
         mnl_nlmsg_ok(reply, left); reply = mnl_nlmsg_next(reply, &left)) {
      if (reply->nlmsg_seq != sequence_) continue;
      interrupted = interrupted || (reply->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (reply->nlmsg_type == NLMSG_ERROR || reply->nlmsg_type == NLMSG_DONE) {
        answer = read_answer(reply);
        if (answer.error == 0 && interrupted) answer.error = EINTR;
        return answer;
      }
      receive(reply);
    }
  }
}

Result<std::uint32_t> NftSocket::generation() {
  std::uint32_t generation = 0;
  const Answer answer = ask(NFT_MSG_GETGEN, 0, {}, [&](const nlmsghdr* reply) {
    for (const nlattr* attribute : netlink::attributes_of(reply, sizeof(nfgenmsg))) {
      if (type_of(attribute) == NFTA_GEN_ID) generation = be32_of(attribute);
    }
  });
  if (answer.error == 0) return generation;
  // nfnetlink answers so when nothing behind it knows nf_tables.
  if (answer.error == EINVAL || answer.error == EOPNOTSUPP) {
    return fail(ErrorCode::kFailure, kSubject, kNoTables, kNoTablesHint);
  }
  return refused(kSubject, "cannot read the ruleset", answer);
}

Result<std::vector<Answer>> NftSocket::send_batch(const std::vector<unsigned char>& batch) {
  const int fd = mnl_socket_get_fd(socket_.get());
  // One transaction is one datagram, and the kernel takes none larger than the send buffer.
  const int size = static_cast<int>(std::min<std::size_t>(batch.size() + 4096, 1U << 30));
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
    Answer answer;
    answer.error = errno;
    return refused(kSubject, "cannot send a transaction", answer);
  }
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kErrorBuffer, sizeof kErrorBuffer);
  ssize_t sent = -1;
  do {
    sent = mnl_socket_sendto(socket_.get(), batch.data(), batch.size());
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return fail(ErrorCode::kFailure, kSubject,
                "cannot send a transaction of " + std::to_string(batch.size()) +
                    " bytes: " + errno_text(errno));
  }
  // The kernel works inside send: what it has to say is waiting already.
  std::vector<Answer> objections;
  for (;;) {
    const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return objections;
    if (got < 0) {
      // So many objections that they did not fit: the transaction did not happen.
      Answer answer;
      answer.error = errno;
      objections.push_back(answer);
      return objections;
    }
    int left = static_cast<int>(got);
    for (const auto* reply = reinterpret_cast<const nlmsghdr*>(buffer_.data());
         mnl_nlmsg_ok(reply, left); reply = mnl_nlmsg_next(reply, &left)) {
      if (reply->nlmsg_type != NLMSG_ERROR) continue;
      const Answer answer = read_answer(reply);
      if (answer.error != 0) objections.push_back(answer);
    }
  }
}

}  // namespace arctic::netlink
