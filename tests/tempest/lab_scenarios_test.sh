#!/usr/bin/env bash
# What people do with WireGuard interfaces and the networks around them, one thing after the other.
# usage: lab_scenarios_test.sh TEMPEST TRAFFIC     (root; wireguard-tools)
#
#   one [wg1]┄┄┄ home: 127.0.0.1, ::1 ┄┄┄[wg2] two     devices away from their sockets
#
#   near ── 192.0.2.0/24 ──── middle ── 198.51.100.0/24 ── far ── 10.77.0.0/24 ── inner
#           2001:db8:1::/64  (translates) 2001:db8:2::/64         fd77::/64
#
#   left ═══ right                                     192.0.2.0/24 and 198.51.100.0/24, as above
#
# In every tunnel: 10.9.0.1, fd09::1 (wg1) ── 10.9.0.2, fd09::2 (wg2); ports 1001 and 1002.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh" # what a test says, and how it waits
command -v wg >/dev/null || { echo "$0: needs wg" >&2; exit 1; }
lab_alone "TEMPEST TRAFFIC" "$@"
tempest=${programs[0]} traffic=${programs[1]}
umask 077

declare -A pid home
declare -a public
for each in 1 2 3 4; do
  wg genkey >k$each
  public[each]=$(wg pubkey <k$each)
done
wg genpsk >psk

# ---- Interfaces ----

begin() { # NAME HOME [MACHINE]: its sockets are at HOME, its device comes to MACHINE
  spawn "$2" "$tempest" -f "$1" >>"$1.log" 2>&1
  pid[$1]=$! home[$1]=$2
  await "the socket of $1" wg show "$1"
  [ "$2" = "${3:-$2}" ] || ip -n "$2" link set "$1" netns "$3"
}
address() { # NAME MACHINE NUMBER
  ip -n "$2" addr add "10.9.0.$3/24" dev "$1"
  ip -n "$2" addr add "fd09::$3/64" dev "$1" nodad
}
up() { # NAME MACHINE [OPTION…]
  ip -n "$2" link set "$1" "${@:3}" up
  await "the port of $1" has_port "$1" "$(wg show "$1" listen-port)"
}
has_port() { at "${home[$1]}" ss -lunH "sport = :$2" | grep -q .; }
lacks_port() { ! has_port "$@"; }
pair() { # HOME MACHINE HOME MACHINE: wg1 and wg2, who do not know yet where the other is
  begin wg1 "$1" "$2"
  begin wg2 "$3" "$4"
  wg set wg1 private-key k1 listen-port 1001
  wg set wg2 private-key k2 listen-port 1002
  peer 1 2 preshared-key psk allowed-ips 10.9.0.2/32,fd09::2/128
  peer 2 1 preshared-key psk allowed-ips 10.9.0.1/32,fd09::1/128
  address wg1 "$2" 1
  address wg2 "$4" 2
  up wg1 "$2"
  up wg2 "$4"
}
peer() { wg set "wg$1" peer "${public[$2]}" "${@:3}"; } # NUMBER OTHER ARGUMENT…
peer_shows() { # NUMBER OTHER WHAT
  wg show "wg$1" "$3" |
    awk -v key="${public[$2]}" '$1 == key { $1 = ""; print substr($0, 2) }'
}
found() { peer_shows "$1" "$2" endpoints; } # NUMBER OTHER: where it sends to
allowed() { peer_shows "$1" "$2" allowed-ips; }
ends() { # NAME WHAT: in order
  local status=0
  wait "${pid[$1]}" || status=$?
  same "$2" 0 "$status"
}
leave() { # NAME…
  local name
  for name in "$@"; do
    kill "${pid[$name]}"
    ends "$name" "$name ends when it is asked to"
  done
}

# ---- Traffic ----

