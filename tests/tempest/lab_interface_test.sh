#!/usr/bin/env bash
# A WireGuard interface of tempest's, driven by the ordinary wg, with wireguard-go at the other end
# and with its own kind.
# usage: lab_interface_test.sh TEMPEST TRAFFIC     (root; wireguard-go, wireguard-tools)
#
#   a ── wan ── b      192.0.2.1, 2001:db8::1 ── 192.0.2.2, 2001:db8::2
#   tunnel: 10.9.0.1, fd09::1 (wga) ── 10.9.0.2, fd09::2 (wgb)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh" # what a test says, and how it waits
for each in wg wireguard-go; do
  command -v $each >/dev/null || { echo "$0: needs $each" >&2; exit 1; }
done
lab_alone "TEMPEST TRAFFIC" "$@"
tempest=${programs[0]} traffic=${programs[1]}
umask 077
export WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1

declare -A pid
machine a
machine b
cable a wan 192.0.2.1/24 2001:db8::1/64 b wan 192.0.2.2/24 2001:db8::2/64
for each in ka kb; do wg genkey >$each; wg pubkey <$each >$each.pub; done
wg genpsk >psk

begin() { # MACHINE PROGRAM
  spawn "$1" "$2" -f "wg$1" >"$1.log" 2>&1
  pid[$1]=$!
  await "the socket of wg$1" test -S "/var/run/wireguard/wg$1.sock"
}
end() { # MACHINE WHAT: it ends by itself, in order
  local status=0
  wait "${pid[$1]}" || status=$?
  same "$2" 0 "$status"
  holds "$2: its socket is gone" test ! -e "/var/run/wireguard/wg$1.sock"
}
addresses() { # MACHINE NUMBER
  ip -n "$1" addr add "10.9.0.$2/24" dev "wg$1"
  ip -n "$1" addr add "fd09::$2/64" dev "wg$1" nodad
  ip -n "$1" link set "wg$1" mtu 1420 up
}
tell() { at "$1" wg set "wg$1" "${@:2}"; }
pings() { # WHAT MACHINE TO [OPTION…]
  local what=$1 machine=$2 to=$3
  shift 3
  if at "$machine" ping -q -c 3 -i 0.05 -W 2 "$@" "$to" >ping.log 2>&1; then
    ok "$what"
  else
    bad "$what" "$(tail -n 2 ping.log | paste -sd' ')"
  fi
}
shows() { at "$1" wg show "wg$1" dump; }

# usage: pair NAME PROGRAM-A PROGRAM-B WAN-A WAN-B: a begins, b has heard nothing of where a is.
pair() {
  local name=$1
  begin a "$2"
  begin b "$3"
  tell a private-key ka listen-port 1000 peer "$(cat kb.pub)" preshared-key psk \
    allowed-ips 10.9.0.2/32,fd09::2/128 endpoint "$5:2000"
  tell b private-key kb listen-port 2000 peer "$(cat ka.pub)" preshared-key psk \
    allowed-ips 10.9.0.1/32,fd09::1/128
  addresses a 1
  addresses b 2
  pings "$name: IPv4" a 10.9.0.2
  pings "$name: IPv6" a fd09::2
  pings "$name: back" b 10.9.0.1
  pings "$name: in fragments" a 10.9.0.2 -s 20000
  pings "$name: as large as the tunnel takes" a 10.9.0.2 -s 1392 -M do
  spawn b "$traffic" serve check=5000 >serve.out 2>&1 </dev/null
  local server=$!
  await "the server" sh -c 'ip netns exec b ss -ltnH "sport = :5000" | grep -q .'
  local to
  for to in 10.9.0.2 fd09::2; do
    holds "$name: 20 MB both ways to $to" at a "$traffic" check $to 5000 --most 20000000 --exact \
      --patience 20
  done
  kill $server
  wait $server 2>wait.log || true
  same "$name: where b found a" "$4" "$(shows b | awk 'NR == 2 { sub(/:[0-9]+$/, "", $3); print $3 }')"
}
# Strangers ask b for more handshakes than it can make: a has to show where it is, and can.
# usage: cookie NAME FIRST-WORD HOST HOST: of what tcpdump sees; b's address for traffic and for wg
cookie() {
  local name=$1 peer=$(cat kb.pub) began
  spawn a tcpdump -i wan -n -l -U "udp dst port 1000 and $2 = 0x03000000" >cookies.out 2>cookies.log
  local recorder=$!
  await "the recorder" grep -q listening cookies.log
  # In bursts: enough to be under load, and not so many that nothing else gets in.
  spawn a "$traffic" handshake-flood "$3" 2000 --key "$peer" --per-second 4000 --burst 200 \
    --sources 5000 --seconds 12 >flood.out 2>&1 </dev/null
  local flood=$!
  pause 1
  # A session that is not there has to be made.
  tell a peer "$peer" remove
  tell a peer "$peer" preshared-key psk allowed-ips 10.9.0.2/32,fd09::2/128 endpoint "$4:2000"
  began=$SECONDS
  await "the tunnel under load" at a ping -q -c 1 -W 1 10.9.0.2
  at_most "$name: a session under load, s" 11 $((SECONDS - began))
  wait $flood 2>wait.log || true
  kill $recorder
  wait $recorder 2>wait.log || true
  holds "$name: by a cookie" grep -q . cookies.out
}
pair "tempest to wireguard-go" "$tempest" wireguard-go 192.0.2.1 192.0.2.2
# Where the strangers say that they are.
ip -n b route add 10.64.0.0/10 via 192.0.2.1
ip -n b route add fd64::/32 via 2001:db8::1
cookie "tempest to wireguard-go under load" 'udp[8:4]' 192.0.2.2 192.0.2.2
# It moves: the next datagram tells b.
ip -n a addr del 192.0.2.1/24 dev wan
ip -n a addr add 192.0.2.11/24 dev wan
pings "from another address" a 10.9.0.2
same "which b takes note of" 192.0.2.11:1000 "$(shows b | awk 'NR == 2 { print $3 }')"
ip -n a addr del 192.0.2.11/24 dev wan
ip -n a addr add 192.0.2.1/24 dev wan
kill "${pid[a]}" "${pid[b]}"
end a "asked to end"
wait "${pid[b]}" || true

