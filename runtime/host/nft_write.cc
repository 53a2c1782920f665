#include "runtime/host/nft_write.h"

#include <cerrno>
#include <set>

#include "runtime/host/nft_batch.h"
#include "runtime/host/nft_expr.h"

namespace arctic::nft {
namespace {

using netlink::Answer;
using netlink::NftSocket;

constexpr const char* kSubject = "table inet arctic";
constexpr int kAttempts = 50;

std::string change_text(const Change& change) {
  const Description description = describe(change);
  const char* verb = description.action == Action::kAdd      ? "cannot add "
                     : description.action == Action::kRemove ? "cannot remove "
                                                             : "cannot change ";
  return verb + description.kind + " " + description.identity;
}

/// What a kernel that lacks something lacks, as far as the change tells.
std::string hint_for(const Change& change, const Answer& answer) {
  if (answer.error != ENOENT && answer.error != EOPNOTSUPP) return {};
  std::set<std::string> modules;
  if (const auto* rule = std::get_if<NftRuleDelta>(&change); rule != nullptr && rule->after) {
    for (const Expr& expr : rule->after->exprs) {
      if (std::string module = module_of(expr); !module.empty()) modules.insert(std::move(module));
    }
  }
  if (const auto* chain = std::get_if<ChainDelta>(&change);
      chain != nullptr && chain->after && chain->after->hook) {
    if (chain->after->hook->type == "nat") modules.insert("nft_chain_nat");
  }
  if (modules.empty()) return {};
  std::string text = "the kernel may lack what this needs; load the module";
  const char* separator = modules.size() > 1 ? "s " : " ";
  for (const std::string& module : modules) {
    text += separator + module;
    separator = ", ";
  }
  return text;
}

tl::unexpected<Error> refusal(const Batch& batch, const std::vector<Change>& changes,
                              const std::vector<Answer>& objections) {
  const Answer& first = objections.front();
  const auto index = batch.change_of(first);
  if (!index) return netlink::refused(kSubject, "the transaction was refused", first);
  std::string doing = change_text(changes[*index]);
  if (objections.size() > 1) {
    doing += " (the first of " + std::to_string(objections.size()) + " problems)";
  }
  return netlink::refused(kSubject, doing, first, hint_for(changes[*index], first));
}

tl::unexpected<Error> changed() {
  return fail(ErrorCode::kRefused, kSubject, "was changed by someone else since it was read",
              "look at the plan again, then apply");
}

}  // namespace

Status write_table(NftSocket& socket, const std::vector<Change>& changes,
                   const std::optional<Snapshot>& seen) {
  if (changes.empty()) return {};
  std::optional<std::uint32_t> generation;
  if (seen) generation = seen->generation;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Batch batch(generation);
    ARCTIC_CHECK(batch.add(changes));
    ARCTIC_TRY(const auto objections, socket.send_batch(batch.finish()));
    if (objections.empty()) return {};
    if (objections.front().error != ERESTART) return refusal(batch, changes, objections);
    // Somebody's transaction came between. If it was not about our table, ours still holds.
    ARCTIC_TRY(const Snapshot now, read_table(socket));
    if (!seen || !(now.table == seen->table)) return changed();
    generation = now.generation;
  }
  return fail(ErrorCode::kFailure, kSubject, "the ruleset kept changing while it was written",
              "find out who changes it all the time: nft monitor");
}

}  // namespace arctic::nft
