#!/usr/bin/env bash
# How sockets are set to suit their paths: BBR on the long ones, Reno on those of less than a
# millisecond that would have it, keepalive on connections that last.
# usage: lab_paths_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/lab.sh"
lab_inside "$@"

for kind in bbr reno; do
  grep -qw "$kind" /proc/sys/net/ipv4/tcp_available_congestion_control ||
    die "this kernel does not offer $kind (modprobe tcp_$kind): without it there is nothing to see here"
done
use() { # NODE KIND: what its sockets begin with
  at "$1" sh -c "echo $2 >/proc/sys/net/ipv4/tcp_congestion_control" 2>use.log ||
    die "$2 cannot be the congestion control of $1: $(cat use.log)"
}
# usage: sockets NODE LEAST FILTER: the congestion control of each that has sent so many bytes.
sockets() {
  at "$1" ss -tinHO state established "$3" | awk -v least="$2" '
    { kind = ""; acked = 0
      for (i = 1; i <= NF; ++i) {
        if ($i ~ /^(bbr|reno|cubic)$/) kind = $i
        if ($i ~ /^bytes_acked:/) acked = substr($i, 13) + 0
      }
      if (acked >= least) print kind }'
}
count() { sockets "$@" | wc -l; }
kinds() { sockets "$@" | sort -u | tr '\n' ' '; }
of_kind() { local kind=$1; shift; sockets "$@" | grep -cx "$kind" || true; }
there_are() { local least=$1; shift; [ "$(count "$@")" -ge "$least" ]; }

# 16 connections that last, of both families, and so as many links at the least.
hold_all() {
  local i=0 to
  for to in 192.168.0.2 fd99::2; do
    rm -f "talk-$i"
    mkfifo "talk-$i"
    eval "exec $((7 + i))<>talk-$i"
    spawn client "$traffic" hold $to 5001 --count 8 --every 0 <"talk-$i" >"hold-$i.out" 2>&1
    hold[i]=$!
    await "8 connections to $to" grep -q ready "hold-$i.out"
    i=$((i + 1))
  done
  await "16 links at the exit" there_are 16 exit 0 "sport = :${pegasus_port[exit]}"
  await "16 links at the entry" there_are 16 entry 0 "dport = :${pegasus_port[exit]}"
}
end_held() {
  local i
  for i in 0 1; do
    printf . >"talk-$i"
    status=0
    wait "${hold[i]}" || status=$?
    same "connections that were held end in order ($i)" 0 "$status"
  done
}
megabyte=1048576
# usage: bulk WHAT KIND up PORT: what the exit's socket to the server has when 1 MB went over it; down,
# the entry's to the client.
bulk() {
  local node=exit end="dport = :$4"
  [ "$3" = up ] || node=entry end="sport = :$4"
  spawn client timeout 120 "$traffic" flow "$to" "$4" "$3" --seconds 60 >flow.out 2>&1
  local flow=$!
  await "1 MB sent $3" there_are 1 $node $megabyte "$end"
  same "$1" "$2 " "$(kinds $node $megabyte "$end")"
  kill $flow
  wait $flow || true
}

configure "$(service plain 0)"
for node in entry exit; do use $node bbr; done
start exit
start entry
serve echo=5001 sink=5002 source=5003

# ---- Short paths, where BBR is what sockets begin with ----

hold_all
for each in "entry dport" "exit sport"; do
  read -r node end <<<"$each"
  all=$(count $node 0 "$end = :${pegasus_port[exit]}")
  # A handshake that the machine was too busy for makes a path look long.
  at_least "short path: of $all links at the $node, how many have Reno" $((all * 3 / 4)) \
    "$(of_kind reno $node 0 "$end = :${pegasus_port[exit]}")"
done
for to in 192.168.0.2 fd99::2; do
  bulk "short path, $to: the client's socket, which was sent much, has Reno" reno down 5003
  bulk "short path, $to: the server's socket, which was sent much, has Reno" reno up 5002
done

# ---- Connections that last ----

asked_for() { [ "$(at "$1" ss -tnoHO state established "$2" | grep -c 'timer:(keepalive')" = 16 ]; }
for each in "entry sport" "exit dport"; do
  read -r node end <<<"$each"
  eventually "16 connections that last have keepalive at the $node" 40 asked_for $node "$end = :5001"
done
end_held
for node in entry exit; do
  stop $node
  same "pegasus at $node ends in order" 0 "$status"
done

# ---- Long paths, where BBR is what the exit's sockets begin with, but not the entry's ----

lengthen() { # MACHINE LINK ADDRESS4 ADDRESS6 MACHINE LINK ADDRESS4 ADDRESS6
  ip -n "$1" link del "$2"
  "$here/long_cable.py" 20 "$1" "$2" "$5" "$6" >"cable-$1.out" 2>&1 &
  await "the cable from $1 to $5" grep -q ready "cable-$1.out"
  while [ $# -gt 0 ]; do
    ip -n "$1" link set "$2" up
    ip -n "$1" addr add "$3" dev "$2"
    ip -n "$1" addr add "$4" dev "$2" nodad
    shift 4
  done
}
lengthen entry wan 192.0.2.1/24 2001:db8::1/64 exit wan 192.0.2.2/24 2001:db8::2/64
lengthen exit lan 192.168.0.1/24 fd99::1/64 server eth0 192.168.0.2/24 fd99::2/64
gateway entry 192.0.2.2 2001:db8::2
gateway exit 192.0.2.1 2001:db8::1
gateway server 192.168.0.1 fd99::1
# The tunnel itself goes over IPv6 this time.
wan_entry=2001:db8::1 wan_exit=2001:db8::2
configure "$(service plain 0)"
use entry reno
start exit
start entry

hold_all
# One that is being made has not been measured yet.
all_have_bbr() { [ "$(kinds "$1" 0 "$2")" = "bbr " ]; }
eventually "long path: all links at the entry have BBR" 10 all_have_bbr entry "dport = :${pegasus_port[exit]}"
eventually "long path: all links at the exit have BBR" 10 all_have_bbr exit "sport = :${pegasus_port[exit]}"
for to in 192.168.0.2 fd99::2; do
  bulk "long path, $to: the server's socket keeps BBR, however much it was sent" bbr up 5002
  bulk "$to: a client's socket that did not begin with BBR is left alone" reno down 5003
done
end_held
end_all
finish
