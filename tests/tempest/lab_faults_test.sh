#!/usr/bin/env bash
# What goes wrong between two nodes and around them: garbage, repetitions, a narrow or dead wan, a
# peer that is taken away. The good ones go on, and everything is counted by its reason.
# usage: ARCTIC_LAB_TEMPEST=… lab_faults_test.sh ARCTIC PEGASUS TRAFFIC     (root)
#
# From outside: ARCTIC_LAB_CUT, seconds for which the wan is dead.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
. "$here/lab.sh"

configure "$(service plain 0)"
for_wg exit
start_echo
spawn server "$traffic" udp-count 5002 >count.out 2>&1 </dev/null
await "the counter" grep -q ready count.out
at exit tcpdump -i wan -U -w wan.pcap udp port 51840 >pcap.log 2>&1 &
pcap_pid=$!
await "the recorder" grep -q listening pcap.log
tempest_start exit
tempest_start entry
await "a session" has_session exit tp-entry
load() { # TO SECONDS
  spawn client "$traffic" udp-load "$1" 5002 --bytes 500 --per-second 500 --seconds "$2" \
    >load.out 2>&1 </dev/null
  load_pid=$!
}
loaded() {
  wait $load_pid || true
  result=$(tail -n 1 load.out)
}
dropped() { of_status exit ".dropped.$1 // 0"; }
where() { of_status exit '.peers[0].endpoint'; }
rss() { awk '/^VmRSS:/ { print $2 }' "/proc/${tempest_pid[exit]}/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/${tempest_pid[$1]}/stat"; }

# ---- Garbage ----

place=$(where) memory=$(rss)
load 192.168.0.2 4
for to in 192.0.2.2 2001:db8::2; do
  holds "garbage to $to" at entry "$here/garbage.py" $to 51840 20000
done
loaded
same "beside garbage nothing of the good is lost" 0 "$(field '.sent - .received')"
for reason in no_message wrong_mac1 unknown_index; do
  at_least "counted: $reason" 1 "$(dropped $reason)"
done
at_most "memory that it cost, KiB" 8192 $(($(rss) - memory))

# ---- Everything that went over the wan, once more ----

pings "IPv4" 192.168.0.2
pings "IPv6" fd99::2
kill $pcap_pid
wait $pcap_pid 2>wait.log || true
load fd99::2 4
before=$(of_status exit '.peers[0].handshake_age_s') session=$(handshake exit tp-entry)
holds "what was recorded, again" at entry "$here/garbage.py" 192.0.2.2 51840 --again wan.pcap
loaded
same "beside repetitions nothing of the good is lost" 0 "$(field '.sent - .received')"
for reason in old_handshake replayed; do
  at_least "counted: $reason" 1 "$(dropped $reason)"
done
same "nobody took the peer's place" "$place" "$(where)"
same "and its session stays" "$session" "$(handshake exit tp-entry)"
at_least "which is as old as it is, s" "$before" "$(of_status exit '.peers[0].handshake_age_s')"

# ---- A wan that is narrower than the tunnel thinks ----

ip -n entry link set wan mtu 1280
ip -n exit link set wan mtu 1280
for to in 192.168.0.2 fd99::2; do
  pings "$to: as large as the tunnel takes, over a narrow wan" $to -s 1372
  same "$to: UDP of 9000 bytes, over a narrow wan" "$([ $to = fd99::2 ] && echo fd99::1 || echo 192.168.0.1)" "$(asks udp $to 9000)"
done
ip -n entry link set wan mtu 1500
ip -n exit link set wan mtu 1500

# ---- A wan that is dead ----

cut=${ARCTIC_LAB_CUT:-20}
load 192.168.0.2 $((cut + 15))
pause 1
cut_wan
pause 2
used=$(ticks entry)
for ((i = 0; i < cut - 2; ++i)); do pause 1; done
at_most "it waits in peace, ticks a second" 20 $((($(ticks entry) - used) / (cut - 2)))
mend_wan
begin=$(date +%s%N)
await "the tunnel" at client ping -q -c 1 -W 1 192.168.0.2
at_most "back after the wan is, ms" 7000 $((($(date +%s%N) - begin) / 1000000))
loaded
at_most "what was lost of $cut s and a try of 5 s, datagrams" $(((cut + 7) * 500)) "$(field '.sent - .received')"

# ---- A peer that is taken away, and another with its name ----

cp entry/opt/tillered/tempest/config.json whole.json
jq '.tunnels = []' whole.json >none.json
jq --arg key "$(wg genkey | wg pubkey)" '.tunnels[0].public_key = $key' whole.json >another.json
load_file() { ask entry load "{\"path\":\"$PWD/$1\"}" >load.log || bad "load $1" "$(cat load.log)"; }
pings "before" 192.168.0.2
for each in none another; do
  load_file $each.json
  if at client ping -q -c 2 -i 0.1 -W 1 192.168.0.2 >ping.log 2>&1; then
    bad "with $each of it" "got an answer"
  else
    ok "with $each of it nothing passes"
  fi
  load_file whole.json
  await "the tunnel" at client ping -q -c 1 -W 1 192.168.0.2
  ok "and then it does again"
done
tempest_end_all
finish
