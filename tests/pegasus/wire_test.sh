#!/usr/bin/env bash
# Holds a running pegasus to the wire's description, with a client that shares no code with it.
# usage: wire_test.sh ARCTIC PEGASUS     (root: works on the loopback of a network namespace of its own)
set -euo pipefail
if [ -z "${ARCTIC_WIRE_INSIDE:-}" ]; then
  ARCTIC_WIRE_INSIDE=1 exec unshare --net --pid --mount-proc --fork --kill-child "$(readlink -f "$0")" "$@"
fi
arctic=$1 pegasus=$2 here=$(dirname "$(readlink -f "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
ip link set lo up
mkdir entry exit stranger
entry_key=$("$arctic" keygen --root entry 2>keygen.log)
exit_key=$("$arctic" keygen --root exit 2>keygen.log)
cat >arctic.yaml <<END
version: v1
peers:
  - {name: entry, address: 127.0.0.1, public_key: "$entry_key"}
  - {name: exit, address: 127.0.0.1, public_key: "$exit_key"}
services:
  - name: loop
    source_peer: entry
    target_peer: exit
    transport_type: tcp
    routes:
      - {priority: 100, dest_cidr: 127.0.0.1/32}
      - {priority: 100, dest_cidr: "::1/128"}
END
"$arctic" compile arctic.yaml --node exit -o out >compile.log 2>&1 || { cat compile.log; exit 1; }
id=$(jq -r '.tunnels[0].id' out/exit/pegasus.json)
port=$(jq -r '.listen_port' out/exit/pegasus.json)

"$pegasus" --root exit --config out/exit/pegasus.json &
python3 - <<'END' &
import socketserver

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)

class Server(socketserver.ThreadingTCPServer):
    address_family = socketserver.socket.AF_INET6
    allow_reuse_address = True

Server(("::", 7), Echo).serve_forever()
END
await() { # PORT: until somebody listens there
  local end=$((SECONDS + 30))
  until ss -ltnH "sport = :$1" | grep -q .; do
    [ $SECONDS -lt $end ] || { echo "nobody listens on port $1" >&2; exit 1; }
    read -r -t 0.05 <> <(:) || true
  done
}
await "$port"
await 7
client() { timeout 60 "$here/wire_client.py" 127.0.0.1 "$port" "$1" "$exit_key" "$id" "$2" "$3" 7; }
client entry/etc/arctic/node.key 10.0.0.2 127.0.0.1
client entry/etc/arctic/node.key fd10::2 ::1
# A key that no peer has is told nothing.
"$arctic" keygen --root stranger >keygen.log 2>&1
if client stranger/etc/arctic/node.key 10.0.0.2 127.0.0.1 2>stranger.log; then
  echo "a stranger was served" >&2
  exit 1
fi
grep -q 'ended after 0 of 49 bytes\|Connection reset' stranger.log || { cat stranger.log; exit 1; }
