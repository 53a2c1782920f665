// A SourceTable as nftables maps and chains: from a packet's source to its destinations.
//
// Used for the routes of the plan where they are many (verdict: go to the service) and for what a
// neighbour may reach (verdict: accept). Pure.
#pragma once

#include <string>
#include <vector>

#include "compiler/nft.h"
#include "compiler/sources.h"

namespace arctic {

/// How the maps and chains of one table of sources are called.
struct SourceNames {
  std::string sources;       ///< map by source; a deeper layer's has "/1", "/2", … added
  std::string map_prefix;    ///< before the source: its map by destination
  std::string chain_prefix;  ///< before the source: its chain
};

/// What becomes of a packet that a rule matches, by the rule's index; comments say which it was.
struct RuleVerdict {
  nft::Verdict verdict;
  std::string comment;
};

/// A source in the name of a map or chain; nft takes no colons there: "10.1.0.0/16",
/// "2001.db8../32".
[[nodiscard]] std::string source_name(const Prefix& source);

/// One element for each interval; its winner is an index into `verdicts`.
[[nodiscard]] std::vector<nft::Element> elements_of(const std::vector<Interval>& intervals,
                                                    const std::vector<RuleVerdict>& verdicts);

/// An interval map over addresses.
[[nodiscard]] nft::Map address_map(Family family, std::vector<nft::Element> elements);

/// Adds maps and chains for the groups and layers; returns the rules that look a packet up in them,
/// in order. Nothing if there are no groups.
std::vector<nft::Rule> add_sources(nft::Table& table, const SourceTable& sources,
                                   const SourceNames& names,
                                   const std::vector<RuleVerdict>& verdicts);

}  // namespace arctic
