#!/usr/bin/env bash
# Both ends have said their last, and one of them reads much later: every byte arrives, and nobody
# else waits for that.
# usage: lab_slow_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/lab.sh"
. "$here/reload.sh"
lab_inside "$@"

configure "$(service plain 0)"
# A connection that is closed here is forgotten soon, so that its loss is seen soon.
at exit sysctl -qw net.ipv4.tcp_fin_timeout=5
export ARCTIC_LAB_WORKERS=1  # so that all share a pool
start exit
start entry
serve check=5001
spawn server "$here/slow_ends.py" serve 5004 3000000 45 >slow.out 2>slow.log </dev/null
await "the slow server" grep -q ready slow.out

slow() { spawn client "$here/slow_ends.py" "$@" 2>&1 </dev/null; }
slow up 192.168.0.2 5004 3000000 >up4
slow up fd99::2 5004 700000 >up6
slow down 192.168.0.2 5004 85 >down4
down4=$!
slow down fd99::2 5004 85 >down6
down6=$!
ended() { grep -q end "$1"; }
for each in up4 up6; do
  eventually "$each: the client is done" 5 ended $each
  same "$each: with an end" '0 end' "$(cat $each)"
done
for to in 192.168.0.2 fd99::2; do
  passes "others to $to are served meanwhile" check $to 5001 --count 100 --at-once 10 --patience 5
done
both_up() { [ "$(grep -c ^up slow.out)" = 2 ]; }
eventually "the server reads" 60 both_up
same "every byte sent was there" 'up 3000000 end,up 700000 end' "$(grep ^up slow.out | sort | paste -sd,)"
wait $down4 $down6 || true
same "the clients read late, and every byte" '3000000 end,3000000 end' \
  "$(cat down4 down6 | paste -sd,)"

# The same while the exit is stopped in order.
asked() { [ "$(grep -c asked slow.out)" = "$1" ]; }
number=4
for to in 192.168.0.2 fd99::2; do
  slow down $to 5004 12 >"late-$to"
  late=$!
  number=$((number + 1))
  eventually "the server is asked" 10 asked $number
  pause 0.5
  answers "drain" ok exit drain '{"seconds":60}'
  wait $late || true
  same "$to: every byte, from an exit that is about to stop" '3000000 end' "$(cat "late-$to")"
  status=0
  wait "${pegasus_pid[exit]}" || status=$?
  same "it ends in order" 0 "$status"
  holds "and cuts nobody" sh -c '! grep "connections cut" exit.log'
  start exit
done

# So late that keys are changed while a client still reads: ARCTIC_LAB_LONG=1.
if [ -n "${ARCTIC_LAB_LONG:-}" ]; then
  slow down 192.168.0.2 5004 150 >long4
  long4=$!
  slow down fd99::2 5004 150 >long6
  wait $long4 $! || true
  same "the clients read much later, and every byte" '3000000 end,3000000 end' \
    "$(cat long4 long6 | paste -sd,)"
fi
end_all
finish
