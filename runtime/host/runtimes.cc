#include "runtime/host/runtimes.h"

#include <algorithm>

namespace arctic {

Result<std::vector<std::string>> runtime_notices(Host& host, const Target& target) {
  std::vector<std::string> notices;
  if (target.services == 0) return notices;
  ARCTIC_TRY(const auto keys, host.list_folder("/etc/arctic"));
  if (std::find(keys.begin(), keys.end(), "node.key") == keys.end()) {
    notices.push_back(std::string("there is no node key (") + kNodeKeyPath +
                      "), without which the runtimes do not start; `arctic keygen` makes one");
  }
  if (!host.runtime_answers("pegasus")) {
    notices.emplace_back(
        "Pegasus is not running: until it is, TCP of the services gets what their `on_down` says");
  }
  if (!host.runtime_answers("tempest")) {
    notices.emplace_back(
        "Tempest is not running: until it is, all but TCP of the services is dropped");
  }
  return notices;
}

Status prepare_runtimes(Host& /*host*/, const Plan& /*plan*/) { return {}; }
Status commit_runtimes(Host& /*host*/, const Plan& /*plan*/) { return {}; }
Status retire_runtimes(Host& /*host*/, const Plan& /*plan*/) { return {}; }
Status abort_runtimes(Host& /*host*/, const Plan& /*plan*/) { return {}; }

}  // namespace arctic
