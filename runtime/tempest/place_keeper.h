// Keeps on disk where peers were last, so that a Tempest that is started again finds those that
// moved.
//
// NodeTunnels asks it at the beginning and tells it every few seconds. What cannot be read or
// written is logged once and does without: the configuration says where peers are, too.
#pragma once

#include <string>

#include "runtime/io/log.h"
#include "schema/artifact/peer_places.h"

namespace arctic {

class PlaceKeeper {
 public:
  PlaceKeeper(Log& log, std::string path);

  /// Where the peer was, if the configuration said then what it says now.
  [[nodiscard]] std::optional<Endpoint> find(const PublicKey& key,
                                             const std::optional<Endpoint>& declared) const;
  /// From now on these. Writes only if they are others.
  void keep(PeerPlaces places);

 private:
  [[nodiscard]] Status read();
  [[nodiscard]] Status write() const;

  Log& log_;
  const std::string path_;
  PeerPlaces places_;
  bool complained_ = false;
};

}  // namespace arctic
