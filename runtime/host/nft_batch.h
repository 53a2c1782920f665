// A list of nftables changes as the bytes of one transaction, with a way back from the kernel's
// objections to the change that each is about.
//
// Called by nft_write. Pure: it builds bytes and sends none.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/diff.h"
#include "runtime/host/netlink.h"

namespace arctic::nft {

class Batch {
 public:
  /// With `generation` the kernel refuses the batch (ERESTART) if the ruleset is another by then.
  explicit Batch(std::optional<std::uint32_t> generation);

  /// Adds the messages of all changes, in order; elements of one map in a row share messages, those
  /// that go before those that come. Errors: a change that is not nftables', a rule to be deleted
  /// that has no handle.
  [[nodiscard]] Status add(const std::vector<Change>& changes);
  /// The whole transaction. Call once, at the end.
  [[nodiscard]] const std::vector<unsigned char>& finish();

  /// The index of the change that an answer is about; nullopt for the frame of the batch.
  [[nodiscard]] std::optional<std::size_t> change_of(const netlink::Answer& answer) const;

 private:
  struct Message {
    std::uint32_t sequence = 0;
    std::size_t change = 0;
  };
  struct Part {  // an element inside a message
    std::uint32_t sequence = 0;
    std::uint32_t offset = 0;
    std::size_t change = 0;
  };
  using Fill = std::function<void(nlmsghdr*)>;

  nlmsghdr* begin(std::uint16_t type, int flags, std::uint8_t family, std::uint16_t resource);
  void end(const nlmsghdr* message);
  void put(std::uint16_t type, int flags, std::size_t change, const Fill& fill);

  void add_table(std::size_t index, const TableDelta& delta);
  void add_map(std::size_t index, const MapDelta& delta);
  void add_chain(std::size_t index, const ChainDelta& delta);
  [[nodiscard]] Status add_rule(std::size_t index, const NftRuleDelta& delta);
  std::size_t add_elements(const std::vector<Change>& changes, std::size_t first);
  void put_elements(const std::vector<Change>& changes, std::size_t first, std::size_t last,
                    bool adding);

  std::vector<unsigned char> bytes_;
  std::size_t used_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t set_id_ = 0;
  std::vector<Message> messages_;
  std::vector<Part> parts_;
};

}  // namespace arctic::nft
