#include "cli/parser.h"

namespace arctic::cli {

Parser make_parser(const Command& command, Session& session) {
  Parser parser;
  parser.app = std::make_unique<CLI::App>(command.summary, std::string("arctic ") + command.name);
  CLI::App& app = *parser.app;
  app.set_help_flag("-h,--help", "print this help");
  app.option_defaults()->group("Options");
  parser.run = command.define(app, session);
  const auto add_common = [&](CLI::App& to) {
    to.add_flag("--json", session.json, "print data as JSON");
    to.add_option("--root", session.root, "look for /etc, /opt, /var and /run below this folder")
        ->type_name("DIR");
  };
  const auto verbs = app.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* verb : verbs) add_common(*verb);
  if (verbs.empty()) add_common(app);
  return parser;
}

}  // namespace arctic::cli