pings() { # WHAT MACHINE TO [OPTION…]
  if at "$2" ping -q -c 3 -i 0.05 -W 2 "${@:4}" "$3" >ping.log 2>&1; then
    ok "$1"
  else
    bad "$1" "$(tail -n 2 ping.log | paste -sd' ')"
  fi
}
floods() { # WHAT MACHINE TO. For the last answer ping does not wait longer than for those before.
  at "$2" ping -q -f -c 100 -W 2 "$3" >ping.log 2>&1 || true
  at_least "$1" 99 "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' ping.log)"
}
silence() { # WHAT MACHINE TO
  if at "$2" ping -q -c 2 -i 0.05 -W 0.5 "$3" >ping.log 2>&1; then
    bad "$1" "got an answer"
  else
    ok "$1"
  fi
}
hears() { # WHAT MACHINE TO ERROR [OPTION…]: of whoever cannot pass it on
  at "$2" ping -c 1 -W 2 "${@:5}" "$3" >ping.log 2>&1 || true
  holds "$1" grep -E "$4" ping.log
}
serves() { # MACHINE: TCP to port 5000, and UDP
  spawn "$1" "$traffic" serve check=5000 >"serve-$1.out" 2>&1
  servers+=($!)
  spawn "$1" "$here/echo.py" >"echo-$1.out" 2>&1
  servers+=($!)
  await "the servers" sh -c "grep -q ready serve-$1.out && grep -q ready echo-$1.out"
}
carries() { # WHAT MACHINE TO [BYTES]: all there is; datagrams of so many bytes
  floods "$1: ping from $2 to $3" "$2" "$3"
  holds "$1: TCP from $2 to $3" at "$2" "$traffic" check "$3" 5000 --most 10000000 --exact \
    --patience 20
  same "$1: UDP from $2 to $3: lost" 0 "$(at "$2" "$here/many.py" "$3" 1000 "${4:-1300}")"
}
carries_all() { # WHAT [BYTES]: between one and two
  carries "$1" one 10.9.0.2 "${2:-}"
  carries "$1" one fd09::2 "${2:-}"
  carries "$1" two 10.9.0.1 "${2:-}"
  carries "$1" two fd09::1 "${2:-}"
}
# Counts what comes by at a hook, as NAME.
counts() { # MACHINE HOOK NAME RULE
  at "$1" nft -f - <<END
table inet count_$3 {
  counter $3 {}
  chain $3 {
    type filter hook $2 priority 0
    $4 counter name $3
  }
}
END
}
counted() { # MACHINE NAME
  at "$1" nft -j list counter inet "count_$2" "$2" |
    jq '.nftables[] | .counter? // empty | .packets'
}
has_counted() { [ "$(counted "$@")" != 0 ]; }

# ---- Sockets at home, devices away ----

away() {
  local each
  for each in home one two; do machine $each; done
  servers=()
  serves one
  serves two
  pair home one home two
}

bytes_are_counted() {
  # An initiation of 148 bytes, a response of 92, ten packets of 84 as 128 each way.
  peer 2 1 endpoint 127.0.0.1:1001
  at two ping -q -f -c 10 -W 2 10.9.0.1 >ping.log 2>&1 || true
  eventually "who asked: received and sent" 5 is '1372 1428' peer_shows 2 1 transfer
  eventually "who was asked: received and sent" 5 is '1428 1372' peer_shows 1 2 transfer
  eventually "what the device was given" 5 is 840 of_device two wg2 rx
  at_least "and gave, with what IPv6 says by itself" 840 "$(of_device two wg2 tx)"
  at_most "when they shook hands, seconds ago" 10 \
    "$(($(date +%s) - $(peer_shows 1 2 latest-handshakes)))"
}
is() { [ "$("${@:2}")" = "$1" ]; } # WANTED COMMAND…
of_device() { ip -n "$1" -s -j link show "$2" | jq ".[0].stats64.$3.bytes"; }

all_goes_through() {
  local place
  for place in 127.0.0.1 '[::1]'; do
    peer 1 2 endpoint "$place:1002"
    peer 2 1 endpoint "$place:1001"
    carries_all "by $place"
    ip -n one link set wg1 mtu 34000
    ip -n two link set wg2 mtu 34000
    carries_all "by $place, MTU 34000" 33000
    pings "by $place, MTU 34000: in one piece" one 10.9.0.2 -s 33000 -M do
    ip -n one link set wg1 mtu 1420
    ip -n two link set wg2 mtu 1420
  done
  holds "50 connections at once" at one "$traffic" check 10.9.0.2 5000 --count 50 --at-once 50 \
    --most 200000 --patience 20
}