pair "wireguard-go to tempest, over IPv6" wireguard-go "$tempest" '[2001:db8::1]' '[2001:db8::2]'
cookie "wireguard-go to tempest under load" 'ip6[48:4]' 2001:db8::2 '[2001:db8::2]'
kill "${pid[a]}" "${pid[b]}"
end b "asked to end"
wait "${pid[a]}" || true

pair "tempest to tempest" "$tempest" "$tempest" 192.0.2.1 192.0.2.2
# What wg says is what it was told.
same "the port" 1000 "$(at a wg show wga listen-port)"
same "the allowed addresses" "$(cat kb.pub) 10.9.0.2/32 fd09::2/128" \
  "$(at a wg show wga allowed-ips | tr '\t' ' ')"
same "the pre-shared key" "$(cat kb.pub) $(cat psk)" "$(at a wg show wga preshared-keys | tr '\t' ' ')"
tell a peer "$(cat kb.pub)" persistent-keepalive 7
same "a keepalive" 7 "$(shows a | awk 'NR == 2 { print $8 }')"
tell a fwmark 0x77
same "a mark" 0x77 "$(at a wg show wga fwmark)"
tell a listen-port 1001
pings "another port" a 10.9.0.2
# Only who may have an address gets through with it.
ip -n b addr add 10.9.0.3/24 dev wgb
pings "an address that is the peer's" b 10.9.0.1
if at b ping -q -c 1 -W 1 -I 10.9.0.3 10.9.0.1 >ping.log 2>&1; then
  bad "an address that is not the peer's" "got an answer"
else
  ok "an address that is not the peer's"
fi
tell a peer "$(cat kb.pub)" allowed-ips 10.9.0.2/32,10.9.0.3/32,fd09::2/128
pings "and once it is" b 10.9.0.1 -I 10.9.0.3
# Of nobody's address the sender is told so.
at a ping -c 1 -W 2 10.9.0.77 >nobody.out 2>&1 || true
holds "an address that is nobody's: unreachable" grep -q 'Destination Host Unreachable' nobody.out
at a ping -c 1 -W 2 fd09::77 >nobody.out 2>&1 || true
holds "and in IPv6" grep -q 'Address unreachable' nobody.out
# A request that is wrong in its last line changes nothing.
before=$(shows a)
printf 'set=1\nlisten_port=4444\nreplace_peers=true\npublic_key=00\n\n' >request
at a python3 - /var/run/wireguard/wga.sock request >answer <<'END'
import socket, sys
stream = socket.socket(socket.AF_UNIX)
stream.connect(sys.argv[1])
stream.sendall(open(sys.argv[2], "rb").read())
print(stream.recv(100).decode(), end="")
END
same "a wrong request: EINVAL" 'errno=-22' "$(head -n 1 answer)"
same "and nothing has changed" "$before" "$(shows a)"
# Down and up again.
ip -n a link set wga down
pause 1.2
# Somebody takes the port meanwhile: nothing goes, nothing spins, and it is tried again.
spawn a python3 -c 'import socket, time
taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("", 1001))
print("taken", flush=True)
time.sleep(60)' >taken.out 2>&1
taken=$!
await "the port" grep -q taken taken.out
ip -n a link set wga up
pause 1.2
at a ping -q -c 3 -i 0.05 -W 1 10.9.0.2 >ping.log 2>&1 && bad "without its port" "got an answer"
ticks() { awk '{ print $14 + $15 }' "/proc/${pid[a]}/stat"; }
before=$(ticks)
pause 1
at_most "it waits for its port in peace, ticks a second" 20 $(($(ticks) - before))
kill $taken
wait $taken 2>wait.log || true
await "the tunnel" at a ping -q -c 1 -W 1 10.9.0.2
ok "down and up again"
# The device goes elsewhere, and its socket stays.
machine c
ip -n b link set wgb netns c
ip -n c addr add 10.9.0.2/24 dev wgb
ip -n c link set wgb up
await "the tunnel" at a ping -q -c 1 -W 1 10.9.0.2
ok "its device in another namespace"
tell a peer "$(cat kb.pub)" remove
same "a peer that was removed is gone" 0 "$(at a wg show wga peers | grep -c . || true)"
# It ends with its socket, and with its device.
rm /var/run/wireguard/wga.sock
end a "its socket was taken away"
ip -n c link del wgb
end b "its device was deleted"
holds "no sanitizer complains" sh -c '! grep -E "ERROR: |runtime error:|WARNING: ThreadSanitizer" a.log b.log'
finish
