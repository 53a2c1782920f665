#include "tests/kernel/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/support/netns.h"

namespace arctic::test {
namespace {

using nlohmann::json;

// Carrier, and what follows from it, comes and goes at the kernel's own time.
bool is_carrier_flag(const json& flag) {
  return flag == "NO-CARRIER" || flag == "LOWER_UP" || flag == "linkdown";
}

// Empties what is a counter, drops what is a handle or the state of a carrier; at any depth.
void normalize(json& value) {
  if (value.is_object()) {
    for (const char* key :
         {"handle", "index", "ifindex", "link_index", "promiscuity", "allmulti", "operstate"}) {
      value.erase(key);
    }
    if (value.contains("flags") && value["flags"].is_array()) {
      json& flags = value["flags"];
      flags.erase(std::remove_if(flags.begin(), flags.end(), is_carrier_flag), flags.end());
    }
    if (value.contains("counter") && value["counter"].is_object()) {
      value["counter"] = json::object();
    }
  }
  if (value.is_structured()) {
    for (json& child : value) normalize(child);
  }
}

void add_nft(const json& ruleset, Listing& listing) {
  std::map<std::string, json> chains;
  for (json entry : ruleset.at("nftables")) {
    if (entry.contains("metainfo")) continue;
    normalize(entry);
    const std::string kind = entry.begin().key();
    json& object = entry.begin().value();
    if (kind == "rule") {
      const std::string chain = object.at("family").get<std::string>() + " " +
                                object.at("table").get<std::string>() + " " +
                                object.at("chain").get<std::string>();
      chains[chain].push_back(object);
      continue;
    }
    if (object.contains("elem")) std::sort(object["elem"].begin(), object["elem"].end());
    listing.push_back("nft " + kind + " " + entry.dump());
  }
  for (const auto& [chain, rules] : chains) {
    listing.push_back("nft rules " + chain + " " + rules.dump());
  }
}

void add_each(const std::string& heading, const json& items, Listing& listing) {
  for (json item : items) {
    normalize(item);
    listing.push_back(heading + " " + item.dump());
  }
}

bool is_link_local(const std::string& text) { return text.rfind("fe80:", 0) == 0; }

void add_routes(const std::string& heading, const json& routes, Listing& listing) {
  for (json route : routes) {
    // The kernel makes these of its own, from addresses that are listed themselves, and for IPv6 at
    // a time of its own: when duplicate address detection ends or a carrier is seen.
    if (heading == "route6" && route.value("protocol", "") == "kernel") continue;
    normalize(route);
    listing.push_back(heading + " " + route.dump());
  }
}

void add_links(const json& links, Listing& listing) {
  for (json link : links) {
    if (link.empty()) continue;
    const std::string name = link.at("ifname");
    for (json address : link["addr_info"]) {
      if (!is_link_local(address.at("local"))) {
        address.erase("tentative");  // until duplicate address detection ends
        listing.push_back("address " + name + " " + address.dump());
      }
    }
    for (const char* key : {"addr_info", "address", "permaddr"}) link.erase(key);
    normalize(link);
    listing.push_back("link " + name + " " + link.dump());
  }
}

void add_sysctls(const std::string& folder, Listing& listing) {
  DIR* dir = ::opendir(("/proc/sys/" + folder).c_str());
  if (dir == nullptr) throw std::runtime_error("no folder " + folder);
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    const std::string path = folder + "/" + name;
    if (name == "." || name == ".." || name == "neigh" || name == "tcp_fastopen_key" ||
        name == "stable_secret")
      continue;
    if (entry->d_type == DT_DIR) {
      add_sysctls(path, listing);
      continue;
    }
    const int fd = ::open(("/proc/sys/" + path).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    ::close(fd);
    if (size < 0) continue;
    std::string value(buffer.data(), static_cast<std::size_t>(size));
    while (!value.empty() && value.back() == '\n') value.pop_back();
    listing.push_back("sysctl " + path + " " + value);
  }
  ::closedir(dir);
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

bool ends_with_name(const std::string& line, const char* name) {
  return line.find(std::string("/") + name + " ") != std::string::npos;
}

std::set<std::string> links_of_ours(const Listing& listing) {
  std::set<std::string> names;
  for (const std::string& line : listing) {
    if (starts_with(line, "link ") && line.find("\"ifalias\":\"arctic:") != std::string::npos) {
      names.insert(line.substr(5, line.find(' ', 5) - 5));
    }
  }
  return names;
}

bool is_ours(const std::string& line, const std::set<std::string>& links) {
  if (starts_with(line, "nft ")) {
    return line.find("\"family\":\"inet\",\"name\":\"arctic\"") != std::string::npos ||
           line.find("\"table\":\"arctic\"") != std::string::npos;
  }
  if (starts_with(line, "sysctl ")) {
    // The kernel sets accept_redirects itself when it begins to forward.
    for (const char* name : {"ip_forward", "forwarding", "ip_local_reserved_ports", "arp_ignore",
                             "accept_redirects"}) {
      if (ends_with_name(line, name)) return true;
    }
    return std::any_of(links.begin(), links.end(), [&](const std::string& link) {
      return line.find("/conf/" + link + "/") != std::string::npos;
    });
  }
  if (starts_with(line, "link ") || starts_with(line, "address ")) {
    const std::size_t begin = line.find(' ') + 1;
    return links.count(line.substr(begin, line.find(' ', begin) - begin)) > 0;
  }
  // The kernel's anycast routes come and go with forwarding.
  if (line.find("\"type\":\"anycast\"") != std::string::npos) return true;
  if (line.find("\"protocol\":\"172\"") != std::string::npos) return true;
  return starts_with(line, "route") &&
         std::any_of(links.begin(), links.end(), [&](const std::string& link) {
           return line.find("\"dev\":\"" + link + "\"") != std::string::npos;
         });
}

}  // namespace

Listing list_kernel() {
  std::istringstream output(must_run(
      "set -e; nft -j -n list ruleset; ip -j -4 rule; ip -j -6 rule; ip -j -4 -d route show table "
      "all; ip -j -6 -d route show table all; ip -j -d addr"));
  std::vector<json> answers;
  for (std::string line; std::getline(output, line);) {
    if (!line.empty()) answers.push_back(json::parse(line));
  }
  if (answers.size() != 6) throw std::runtime_error("nft or ip printed something else than JSON");
  Listing listing;
  add_nft(answers[0], listing);
  add_each("rule4", answers[1], listing);
  add_each("rule6", answers[2], listing);
  add_routes("route4", answers[3], listing);
  add_routes("route6", answers[4], listing);
  add_links(answers[5], listing);
  add_sysctls("net/ipv4", listing);
  add_sysctls("net/ipv6", listing);
  std::sort(listing.begin(), listing.end());
  return listing;
}

Listing foreign_part(const Listing& listing) {
  const std::set<std::string> links = links_of_ours(listing);
  Listing rest;
  std::copy_if(listing.begin(), listing.end(), std::back_inserter(rest),
               [&](const std::string& line) { return !is_ours(line, links); });
  return rest;
}

std::string difference(const Listing& a, const Listing& b) {
  Listing only_a;
  Listing only_b;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only_a));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(only_b));
  std::string text;
  for (const std::string& line : only_a) text += "- " + line + "\n";
  for (const std::string& line : only_b) text += "+ " + line + "\n";
  return text;
}

}  // namespace arctic::test
