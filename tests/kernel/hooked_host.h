// A Host that passes every call on to another one, and lets a test step in before it.
//
// A hook can fail the call, end the process there, or change the machine behind the reconciler's
// back. Calls count from 1; observing counts like changing.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/host/host.h"

namespace arctic::test {

class HookedHost : public Host {
 public:
  /// Runs before a call, with its number and name. An error fails the call unmade.
  using Hook = std::function<Status(std::size_t, const char*)>;

  HookedHost(Host& inner, Hook before) : inner_(inner), before_(std::move(before)) {}

  [[nodiscard]] std::size_t calls() const { return calls_; }

  Result<NodeState> observe(const NodeState& desired,
                            const std::vector<std::string>& also_sysctls) override {
    return around("observe", [&] { return inner_.observe(desired, also_sysctls); });
  }
  Result<std::string> default_route_interface() override {
    return around("default_route_interface", [&] { return inner_.default_route_interface(); });
  }
  Status perform(const Change& change) override {
    return around("perform", [&] { return inner_.perform(change); });
  }
  Status commit(const std::vector<Change>& nft) override {
    return around("commit", [&] { return inner_.commit(nft); });
  }
  Result<std::optional<std::string>> read_file(const std::string& path) override {
    return around("read_file", [&] { return inner_.read_file(path); });
  }
  Result<std::string> exposure(const std::string& path) override {
    return around("exposure", [&] { return inner_.exposure(path); });
  }
  Status write_file(const std::string& path, const std::string& content, unsigned mode) override {
    return around("write_file", [&] { return inner_.write_file(path, content, mode); });
  }
  Status append_file(const std::string& path, const std::string& text) override {
    return around("append_file", [&] { return inner_.append_file(path, text); });
  }
  Status remove_file(const std::string& path) override {
    return around("remove_file", [&] { return inner_.remove_file(path); });
  }
  Result<std::vector<std::string>> list_folder(const std::string& path) override {
    return around("list_folder", [&] { return inner_.list_folder(path); });
  }
  Status remove_folder(const std::string& path) override {
    return around("remove_folder", [&] { return inner_.remove_folder(path); });
  }
  Result<std::unique_ptr<ApplyLock>> lock() override {
    return around("lock", [&] { return inner_.lock(); });
  }
  std::int64_t now() override { return inner_.now(); }
  bool runtime_answers(const std::string& name) override { return inner_.runtime_answers(name); }
  Result<std::optional<std::string>> ask_runtime(const std::string& name,
                                                 const std::string& line) override {
    return inner_.ask_runtime(name, line);
  }

 private:
  template <class Call>
  auto around(const char* name, Call&& call) -> decltype(call()) {
    const std::size_t number = ++calls_;
    ARCTIC_CHECK(before_(number, name));
    return call();
  }

  Host& inner_;
  Hook before_;
  std::size_t calls_ = 0;
};

}  // namespace arctic::test
