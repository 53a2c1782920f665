// Names that the compiler derives must not meet each other: the part of rule 20 that parse and
// check cannot see, because names are made a floor above them.
//
// Service IDs, MACVLAN interfaces and tunnel devices. Called by load(); safe on a Config with
// errors. Pure.
#pragma once

#include "schema/base/diagnostic.h"
#include "schema/config.h"

namespace arctic {

/// Equal service IDs anywhere; on each peer, interfaces of one name (MACVLAN, tunnel device,
/// parent_interface), and names that Linux does not take for an interface.
void check_derived_names(const Config& config, Diagnostics& diagnostics);

}  // namespace arctic