# What is sealed is padded, but not beyond the MTU: what fits the way must not be made too large.
# (The MTU of a route, which the kernel's own knows as well, nobody tells who reads from a device.)
padding_fits() {
  local place
  ip -n one link set wg1 mtu 1300
  ip -n two link set wg2 mtu 1300
  counts home input too_large 'udp length > 1340'
  at home nft add rule inet count_too_large too_large udp length '>' 1340 drop
  for place in 127.0.0.1 '[::1]'; do
    peer 2 1 endpoint "$place:1001"
    # The new MTU is seen within a second.
    eventually "by $place: 1297 bytes are padded to 1300" 5 at two ping -q -c 1 -W 0.3 -s 1269 10.9.0.1
    pings "by $place: and IPv6's 1297" two fd09::1 -s 1249
  done
  at home nft delete table inet count_too_large
  ip -n one link set wg1 mtu 1420
  ip -n two link set wg2 mtu 1420
}

# Where a peer is, its last authentic datagram says.
peers_roam() {
  peer 2 1 endpoint 127.0.0.1:1001
  ip -n home addr del 127.0.0.1/8 dev lo
  ip -n home addr add 127.9.8.7/8 dev lo
  wg set wg1 listen-port 1011
  peer 1 2 endpoint 127.0.0.1:1002
  pings "from another address and port" one fd09::2
  same "which the other takes note of" 127.9.8.7:1011 "$(found 2 1)"
  wg set wg1 listen-port 1021
  peer 1 2 endpoint '[::1]:1002'
  pings "by IPv6, and from another port" one 10.9.0.2
  same "which the other takes note of" '[::1]:1021' "$(found 2 1)"
  pings "and goes to" two fd09::1
}

# An address belongs to the peer who has the longest prefix of it, and to no other.
addresses_have_owners() {
  local heard came
  peer 1 2 allowed-ips 10.9.0.0/24,fd09::/64
  pings "an address within the peer's prefix" two 10.9.0.1
  pings "and in IPv6" two fd09::1
  peer 1 3 allowed-ips 10.9.0.2/32,fd09::2/128
  wg set wg2 listen-port 1012
  heard=$(heard_of 2) came=$(echoes one)
  silence "an address that another peer has more exactly" two 10.9.0.1
  silence "and in IPv6" two fd09::1
  at_least "what came was authentic" $((heard + 4 * 128)) "$(heard_of 2)"
  same "and went nowhere" "$came" "$(echoes one)"
  same "but where the peer is was taken from it" '[::1]:1012' "$(found 1 2)"
  peer 1 3 remove
  pings "when that peer is gone" two 10.9.0.1
  pings "and in IPv6" two fd09::1
  at_least "echoes are counted here" $((came + 6)) "$(echoes one)"
}
heard_of() { peer_shows 1 "$1" transfer | cut -d' ' -f1; }
echoes() { # MACHINE: how many asked it for one
  at "$1" nstat -asz IcmpInEchos Icmp6InEchos | awk '/Echos/ { sum += $2 } END { print sum }'
}

keys_change() {
  pings "before" one 10.9.0.2
  wg set wg1 private-key k3
  wg set wg2 peer "${public[3]}" preshared-key psk allowed-ips 10.9.0.1/32,fd09::1/128 \
    peer "${public[1]}" remove
  pings "another private key: at once" one 10.9.0.2
  pings "and back" two fd09::1
  wg set wg1 private-key k1
  wg set wg2 peer "${public[1]}" preshared-key psk allowed-ips 10.9.0.1/32,fd09::1/128 \
    peer "${public[3]}" remove
  pings "and the old one again" one fd09::2
  # It is asked for with the next handshake.
  wg genpsk >other
  peer 1 2 remove
  peer 1 2 preshared-key other allowed-ips 10.9.0.2/32,fd09::2/128 endpoint '[::1]:1012'
  silence "another pre-shared key than the peer's" one 10.9.0.2
  same "is no handshake" 0 "$(peer_shows 1 2 latest-handshakes)"
  peer 1 2 remove
  peer 1 2 allowed-ips 10.9.0.2/32,fd09::2/128 endpoint '[::1]:1012'
  peer 2 1 preshared-key /dev/null
  pings "no pre-shared key at both" one 10.9.0.2
  wg set wg1 private-key /dev/null
  same "a private key taken away" '(none)' "$(wg show wg1 private-key)"
  silence "goes nowhere" one 10.9.0.2
  wg set wg1 private-key k1
  pings "and given again" one 10.9.0.2
}

