#!/usr/bin/env bash
# Two sites behind one exit, with the same addresses and ports at one time: neither gets what is the
# other's. And what an exit does with what no service allows.
# usage: ARCTIC_LAB_TEMPEST=… lab_isolation_test.sh ARCTIC PEGASUS TRAFFIC     (root)
#
#   client ── entry ─── wan ─── exit ── server          as in ../pegasus/lab.sh, and beside them
#   twin   ── other ─── wan2 ─── exit                   with the addresses of client and entry's lan;
#                                                       192.0.3.1, 2001:db8:3::1 ── …2
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
. "$here/lab.sh"

machine twin
machine other
cable twin eth0 10.0.0.2/24 fd10::2/64 other lan 10.0.0.1/24 fd10::1/64
cable other wan 192.0.3.1/24 2001:db8:3::1/64 exit wan2 192.0.3.2/24 2001:db8:3::2/64
gateway twin 10.0.0.1 fd10::1
gateway other 192.0.3.2 2001:db8:3::2

for name in entry other exit; do
  mkdir $name
  "$arctic" keygen --root $name >$name.key 2>keygen.log
done
from() { # NAME NODE
  printf '  - {name: %s, source_peer: %s, target_peer: exit, transport_type: tcp, routes: [%s, %s]}\n' \
    "$1" "$2" '{priority: 100, dest_cidr: 192.168.0.0/24}' '{priority: 100, dest_cidr: "fd99::/64"}'
}
cat >arctic.yaml <<END
version: v1
peers:
  - {name: entry, address: 192.0.2.1, public_key: "$(cat entry.key)"}
  - {name: other, address: 192.0.3.1, public_key: "$(cat other.key)"}
  - {name: exit, address: 192.0.2.2, public_key: "$(cat exit.key)"}
services:
$(from near entry)
$(from far other)
END
nodes=(exit entry other)
for node in "${nodes[@]}"; do apply $node; done
start_echo
for node in "${nodes[@]}"; do tempest_start $node; done
for node in entry other; do
  for_wg $node
  await "a session of $node" has_session $node tp-exit
done

# ---- The same addresses and ports, at one time ----

for to in 192.168.0.2 fd99::2; do
  for name in client twin; do
    at $name timeout 60 "$here/twin.py" $to 4000 $name 300 >$name.out 2>&1 &
    declare "${name}_pid=$!"
  done
  wait "$client_pid" "$twin_pid" || true
  same "$to: UDP from one port: the client's answers" '300 0' "$(cat client.out)"
  same "$to: UDP from one port: the twin's answers" '300 0' "$(cat twin.out)"
  for name in client twin; do
    # As with UDP: the flows are there before they meet.
    await "an answer" at $name ping -e 77 -q -c 1 -W 1 $to
  done
  for name in client twin; do
    at $name timeout 60 ping -e 77 -q -c 20 -i 0.05 -W 2 $to >$name.out 2>&1 &
    declare "${name}_pid=$!"
  done
  wait "$client_pid" "$twin_pid" || true
  for name in client twin; do
    holds "$to: ICMP of one identifier: the $name's answers" grep -q '20 received, 0%' $name.out
  done
done

# ---- What no service allows ----

ip -n exit addr add 203.0.113.5/32 dev lo
ip -n exit addr add 2001:db8:5::5/128 dev lo nodad
# A node that sends into its tunnel what it should not: past its own rules, as anybody could.
for to in 192.168.3.2 203.0.113.5 fd99:0:0:3::2 2001:db8:5::5; do
  ip -n other route add $to dev tp-exit
done
refused() { # of the exit's rules, counted
  at exit nft -j list table inet arctic |
    jq '[.nftables[].rule? | select(.chain == "allow_other")
      | select(any(.expr[]; has("reject") or has("drop"))) | .expr[].counter?.packets // 0] | add'
}
for to in 192.168.3.2 203.0.113.5 fd99:0:0:3::2 2001:db8:5::5; do
  what="another network"
  case $to in 203*|2001*) what="the exit itself" ;; esac
  before=$(refused) own=10.0.0.1
  [[ $to != *:* ]] || own=fd10::1
  at other ping -I $own -c 3 -i 0.05 -W 1 $to >ping.out 2>&1 || true
  holds "$what, $to: refused, and told so" grep -qiE 'Packet filtered|prohibited' ping.out
  at_least "$what, $to: counted" $((before + 3)) "$(refused)"
done
# What is for the one peer does not come out at the other's device, whoever asks.
ip -n entry route add 10.77.0.0/16 dev tp-exit
at other tcpdump -i tp-exit -n -l -U 'net 10.77.0.0/16' >leak.out 2>leak.log &
leak_pid=$!
await "the recorder" grep -q listening leak.log
at entry ping -I 10.0.0.1 -c 3 -i 0.05 -W 1 10.77.0.1 >ping.out 2>&1 || true
kill $leak_pid
wait $leak_pid 2>wait.log || true
same "no way from one site to the other" '' "$(cat leak.out)"
pings "and all else goes on" 192.168.0.2
tempest_end_all
finish
