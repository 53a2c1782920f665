#include "compiler/allocate.h"

#include <algorithm>
#include <array>

#include "schema/base/hash.h"

namespace arctic {
namespace {

constexpr std::size_t kInterfaceNameLength = 15;
constexpr std::size_t kIdHashLength = 11;
constexpr std::size_t kDeviceHashLength = 12;

std::uint16_t natural_number(std::string_view kind, std::string_view name) {
  return static_cast<std::uint16_t>(1 + leading_number(name_hash(kind, name)) % kNumberRange);
}

/// The numbers 1..kNumberRange that are taken.
class Taken {
 public:
  /// False if it was taken before.
  bool take(std::uint16_t number) {
    if (taken_[number]) return false;
    taken_[number] = true;
    return true;
  }

  /// The first free number after `number`, cyclically; `number` itself if all are taken.
  [[nodiscard]] std::uint16_t next_free(std::uint16_t number) const {
    std::uint16_t next = number;
    do {
      next = next == kNumberRange ? std::uint16_t{1} : static_cast<std::uint16_t>(next + 1);
    } while (taken_[next] && next != number);
    return next;
  }

 private:
  std::array<bool, kNumberRange + 1> taken_{};
};

}  // namespace

std::string service_id(const Service& service) {
  if (service.id) return service.id->value;
  return "svc-" + base32(name_hash("service", service.name.value), kIdHashLength);
}

std::string macvlan_name(const Service& service) {
  return service_id(service).substr(0, kInterfaceNameLength);
}

std::string tunnel_device(std::string_view peer) {
  if (peer.size() <= kDeviceHashLength) return "tp-" + std::string(peer);
  return "tp-" + base32(name_hash("peer", peer), kDeviceHashLength);
}

std::map<std::string, std::uint16_t, std::less<>> allocate_numbers(std::string_view kind,
                                                                   std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  Taken taken;
  std::map<std::string, std::uint16_t, std::less<>> numbers;
  std::vector<std::pair<std::string, std::uint16_t>> displaced;
  // First everybody who can have the number of the own hash, so that one whose hash meets no other
  // never moves, whoever else is displaced.
  for (std::string& name : names) {
    const std::uint16_t number = natural_number(kind, name);
    if (taken.take(number)) {
      numbers.emplace_hint(numbers.end(), std::move(name), number);
    } else {
      displaced.emplace_back(std::move(name), number);
    }
  }
  for (auto& [name, natural] : displaced) {
    const std::uint16_t number = taken.next_free(natural);
    taken.take(number);
    numbers.emplace(std::move(name), number);
  }
  return numbers;
}

Numbers allocate(const Config& config) {
  std::vector<std::string> peers;
  for (const Peer& peer : config.peers) peers.push_back(peer.name.value);
  std::map<std::string_view, std::vector<std::string>> services;
  for (const Service& service : config.services) {
    services[service.source_peer.value].push_back(service.name.value);
  }
  Numbers numbers;
  numbers.peers = allocate_numbers("peer", std::move(peers));
  for (auto& [peer, names] : services) {
    numbers.services.merge(allocate_numbers("port", std::move(names)));
  }
  return numbers;
}

}  // namespace arctic
