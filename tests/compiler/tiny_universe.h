// A twin of the order checks that tries every packet of a universe of 16 by 16 addresses.
//
// Random plans are drawn whose prefixes have at most four bits; what the checks say of them is
// compared with what trying says. Used by the unit test and, many times over, by bench_proof.
#pragma once

#include <string>

#include "schema/config.h"
#include "tests/compiler/random_config.h"

namespace arctic::test {

class TinyUniverse {
 public:
  struct Counts {
    std::size_t plans = 0;
    std::size_t never = 0;           ///< rules that never win
    std::size_t unions = 0;          ///< of those, not covered by the one rule named
    std::size_t without_effect = 0;  ///< rules whose priority is overruled
  };

  TinyUniverse();

  /// Makes a plan and compares; empty if all agree, else what does not.
  [[nodiscard]] std::string try_plan(Random& random);
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  [[nodiscard]] RulePlan make_plan(Random& random) const;

  Config config_;
  Counts counts_;
};

}  // namespace arctic::test
