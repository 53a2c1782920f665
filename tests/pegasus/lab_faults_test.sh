#!/usr/bin/env bash
# Bad days: destinations that cannot be reached, readers that stop, descriptors that run out.
# Other connections go on meanwhile.
# usage: lab_faults_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"

configure "$(service plain 0; service clear 1 "$transparent")"
use_gateway 1
start exit
start entry
serve check=5000 echo=5001 slow=5002 source=5003
at server nft -f - <<'END'
table inet silence {
  chain in {
    type filter hook input priority 0
    tcp dport 5999 drop
  }
}
END

# These connections must not notice any of what follows.
mkfifo talk
exec 7<>talk
spawn client "$traffic" hold 192.168.0.2 5001 --count 20 --every 0.5 <talk >hold.out 2>&1
hold=$!
await "20 connections" grep -q ready hold.out

spawn client "$traffic" outcome 192.168.0.2 5999 --within 45 >timing_out.out
timing_out=$!
for each in "192.168.0.2 5555 refuses" "fd99::2 5555 refuses" "192.168.0.77 5000 is unreachable" \
  "fd99::77 5000 is unreachable" "192.168.1.2 5555 refuses"; do
  read -r to port what <<<"$each"
  client outcome $to "$port" --within 20
  same "$to: a destination that $what is a reset" reset "$(field .outcome)"
done

# Readers that stop: Pegasus holds little, however much the other end would like to send.
for direction in up down; do
  port=5002
  [ $direction = up ] || port=5003
  before_entry=$(rss_kib entry) before_exit=$(rss_kib exit)
  mkfifo stop-$direction
  exec 8<>stop-$direction
  for i in 1 2 3 4 5 6 7 8; do
    spawn client "$traffic" stall 192.168.0.2 $port $direction <stop-$direction >"stall-$i.out" 2>&1
    stalled[i]=$!
  done
  for i in 1 2 3 4 5 6 7 8; do await "connection $i to stall" grep -q ready "stall-$i.out"; done
  at_most "8 readers stopped, $direction: KiB more at the entry" 16384 $(($(rss_kib entry) - before_entry))
  at_most "8 readers stopped, $direction: KiB more at the exit" 16384 $(($(rss_kib exit) - before_exit))
  passes "8 readers stopped, $direction: others work" check 192.168.0.2 5000 --count 20 --at-once 5
  printf ........ >&8
  for i in 1 2 3 4 5 6 7 8; do
    wait ${stalled[i]} || bad "stalled connection $i stayed open" "$(cat "stall-$i.out")"
  done
  no_stalled() { ! at server ss -tnH state established sport = :$port | grep -q .; }
  eventually "8 readers stopped, $direction: the server learns of the client's resets" 5 no_stalled
done

# No descriptors left: new ones wait or are refused, those that are open go on, nothing spins.
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/${pegasus_pid[$1]}/stat"; }
for node in entry exit; do
  open=$(find "/proc/${pegasus_pid[$node]}/fd" -mindepth 1 | wc -l)
  prlimit --pid "${pegasus_pid[$node]}" --nofile=$((open + 4)):
  spawn client timeout 60 "$traffic" hold 192.168.0.2 5001 --count 60 --every 0 --patience 3 </dev/null \
    >crowd.out 2>&1
  crowd=$!
  pause 1 # long enough to see whether it spins
  before=$(cpu_ticks $node)
  pause 2
  at_most "$node without descriptors does not spin: ticks of 200" 100 $(($(cpu_ticks $node) - before))
  wait $crowd || true
  holds "$node without descriptors goes on" kill -0 "${pegasus_pid[$node]}"
  prlimit --pid "${pegasus_pid[$node]}" --nofile="$(ulimit -Hn)":
  await "$node to recover" at client "$traffic" check 192.168.0.2 5000 --patience 5
  passes "$node with descriptors again" check 192.168.0.2 5000 --count 20 --at-once 5
done

wait $timing_out || true
same "a destination that does not answer is a reset" reset "$(jq -r .outcome timing_out.out)"
printf . >&7
status=0
wait $hold || status=$?
same "other connections went on all the time: $(tail -n 1 hold.out)" 0 "$status"

# No memory left for more: new ones are refused, those that are open go on.
for node in entry exit; do
  start_mib=$(($(rss_kib $node) / 1024))
  stop $node
  start $node --memory $((start_mib < 12 ? 16 : start_mib + 4))
  await "$node to work" at client "$traffic" check 192.168.0.2 5000 --patience 5
  spawn client "$traffic" hold 192.168.0.2 5001 --count 20 --every 0.5 <talk >few.out 2>&1
  few=$!
  await "20 connections" grep -q ready few.out
  spawn client timeout 90 "$traffic" hold 192.168.0.2 5001 --count 6000 --every 0 --patience 10 \
    </dev/null >crowd.out 2>&1
  crowd=$!
  eventually "$node says that its memory is used up" 60 grep -q 'memory is used up' $node.log
  client outcome 192.168.0.2 5001 --within 10
  same "$node without memory refuses who comes now" reset "$(field .outcome)"
  printf . >&7
  status=0
  wait $few || status=$?
  same "$node without memory carries on what is open" 0 "$status"
  kill $crowd 2>wait.log || true
  wait $crowd || true
  stop $node
  start $node
  await "$node to work again" at client "$traffic" check 192.168.0.2 5000 --patience 5
done
end_all
finish
