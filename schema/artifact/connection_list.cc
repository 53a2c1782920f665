#include "schema/artifact/connection_list.h"

#include "schema/artifact/control_fields.h"

namespace arctic {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Connection = ConnectionList::Connection;
using Role = PegasusConfig::Role;

ordered_json write(const Connection& connection) {
  return {{"id", connection.id},
          {"service", connection.service},
          {"role", to_string(connection.role)},
          {"client", connection.client},
          {"destination", connection.destination},
          {"peer", connection.peer},
          {"sent", connection.sent},
          {"received", connection.received},
          {"age_s", connection.age_s}};
}

Result<Connection> read_connection(const json& item, const std::string& where) {
  Fields fields(item, where);
  Connection connection;
  connection.id = fields.number("id");
  connection.service = read_name(fields, "service");
  connection.role = read_word(fields, "role", {Role::kEntry, Role::kExit});
  connection.client = fields.text("client");
  connection.destination = fields.text("destination");
  connection.peer = read_name(fields, "peer");
  connection.sent = fields.number("sent");
  connection.received = fields.number("received");
  connection.age_s = fields.number("age_s");
  ARCTIC_CHECK(fields.finish());
  return connection;
}

Result<ConnectionList> read_connections(const json& item, const std::string& where) {
  Fields fields(item, where);
  ConnectionList list;
  const json& connections = fields.value("connections");
  list.next = read_text_or_null(fields, "next");
  ARCTIC_CHECK(fields.finish());
  ARCTIC_TRY(list.connections,
             read_list<Connection>(connections, where + "/connections", read_connection));
  return list;
}

}  // namespace

std::string encode_answer(std::string_view id, const ConnectionList& list) {
  ordered_json connections = ordered_json::array();
  for (const Connection& each : list.connections) connections.push_back(write(each));
  return good_answer(id,
                     {{"connections", std::move(connections)}, {"next", text_or_null(list.next)}});
}

Result<ControlAnswer<ConnectionList>> decode_connections_answer(std::string_view line) {
  return decode_answer<ConnectionList>(line, read_connections);
}

}  // namespace arctic