# A tunnel through a tunnel, and one into itself.
tunnels_nest() {
  ip -n one addr flush dev wg1
  ip -n two addr flush dev wg2
  ip -n one addr add fd08::1/64 dev wg1 nodad
  ip -n two addr add fd08::2/64 dev wg2 nodad
  peer 1 2 allowed-ips fd08::2/128
  peer 2 1 allowed-ips fd08::1/128
  begin wg3 one
  begin wg4 two
  wg set wg3 private-key k3 listen-port 1003
  wg set wg4 private-key k4 listen-port 1004
  peer 3 4 allowed-ips 10.9.0.2/32,fd09::2/128 endpoint '[fd08::2]:1004'
  peer 4 3 allowed-ips 10.9.0.1/32,fd09::1/128
  address wg3 one 1
  address wg4 two 2
  up wg3 one mtu 1340
  up wg4 two mtu 1340
  carries_all "one in the other"
  same "where the inner one is" '[fd08::1]:1003' "$(found 4 3)"
  peer 3 4 remove
  peer 3 4 allowed-ips 10.9.0.2/32,fd09::2/128 endpoint 10.9.0.2:1004
  silence "a peer that is behind itself" one 10.9.0.2
  peer 3 4 remove
  peer 3 4 allowed-ips 10.9.0.2/32,fd09::2/128 endpoint '[fd08::2]:1004'
  pings "and found again" one 10.9.0.2
  leave wg3 wg4
  ip -n one addr flush dev wg1
  ip -n two addr flush dev wg2
  address wg1 one 1
  address wg2 two 2
  peer 1 2 allowed-ips 10.9.0.2/32,fd09::2/128
  peer 2 1 allowed-ips 10.9.0.1/32,fd09::1/128
}

ports_change() {
  local family taken
  wg set wg2 listen-port 1022
  pings "another port: the peer hears of it" two 10.9.0.1
  same "and takes note" '[::1]:1022' "$(found 1 2)"
  holds "the one before is free" lacks_port wg2 1012
  for family in AF_INET AF_INET6; do
    spawn home python3 -c "import socket, time
taken = socket.socket(socket.$family, socket.SOCK_DGRAM)
taken.bind(('', 1032))
print('taken', flush=True)
time.sleep(60)" >taken.out 2>&1
    taken=$!
    await "the port" grep -q taken taken.out
    wg set wg2 listen-port 1032 >set.out 2>&1 || true
    holds "a port that is taken, $family: so it is said" grep -q 'Address already in use' set.out
    same "and nothing has changed" 1022 "$(wg show wg2 listen-port)"
    pings "but goes on" two 10.9.0.1
    kill $taken
    wait $taken 2>wait.log || true
  done
  wg set wg2 listen-port 0
  at_least "any port" 1024 "$(wg show wg2 listen-port)"
  pings "is one" two fd09::1
  same "that the peer takes note of" "[::1]:$(wg show wg2 listen-port)" "$(found 1 2)"
  wg set wg2 listen-port 1002
  pings "and the first again" two 10.9.0.1
}

down_and_up() {
  ip -n one link set wg1 down
  eventually "down: its port is free" 5 lacks_port wg1 1021
  silence "nobody is there" two 10.9.0.1
  wg set wg1 listen-port 1001
  peer 1 2 endpoint 127.0.0.1:1002
  ip -n one addr add fd09::1/64 dev wg1 nodad
  up wg1 one
  pings "up again, as it was told meanwhile" one 10.9.0.2
  same "from the new port" 127.9.8.7:1001 "$(found 2 1)"
  pings "and back" two fd09::1
}

