#include <string>

#include "schema/check/checks.h"

namespace arctic {
namespace {

// Looking for the name that was meant costs time with thousands of peers.
constexpr int kMostHints = 20;

class References {
 public:
  References(const Config& config, const PeerIndex& peers, Diagnostics& diagnostics)
      : peers_(peers), diagnostics_(diagnostics) {
    has_peers_ = !config.peers.empty();
    for (const Peer& peer : config.peers) {
      if (!peer.name.value.empty()) names_.push_back(peer.name.value);
    }
  }

  void check(const Service& service) {
    const bool source = known(service.source_peer);
    const bool target = known(service.target_peer);
    if (source && target && service.source_peer.value == service.target_peer.value) {
      diagnostics_.error(
          4, service.target_peer.span,
          "`source_peer` and `target_peer` are both " + quoted(service.target_peer.value),
          "a service leads from one peer to another");
    }
  }

 private:
  [[nodiscard]] bool known(const Located<std::string>& name) {
    if (name.value.empty()) return false;
    if (peers_.count(name.value) > 0) return true;
    diagnostics_.error(4, name.span, "no peer is named " + quoted(name.value), hint(name.value));
    return false;
  }

  [[nodiscard]] std::string hint(const std::string& name) {
    constexpr std::size_t kFew = 5;
    if (!has_peers_) return "the file has no `peers`";
    if (++hints_ <= kMostHints) {
      const std::string_view near = nearest(name, names_);
      if (!near.empty()) return "did you mean " + quoted(near) + "?";
    }
    if (names_.empty() || names_.size() > kFew) return {};
    std::string out;
    for (const std::string_view n : names_) out += (out.empty() ? "" : ", ") + quoted(n);
    return "the peers of this file are " + out;
  }

  const PeerIndex& peers_;
  Diagnostics& diagnostics_;
  std::vector<std::string_view> names_;
  bool has_peers_ = false;
  int hints_ = 0;
};

}  // namespace

void check_references(const Config& config, const PeerIndex& peers, Diagnostics& diagnostics) {
  References references(config, peers, diagnostics);
  for (const Service& service : config.services) references.check(service);
}

}  // namespace arctic
