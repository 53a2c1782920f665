// A listener whose few connections are each served by a coroutine: what the control socket and the
// metrics server have in common.
//
// Owns listener and connections. When it goes, all of them are cancelled and the coroutines end in
// the loop's next turn; so let it go in the loop's thread, before the loop stops. Not for the
// tunnel's listeners, which count in thousands.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/io/event_loop.h"
#include "runtime/io/task.h"
#include "schema/base/result.h"

namespace arctic {

class StreamServer {
 public:
  /// Serves one connection, which is closed when the task ends. What it captures must live until
  /// the loop has ended all tasks.
  using Serve = std::function<Task<void>(Watched&)>;
  struct Options {
    std::size_t most = 16;  ///< connections; further ones are given to `full` and closed
    Serve serve;
    std::function<void(Watched&)> full;
  };

  /// Takes the listening descriptor over.
  [[nodiscard]] static Result<std::unique_ptr<StreamServer>> make(EventLoop& loop, int listener,
                                                                  Options options);
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

 private:
  struct State;
  explicit StreamServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Task<void> accept(std::shared_ptr<State> state);
  static Task<void> serve(std::shared_ptr<State> state, std::unique_ptr<Watched> socket);

  std::shared_ptr<State> state_;
};

/// All of `text`, or false if the deadline, the other end or an error comes first.
[[nodiscard]] Task<bool> write_all_to(Watched& socket, std::string_view text,
                                      Watched::Time deadline);

/// Adds what there is to `buffer`, at most `most` bytes; waits until there is something. False at
/// the end, the deadline, or on an error.
[[nodiscard]] Task<bool> read_some(Watched& socket, std::string& buffer, std::size_t most,
                                   Watched::Time deadline);

}  // namespace arctic
