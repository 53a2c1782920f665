// The numbers of nf_tables that our rules use, under the kernel's names.
//
// The compiler may not include system headers, so they stand here once; a test compares them with
// include/uapi/linux/netfilter. Used by statements, by the texts of rules, and by lowering.
#pragma once

#include <cstdint>

namespace arctic::nft {

inline constexpr std::uint32_t kMetaMark = 3;
inline constexpr std::uint32_t kMetaIif = 4;
inline constexpr std::uint32_t kMetaIifname = 6;
inline constexpr std::uint32_t kMetaNfproto = 15;
inline constexpr std::uint32_t kMetaL4proto = 16;

inline constexpr std::uint32_t kCtState = 0;
inline constexpr std::uint32_t kCtDirection = 1;
inline constexpr std::uint32_t kCtMark = 3;
inline constexpr std::uint32_t kCtZone = 17;
inline constexpr std::uint8_t kDirectionOriginal = 0;
inline constexpr std::uint8_t kDirectionReply = 1;
inline constexpr std::uint32_t kStateUntracked = 64;

inline constexpr std::uint32_t kNetworkHeader = 1;
inline constexpr std::uint32_t kTransportHeader = 2;

inline constexpr std::uint32_t kFibAddressType = 3;
inline constexpr std::uint32_t kFibDestination = 2;
inline constexpr std::uint32_t kTypeLocal = 2;
inline constexpr std::uint32_t kTypeBroadcast = 3;
inline constexpr std::uint32_t kTypeAnycast = 4;
inline constexpr std::uint32_t kTypeMulticast = 5;

inline constexpr std::uint32_t kSocketTransparent = 0;

inline constexpr std::uint32_t kRejectTcpReset = 1;
inline constexpr std::uint32_t kRejectIcmpx = 2;
inline constexpr std::uint8_t kIcmpxAdminProhibited = 3;

inline constexpr std::uint8_t kProtoIcmp = 1;
inline constexpr std::uint8_t kProtoTcp = 6;
inline constexpr std::uint8_t kProtoIcmpv6 = 58;
inline constexpr std::uint8_t kNfprotoIpv4 = 2;
inline constexpr std::uint8_t kNfprotoIpv6 = 10;

inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpFinSynRstAck = 0x17;
inline constexpr std::uint32_t kTcpFlagsOffset = 13;

inline constexpr std::uint32_t kHookPrerouting = 0;
inline constexpr std::uint32_t kHookInput = 1;
inline constexpr std::uint32_t kHookForward = 2;
inline constexpr std::uint32_t kHookOutput = 3;
inline constexpr std::uint32_t kHookPostrouting = 4;
inline constexpr std::int32_t kPriorityRaw = -300;
inline constexpr std::int32_t kPriorityMangle = -150;
inline constexpr std::int32_t kPriorityFilter = 0;
inline constexpr std::int32_t kPrioritySrcnat = 100;

inline constexpr std::uint32_t kLoopbackIndex = 1;  ///< lo has it in every network namespace

}  // namespace arctic::nft
