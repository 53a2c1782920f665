// The process: its workers, what they listen on, and the configurations that follow each other.
//
// main makes one and runs it. Its own event loop serves the control socket, signals and metrics;
// the workers carry. All members but what says so are for the control loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/control_socket.h"
#include "runtime/io/notify.h"
#include "runtime/io/own_addresses.h"
#include "runtime/io/text_server.h"
#include "runtime/pegasus/config_file.h"
#include "runtime/pegasus/listeners.h"
#include "runtime/pegasus/worker.h"
#include "schema/artifact/connection_list.h"
#include "schema/artifact/control.h"
#include "schema/artifact/pegasus_status.h"

namespace arctic {

class Server {
 public:
  struct Options {
    std::size_t workers = 1;
    std::string config_path;     ///< for SIGHUP
    std::string control_socket;  ///< path; empty: none
    std::string version;
    std::chrono::seconds drain{30};  ///< how long open connections may last after SIGTERM
    std::uint64_t memory = 0;        ///< bytes, from which on nothing new is carried
  };
  using Done = tl::expected<ControlDone, ControlError>;

  /// Binds every port. kRefused if one is taken.
  [[nodiscard]] static Result<std::unique_ptr<Server>> make(ConfigFile config, KeyPair own,
                                                            Log& log, Options options);
  ~Server();

  /// Serves until SIGTERM, SIGINT or `drain`, and the connections have ended or their time is over.
  /// REQUIRES: these signals and SIGHUP are blocked. True if everything was put away in order.
  [[nodiscard]] Result<bool> run(const Notify& notify);

  // ---- The control socket's methods; see the design of the reconciler for what each means ----

  [[nodiscard]] HelloResult hello() const;
  [[nodiscard]] Done prepare(const ControlRequest::Prepare& request);
  [[nodiscard]] Done commit(const ControlRequest::Commit& request);
  [[nodiscard]] Done retire(const ControlRequest::Retire& request);
  [[nodiscard]] Done abort(const ControlRequest::Abort& request);
  [[nodiscard]] Done load(const std::string& path);
  [[nodiscard]] PegasusStatus status();
  [[nodiscard]] tl::expected<ConnectionList, ControlError> connections(
      const ControlRequest::Connections& request);
  [[nodiscard]] Done drain(std::chrono::seconds longest);

 private:
  struct Loaded {
    RunningHandle running;
    std::string digest;
    std::optional<std::string> generation;  ///< absent: from disk, without one
  };
  struct Listening {
    std::vector<std::vector<std::shared_ptr<Watched>>> by_worker;
  };
  struct Thread {
    std::unique_ptr<Worker> worker;
    std::thread thread;
    bool wound_up = false;
  };

  Server(KeyPair own, Log& log, Options options)
      : options_(std::move(options)), shared_(std::move(own), log) {}

  // ---- server.cc ----
  [[nodiscard]] Status open_shell();
  [[nodiscard]] Status open_signals();
  Task<void> take_signals(std::unique_ptr<Watched> signals);
  bool close_shell();
  void take_signal(std::uint32_t signal);
  [[nodiscard]] Status start_workers();
  void stop_workers();
  /// In every worker's thread, all at once; returns when all have done it.
  void on_workers(const std::function<void(Worker&, std::size_t)>& call);
  /// All of them, or none.
  [[nodiscard]] Status listen(std::vector<BoundPort> ports);
  [[nodiscard]] Status listen_at(Worker& worker, std::size_t index, std::vector<BoundPort>& ports);
  void close_ports(const ListenPorts& ports);
  [[nodiscard]] ListenPorts open_ports() const;
  Task<void> await_empty(Watched::Time deadline);
  Task<void> watch_memory();

  // ---- reload.cc ----
  [[nodiscard]] tl::expected<Loaded, ControlError> read(const std::string& path,
                                                        const std::string& digest,
                                                        std::optional<std::string> generation);
  [[nodiscard]] Done begin(Loaded next);
  void forget_prepared();
  [[nodiscard]] Done make_current();
  void retire_old(std::chrono::seconds drain);
  void end_retired();
  /// Closes what nothing listens for any more that is current, prepared or not retired yet.
  void close_unused_ports();
  /// Ends connections that nothing allows any more that is current, prepared or still draining.
  void cut_gone();
  void set_views();
  /// What the process as a whole follows: limits, peers, metrics.
  void follow_current();
  [[nodiscard]] Result<std::unique_ptr<TextServer>> open_metrics(const PegasusConfig& config);

  // ---- control.cc ----
  Task<ControlSocket::Answer> answer(std::string line);

  Options options_;
  Shared shared_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<Thread> threads_;
  std::vector<BoundPort> bound_;  ///< before the workers run
  std::map<ListenPort, Listening> listening_;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<OwnAddresses> own_addresses_;
  std::unique_ptr<TextServer> metrics_;
  std::unique_ptr<TextServer> prepared_metrics_;
  const Notify* notify_ = nullptr;

  Loaded current_;
  std::optional<Loaded> prepared_;
  struct Draining {
    std::optional<std::string> generation;
    RunningHandle running;
    std::optional<Watched::Time> until;  ///< absent: not retired yet
  };
  std::vector<Draining> draining_;
  bool working_ = false;  ///< the workers' threads run
  bool stopping_ = false;
  Watched::Time drain_until_{};
  Watched::Time started_{};
};

/// For Prometheus.
[[nodiscard]] std::string metrics_of(const PegasusStatus& status);

}  // namespace arctic
