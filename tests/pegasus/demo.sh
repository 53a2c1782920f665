#!/usr/bin/env bash
# Pegasus at work: real TCP from a client over two nodes to a server, with every result checked.
# usage: demo.sh ARCTIC PEGASUS TRAFFIC     (root; needs haproxy, tcpdump, curl)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/lab.sh"
lab_inside "$@"
. "$here/../lab/show.sh"

ln -s "$traffic" traffic
ln -s "$pegasus" pegasus
ln -s "$here/control.py" control
export PATH=$PWD:$PATH

configure "$(service plain 0
  service clear 1 "$transparent"
  service header 2 'proxy_protocol: v2'
  service slow 3 'qos: {bandwidth_limit_mbps: 50}')"
use_gateway 1
cat <<'TEXT'

Pegasus, between two nodes:

  client ───── entry ═════ wan ═════ exit ───── server
  10.0.0.2   10.0.0.1  192.0.2.1  192.0.2.2   192.168.0.2, 192.168.1.2, …
  fd10::2    fd10::1                          fd99::2, fd99:0:0:1::2, …

Four services go from entry to exit, and differ in what the server is to see and how fast they are:
TEXT
sed -n '/^services:/,$p' arctic.yaml
show entry "pegasus --root entry --check && echo the configuration is good"
start exit
start entry
serve who=5000 echo=5001 source=5003 sink=5004
cat >haproxy.cfg <<'CFG'
defaults
  timeout connect 20s
  timeout client 20s
  timeout server 20s
  mode http
frontend seen
  bind 192.168.2.2:80 accept-proxy
  bind fd99:0:0:2::2:80 accept-proxy v6only
  http-request return status 200 content-type text/plain lf-string "haproxy sees %[src] ask for %[dst]\n"
CFG
spawn server haproxy -db -f haproxy.cfg >haproxy.log 2>&1
await "haproxy" listens server 80

say "1. Whom does the server see? By default the exit, in Transparent Mode the client, and with the PROXY protocol the exit, which says who the client is before anything else."
show client "traffic who 192.168.0.2 5000 | jq -c '{own, seen}'"
expect '"seen":"192.168.0.1:'
show client "traffic who fd99:0:0:1::2 5000 | jq -c '{own, seen}'"
expect '"seen":"\[fd10::2\]:'
show client curl -sS http://192.168.2.2/
expect 'sees 10.0.0.2 ask for 192.168.2.2'

say "2. What does the wan see? The same request in the clear on the way to the entry, and nothing of it between the nodes."
dump=()
for link in lan wan; do
  spawn entry tcpdump -i $link -U -w $link.pcap tcp >tcpdump-$link.log 2>&1
  dump+=($!)
  await "tcpdump on $link" grep -q 'listening on' tcpdump-$link.log
done
show client "curl -sS -H 'Cookie: a-secret-word' http://192.168.2.2/"
captured() { [ "$(tcpdump -r "$1.pcap" 2>/dev/null | wc -l)" -ge 4 ]; }
await "the packets of the lan" grep -qa a-secret-word lan.pcap
await "the packets of the wan" captured wan
kill "${dump[@]}"
wait "${dump[@]}" || true
show entry "for link in lan wan; do echo \$link: \$(grep -ca a-secret-word \$link.pcap || true) packets with the secret, of \$(tcpdump -r \$link.pcap 2>/dev/null | wc -l); done"
expect '^lan: [1-9]'
expect '^wan: 0 packets with the secret, of [1-9]'

say "3. A limit of 50 Mbit/s, each way, for all connections of the service together."
for way in "up 5004" "down 5003"; do
  read -r direction port <<<"$way"
  show client "traffic flow fd99:0:0:3::2 $port $direction --flows 4 --seconds 3 | jq -c '{mbps, jain}'"
  jq -e '.mbps > 20 and .mbps < 51' <<<"$shown" >/dev/null || die "the limit does not hold"
done

say "4. Reloads under load: the limit changes and a service comes and goes, twenty times, while 200 connections a second run through another service."
jq '(.tunnels[] | select(.service == "slow")).limit_mbps = 80 | del(.tunnels[] | select(.service == "header"))' \
  entry/opt/tillered/pegasus/config.json >other.json
cp entry/opt/tillered/pegasus/config.json first.json
spawn client "$traffic" rate 192.168.0.2 5001 --per-second 200 --seconds 5 >rate.out 2>&1
rate=$!
for ((i = 0; i < 10; ++i)); do
  for each in other first; do
    at entry control entry/run/arctic/pegasus.sock load "{\"path\": \"$PWD/$each.json\"}" >load.log 2>control.log || die "load: $(cat load.log)"
    pause 0.2
  done
done
status=0
wait $rate || status=$?
show client "jq -c '{opened, done, failed, corrupt}' rate.out"
[ "$status" = 0 ] || die "connections were lost"

say "5. What it says of itself."
show entry "control entry/run/arctic/pegasus.sock status 2>control.log | jq -c '.result.services[] | [.service, .peer, .connections.total, .bytes.sent, .bytes.received]'"
show entry "control entry/run/arctic/pegasus.sock status 2>control.log | jq -c '.result.peers[] | [.name, .endpoint, .state, .links]'"
expect '"up"'
end_all
finish
printf '\nAll as expected.\n'
