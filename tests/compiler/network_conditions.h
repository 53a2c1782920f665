// Conditions on addresses in every form that nft has for them.
//
// For the tests that compare what we write with what nft writes and what the kernel gives back.
#pragma once

#include <optional>
#include <vector>

#include "compiler/statements.h"

namespace arctic::test {

/// Source, destination and both, of both families, with lengths that end with a byte and inside of
/// one, of no bits and of all.
inline std::vector<nft::Statement> network_conditions() {
  const std::vector<int> lengths4 = {0, 1, 8, 15, 16, 24, 31, 32};
  const std::vector<int> lengths6 = {0, 1, 7, 8, 32, 33, 48, 64, 120, 127, 128};
  std::vector<nft::Statement> all;
  for (const Family family : kFamilies) {
    const bool v4 = family == Family::kIpv4;
    const Address from = *parse_address(v4 ? "203.113.77.201" : "fdab:cdef:1234:5678:9abc::dd01");
    const Address to = *parse_address(v4 ? "10.201.77.131" : "2001:db8:8765:4321:fedc::aa83");
    const std::vector<int>& lengths = v4 ? lengths4 : lengths6;
    for (const int length : lengths) {
      all.push_back(nft::address_in(network_of(from, length), std::nullopt));
      all.push_back(nft::address_in(std::nullopt, network_of(to, length)));
      for (const int other : lengths) {
        all.push_back(nft::address_in(network_of(from, length), network_of(to, other)));
      }
    }
  }
  return all;
}

}  // namespace arctic::test
