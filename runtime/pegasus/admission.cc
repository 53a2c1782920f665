#include "runtime/pegasus/admission.h"

#include <algorithm>

namespace arctic {
namespace {

// More than the 500 a second of all leave unfinished within a source's memory.
constexpr std::size_t kSweepAt = 512;

Address source_of(const Address& address) {
  constexpr int kSitePrefix = 64;
  if (address.family == Family::kIpv4) return address;
  return network_of(address, kSitePrefix).address();
}

bool in_time(Admission::Time due, Admission::Time now, Admission::Time interval, int burst) {
  return due <= now + interval * (burst - 1);
}

}  // namespace

Admission::Ticket& Admission::Ticket::operator=(Ticket&& other) noexcept {
  std::swap(of_, other.of_);
  std::swap(source_, other.source_);
  std::swap(stranger_, other.stranger_);
  return *this;
}

Admission::Ticket::~Ticket() {
  if (of_ != nullptr) of_->leave(source_, stranger_);
}

void Admission::set_peers(std::span<const Address> addresses) {
  std::set<Address> peers;
  for (const Address& each : addresses) peers.insert(source_of(each));
  const std::lock_guard lock(mutex_);
  peers_.swap(peers);
}

std::optional<Admission::Ticket> Admission::enter(const Address& from) {
  const Address source = source_of(from);
  const std::lock_guard lock(mutex_);
  const bool stranger = peers_.count(source) == 0;
  const auto at = open_.find(source);
  if (at != open_.end() && at->second >= (stranger ? kMostOfSource : kMostOfPeer)) {
    ++counts_.refused_source;
    return std::nullopt;
  }
  if (counts_.open >= kMost || (stranger && strangers_ >= kMostOfStrangers)) {
    ++counts_.refused_total;
    return std::nullopt;
  }
  ++open_[source];
  ++counts_.open;
  strangers_ += stranger ? 1 : 0;
  return Ticket(this, source, stranger);
}

void Admission::leave(const Address& source, bool stranger) {
  const std::lock_guard lock(mutex_);
  const auto at = open_.find(source);
  if (--at->second == 0) open_.erase(at);
  --counts_.open;
  strangers_ -= stranger ? 1 : 0;
}

bool Admission::may_init(const Address& from, Time now) {
  const Address source = source_of(from);
  const std::lock_guard lock(mutex_);
  const auto at = inits_.find(source);
  const Time due = at == inits_.end() ? now : std::max(at->second, now);
  if (!in_time(due, now, kInitInterval, kInitBurst)) {
    ++counts_.refused_init_source;
    return false;
  }
  const Time all_due = std::max(all_inits_, now);
  // After the source's own limit, so that one source cannot use up what is for all.
  if (!in_time(all_due, now, kAllInitInterval, kAllInitBurst)) {
    ++counts_.refused_init_total;
    return false;
  }
  all_inits_ = all_due + kAllInitInterval;
  if (at == inits_.end() && inits_.size() >= kSweepAt) {
    std::erase_if(inits_, [now](const auto& each) { return each.second <= now; });
  }
  inits_[source] = due + kInitInterval;
  return true;
}

Admission::Counts Admission::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::size_t Admission::remembered() const {
  const std::lock_guard lock(mutex_);
  return open_.size() + inits_.size();
}

}  // namespace arctic
