// One client's connection while a worker carries it: what others may ask of it, and how it is cut.
//
// Made by entry and exit, listed by the worker, filled by the relay. Touched by its worker's thread
// alone.
#pragma once

#include <cstdint>

#include "runtime/io/sockets.h"
#include "runtime/pegasus/running.h"

namespace arctic {

/// Payload, counted where it passes.
struct RelayCounts {
  std::uint64_t to_tunnel = 0;
  std::uint64_t from_tunnel = 0;
};

/// What is under way for a connection and can be ended from outside.
class Cuttable {
 public:
  virtual void cut() = 0;
  /// Ends itself if what it sent long ago was never acknowledged. To be called now and then.
  virtual void look() = 0;

 protected:
  ~Cuttable() = default;
};

struct Carried {
  std::uint64_t id = 0;  ///< unique in the process, later ones are greater
  FoundTunnel found;     ///< as it was when the connection began
  PublicKey peer;        ///< the other node's
  SocketAddress client;
  SocketAddress destination;
  Watched::Time since{};
  RelayCounts counts;
  Cuttable* running = nullptr;
  bool cut_asked = false;

  /// The client, and at the exit the destination, get a reset; at once or as soon as there is one.
  void cut() {
    cut_asked = true;
    if (running != nullptr) running->cut();
  }
};

}  // namespace arctic