# Which keys and points are none.
keys_are_odd() {
  local point
  begin wg5 home
  wg set wg5 private-key k2 listen-port 1005
  same "a key as it was given" "$(cat k2)" "$(wg show wg5 private-key)"
  wg set wg5 private-key <(sed 's/^./\//' k2)
  same "a key that is not clamped is" "$(sed 's/^./+/' k2)" "$(wg show wg5 private-key)"
  peer 5 2 preshared-key psk
  same "a pre-shared key" "$(cat psk)" "$(peer_shows 5 2 preshared-keys)"
  peer 5 2 preshared-key /dev/null
  same "and none" '(none)' "$(peer_shows 5 2 preshared-keys)"
  wg set wg5 private-key k2
  same "a peer whose key becomes our own is none" '' "$(wg show wg5 peers)"
  peer 5 2 allowed-ips 0.0.0.0/0
  same "and cannot become one" '' "$(wg show wg5 peers)"
  wg set wg5 private-key k1
  peer 5 2
  same "but with another key it can" "${public[2]}" "$(wg show wg5 peers)"
  peer 5 2 remove
  # Points of small order: with them there is no secret, and so no handshake.
  counts home output sent 'udp sport 1005'
  for point in \
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA= X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc= \
    7P///////////////////////////////////////38= 7f///////////////////////////////////////38= \
    7v///////////////////////////////////////38=; do
    wg set wg5 peer $point persistent-keepalive 1 endpoint 127.0.0.1:9
  done
  same "peers of small order" 7 "$(wg show wg5 peers | grep -c .)"
  peer 5 3 persistent-keepalive 1 endpoint 127.0.0.1:9
  up wg5 home
  await "an initiation" has_counted home sent
  same "are sent nothing; another is" 1 "$(counted home sent)"
  at home nft delete table inet count_sent
  wg set wg5 private-key /dev/null
  wg set wg5 private-key k4 listen-port 1001 >set.out 2>&1 || true
  holds "a key, and a port that is taken: so it is said" grep -q 'Address already in use' set.out
  same "and nothing has changed" '(none) 1005' \
    "$(wg show wg5 private-key) $(wg show wg5 listen-port)"
  leave wg5
}

interfaces_end() {
  local before
  ip -n one link del wg1
  ends wg1 "a device that is deleted away from its sockets"
  kill "${servers[@]}"
  wait "${servers[@]}" 2>wait.log || true
  ip netns del two
  ends wg2 "and one that goes with its machine"
  begin wg5 home
  rm /var/run/wireguard/wg5.sock
  ends wg5 "without its socket"
  begin wg5 home
  before=${pid[wg5]}
  ip -n home link del wg5
  begin wg5 home
  wait "$before"
  holds "made anew while the one before ends" wg show wg5
  leave wg5
  at home "$tempest" wg6
  holds "in the background: it is there at once" wg show wg6 listen-port
  ip -n home link del wg6
  eventually "and ends with its device" 5 test ! -e /var/run/wireguard/wg6.sock
}

# ---- Somebody between them ----

between() {
  local each
  for each in near middle far inner; do machine $each; done
  cable near eth0 192.0.2.2/24 2001:db8:1::2/64 middle in 192.0.2.1/24 2001:db8:1::1/64
  cable middle out 198.51.100.1/24 2001:db8:2::1/64 far eth0 198.51.100.2/24 2001:db8:2::2/64
  cable far lan 10.77.0.1/24 fd77::1/64 inner eth0 10.77.0.2/24 fd77::2/64
  gateway near 192.0.2.1 2001:db8:1::1
  gateway inner 10.77.0.1 fd77::1
  # It forgets soon.
  at middle sh -c 'cd /proc/sys/net/netfilter
    echo 2 >nf_conntrack_udp_timeout; echo 2 >nf_conntrack_udp_timeout_stream'
}
translates() { # PORTS: what comes from near is from there; far knows no other way back
  at middle nft -f - <<END
table inet translate {}
delete table inet translate
table inet translate {
  chain out {
    type nat hook postrouting priority 100
    oifname "out" meta nfproto ipv4 meta l4proto udp snat ip to 198.51.100.1:$1
    oifname "out" meta nfproto ipv6 meta l4proto udp snat ip6 to [2001:db8:2::1]:$1
  }
}
END
}

translated() { # FAR TRANSLATED
  pair near near far far
  translates 3000
  peer 1 2 endpoint "$1:1002" persistent-keepalive 1
  pings "behind a translator" near 10.9.0.2
  pings "and back" far fd09::1
  same "where it is found" "$2:3000" "$(found 2 1)"
  pause 3 # longer than its memory
  pings "kept open by keepalives" far 10.9.0.1
  peer 1 2 persistent-keepalive 0
  pause 2.5
  silence "without them there is no way" far 10.9.0.1
  translates 3001
  pings "until it speaks again" near fd09::2
  same "and is found elsewhere" "$2:3001" "$(found 2 1)"
  pings "and back" far 10.9.0.1
  leave wg1 wg2
}

