#include "runtime/io/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace arctic {
namespace {

constexpr std::size_t kWords = _LINUX_CAPABILITY_U32S_3;
using Capabilities = std::array<__user_cap_data_struct, kWords>;

constexpr std::size_t word_of(unsigned capability) { return capability / 32; }
constexpr std::uint32_t bit_of(unsigned capability) { return std::uint32_t{1} << capability % 32; }

tl::unexpected<Error> failure(const char* call) {
  return fail(ErrorCode::kFailure, "privileges", std::string(call) + ": " + errno_text(errno));
}

__user_cap_header_struct header() { return {_LINUX_CAPABILITY_VERSION_3, 0}; }

Result<Capabilities> read_capabilities() {
  Capabilities have{};
  auto head = header();
  if (::syscall(SYS_capget, &head, have.data()) != 0) return failure("capget");
  return have;
}

Status clear_bounding_set() {
  for (unsigned each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each) {
    if (::prctl(PR_CAPBSET_DROP, each, 0, 0, 0) != 0) return failure("PR_CAPBSET_DROP");
  }
  return {};
}

}  // namespace

Status drop_privileges() {
  ARCTIC_TRY(const Capabilities have, read_capabilities());
  if ((have[word_of(CAP_NET_ADMIN)].permitted & bit_of(CAP_NET_ADMIN)) == 0) {
    return fail(ErrorCode::kRefused, "CAP_NET_ADMIN",
                "is missing: connections could neither be taken over nor marked",
                "start it as root, or with AmbientCapabilities=CAP_NET_ADMIN");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("PR_SET_NO_NEW_PRIVS");
  if ((have[word_of(CAP_SETPCAP)].effective & bit_of(CAP_SETPCAP)) != 0) {
    ARCTIC_CHECK(clear_bounding_set());
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return failure("PR_CAP_AMBIENT");
  }
  Capabilities keep{};
  keep[word_of(CAP_NET_ADMIN)].permitted = bit_of(CAP_NET_ADMIN);
  keep[word_of(CAP_NET_ADMIN)].effective = bit_of(CAP_NET_ADMIN);
  auto head = header();
  if (::syscall(SYS_capset, &head, keep.data()) != 0) return failure("capset");
  return {};
}

}  // namespace arctic
