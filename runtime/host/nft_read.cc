#include "runtime/host/nft_read.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <memory>

#include "runtime/host/nft_attributes.h"
#include "runtime/host/nft_elements.h"
#include "runtime/host/nft_expr.h"
#include "runtime/host/nft_socket.h"
#include "runtime/host/nft_udata.h"

namespace arctic::nft {
namespace {

using netlink::Answer;
using netlink::NftSocket;

constexpr int kAttempts = 50;
constexpr std::uint32_t kVerdictType = 0xffffff00U;

template <class T, void (*Release)(const T*)>
struct Releaser {
  void operator()(T* object) const { Release(object); }
};
using TableObject = std::unique_ptr<nftnl_table, Releaser<nftnl_table, nftnl_table_free>>;
using ChainObject = std::unique_ptr<nftnl_chain, Releaser<nftnl_chain, nftnl_chain_free>>;
using RuleObject = std::unique_ptr<nftnl_rule, Releaser<nftnl_rule, nftnl_rule_free>>;
using SetObject = std::unique_ptr<nftnl_set, Releaser<nftnl_set, nftnl_set_free>>;

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

/// One pass over the table. Stops at the first answer that is not success.
class Pass {
 public:
  explicit Pass(NftSocket& socket) : socket_(socket) {}

  Answer run() {
    for (Answer (Pass::*step)() :
         {&Pass::table, &Pass::chains, &Pass::rules, &Pass::sets, &Pass::elements, &Pass::others}) {
      const Answer answer = (this->*step)();
      if (answer.error != 0) return answer;
      if (!table_.has_value() || !table_->ours) break;
    }
    return {};
  }
  std::optional<Table> take() { return std::move(table_); }

 private:
  static void put_table(nlmsghdr* request, std::uint16_t attribute) {
    mnl_attr_put_strz(request, attribute, kTableName);
  }
  void strange(std::string what) { table_->strange.push_back(std::move(what)); }

  Answer table() {
    Answer answer = socket_.ask(
        NFT_MSG_GETTABLE, 0, [](nlmsghdr* request) { put_table(request, NFTA_TABLE_NAME); },
        [&](const nlmsghdr* reply) { add_table(reply); });
    if (answer.error == ENOENT) answer.error = 0;
    return answer;
  }

  void add_table(const nlmsghdr* reply) {
    const TableObject object(nftnl_table_alloc());
    if (object == nullptr || nftnl_table_nlmsg_parse(reply, object.get()) != 0) return;
    table_.emplace();
    std::uint32_t size = 0;
    const void* udata = nftnl_table_get_data(object.get(), NFTNL_TABLE_USERDATA, &size);
    table_->ours = udata != nullptr &&
                   find_udata_text(udata, size, NFTNL_UDATA_TABLE_COMMENT) == kTableComment;
    const std::uint32_t flags = nftnl_table_get_u32(object.get(), NFTNL_TABLE_FLAGS);
    if (table_->ours && flags != 0) {
      strange((flags & NFT_TABLE_F_DORMANT) != 0 ? "flag dormant" : "table flags");
    }
  }

  Answer chains() {
    return socket_.ask(NFT_MSG_GETCHAIN, NLM_F_DUMP, {},
                       [&](const nlmsghdr* reply) { add_chain(reply); });
  }

