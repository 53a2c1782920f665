#!/usr/bin/env bash
# proxy_protocol: v2, read by haproxy: it must see the client's address and its own.
# usage: lab_proxy_test.sh ARCTIC PEGASUS TRAFFIC     (root; needs haproxy)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
command -v haproxy >/dev/null || { echo "lab_proxy_test: haproxy is not installed" >&2; exit 1; }
lab_inside "$@"

configure "$(service header 2 'proxy_protocol: v2')"
start exit
start entry
serve check=5001
cat >haproxy.cfg <<'END'
global
  maxconn 500
defaults
  timeout connect 20s
  timeout client 20s
  timeout server 20s
frontend seen
  mode http
  bind 192.168.2.2:80 accept-proxy
  bind fd99:0:0:2::2:80 accept-proxy v6only
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]\n"
frontend bytes
  mode tcp
  bind 192.168.2.2:5000 accept-proxy
  bind fd99:0:0:2::2:5000 accept-proxy v6only
  default_backend check
backend check
  mode tcp
  server check 127.0.0.1:5001
END
spawn server haproxy -db -f haproxy.cfg >haproxy.log 2>&1
await "haproxy" listens server 5000

port=40000
for each in "10.0.0.2 192.168.2.2 192.168.2.2" "fd10::2 fd99:0:0:2::2 [fd99:0:0:2::2]"; do
  read -r from to url <<<"$each"
  port=$((port + 1))
  seen=$(at client curl -sS --max-time 20 --local-port $port "http://$url/" 2>&1) || true
  same "$to: haproxy sees client and destination" "$from $port $to 80" "$seen"
  passes "$to: all bytes behind the header" check "$to" 5000 --count 50 --at-once 10
done
holds_quiet
end_all
finish
