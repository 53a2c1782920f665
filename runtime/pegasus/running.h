// A configuration as the workers use it: looked up by port, service and key.
//
// Made once from a checked pegasus.json, then shared and never changed; a reload makes another.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "schema/artifact/pegasus_config.h"

namespace arctic {

class Running {
 public:
  explicit Running(PegasusConfig config);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] const PegasusConfig& config() const { return config_; }
  /// nullptr if there is none.
  [[nodiscard]] const PegasusConfig::Peer* peer(std::string_view name) const;
  [[nodiscard]] const PegasusConfig::Peer* peer(const PublicKey& key) const;
  [[nodiscard]] const PegasusConfig::Tunnel* entry(std::uint16_t listen_port) const;
  [[nodiscard]] const PegasusConfig::Tunnel* entry(std::string_view service) const;
  /// The tunnel of role exit whose service has this ID.
  [[nodiscard]] const PegasusConfig::Tunnel* exit(std::string_view id) const;

 private:
  PegasusConfig config_;
  std::map<std::string_view, const PegasusConfig::Peer*> peers_;
  std::map<PublicKey, const PegasusConfig::Peer*> peers_by_key_;
  std::map<std::uint16_t, const PegasusConfig::Tunnel*> entries_;
  std::map<std::string_view, const PegasusConfig::Tunnel*> entries_by_service_;
  std::map<std::string_view, const PegasusConfig::Tunnel*> exits_;
};

using RunningHandle = std::shared_ptr<const Running>;

/// A tunnel, and the configuration that keeps it.
struct FoundTunnel {
  RunningHandle config;
  const PegasusConfig::Tunnel* tunnel = nullptr;
  explicit operator bool() const { return tunnel != nullptr; }
};

/// What new connections may be of: the current configuration and, beside it, what only a prepared
/// one has.
struct View {
  RunningHandle current;
  RunningHandle prepared;  ///< null if there is none

  /// None, too, for a port that the two give to different services: whose a connection is cannot be
  /// known while one takes over from the other.
  [[nodiscard]] FoundTunnel entry(std::uint16_t listen_port) const;
  [[nodiscard]] FoundTunnel exit(std::string_view id) const;
  /// The configuration that has a peer of this key; null if none has.
  [[nodiscard]] RunningHandle knowing(const PublicKey& key) const;
};

}  // namespace arctic
