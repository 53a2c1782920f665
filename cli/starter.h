// The two texts that `arctic init` writes.
#pragma once

#include <string_view>

namespace arctic::cli {

inline constexpr const char* kSchemaName = "arctic.schema.json";

/// A commented configuration of two peers; complete but for the public keys.
extern const std::string_view kStarter;
/// schema/arctic.schema.json, put in at build time.
extern const std::string_view kSchema;

}  // namespace arctic::cli
