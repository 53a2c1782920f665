#!/usr/bin/env bash
# All but TCP goes through the node's tunnels, and comes back; nothing leaves in the clear.
# usage: ARCTIC_LAB_TEMPEST=… lab_node_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
. "$here/lab.sh"

configure "$(service plain 0)"
for_wg entry
start_echo
# Who is asked and nobody answers: nothing may leave in the clear, which the exit's wan would show.
at exit tcpdump -i wan -n -l -U 'net 192.168.0.0/16 or net fd99::/48' >clear.out 2>clear.log &
clear_pid=$!
await "the recorder" grep -q listening clear.log
same "without tempest nothing comes back" 'TimeoutError: timed out' "$(asks udp 192.168.0.2 100)"
tempest_start exit
tempest_start entry
start exit
start entry
await "a session" has_session entry tp-exit
same "the device is attached" true "$(of_status entry '.peers[0].attached')"

for to in 192.168.0.2 fd99::2; do
  from=192.168.0.1
  [ $to = 192.168.0.2 ] || from=fd99::1
  for size in 1 100 1392 1393 9000 60000; do
    same "$to: UDP of $size bytes, from the exit's address" $from "$(asks udp $to $size)"
  done
  same "$to: a protocol that is neither UDP nor ICMP" answered "$(asks raw $to 100)"
  pings "$to: ICMP" $to
  pings "$to: ICMP in fragments" $to -s 8000
done
at client ping -c 1 -W 2 -s 1472 -M do 192.168.0.2 >big.out 2>&1 || true
holds "too big with DF: the tunnel's MTU is told" grep -qE 'mtu ?= ?1420' big.out
at client ping -c 1 -W 6 192.168.0.77 >gone.out 2>&1 || true
holds "a far router's error comes back" grep -qE 'Unreachable' gone.out
serve check=5001
for to in 192.168.0.2 fd99::2; do
  passes "$to: TCP goes by pegasus" check $to 5001 --count 5
done

# The exit stops and comes back: the peer is known again within a second or two.
tempest_stop exit
same "tempest at exit ends in order" 0 "$status"
same "stopped: nothing comes back" 'TimeoutError: timed out' "$(asks udp 192.168.0.2 100)"
tempest_start exit
begin=$(date +%s%N)
await "the tunnel" at client ping -q -c 1 -W 1 192.168.0.2
at_most "back after its start, ms" 2000 $((($(date +%s%N) - begin) / 1000000))
tempest_stop entry KILL
same "killed: nothing comes back" 'TimeoutError: timed out' "$(asks udp fd99::2 100)"
tempest_start entry
await "the tunnel" at client ping -q -c 1 -W 1 fd99::2
ok "and it comes back"

# The device goes, and is made anew.
ip -n entry link del tp-exit
await "it is seen" sh -c "grep -q 'device was deleted' tempest-entry.log"
same "without the device nothing comes back" 'TimeoutError: timed out' "$(asks udp 192.168.0.2 100)"
apply entry
await "the tunnel" at client ping -q -c 1 -W 1 192.168.0.2
ok "a device that was made anew is taken"

# What is reloaded and stays the same keeps its session.
before=$(at entry wg show tp-exit latest-handshakes)
for i in 1 2 3 4 5; do
  sed -i 's/"metrics": .*/"metrics": "127.0.0.1:947'"$i"'",/' entry/opt/tillered/tempest/config.json
  kill -HUP "${tempest_pid[entry]}"
  pause 0.1
done
eventually "it is loaded" 5 at entry curl -sf -o metrics.out http://127.0.0.1:9475/metrics
holds "metrics say that the peer is there" grep -qx 'tempest_peer_up{peer="exit"} 1' metrics.out
same "five reloads, one session" "$before" "$(at entry wg show tp-exit latest-handshakes)"
echo '{"broken' >entry/opt/tillered/tempest/config.json
kill -HUP "${tempest_pid[entry]}"
eventually "a broken one is refused" 5 grep -q 'configuration refused' tempest-entry.log
pings "and all goes on" 192.168.0.2
holds "wg may look" at entry wg show tp-exit peers
at entry wg set tp-exit listen-port 1 >set.out 2>&1 || true
holds "but not change" grep -q 'Operation not permitted' set.out
holds "the key stays inside" sh -c "! ip netns exec entry wg show tp-exit private-key | grep -q '='"

kill $clear_pid
wait $clear_pid 2>wait.log || true
same "nothing went over the wan in the clear" '' "$(head -n 3 clear.out)"
tempest_end_all
end_all
finish
