// The node's Tempest: its tunnels, its control socket, its configurations one after the other.
//
// main makes one and runs it. Everything here is for the control loop's thread; the engine's
// workers carry.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/io/control_socket.h"
#include "runtime/io/network_news.h"
#include "runtime/io/notify.h"
#include "runtime/io/signals.h"
#include "runtime/io/text_server.h"
#include "runtime/tempest/config_file.h"
#include "runtime/tempest/node_tunnels.h"
#include "schema/artifact/connection_list.h"
#include "schema/artifact/control.h"
#include "schema/artifact/tempest_status.h"

namespace arctic {

class TempestServer {
 public:
  struct Options {
    std::size_t workers = 1;
    std::string root;
    std::string config_path;     ///< for SIGHUP
    std::string control_socket;  ///< path
    std::string version;
  };
  using Done = tl::expected<ControlDone, ControlError>;

  /// Binds the port. kRefused if it is taken.
  [[nodiscard]] static Result<std::unique_ptr<TempestServer>> make(TempestConfigFile config,
                                                                   KeyPair own, Log& log,
                                                                   Options options);
  ~TempestServer();

  /// Serves until SIGTERM, SIGINT or `drain`. REQUIRES: these signals and SIGHUP are blocked.
  void run(const Notify& notify);

  // ---- The control socket's methods; see the design of the reconciler for what each means ----

  [[nodiscard]] HelloResult hello() const;
  [[nodiscard]] Done prepare(const ControlRequest::Prepare& request);
  [[nodiscard]] Done commit(const ControlRequest::Commit& request);
  [[nodiscard]] Done retire(const ControlRequest::Retire& request);
  [[nodiscard]] Done abort(const ControlRequest::Abort& request);
  [[nodiscard]] Done load(const std::string& path);
  [[nodiscard]] TempestStatus status();
  [[nodiscard]] tl::expected<ConnectionList, ControlError> connections(
      const ControlRequest::Connections& request);
  [[nodiscard]] Done drain(std::chrono::seconds longest);

 private:
  struct Loaded {
    TempestConfig config;
    std::string digest;
    std::optional<std::string> generation;  ///< absent: from disk, without one
  };
  /// What a configuration needs besides its tunnels, opened before it is current.
  struct Opened {
    std::optional<UdpBound> port;         ///< absent: the one that is there
    std::unique_ptr<TextServer> metrics;  ///< null: the one that is there, or none
  };

  TempestServer(Log& log, Options options) : log_(log), options_(std::move(options)) {}
  [[nodiscard]] Status open(KeyPair own);
  [[nodiscard]] tl::expected<Loaded, ControlError> read(const std::string& path,
                                                        const std::string& digest,
                                                        std::optional<std::string> generation);
  [[nodiscard]] Done begin(Loaded next);
  void make_current();
  void retire_old();
  void follow();
  void take_signal(std::uint32_t signal);
  void end();
  Task<void> look_about();
  [[nodiscard]] Result<std::unique_ptr<TextServer>> open_metrics(const TempestConfig& config);

  Log& log_;
  const Options options_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<NodeTunnels> tunnels_;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<TextServer> metrics_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<NetworkNews> news_;
  const Notify* notify_ = nullptr;

  Loaded current_;
  std::optional<Loaded> prepared_;
  Opened prepared_opened_;
  std::vector<Loaded> draining_;  ///< not retired yet
  bool stopping_ = false;
  Watched::Time started_{};
};

/// For Prometheus.
[[nodiscard]] std::string metrics_of(const TempestStatus& status);

}  // namespace arctic