# As wg-quick does it: everything goes through the tunnel but what is the tunnel's.
everything_by_the_tunnel() {
  local family place
  pair near near far far
  translates 3000-3999
  ip -n far addr add 203.0.113.7/32 dev wg2
  ip -n far addr add 2001:db8:77::7/128 dev wg2 nodad
  wg set wg1 fwmark 51820
  peer 1 2 allowed-ips 0.0.0.0/0,::/0
  at near sysctl -qw net.ipv4.conf.all.src_valid_mark=1
  for family in -4 -6; do
    ip -n near $family route add default dev wg1 table 51820
    ip -n near $family rule add not fwmark 51820 table 51820
    ip -n near $family rule add table main suppress_prefixlength 0
  done
  counts near output marked 'udp dport 1002 meta mark 51820'
  counts near output unmarked 'udp dport 1002 meta mark != 51820'
  for place in 198.51.100.2 '[2001:db8:2::2]'; do
    peer 1 2 endpoint "$place:1002"
    floods "everything by $place" near 203.0.113.7
    floods "and in IPv6" near 2001:db8:77::7
  done
  at_least "datagrams with the mark" 400 "$(counted near marked)"
  same "and without" 0 "$(counted near unmarked)"
  for family in -4 -6; do
    ip -n near $family rule add not fwmark 51821 table 51820
    ip -n near $family rule del not fwmark 51820 table 51820
  done
  counts near output other 'udp dport 1002 meta mark 51821'
  wg set wg1 fwmark 51821
  floods "another mark" near 203.0.113.7
  at_least "datagrams with that" 100 "$(counted near other)"
  counts near output without 'udp dport 1002 meta mark != 51821'
  wg set wg1 listen-port 1011
  floods "which another port has, too" near 2001:db8:77::7
  same "datagrams without" 0 "$(counted near without)"
  pings "and a flow of one device" near 2001:db8:77::7 -I wg1
}

# What routers behind the tunnel say comes through it; what tempest says goes to whoever asked.
errors_come_back() {
  pings "a network behind the peer" near 10.77.0.2
  pings "and in IPv6" near fd77::2
  ip -n far link set lan mtu 1300
  ip -n inner link set eth0 mtu 1300
  hears "too far" near 10.77.0.2 'From 10.9.0.2 .*Time to live exceeded' -t 1
  hears "and in IPv6" near fd77::2 'From fd09::2 .*Hop limit' -t 1
  hears "too large for a way behind" near 10.77.0.2 'mtu = 1300' -s 1380 -M do
  hears "and in IPv6" near fd77::2 'mtu[ :=]*1300' -s 1360 -M do
  ip -n far route add unreachable 10.78.0.0/24
  ip -n far route add unreachable fd78::/64
  hears "no way there" near 10.78.0.1 'From 10.9.0.2 .*Destination Host Unreachable'
  hears "and in IPv6" near fd78::1 'From fd09::2 .*Destination unreachable'
  # Through far, whose own address is the only one that near lets in.
  peer 1 2 allowed-ips 10.9.0.2/32,fd09::2/128
  at far nft -f - <<'END'
table inet hide {
  chain out {
    type nat hook postrouting priority 100
    oifname "wg2" masquerade
  }
}
END
  pings "hidden behind the peer" inner 10.9.0.1
  pings "and in IPv6" inner fd09::1
  peer 2 1 remove
  hears "no peer any more: who is hidden is told" inner 10.9.0.1 'Destination Host Unreachable'
  hears "and in IPv6" inner fd09::1 'Address unreachable'
  leave wg1 wg2
}

# ---- Several ways ----

several_ways() {
  local each
  for each in left right; do
    machine $each
    at $each sh -c 'cd /proc/sys/net/ipv4/conf
      for each in all default; do echo 0 >$each/rp_filter; echo 1 >$each/promote_secondaries; done'
  done
  cable left eth0 192.0.2.1/24 2001:db8:1::1/64 right eth0 192.0.2.2/24 2001:db8:1::2/64
  cable left eth1 198.51.100.1/24 2001:db8:2::1/64 right eth1 198.51.100.2/24 2001:db8:2::2/64
  pair left left right right
}

