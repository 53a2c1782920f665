#!/usr/bin/env bash
# The exit is stopped in order and started again while clients come and go: each of them is served,
# by links that were in use, by those that the stop left time for, or by the new process.
# usage: lab_restart_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"

configure "$(service plain 0)"
start exit
start entry
serve echo=5001 check=5002

# The pool's links stay while nobody wants one.
links() { at exit ss -tnHO state established "sport = :${pegasus_port[exit]}" | awk '{ print $NF }' | sort; }
enough() { [ "$(links | wc -l)" -ge 2 ]; }
eventually "there are links before there are clients" 10 enough
pause 2
before=$(links)
pause 8
same "they stay" "$before" "$(links)"

traffic_while() { # SECONDS ADDRESS: in the background; leaves its pid in $traffic_pid
  spawn client "$traffic" rate "$2" 5001 --seconds "$1" --at-once 32 >rate.out 2>rate.log </dev/null
  traffic_pid=$!
}
for address in 192.168.0.2 fd99::2 192.168.0.2 fd99::2; do
  passes "the pool is warm, to $address" rate "$address" 5001 --count 200 --at-once 8
  traffic_while 3 "$address"
  pause 1
  begun=${EPOCHREALTIME/./}
  stop exit
  at_most "the exit does not wait for those who want nothing (ms)" 3000 $(((${EPOCHREALTIME/./} - begun) / 1000))
  same "it ends in order" 0 "$status"
  start exit
  wait "$traffic_pid" || true
  result=$(cat rate.out rate.log)
  same "no client of $address is lost" '{}' "$(field '.failed | tostring')"
  at_least "there were many" 100 "$(field .done)"
done

# Uploads that go on after the server has said its last: the exit may still have to hand them on when
# the entry is done with the link.
for round in 1 2 3; do
  uploads=()
  for address in 192.168.0.2 fd99::2; do
    spawn client "$traffic" server-ends "$address" 5002 --seed "$round" --count 300 --at-once 16 \
      --most 200000 >"ends-$address" 2>&1 </dev/null
    uploads[${#uploads[@]}]=$!
  done
  for each in 1 2 3; do
    pause 0.4
    stop exit
    start exit
  done
  for pid in "${uploads[@]}"; do wait "$pid" || true; done
  for address in 192.168.0.2 fd99::2; do
    result=$(cat "ends-$address")
    same "round $round: every upload to $address arrives whole" '[300,300,0,{}]' \
      "$(field '[.opened, .done, .corrupt, .failed] | tostring')"
  done
done

# A peer that is away for longer is asked again soon after it is back.
traffic_while 6 192.168.0.2
pause 0.5
stop exit
pause 2
start exit
wait "$traffic_pid" || true
result=$(cat rate.out rate.log)
same "who comes while it is away waits for it" '{}' "$(field '.failed | tostring')"
end_all
finish
