// What all workers of the process share: sessions, limits, ceilings, the log. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/io/log.h"
#include "runtime/pegasus/admission.h"
#include "runtime/pegasus/relay.h"
#include "runtime/pegasus/sessions.h"

namespace arctic {

/// The limits of all services, by name. They outlive the configurations that set them.
class Limits {
 public:
  /// Made without a limit if the service is new. Never null.
  [[nodiscard]] std::shared_ptr<const ServiceLimits> of(const std::string& service);
  /// Sets what the entries of this configuration say; others stay as they are, and so do those of
  /// `but`, if it is given.
  void set(const Running& running, Watched::Time now, const Running* but = nullptr);
  /// Forgets services that the configuration does not have.
  void keep_only(const Running& running);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ServiceLimits>> services_;
};

/// How many connections may be open: in all, and of one service, so that no service takes the
/// descriptors of the others; and none that is new while memory is nearly used up.
class Ceiling {
 public:
  /// REQUIRES: before anything is carried.
  void set(std::size_t all, std::size_t per_service) { all_ = all, per_service_ = per_service; }
  [[nodiscard]] bool enter(const std::string& service);
  void leave(const std::string& service);
  void set_memory_full(bool full) { memory_full_.store(full, std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::size_t all_ = SIZE_MAX;
  std::size_t per_service_ = SIZE_MAX;
  std::size_t open_ = 0;
  std::map<std::string, std::size_t> services_;
  std::atomic<bool> memory_full_{false};
};

struct Shared {
  Shared(KeyPair own, Log& to) : sessions(std::move(own)), log(to) {}
  Sessions sessions;
  Limits limits;
  Ceiling ceiling;
  Admission admission;
  Log& log;
  std::atomic<std::uint64_t> last_id{0};
  std::function<void(const std::string& peer)> tell_all;  ///< set before the workers run
};

}  // namespace arctic
