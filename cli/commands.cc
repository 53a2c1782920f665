#include "cli/command.h"

namespace arctic::cli {

namespace {

constexpr const char* kFile = "The configuration file";
constexpr const char* kNode = "The node";
constexpr const char* kLook = "Looking";
constexpr const char* kRest = "The rest";

constexpr Command kCommands[] = {
    {"init", "write a starter arctic.yaml", kFile, define_init},
    {"validate", "check a file: all its problems in one run", kFile, define_validate},
    {"fmt", "bring a file into its canonical layout; comments survive", kFile, define_fmt},
    {"compile", "write what each node loads, or compare it with what is committed", kFile,
     define_compile},
    {"diff", "say what a change of the file means in rules, offline", kFile, define_diff},
    {"plan", "show what apply would change on this node", kNode, define_plan},
    {"apply", "make this node as the file says", kNode, define_apply},
    {"destroy", "take everything of Arctic off this node", kNode, define_destroy},
    {"status", "show what this node should have against what it has", kNode, define_status},
    {"keygen", "make this node's key and print its public half", kNode, define_keygen},
    {"trace", "explain where a packet goes and why", kLook, define_trace},
    {"services", "list services, or show one", kLook, define_services},
    {"routes", "list routes in the order of the file or of their rank, or show one", kLook,
     define_routes},
    {"peers", "list peers, or show one", kLook, define_peers},
    {"completion", "print a completion script for bash, zsh or fish", kRest, define_completion},
    {"version", "print the version", kRest, define_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

}  // namespace arctic::cli