# The address from which a peer is spoken to stays, unless it cannot.
addresses_go_away() {
  peer 1 2 endpoint 192.0.2.2:1002
  pings "from one address" left 10.9.0.2
  same "it is" 192.0.2.1:1001 "$(found 2 1)"
  ip -n left addr add 192.0.2.10/24 dev eth0
  pings "with another beside it" left 10.9.0.2
  same "it stays" 192.0.2.1:1001 "$(found 2 1)"
  ip -n left addr del 192.0.2.1/24 dev eth0
  pings "when it is gone" left 10.9.0.2
  same "it is the other" 192.0.2.10:1001 "$(found 2 1)"
  peer 1 2 endpoint '[2001:db8:1::2]:1002'
  pings "IPv6: from one address" left 10.9.0.2
  same "it is" '[2001:db8:1::1]:1001' "$(found 2 1)"
  ip -n left addr add 2001:db8:1::10/64 dev eth0 nodad
  ip -n left addr del 2001:db8:1::1/64 dev eth0
  pings "when it is gone" left 10.9.0.2
  same "it is the other" '[2001:db8:1::10]:1001' "$(found 2 1)"
}

# Whichever of its addresses is asked, that one answers.
answers_are_from_whom_was_asked() {
  local place
  ip -n left addr add 192.0.2.11/24 dev eth0
  ip -n left addr add 2001:db8:1::11/64 dev eth0 nodad
  ip -n left addr add 203.0.113.1/32 dev lo
  ip -n left addr add 2001:db8:3::1/128 dev lo nodad
  ip -n right route add 203.0.113.1 via 192.0.2.10
  ip -n right route add 2001:db8:3::1 via 2001:db8:1::10
  for place in 192.0.2.10 '[2001:db8:1::10]' 192.0.2.11 '[2001:db8:1::11]' 198.51.100.1 \
    '[2001:db8:2::1]' 203.0.113.1 '[2001:db8:3::1]'; do
    peer 2 1 endpoint "$place:1001"
    pings "asked at $place" right 10.9.0.1
    same "it answers" "$place:1001" "$(found 2 1)"
  done
}

routes_change() { # PEER WAY-0 FROM-0 WAY-1 FROM-1: an address, and two ways there
  local to=${1#[}
  to=${to%]}
  ip -n left route add "$to" via "$2" dev eth0 metric 20
  peer 1 2 endpoint "$1:1002"
  pings "$1: by one way" left 10.9.0.2
  same "from" "$3:1001" "$(found 2 1)"
  ip -n left route add "$to" via "$4" dev eth1 metric 10
  pings "$1: a better one" left 10.9.0.2
  same "from" "$5:1001" "$(found 2 1)"
  ip -n left route del "$to" via "$4" dev eth1 metric 10
  pings "$1: it is gone again" left 10.9.0.2
  same "from" "$3:1001" "$(found 2 1)"
  ip -n left route add "$to" via "$4" dev eth1 metric 10
  pings "$1: and back" left 10.9.0.2
  same "from" "$5:1001" "$(found 2 1)"
}
ways_change() {
  ip -n right addr add 203.0.113.2/32 dev lo
  ip -n right addr add 2001:db8:3::2/128 dev lo nodad
  routes_change 203.0.113.2 192.0.2.2 192.0.2.10 198.51.100.2 198.51.100.1
  routes_change '[2001:db8:3::2]' 2001:db8:1::2 '[2001:db8:1::11]' 2001:db8:2::2 '[2001:db8:2::1]'
  peer 1 2 endpoint 203.0.113.2:1002
  pings "before a cable goes" left 10.9.0.2
  ip -n left link set eth1 down
  pings "and after" left 10.9.0.2
  same "by the other" 192.0.2.10:1001 "$(found 2 1)"
  leave wg1 wg2
}

# ---- Long lists ----

