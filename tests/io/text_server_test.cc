// Metrics as text, and the server that gives them to Prometheus.
#include "runtime/io/text_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <limits>
#include <vector>

#include "runtime/io/metrics_text.h"
#include "runtime/io/owned_fd.h"
#include "tests/support/loop_thread.h"

namespace arctic::test {
namespace {

/// A client that connects, and reads until the end.
class Client {
 public:
  explicit Client(const SocketAddress& to)
      : fd_(::socket(to.address.family == Family::kIpv4 ? AF_INET : AF_INET6,
                     SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const RawAddress raw(to);
    REQUIRE(::connect(fd_.get(), raw.get(), raw.size) == 0);
  }
  bool send(const std::string& text) const {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  /// "" if it ends without an answer, "<nothing>" if it does not end.
  [[nodiscard]] std::string rest() const {
    std::string out;
    char piece[4096];
    for (;;) {
      const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) return out;
      if (got < 0) return "<nothing>";
      out.append(piece, static_cast<std::size_t>(got));
    }
  }

 private:
  OwnedFd fd_;
};

class Running {
 public:
  explicit Running(const char* address, Watched::Time patience = std::chrono::seconds(10)) {
    TextServer::Options options;
    options.where = {*parse_address(address), 0};
    options.body = [] { return std::string("up 1\n"); };
    options.patience = patience;
    auto made = thread_.in_loop([&] { return TextServer::make(thread_.loop(), options); });
    REQUIRE(made);
    server_ = std::move(*made);
  }
  ~Running() {
    thread_.in_loop([&] { server_.reset(); });
  }
  [[nodiscard]] const SocketAddress& where() const { return server_->where(); }
  [[nodiscard]] std::string ask(const std::string& request) const {
    const Client client(where());
    REQUIRE(client.send(request));
    return client.rest();
  }

 private:
  LoopThread thread_;
  std::unique_ptr<TextServer> server_;
};

std::string status_line(const std::string& answer) { return answer.substr(0, answer.find('\r')); }

}  // namespace

TEST_CASE("metrics are written as Prometheus reads them") {
  MetricsText out;
  out.family("arctic_up", MetricsText::Type::kGauge, "Whether \"it\" is\nup \\ or not.");
  out.sample({}, std::uint64_t{1});
  out.family("arctic_bytes_total", MetricsText::Type::kCounter, "Bytes.");
  out.sample({{"service", "a"}, {"direction", "sent"}}, ~std::uint64_t{0});
  out.sample({{"service", "q\"b\\s\nn"}}, 0.25);
  out.sample({{"service", ""}}, std::numeric_limits<double>::infinity());
  out.sample({}, std::numeric_limits<double>::quiet_NaN());
  out.family("arctic_connect_seconds", MetricsText::Type::kHistogram, "Time.");
  const std::vector<double> bounds = {0.001, 1, 10};
  const std::vector<std::uint64_t> counts = {2, 0, 3, 4};
  out.histogram({{"service", "a"}}, bounds, counts, 1234.5);
  out.histogram({}, {}, std::vector<std::uint64_t>{0}, 0);
  CHECK(out.text() ==
        "# HELP arctic_up Whether \"it\" is\\nup \\\\ or not.\n"
        "# TYPE arctic_up gauge\n"
        "arctic_up 1\n"
        "# HELP arctic_bytes_total Bytes.\n"
        "# TYPE arctic_bytes_total counter\n"
        "arctic_bytes_total{service=\"a\",direction=\"sent\"} 18446744073709551615\n"
        "arctic_bytes_total{service=\"q\\\"b\\\\s\\nn\"} 0.25\n"
        "arctic_bytes_total{service=\"\"} +Inf\n"
        "arctic_bytes_total NaN\n"
        "# HELP arctic_connect_seconds Time.\n"
        "# TYPE arctic_connect_seconds histogram\n"
        "arctic_connect_seconds_bucket{service=\"a\",le=\"0.001\"} 2\n"
        "arctic_connect_seconds_bucket{service=\"a\",le=\"1\"} 2\n"
        "arctic_connect_seconds_bucket{service=\"a\",le=\"10\"} 5\n"
        "arctic_connect_seconds_bucket{service=\"a\",le=\"+Inf\"} 9\n"
        "arctic_connect_seconds_sum{service=\"a\"} 1234.5\n"
        "arctic_connect_seconds_count{service=\"a\"} 9\n"
        "arctic_connect_seconds_bucket{le=\"+Inf\"} 0\n"
        "arctic_connect_seconds_sum 0\n"
        "arctic_connect_seconds_count 0\n");
}

TEST_CASE("GET /metrics is answered over both families") {
  for (const char* address : {"127.0.0.1", "::1"}) {
    const Running running(address);
    CHECK(running.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\n"
          "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
          "Content-Length: 5\r\n"
          "Connection: close\r\n\r\n"
          "up 1\n");
  }
}

TEST_CASE("what else is asked") {
  struct Row {
    std::string request;
    const char* status;
  };
  const Running running("127.0.0.1");
  for (const Row& row : std::vector<Row>{
           {"GET /metrics?name[]=x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"},
           {"GET /metrics HTTP/1.0\n\n", "HTTP/1.1 200 OK"},
           {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
           {"GET /metrics/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
           {"GET /metricsx HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
           {"GET http://x/metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"},
           {"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 405 Method Not Allowed"},
           {"get /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
           {"GET /metrics\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           {"GET  HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           {"GET /metrics SMTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           {"\r\n\r\n", "HTTP/1.1 400 Bad Request"},
           {std::string("\0\xff \x01\r\n\r\n", 8), "HTTP/1.1 400 Bad Request"},
           {"GET /metrics HTTP/1.1\r\nX: " + std::string(TextServer::kMaxHead, 'x') + "\r\n\r\n",
            "HTTP/1.1 431 Request Header Fields Too Large"},
       }) {
    INFO(row.request.substr(0, 60));
    CHECK(status_line(running.ask(row.request)) == row.status);
  }
}

TEST_CASE("a head in pieces is one head; an unfinished one ends at the deadline") {
  const Running running("127.0.0.1", std::chrono::milliseconds(300));
  const Client in_pieces(running.where());
  for (const char* piece : {"GET /met", "rics HTTP/1.1\r", "\n\r", "\n"}) in_pieces.send(piece);
  CHECK(status_line(in_pieces.rest()) == "HTTP/1.1 200 OK");
  const Client unfinished(running.where());
  REQUIRE(unfinished.send("GET /metrics HTTP/1.1\r\n"));
  CHECK(unfinished.rest().empty());
  CHECK(Client(running.where()).rest().empty());
}

TEST_CASE("sixteen slow ones keep a seventeenth out, and go by themselves") {
  const Running running("127.0.0.1", std::chrono::milliseconds(500));
  std::vector<std::unique_ptr<Client>> slow;
  for (std::size_t i = 0; i < TextServer::kMaxConnections; ++i) {
    slow.push_back(std::make_unique<Client>(running.where()));
  }
  CHECK(Client(running.where()).rest().empty());
  CHECK(eventually([&] {
    const Client client(running.where());
    client.send("GET /metrics HTTP/1.1\r\n\r\n");
    return status_line(client.rest()) == "HTTP/1.1 200 OK";
  }));
}

TEST_CASE("a port that is taken") {
  const Running running("127.0.0.1");
  LoopThread thread;
  TextServer::Options options;
  options.where = running.where();
  options.body = [] { return std::string(); };
  const auto second = thread.in_loop(
      [&] { return TextServer::make(thread.loop(), options).map([](auto) { return 0; }); });
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kRefused);
}

}  // namespace arctic::test
