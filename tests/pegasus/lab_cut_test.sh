#!/usr/bin/env bash
# A tunnel connection that is cut is a reset at both ends, never an end of file; and a wan that is
# away for a while costs nobody a connection.
# usage: lab_cut_test.sh ARCTIC PEGASUS TRAFFIC     (root)
# ARCTIC_LAB_LONG=1 also waits for what takes minutes.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"

configure "$(service plain 0)"
start exit
start entry
serve check=5000 echo=5001

endless=$((1 << 40)) seed=0
# Begins a transfer that does not end by itself, and waits until it is well under way.
begin() {
  before=$(arrived)
  seed=$((seed + 1))
  spawn client timeout 900 "$traffic" check "$1" 5000 --most $endless --exact --seed $seed --patience 600 \
    >transfer.out 2>&1
  transfer=$!
  await "the transfer" flows 10000000
}
arrived() { ip -n server -j -s link show eth0 | jq '.[0].stats64.rx.bytes'; }
flows() {
  kill -0 $transfer || die "the transfer ended before it was under way: $(cat transfer.out)"
  [ $(($(arrived) - before)) -gt "$1" ]
}
# usage: ended WHAT: the client must have seen a reset.
ended() {
  wait $transfer && bad "$1" "the transfer ended well" && return
  result=$(cat transfer.out)
  same "$1" '{"reset":1}' "$(jq -c .failed <<<"$result")"
}
none_at_server() { ! at server ss -tnH state established sport = :5000 | grep -q .; }
# usage: server_saw WHAT [KINDS]: how connections ended there, other than ordered, up to now.
server_saw() {
  kill -s TERM $server_pid
  wait $server_pid || true
  result=$(tail -n 1 serve.out)
  [ $# = 1 ] || same "$1" "$2" "$(field '.failed | keys | join(" ")')"
  serve check=5000 echo=5001
}

# What the kernel does with a killed process' own connections is not looked at: they may end with
# FIN at the near side. Across the tunnel it must be a reset.
for to in 192.168.0.2 fd99::2; do
  begin $to
  stop exit KILL
  ended "$to: exit killed, seen by the client"
  start exit
  await "the tunnel" at client "$traffic" check $to 5000
done
server_saw "exit killed"
for to in 192.168.0.2 fd99::2; do
  begin $to
  stop entry KILL
  wait $transfer || true
  await "the server to see it" none_at_server
  start entry
  await "the tunnel" at client "$traffic" check $to 5000
done
server_saw "entry killed, seen by the server" reset

for to in 192.168.0.2 fd99::2; do
  begin $to
  at entry ss -KtnH state established dport = ":${pegasus_port[exit]}" >killed.log
  ended "$to: tunnel connections destroyed at the entry"
  begin $to
  at exit ss -KtnH state established sport = ":${pegasus_port[exit]}" >killed.log
  ended "$to: tunnel connections destroyed at the exit"
  passes "$to: and new ones work" check $to 5000 --count 10
done
server_saw "tunnel connections destroyed, seen by the server" reset

# The wan away: what runs goes on, what is new waits or is reset within a bounded time.
mkfifo talk
exec 7<>talk
spawn client "$traffic" hold 192.168.0.2 5001 --count 20 --every 0.2 --patience 60 <talk >hold.out 2>&1
hold=$!
await "20 connections" grep -q ready hold.out
cut_wan
SECONDS=0
client outcome 192.168.0.2 5001 --within 25
same "a new connection while the wan is cut is reset" reset "$(field .outcome)"
at_most "and does not wait long for it" 20 "$(field .seconds)"
[ $SECONDS -ge 10 ] || pause $((10 - SECONDS))
mend_wan
await "the tunnel" at client "$traffic" check 192.168.0.2 5000
passes "the wan is back: new connections" check 192.168.0.2 5000 --count 10
printf . >&7
status=0
wait $hold || status=$?
same "connections that were there survived 10 s without a wan" 0 "$status"

if [ -n "${ARCTIC_LAB_LONG:-}" ]; then
  begin 192.168.0.2
  cut_wan
  pause 300
  mend_wan
  ended "a wan that is away for 5 minutes resets"
  await "the tunnel" at client "$traffic" check 192.168.0.2 5000
fi
end_all
finish
