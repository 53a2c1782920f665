// Asks a JSON Schema of this project about documents, by way of python3-jsonschema.
//
// A missing tool fails the test that asks.
#pragma once

#include <string>
#include <vector>

namespace arctic {

/// For each document whether the schema (a file below schema/) accepts it.
[[nodiscard]] std::vector<bool> accepted_by(const std::string& schema,
                                            const std::vector<std::string>& documents);

}  // namespace arctic