lists_are_long() {
  begin wg7 left
  {
    printf '[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\n' "$(cat k1)" "${public[2]}"
    awk 'BEGIN { for (a = 1; a < 224; a++) for (b = 0; b < 90; b++)
      printf "AllowedIPs = %d.%d.0.0/16, %x:%x::/32\n", a, b, a + 8192, b + 1 }'
  } >long.conf
  wg setconf wg7 long.conf
  wg showconf wg7 >shown.conf
  prefixes long.conf >wanted
  prefixes shown.conf >got
  same "how many prefixes" 40140 "$(wc -l <got)"
  holds "are what was set" cmp wanted got
  wg setconf wg7 shown.conf
  wg showconf wg7 >again.conf
  holds "and set again are the same" cmp shown.conf again.conf
  wg set wg7 peer "${public[3]}" allowed-ips "$(seq -s, -f 'fd01::%g' 1000 9999)"
  same "nine thousand in one argument" 9000 "$(allowed 7 3 | wc -w)"
  same "and none with another peer" 40140 "$(allowed 7 2 | wc -w)"
  for each in $(seq 60); do
    printf '[Peer]\nPublicKey = %s\n' "$(head -c 32 /dev/urandom | base64)"
    [ $((each % 3)) != 0 ] || continue
    seq -f "AllowedIPs = 10.$each.%g.0/24" 52
    seq -f "AllowedIPs = fd$((each + 10)):%g::/32" 52
  done >peers.conf
  wg setconf wg7 peers.conf
  wg showconf wg7 >shown.conf
  same "sixty peers, in the order they came" "$(grep PublicKey peers.conf)" \
    "$(grep PublicKey shown.conf)"
  same "how many have how many prefixes" '20 0 40 104' "$(wg show wg7 allowed-ips |
    awk '{ print $2 == "(none)" ? 0 : NF - 1 }' | sort -n | uniq -c | xargs)"
  prefixes peers.conf >wanted
  prefixes shown.conf >got
  holds "and these are what was set" cmp wanted got
  wg show wg8 >show.out 2>&1 && bad "one that is not there" "got an answer"
  holds "one that is not there" grep -q 'No such device\|Protocol not supported' show.out
}
prefixes() { sed -n 's/^AllowedIPs = //p' "$1" | tr -s ', ' '\n' | sort; }

allowed_addresses_are_odd() {
  local given wanted
  while read -r given wanted; do
    peer 7 2 allowed-ips "$given" 2>set.log # wg remarks on what it cuts off
    same "allowed: $given" "$wanted" "$(allowed 7 2 | tr ' ' '\n' | sort | paste -sd' ')"
  done <<'END'
10.1.2.3/8 10.0.0.0/8
fd01:2:3:4::5/16 fd01::/16
192.0.2.1 192.0.2.1/32
2001:db8::1 2001:db8::1/128
0.0.0.1/0,::1/0 0.0.0.0/0 ::/0
10.0.0.0/8,10.9.9.9/8,10.0.0.0/8 10.0.0.0/8
0.0.0.0/0,8.0.0.0/7,8.128.0.0/9,9.64.0.0/11 0.0.0.0/0 8.0.0.0/7 8.128.0.0/9 9.64.0.0/11
8.0.0.0/7 8.0.0.0/7
::/0,2000::/3,2100::/9,2100:80::/27,fe80::/11 2000::/3 2100:80::/27 2100::/9 ::/0 fe80::/11
255.255.255.255/31,127.0.0.1/1,224.0.0.1/4 0.0.0.0/1 224.0.0.0/4 255.255.255.254/31
END
  peer 7 2 allowed-ips ''
  same "allowed: nothing" '(none)' "$(allowed 7 2)"
  peer 7 2 allowed-ips 10.0.0.0/8,10.1.0.0/16,fd01::/16
  peer 7 3 allowed-ips 10.0.0.0/8,fd01::/16,10.2.0.0/16
  same "what another takes over is its own" '10.0.0.0/8 10.2.0.0/16 fd01::/16' \
    "$(allowed 7 3 | tr ' ' '\n' | sort | paste -sd' ')"
  same "and the first has what is left" 10.1.0.0/16 "$(allowed 7 2)"
  peer 7 3 remove
  same "what is removed does not come back" 10.1.0.0/16 "$(allowed 7 2)"
  leave wg7
}

away
bytes_are_counted
all_goes_through
padding_fits
peers_roam
addresses_have_owners
keys_change
tunnels_nest
ports_change
down_and_up
keys_are_odd
interfaces_end
between
translated 198.51.100.2 198.51.100.1
translated '[2001:db8:2::2]' '[2001:db8:2::1]'
everything_by_the_tunnel
errors_come_back
several_ways
addresses_go_away
answers_are_from_whom_was_asked
ways_change
lists_are_long
allowed_addresses_are_odd
holds "no sanitizer complains" \
  sh -c '! grep -E "ERROR: |runtime error:|WARNING: ThreadSanitizer" wg*.log'
finish
