#include "runtime/tempest/drops.h"

namespace arctic {

const char* to_string(Drop reason) {
  switch (reason) {
    case Drop::kNoMessage:
      return "no_message";
    case Drop::kWrongMac1:
      return "wrong_mac1";
    case Drop::kCookieSent:
      return "cookie_sent";
    case Drop::kTooOften:
      return "too_often";
    case Drop::kBusy:
      return "busy";
    case Drop::kForgedHandshake:
      return "forged_handshake";
    case Drop::kUnknownPeer:
      return "unknown_peer";
    case Drop::kOldHandshake:
      return "old_handshake";
    case Drop::kUnknownIndex:
      return "unknown_index";
    case Drop::kExpired:
      return "expired";
    case Drop::kForgedData:
      return "forged_data";
    case Drop::kReplayed:
      return "replayed";
    case Drop::kNoPacket:
      return "no_packet";
    case Drop::kWrongSource:
      return "wrong_source";
    case Drop::kDeviceRefused:
      return "device_refused";
    case Drop::kNoPeer:
      return "no_peer";
    case Drop::kNoEndpoint:
      return "no_endpoint";
    case Drop::kNoSession:
      return "no_session";
    case Drop::kNoSend:
      return "no_send";
    case Drop::kBadPacket:
      return "bad_packet";
    case Drop::kCount:
      break;
  }
  return "";
}

}  // namespace arctic
