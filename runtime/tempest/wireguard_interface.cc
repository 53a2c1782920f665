#include "runtime/tempest/wireguard_interface.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/io/udp_sockets.h"

namespace arctic {
namespace {

constexpr std::uint32_t kMtu = 1420;
constexpr int kQueueLength = 2000;

bool is_zero(const Key& key) {
  return std::all_of(key.view().begin(), key.view().end(),
                     [](std::uint8_t byte) { return byte == 0; });
}

OwnedFd any_socket() { return OwnedFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  return request;
}

void set_defaults(const std::string& name) {
  const OwnedFd socket = any_socket();
  ifreq request = request_for(name);
  request.ifr_mtu = static_cast<int>(kMtu);
  (void)::ioctl(socket.get(), SIOCSIFMTU, &request);
  request = request_for(name);
  request.ifr_qlen = kQueueLength;
  (void)::ioctl(socket.get(), SIOCSIFTXQLEN, &request);
}

}  // namespace

// ---- The device ----

Result<std::unique_ptr<WireguardInterface>> WireguardInterface::make(EventLoop& loop, Log& log,
                                                                     Options options) {
  std::unique_ptr<WireguardInterface> made(new WireguardInterface(loop, log, std::move(options)));
  ARCTIC_CHECK(made->open());
  return made;
}

Status WireguardInterface::open() {
  const bool is_new = ::if_nametoindex(options_.name.c_str()) == 0;
  for (std::size_t i = 0; i < options_.workers; ++i) {
    ARCTIC_TRY(TunQueue queue, open_tun(options_.name, TunDevice::kMade));
    queues_.push_back(std::move(queue));
  }
  if (is_new) set_defaults(options_.name);
  if (const auto facts = ask_tun(queues_.front().fd.get())) mtu_ = facts->mtu;
  return {};
}

bool WireguardInterface::look() {
  const auto facts = ask_tun(queues_.front().fd.get());
  if (!facts) return false;
  options_.name = facts->name;
  if (facts->mtu != 0 && facts->mtu != mtu_) {
    mtu_ = facts->mtu;
    if (engine_) engine_->set_mtu(kDevice, mtu_);
  }
  if (facts->up && !up_) {
    if (const auto done = go_up(); !done) {
      up_ = false;  // it is tried again
      log_.say(LogLevel::kError, "cannot go up", {{"reason", done.error().message()}});
    }
  } else if (!facts->up && up_) {
    go_down();
  }
  return true;
}

Status WireguardInterface::go_up() {
  up_ = true;
  if (!engine_) return {};
  ARCTIC_CHECK(engine_->bind(port_, mark_));
  port_ = engine_->port();
  for (const auto& member : members_) {
    if (member && member->peer && member->keepalive > 0) engine_->keep_alive(member->peer);
  }
  return {};
}

void WireguardInterface::go_down() {
  up_ = false;
  if (!engine_) return;
  engine_->unbind();
  for (const auto& member : members_) {
    if (member && member->peer) engine_->reset(member->peer);
  }
}

void WireguardInterface::forget_local_addresses() {
  if (engine_) engine_->forget_local_addresses();
}

// ---- The engine ----

Status WireguardInterface::begin_engine() {
  ARCTIC_TRY(engine_, Engine::make(loop_, own_->clone(),
                                   {options_.workers, timestamps_,
                                    [this](std::uint32_t) { options_.gone(); }}));
  std::vector<TunQueue> queues;
  for (const TunQueue& each : queues_) {
    queues.push_back({OwnedFd(::fcntl(each.fd.get(), F_DUPFD_CLOEXEC, 0)), each.offloads});
  }
  ARCTIC_CHECK(engine_->add_device(kDevice, options_.name, mtu_, std::move(queues)));
  for (auto& member : members_) {
    if (member) enlist(*member);
  }
  publish();
  return up_ ? go_up() : Status{};
}

void WireguardInterface::end_engine() {
  for (auto& member : members_) {
    if (!member || !member->peer) continue;
    {
      const auto lock = member->peer->lock();
      member->endpoint = member->peer->endpoint();
    }
    member->peer.reset();
  }
  engine_.reset();
}

void WireguardInterface::enlist(Member& member) {
  if (!engine_) return;
  member.peer = engine_->add_peer(member.key, kDevice);
  {
    const auto lock = member.peer->lock();
    member.peer->set_psk(member.psk);
    if (member.endpoint) member.peer->set_endpoint(*member.endpoint);
    member.peer->set_keepalive(std::chrono::seconds(member.keepalive), engine_->now());
  }
  if (up_) engine_->tend(member.peer);
}

void WireguardInterface::publish() {
  if (!engine_) return;
  PeerTable table{allowed_, {}};
  for (const auto& member : members_) table.peers.push_back(member ? member->peer : nullptr);
  engine_->set_table(kDevice, std::move(table));
}

// ---- Requests ----

std::optional<std::uint32_t> WireguardInterface::find(const PublicKey& key) const {
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    if (members_[i] && members_[i]->key == key) return i;
  }
  return std::nullopt;
}

