#include "cli/trace_lines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/route_facts.h"

namespace arctic::cli {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxLine = 64U << 10;

// Takes the four keys of a packet as the library's parser meets them; no tree is built. Returning
// false ends the parse; `wrong` says why.
class PacketReader : public json::json_sax_t {
 public:
  explicit PacketReader(PacketLine& line) : line_(line) {}

  std::string wrong;

  bool start_object(std::size_t) override {
    if (depth_ > 0) return refuse("a value is an object");
    ++depth_;
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override {
    return refuse(depth_ == 0 ? "a packet is an object: {…}" : "a value is an array");
  }
  bool end_array() override { return true; }

  bool key(std::string& name) override {
    for (std::size_t i = 0; i < std::size(kKeys); ++i) {
      if (name != kKeys[i]) continue;
      if (seen_[i]) return refuse(fmt::format("`{}` comes twice", name));
      seen_[i] = true;
      at_ = i;
      return true;
    }
    return refuse(fmt::format("`{}` is no key of a packet: there are from, to, proto, iif", name));
  }
  bool string(std::string& value) override {
    if (depth_ == 0) return refuse("a packet is an object: {…}");
    switch (at_) {
      case kFrom:
        return take_address(line_.packet.from, value);
      case kTo:
        return take_address(line_.packet.to, value);
      case kIif:
        line_.packet.iif = value;
        return true;
      default:
        break;
    }
    const auto number = parse_protocol(value);
    if (!number) return refuse(fmt::format("`{}` is no protocol", value));
    line_.packet.protocol = *number;
    line_.protocol = '"' + value + '"';
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ == 0 || at_ != kProto) return refuse("a number stands where a text belongs");
    if (value > 255) return refuse("`proto` is above 255");
    line_.packet.protocol = static_cast<std::uint8_t>(value);
    line_.protocol = std::to_string(value);
    return true;
  }
  bool null() override { return other_type(); }
  bool boolean(bool) override { return other_type(); }
  bool number_integer(number_integer_t) override { return other_type(); }
  bool number_float(number_float_t, const string_t&) override { return other_type(); }
  bool binary(binary_t&) override { return other_type(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return refuse("is not JSON");
  }

  // What no single value can show.
  bool complete() {
    if (!seen_[kFrom]) return refuse("`from` is missing");
    if (!seen_[kTo]) return refuse("`to` is missing");
    if (line_.packet.from.family != line_.packet.to.family) {
      return refuse("`from` and `to` are of different families");
    }
    return true;
  }

 private:
  enum : std::size_t { kFrom, kTo, kProto, kIif };
  static constexpr const char* kKeys[] = {"from", "to", "proto", "iif"};

  bool refuse(std::string reason) {
    if (wrong.empty()) wrong = std::move(reason);
    return false;
  }
  bool other_type() { return refuse("a value is neither a text nor a protocol's number"); }
  bool take_address(Address& to, const std::string& text) {
    const auto address = parse_address(text);
    if (!address) return refuse(fmt::format("`{}` is no address", text));
    to = *address;
    return true;
  }

  PacketLine& line_;
  int depth_ = 0;
  std::size_t at_ = 0;
  bool seen_[std::size(kKeys)] = {};
};

std::string json_text(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// Hands out lines of standard input; the view holds until the next call.
class LineReader {
 public:
  // nullopt at the end; a last line without newline counts.
  Result<std::optional<std::string_view>> next() {
    while (true) {
      const std::size_t end = buffer_.find('\n', at_);
      if (end != std::string::npos) return take(end - at_, 1);
      if (ended_) {
        return at_ == buffer_.size() ? std::optional<std::string_view>()
                                     : take(buffer_.size() - at_, 0);
      }
      if (buffer_.size() - at_ > kMaxLine) return take(buffer_.size() - at_, 0);
      ARCTIC_CHECK(fill());
    }
  }

 private:
  std::optional<std::string_view> take(std::size_t length, std::size_t newline) {
    const std::string_view line = std::string_view(buffer_).substr(at_, length);
    at_ += length + newline;
    return line;
  }

  Status fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + (1U << 18));
    ssize_t n = -1;
    do {
      n = ::read(STDIN_FILENO, buffer_.data() + had, buffer_.size() - had);
    } while (n < 0 && errno == EINTR);
    const int error = errno;
    buffer_.resize(had + (n > 0 ? static_cast<std::size_t>(n) : 0));
    if (n < 0) return fail(ErrorCode::kFailure, "standard input", errno_text(error));
    ended_ = n == 0;
    return {};
  }

  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<PacketLine> parse_packet_line(std::string_view line) {
  PacketLine result;
  if (line.size() > kMaxLine) return fail(ErrorCode::kConfig, "", "is longer than 64 KiB");
  PacketReader reader(result);
  const bool read = json::sax_parse(line, &reader) && reader.complete();
  if (!read) return fail(ErrorCode::kConfig, "", reader.wrong);
  return result;
}

LineTracer::LineTracer(const Config& config, const RulePlan& plan) : tracer_(config, plan) {
  const Numbers numbers = allocate(config);
  tails_.reserve(plan.rules.size());
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    const Rule& rule = plan.rules[i];
    const Service& service = config.services[rule.service];
    const std::string& peer = service.target_peer.value;
    const std::string route = rule.category == Category::kInterface
                                  ? std::string("null")
                                  : json_text(route_label(config, rule));
    const std::string head =
        fmt::format(R"("service":{},"route":{},"category":"{}","rank":{},)",
                    json_text(service.name.value), route, to_string(rule.category), i + 1);
    tails_.push_back(
        {head + fmt::format(R"("handler":"pegasus","peer":{},"device":null,"port":{}}})",
                            json_text(peer), pegasus_port(numbers, service)),
         head + fmt::format(R"("handler":"tempest","peer":{},"device":{},"port":null}})",
                            json_text(peer), json_text(tunnel_device(peer)))});
  }
}

void LineTracer::answer(const Packet& packet, std::string_view protocol, std::string& out) const {
  out += R"({"from":")";
  out += packet.from.to_string();
  out += R"(","to":")";
  out += packet.to.to_string();
  out += R"(","proto":)";
  out += protocol;
  out += R"(,"iif":)";
  if (packet.iif.empty()) {
    out += R"("")";
  } else {
    out += json_text(packet.iif);
  }
  out += ',';
  const auto winner = tracer_.match(packet);
  if (!winner) {
    out += R"("service":null,"route":null,"category":"none","rank":null,)"
           R"("handler":"none","peer":null,"device":null,"port":null})";
    return;
  }
  const Tail& tail = tails_[*winner];
  out += handler_of(packet.protocol) == Handler::kPegasus ? tail.tcp : tail.other;
}

Status LineTracer::run(Report& report) const {
  LineReader lines;
  std::string out;
  for (std::size_t number = 1;; ++number) {
    ARCTIC_TRY(const auto line, lines.next());
    if (!line) return {};
    if (line->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto packet = parse_packet_line(*line);
    if (!packet) {
      return fail(ErrorCode::kConfig, "", packet.error().reason,
                  R"(a line is {"from":"10.1.2.3","to":"192.168.100.50","proto":"tcp","iif":""})",
                  fmt::format("standard input:{}", number));
    }
    out.clear();
    answer(packet->packet, packet->protocol, out);
    out += '\n';
    report.out(out);
  }
}

}  // namespace arctic::cli