  void add_chain(const nlmsghdr* reply) {
    const ChainObject object(nftnl_chain_alloc());
    if (object == nullptr || nftnl_chain_nlmsg_parse(reply, object.get()) != 0) return;
    const nftnl_chain* chain = object.get();
    if (text_of(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE)) != kTableName) return;
    const std::string name = text_of(nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
    Chain& into = table_->chains[name];
    if (nftnl_chain_get_u32(chain, NFTNL_CHAIN_FLAGS) & ~std::uint32_t{NFT_CHAIN_BASE}) {
      strange("chain " + name + ": flags");
    }
    if (!nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM)) return;
    Hook hook;
    hook.type = text_of(nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE));
    hook.number = nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM);
    hook.priority = nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO);
    hook.accept = nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_ACCEPT;
    if (nftnl_chain_is_set(chain, NFTNL_CHAIN_DEV) ||
        nftnl_chain_is_set(chain, NFTNL_CHAIN_DEVICES)) {
      strange("chain " + name + ": bound to a device");
    }
    into.hook = std::move(hook);
  }

  Answer rules() {
    return socket_.ask(
        NFT_MSG_GETRULE, NLM_F_DUMP, [](nlmsghdr* request) { put_table(request, NFTA_RULE_TABLE); },
        [&](const nlmsghdr* reply) { add_rule(reply); });
  }

  void add_rule(const nlmsghdr* reply) {
    const RuleObject object(nftnl_rule_alloc());
    if (object == nullptr) throw std::bad_alloc();
    const bool readable = nftnl_rule_nlmsg_parse(reply, object.get()) == 0;
    if (!readable && !nftnl_rule_is_set(object.get(), NFTNL_RULE_CHAIN)) {
      strange("a rule that cannot be read");
      return;
    }
    if (text_of(nftnl_rule_get_str(object.get(), NFTNL_RULE_TABLE)) != kTableName) return;
    Rule rule;
    rule.handle = nftnl_rule_get_u64(object.get(), NFTNL_RULE_HANDLE);
    std::uint32_t size = 0;
    const void* udata = nftnl_rule_get_data(object.get(), NFTNL_RULE_USERDATA, &size);
    if (udata != nullptr) {
      rule.comment = find_udata_text(udata, size, NFTNL_UDATA_RULE_COMMENT);
    }
    nftnl_expr_foreach(
        object.get(),
        [](nftnl_expr* expr, void* into) {
          static_cast<Rule*>(into)->exprs.push_back(decode_expr(expr));
          return 0;
        },
        &rule);
    if (!readable) rule.exprs.emplace_back(UnknownExpr{"?"});
    const std::string chain = text_of(nftnl_rule_get_str(object.get(), NFTNL_RULE_CHAIN));
    table_->chains[chain].rules.push_back(std::move(rule));
  }

  Answer sets() {
    return socket_.ask(
        NFT_MSG_GETSET, NLM_F_DUMP, [](nlmsghdr* request) { put_table(request, NFTA_SET_TABLE); },
        [&](const nlmsghdr* reply) { add_set(reply); });
  }

  void add_set(const nlmsghdr* reply) {
    const SetObject object(nftnl_set_alloc());
    if (object == nullptr || nftnl_set_nlmsg_parse(reply, object.get()) != 0) return;
    const nftnl_set* set = object.get();
    if (text_of(nftnl_set_get_str(set, NFTNL_SET_TABLE)) != kTableName) return;
    const std::string name = text_of(nftnl_set_get_str(set, NFTNL_SET_NAME));
    const std::uint32_t flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
    if ((flags & NFT_SET_MAP) == 0) return strange("set " + name);
    if ((flags & ~std::uint32_t{NFT_SET_MAP | NFT_SET_INTERVAL}) != 0 ||
        nftnl_set_get_u32(set, NFTNL_SET_DATA_TYPE) != kVerdictType ||
        nftnl_set_is_set(set, NFTNL_SET_EXPR) || nftnl_set_is_set(set, NFTNL_SET_DESC_SIZE)) {
      return strange("map " + name);
    }
    const std::uint32_t number = nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE);
    for (const KeyTypeNumber& known : kKeyTypeNumbers) {
      if (known.number != number) continue;
      Map map;
      map.key = known.key;
      map.interval = (flags & NFT_SET_INTERVAL) != 0;
      if (nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN) != key_size(map.key)) break;
      table_->maps.emplace(name, std::move(map));
      return;
    }
    strange("map " + name);
  }

  Answer elements() {
    for (auto& [name, map] : table_->maps) {
      ElementReader reader(map.key, map.interval);
      const Answer answer = socket_.ask(
          NFT_MSG_GETSETELEM, NLM_F_DUMP,
          [&set_name = name](nlmsghdr* request) {
            mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, kTableName);
            mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set_name.c_str());
          },
          [&](const nlmsghdr* reply) { reader.add(reply); });
      if (answer.error != 0) return answer;
      map.elements = reader.finish();
      if (reader.strange()) strange("map " + name + ": its elements");
    }
    return {};
  }

  /// Objects and flow tables: nothing of ours, so their names are enough.
  Answer others() {
    Answer answer = names(NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, NFTA_OBJ_NAME, "object ");
    if (answer.error != 0) return answer;
    answer = names(NFT_MSG_GETFLOWTABLE, NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME, "flowtable ");
    return answer;
  }

  Answer names(std::uint16_t type, std::uint16_t table_attribute, std::uint16_t name_attribute,
               const std::string& kind) {
    Answer answer = socket_.ask(
        type, NLM_F_DUMP, [&](nlmsghdr* request) { put_table(request, table_attribute); },
        [&](const nlmsghdr* reply) {
          std::string table;
          std::string name;
          for (const nlattr* attribute : netlink::attributes_of(reply, sizeof(nfgenmsg))) {
            const auto number = netlink::type_of(attribute);
            if (number != table_attribute && number != name_attribute) continue;
            (number == table_attribute ? table : name) = netlink::text_of(attribute);
          }
          if (table == kTableName) strange(kind + name);
        });
    // A kernel built without the kind has none of it.
    if (answer.error == EOPNOTSUPP || answer.error == EINVAL) answer.error = 0;
    return answer;
  }

  NftSocket& socket_;
  std::optional<Table> table_;
};

}  // namespace

Result<Snapshot> read_table(NftSocket& socket) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Snapshot snapshot;
    ARCTIC_TRY(snapshot.generation, socket.generation());
    Pass pass(socket);
    const Answer answer = pass.run();
    ARCTIC_TRY(const std::uint32_t after, socket.generation());
    if (after != snapshot.generation || answer.error == EINTR) continue;
    if (answer.error != 0) {
      return netlink::refused("table inet arctic", "cannot be read", answer);
    }
    snapshot.table = pass.take();
    return snapshot;
  }
  return fail(ErrorCode::kFailure, "table inet arctic",
              "cannot be read: the ruleset kept changing meanwhile",
              "find out who changes it all the time: nft monitor");
}

}  // namespace arctic::nft
