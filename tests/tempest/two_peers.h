// Two ends of a tunnel in memory, with a clock that is moved by hand and a wire that can lose.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/tempest/handshake_gate.h"
#include "runtime/tempest/roster.h"

namespace arctic::test {

using Bytes = std::vector<std::uint8_t>;

/// One end: a roster with one peer in it, and what a worker does for it.
class End {
 public:
  using Time = std::chrono::nanoseconds;

  End(const std::string& name, std::uint8_t address)
      : where{{{Family::kIpv4, U128{0xc0000200U} + address}, 51820}, 0, {}}, name_(name) {
    local = std::make_shared<LocalSide>();
    local->own = KeyPair::generate();
    local->indices = std::make_shared<Indices>();
    local->timestamps = std::make_shared<Timestamps>();
    local->slots = 2;
    local->since_1970 = [this] { return *now + std::chrono::hours(24 * 365 * 50); };
    local->chance = [] { return 0.5; };
    roster = std::make_unique<Roster>(local);
    gate = std::make_unique<HandshakeGate>(local->own.point);
  }

  void know(const End& other) {
    peer = roster->add(other.local->own.point, 0);
    peer->set_endpoint(other.where);
  }

  void take(TunnelPeer::Actions&& actions) {
    for (Bytes& each : actions.datagrams) out.push_back(std::move(each));
    for (Bytes& each : actions.undeliverable) undeliverable.push_back(std::move(each));
  }

  void tend() {
    TunnelPeer::Actions actions;
    due = peer->tend(*now, actions);
    take(std::move(actions));
  }
  void tend_if_due() {
    if (peer->take_call() || due <= *now) tend();
  }

  /// As a worker sends.
  void send(Bytes packet) {
    packet.resize(data::padded(packet.size(), 1420));
    auto way = peer->way(*now);
    if (!way) {
      peer->stage(packet, *now);
    } else {
      Bytes datagram(packet.size() + data::kOverhead);
      std::copy(packet.begin(), packet.end(), datagram.begin() + data::kHeadBytes);
      way->session->seal(0, way->session->take_counters(1).value(), datagram);
      peer->sent(*way->session, datagram.size(), true, *now);
      out.push_back(std::move(datagram));
    }
    tend_if_due();
  }

  /// As a worker receives; why it was dropped, if it was.
  std::optional<Drop> receive(Bytes datagram, const PeerEndpoint& from) {
    const auto type = message_type(datagram);
    if (!type) return Drop::kNoMessage;
    if (*type == MessageType::kData) return receive_data(std::move(datagram), from);
    if (*type != MessageType::kCookieReply) {
      auto verdict = gate->judge(datagram, from.remote, loaded, known, *now);
      if (verdict.reply) out.push_back({verdict.reply->begin(), verdict.reply->end()});
      if (verdict.drop) return verdict.drop;
    }
    auto outcome = roster->consume(datagram, from, *now);
    take(std::move(outcome.actions));
    if (outcome.peer && !outcome.drop) tend_if_due();
    return outcome.drop;
  }

  const std::string& name() const { return name_; }

  PeerEndpoint where;
  std::shared_ptr<LocalSide> local;
  std::unique_ptr<Roster> roster;
  std::unique_ptr<HandshakeGate> gate;
  PeerHandle peer;
  const Time* now = nullptr;
  Time due = Timers::kNever;
  bool loaded = false;
  bool known = true;
  std::deque<Bytes> out;  ///< to the other end
  std::vector<Bytes> undeliverable;
  std::vector<Bytes> came;  ///< packets, with their padding
  unsigned empty_came = 0;

 private:
  std::optional<Drop> receive_data(Bytes datagram, const PeerEndpoint& from) {
    const auto found = local->indices->find(number32(datagram.data() + data::kReceiverAt));
    if (!found.session) return Drop::kUnknownIndex;
    if (!found.session->may_receive(*now)) return Drop::kExpired;
    const std::uint64_t counter = number64(datagram.data() + data::kCounterAt);
    if (!found.session->open(0, datagram)) return Drop::kForgedData;
    bool fresh = false;
    found.session->accept({&counter, 1}, {&fresh, 1});
    if (!fresh) return Drop::kReplayed;
    const bool data = datagram.size() > data::kOverhead;
    found.peer->received(found.session, from, datagram.size(), data, *now);
    if (data) {
      came.emplace_back(datagram.begin() + data::kHeadBytes, datagram.end() - 16);
    } else {
      ++empty_came;
    }
    tend_if_due();
    return std::nullopt;
  }

  std::string name_;
};

class TwoPeers {
 public:
  using Time = std::chrono::nanoseconds;

  TwoPeers() {
    a.now = b.now = &now;
    a.know(b);
    b.know(a);
  }

  /// Everything that is on its way arrives, and what that causes.
  void deliver() {
    while (!a.out.empty() || !b.out.empty()) {
      hand_over(a, b);
      hand_over(b, a);
    }
  }
  /// Time goes by, timer by timer; what goes out arrives at once.
  void pass(Time time) {
    const Time end = now + time;
    for (;;) {
      const Time next = std::min(a.due, b.due);
      if (next > end) break;
      now = std::max(now, next);
      a.tend_if_due();
      b.tend_if_due();
      deliver();
    }
    now = end;
  }

  /// True: the datagram is lost.
  std::function<bool(const End& from, const Bytes& datagram)> loses = [](const End&, const Bytes&) {
    return false;
  };
  /// What `from` has sent so far, by type.
  unsigned sent(const End& from, MessageType type) {
    return counts_[from.name()][static_cast<std::uint8_t>(type)];
  }

  Time now = std::chrono::seconds(1000);
  End a{"a", 1};
  End b{"b", 2};

 private:
  void hand_over(End& from, End& to) {
    while (!from.out.empty()) {
      Bytes datagram = std::move(from.out.front());
      from.out.pop_front();
      ++counts_[from.name()][datagram[0]];
      if (!loses(from, datagram)) (void)to.receive(std::move(datagram), from.where);
    }
  }

  std::map<std::string, std::map<std::uint8_t, unsigned>> counts_;
};

}  // namespace arctic::test