void WireguardInterface::remove(std::uint32_t place) {
  allowed_.remove_all(place);
  const PublicKey key = members_[place]->key;
  const bool enlisted = members_[place]->peer != nullptr;
  members_[place].reset();
  if (!enlisted) return;
  publish();  // before it goes, no worker may find it any more
  engine_->remove_peer(key);
}

void WireguardInterface::change_peer(const UapiPeerChange& change) {
  if (own_ && change.key == own_->point) return;  // as the kernel: without a word
  auto place = find(change.key);
  if (change.remove) {
    if (place) remove(*place);
    return;
  }
  if (!place) {
    if (change.update_only) return;
    const auto free = std::find(members_.begin(), members_.end(), std::nullopt);
    place = static_cast<std::uint32_t>(free - members_.begin());
    if (free == members_.end()) members_.emplace_back();
    members_[*place].emplace();
    members_[*place]->key = change.key;
    enlist(*members_[*place]);
  }
  Member& member = *members_[*place];
  if (change.psk) member.psk = change.psk->clone();
  if (change.endpoint) member.endpoint = change.endpoint;
  if (change.keepalive) member.keepalive = *change.keepalive;
  if (change.replace_allowed) allowed_.remove_all(*place);
  for (const auto& each : change.allowed) {
    if (each.remove) {
      (void)allowed_.remove(each.prefix, *place);
    } else {
      allowed_.insert(each.prefix, *place);
    }
  }
  if (!member.peer) return;
  {
    const auto lock = member.peer->lock();
    if (change.psk) member.peer->set_psk(member.psk);
    if (change.endpoint) member.peer->set_endpoint(*change.endpoint);
    if (change.keepalive) {
      member.peer->set_keepalive(std::chrono::seconds(member.keepalive), engine_->now());
    }
  }
  if (up_) engine_->tend(member.peer);
}

Status WireguardInterface::claim_port(UapiChange& change) {
  if (!up_) return {};
  const std::uint16_t port = change.listen_port.value_or(port_);
  const std::uint32_t mark = change.mark.value_or(mark_);
  if (!engine_) {
    const bool begins = change.private_key && !is_zero(*change.private_key);
    if (begins) ARCTIC_CHECK(bind_udp(port, 1, mark));
    return {};
  }
  if (port == port_ && !change.mark) return {};
  ARCTIC_CHECK(engine_->bind(port, mark));
  change.listen_port = engine_->port();
  return {};
}

int WireguardInterface::change_key(Key key) {
  const bool none = is_zero(key);
  clamp(key.bytes());
  KeyPair next = KeyPair::of(key.view());
  if (!none && own_ && own_->point == next.point) return 0;
  end_engine();
  own_.reset();
  if (none) return 0;
  own_ = std::move(next);
  if (const auto place = find(own_->point)) remove(*place);
  if (const Status begun = begin_engine(); !begun) {
    log_.say(LogLevel::kError, "cannot begin", {{"reason", begun.error().message()}});
    end_engine();
    own_.reset();
    return EIO;
  }
  return 0;
}

int WireguardInterface::set(UapiChange change) {
  // What can fail comes first.
  if (const Status had = claim_port(change); !had) {
    log_.say(LogLevel::kError, "cannot use the port", {{"reason", had.error().message()}});
    return EADDRINUSE;
  }
  if (change.listen_port) port_ = *change.listen_port;
  if (change.mark) mark_ = *change.mark;
  if (change.replace_peers) {
    for (std::uint32_t i = 0; i < members_.size(); ++i) {
      if (members_[i]) remove(i);
    }
  }
  if (change.private_key) {
    if (const int error = change_key(std::move(*change.private_key)); error != 0) return error;
  }
  for (const UapiPeerChange& each : change.peers) change_peer(each);
  publish();
  return 0;
}

std::string WireguardInterface::get() const {
  UapiInterface out{own_ ? &own_->secret : nullptr, port_, mark_, {}};
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    if (!members_[i]) continue;
    const Member& member = *members_[i];
    UapiPeer peer{member.key, &member.psk, member.endpoint, {}, allowed_.list(i)};
    peer.facts.keepalive = std::chrono::seconds(member.keepalive);
    if (member.peer) {
      const auto lock = member.peer->lock();
      peer.endpoint = member.peer->endpoint();
      peer.facts = member.peer->facts(engine_->now());
    }
    out.peers.push_back(std::move(peer));
  }
  return encode_uapi(out);
}

}  // namespace arctic
