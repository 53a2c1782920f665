#!/usr/bin/env bash
# All but TCP goes through the node's tunnels, and comes back; nothing leaves in the clear.
# usage: ARCTIC_LAB_TEMPEST=… lab_node_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
tempest=${ARCTIC_LAB_TEMPEST:?}
declare -A tempest_pid

tempest_start() { # NODE
  spawn "$1" "$tempest" --root "$PWD/$1" >>"tempest-$1.log" 2>&1
  tempest_pid[$1]=$!
  await "tempest at $1" ask "$1" hello
}
tempest_stop() { # NODE [SIGNAL]: leaves its exit code in $status
  kill -s "${2:-TERM}" "${tempest_pid[$1]}"
  status=0
  wait "${tempest_pid[$1]}" 2>wait.log || status=$?
}
ask() { # NODE METHOD [PARAMS]: the answer
  at "$1" python3 - "$PWD/$1/run/arctic/tempest.sock" "$2" "${3:-{\}}" <<'END'
import json, socket, sys
stream = socket.socket(socket.AF_UNIX)
stream.connect(sys.argv[1])
stream.sendall(json.dumps({"id": 1, "method": sys.argv[2], "params": json.loads(sys.argv[3])}).encode() + b"\n")
print(stream.makefile().readline(), end="")
END
}
of_status() { ask "$1" status | jq -r ".result$2"; }
pings() { # WHAT TO [OPTION…]
  local what=$1 to=$2
  shift 2
  if at client ping -q -c 3 -i 0.05 -W 2 "$@" "$to" >ping.log 2>&1; then
    ok "$what"
  else
    bad "$what" "$(tail -n 2 ping.log | paste -sd' ')"
  fi
}
# A server that answers each datagram with its sender's address and the datagram; and protocol 253.
cat >echo.py <<'END'
import socket, sys, threading
def udp():
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(("::", 7))
    while True:
        data, sender = server.recvfrom(65536)
        server.sendto(sender[0].removeprefix("::ffff:").encode() + b" " + data, sender)
def raw(family):
    server = socket.socket(family, socket.SOCK_RAW, 253)
    while True:
        data, sender = server.recvfrom(65536)
        if family == socket.AF_INET:
            data = data[20:]
        if data.startswith(b"ask"):
            server.sendto(b"answer" + data, sender)
for job, words in ((udp, ()), (raw, (socket.AF_INET,)), (raw, (socket.AF_INET6,))):
    threading.Thread(target=job, args=words, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
END
cat >ask.py <<'END'
import socket, sys
how, to, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in to else socket.AF_INET
body = b"ask" + bytes(i % 251 for i in range(size - 3)) if size > 3 else b"a" * size
if how == "udp":
    stream = socket.socket(family, socket.SOCK_DGRAM)
    stream.settimeout(1)
    for left in (2, 1, 0):  # what is larger than the way, both ends learn by the loss of the first
        try:
            stream.sendto(body, (to, 7))
            data = stream.recv(65536)
            break
        except TimeoutError:
            if left == 0:
                raise
        except OSError:
            pass
    address, _, rest = data.partition(b" ")
    assert rest == body, "another answer"
    print(address.decode())
else:
    stream = socket.socket(family, socket.SOCK_RAW, 253)
    stream.settimeout(3)
    stream.sendto(body, (to, 0))
    while True:
        data = stream.recv(65536)
        data = data[20:] if family == socket.AF_INET else data
        if data == b"answer" + body:
            print("answered")
            break
END
asks() { at client timeout 10 python3 ask.py "$@" 2>&1 | tail -n 1; }

configure "$(service plain 0)"
# wg looks here, and cannot be told of another root.
mkdir -p entry/var/run/wireguard
ln -s "$PWD/entry/var/run/wireguard" /run/wireguard
at server python3 echo.py >echo.out 2>echo.log </dev/null &
await "the echo" grep -q ready echo.out
# Who is asked and nobody answers: nothing may leave in the clear, which the exit's wan would show.
at exit tcpdump -i wan -n -l -U 'net 192.168.0.0/16 or net fd99::/48' >clear.out 2>clear.log &
clear_pid=$!
await "the recorder" grep -q listening clear.log
same "without tempest nothing comes back" 'TimeoutError: timed out' "$(asks udp 192.168.0.2 100)"
tempest_start exit
tempest_start entry
start exit
start entry
await "a session" sh -c "[ \"\$(ip netns exec entry wg show tp-exit latest-handshakes | cut -f2)\" != 0 ]"
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
for each in entry exit; do
  tempest_stop $each
  same "tempest at $each ends in order" 0 "$status"
  holds "no sanitizer complains at $each" \
    sh -c "! grep -E 'ERROR: |runtime error:|WARNING: ThreadSanitizer' tempest-$each.log"
done
end_all
finish
