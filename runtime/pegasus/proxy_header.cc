#include "runtime/pegasus/proxy_header.h"

namespace arctic {
namespace {

constexpr std::uint8_t kSignature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                       0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::uint8_t kVersion2Proxy = 0x21;  // as opposed to LOCAL, a connection of our own
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;

class Writer {
 public:
  explicit Writer(ProxyHeader& out) : out_(out) {}
  void byte(std::uint8_t value) { out_.bytes[out_.size++] = value; }
  void number(std::size_t value) {
    byte(static_cast<std::uint8_t>(value >> 8));
    byte(static_cast<std::uint8_t>(value));
  }
  void address(const Address& address) {
    const auto bytes = address.bytes();
    for (std::size_t i = 0; i < address.size(); ++i) byte(bytes[i]);
  }

 private:
  ProxyHeader& out_;
};

}  // namespace

ProxyHeader proxy_header(const SocketAddress& source, const SocketAddress& destination) {
  ProxyHeader header;
  Writer out(header);
  for (const std::uint8_t each : kSignature) out.byte(each);
  out.byte(kVersion2Proxy);
  out.byte(source.address.family == Family::kIpv4 ? kTcp4 : kTcp6);
  out.number(2 * source.address.size() + 4);
  out.address(source.address);
  out.address(destination.address);
  out.number(source.port);
  out.number(destination.port);
  return header;
}

}  // namespace arctic
