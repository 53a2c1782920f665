// A YamlTree as JSON, the way an editor's YAML plugin hands it to a JSON Schema: aliases followed,
// merge keys merged, plain scalars typed by YAML 1.2's core schema.
#pragma once

#include <string>

#include "schema/parse/tree.h"

namespace arctic {

[[nodiscard]] std::string tree_to_json(const YamlTree& tree);

}  // namespace arctic
