// The examples of this repository, compiled: what the golden tests and the kernel tests walk over.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/load.h"

namespace arctic::test {

inline std::filesystem::path source_folder() { return ARCTIC_SOURCE_DIR; }

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Example {
  std::string name;
  std::string text;
  Config config;
};

/// A configuration that must be without any diagnostic.
inline Config clean_config(const std::string& text) {
  Diagnostics diagnostics;
  Config config = load(text, diagnostics);
  for (const Diagnostic& problem : diagnostics.all()) {
    UNSCOPED_INFO(render(problem, "example", text, false));
  }
  REQUIRE(diagnostics.all().empty());
  return config;
}

/// All of examples/, by name.
inline std::vector<Example> examples() {
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(source_folder() / "examples")) {
    if (entry.path().extension() == ".yaml") paths.insert(entry.path());
  }
  REQUIRE(paths.size() >= 4);
  std::vector<Example> all;
  for (const auto& path : paths) {
    const std::string text = read_text(path);
    all.push_back({path.stem().string(), text, clean_config(text)});
  }
  return all;
}

struct NamedText {
  const char* name;
  const std::string* text;
};

inline std::vector<NamedText> files_of(const Artifacts& artifacts) {
  return {{"plan.json", &artifacts.plan_json},
          {"ruleset.nft", &artifacts.ruleset_nft},
          {"pegasus.json", &artifacts.pegasus_json},
          {"tempest.json", &artifacts.tempest_json},
          {"host.json", &artifacts.host_json}};
}

}  // namespace arctic::test
