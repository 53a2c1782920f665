// The status as Prometheus reads it.
#include "runtime/daemon/process_facts.h"
#include "runtime/pegasus/server.h"

namespace arctic {
namespace {

using Type = MetricsText::Type;

MetricsText::Labels labels_of(const PegasusStatus::Service& service) {
  return {{"service", service.service},
          {"role", service.role == PegasusConfig::Role::kEntry ? "entry" : "exit"},
          {"peer", service.peer}};
}

/// One family over all services, with a value of each.
template <class Value>
void write_each(MetricsText& text, const PegasusStatus& status, const char* name, Type type,
                const char* help, Value value) {
  text.family(name, type, help);
  for (const auto& service : status.services) text.sample(labels_of(service), value(service));
}

void write_services(MetricsText& text, const PegasusStatus& status) {
  using Service = PegasusStatus::Service;
  write_each(text, status, "pegasus_connections_open", Type::kGauge, "Connections that are open.",
             [](const Service& service) { return service.open; });
  write_each(text, status, "pegasus_connections_total", Type::kCounter,
             "Connections that were taken.", [](const Service& service) { return service.total; });
  write_each(text, status, "pegasus_connections_refused_total", Type::kCounter,
             "Connections that were not carried.",
             [](const Service& service) { return service.refused; });
  write_each(text, status, "pegasus_sent_bytes_total", Type::kCounter,
             "Payload from clients to destinations.",
             [](const Service& service) { return service.sent; });
  write_each(text, status, "pegasus_received_bytes_total", Type::kCounter,
             "Payload from destinations to clients.",
             [](const Service& service) { return service.received; });
  write_each(text, status, "pegasus_limit_bits_per_second", Type::kGauge,
             "The bandwidth limit of each direction; 0 for none.",
             [](const Service& service) { return std::uint64_t{service.limit_mbps} * 1'000'000; });
  write_each(text, status, "pegasus_limit_waits_total", Type::kCounter,
             "Times that the limit made a connection wait.",
             [](const Service& service) { return service.waits; });
  text.family("pegasus_connect_seconds", Type::kHistogram,
              "From the begin of a connection until the destination has it; at the entry until the "
              "exit says so, with the first bytes or 10 ms later.");
  for (const auto& service : status.services) {
    std::vector<double> bounds;
    for (const std::uint64_t ms : service.connect_ms.bounds) {
      bounds.push_back(static_cast<double>(ms) / 1000);
    }
    text.histogram(labels_of(service), bounds, service.connect_ms.counts,
                   static_cast<double>(service.connect_ms.sum) / 1000);
  }
}

void write_peers(MetricsText& text, const PegasusStatus& status) {
  text.family("pegasus_peer_up", Type::kGauge, "1 if there are tunnel connections with the peer.");
  for (const auto& peer : status.peers) {
    text.sample({{"peer", peer.name}},
                std::uint64_t{peer.state == PegasusStatus::PeerState::kUp ? 1U : 0U});
  }
  text.family("pegasus_links", Type::kGauge, "Tunnel connections with the peer.");
  for (const auto& peer : status.peers) {
    text.sample({{"peer", peer.name}, {"state", "idle"}}, peer.links_idle);
    text.sample({{"peer", peer.name}, {"state", "busy"}}, peer.links_busy);
  }
  text.family("pegasus_handshakes_total", Type::kCounter, "Sessions that were begun.");
  for (const auto& peer : status.peers) text.sample({{"peer", peer.name}}, peer.handshakes);
  text.family("pegasus_peer_rtt_seconds", Type::kGauge, "Round trip to the peer.");
  for (const auto& peer : status.peers) {
    if (peer.rtt_us) text.sample({{"peer", peer.name}}, static_cast<double>(*peer.rtt_us) / 1e6);
  }
  text.family("pegasus_unconfirmed_open", Type::kGauge,
              "Tunnel connections that have not shown yet who they are.");
  text.sample({}, status.unconfirmed.open);
  text.family("pegasus_unconfirmed_refused_total", Type::kCounter,
              "Tunnel connections that were closed before they had shown who they are.");
  text.sample({{"reason", "source"}}, status.unconfirmed.refused_source);
  text.sample({{"reason", "total"}}, status.unconfirmed.refused_total);
  text.sample({{"reason", "init_source"}}, status.unconfirmed.refused_init_source);
  text.sample({{"reason", "init_total"}}, status.unconfirmed.refused_init_total);
}

}  // namespace

std::string metrics_of(const PegasusStatus& status) {
  MetricsText text;
  write_process(text, status.process, "pegasus");
  write_services(text, status);
  write_peers(text, status);
  return text.text();
}

}  // namespace arctic
