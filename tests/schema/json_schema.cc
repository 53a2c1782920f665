#include "tests/schema/json_schema.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

#include "tests/schema/text_file.h"

namespace arctic {
namespace {

namespace fs = std::filesystem;

// The one that the distribution's python3-jsonschema belongs to.
constexpr const char* kPython = "/usr/bin/python3";

std::string run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, n);
  INFO(command);
  REQUIRE(pclose(pipe) == 0);
  return out;
}

}  // namespace

std::vector<bool> accepted_by(const std::string& schema,
                              const std::vector<std::string>& documents) {
  const fs::path folder = fs::path(ARCTIC_BINARY_DIR) / "schema-documents";
  fs::create_directories(folder);
  const fs::path file = folder / (schema + "." + std::to_string(getpid()));
  std::string lines;
  for (const std::string& document : documents) lines += document + "\n";
  write_file(file, lines);
  const fs::path source = ARCTIC_SOURCE_DIR;
  const std::string answer =
      run(std::string(kPython) + " '" + (source / "tests/schema/validate.py").string() + "' '" +
          (source / "schema" / schema).string() + "' '" + file.string() + "'");
  fs::remove(file);
  std::vector<bool> accepted;
  for (std::size_t start = 0; start < answer.size();) {
    const std::size_t end = answer.find('\n', start);
    accepted.push_back(answer.substr(start, end - start) == "ok");
    start = end + 1;
  }
  REQUIRE(accepted.size() == documents.size());
  return accepted;
}

}  // namespace arctic
