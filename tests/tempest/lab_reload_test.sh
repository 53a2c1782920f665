#!/usr/bin/env bash
# Configurations come and go under traffic: a peer that stays the same loses no packet; who starts
# again is back within a second; and what the control socket says to everything that is wrong.
# usage: ARCTIC_LAB_TEMPEST=… lab_reload_test.sh ARCTIC PEGASUS TRAFFIC     (root)
#
# From outside: ARCTIC_LAB_RELOADS, ARCTIC_LAB_RATE (datagrams per second).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
. "$here/lab.sh"
reloads=${ARCTIC_LAB_RELOADS:-100} rate=${ARCTIC_LAB_RATE:-1000}

code() { jq -r '.error.code // "ok"' <<<"$answer"; }
answers() { # WHAT CODE NODE METHOD [PARAMS]
  local what=$1 wanted=$2
  shift 2
  answer=$(ask "$@") || true
  if [ "$(code)" = "$wanted" ]; then ok "$what"; else bad "$what" "wanted $wanted, got $answer"; fi
}
digest() { b2sum -l 256 <"$1" | cut -d ' ' -f 1; }
params() { # GENERATION FILE
  printf '{"generation":"%s","path":"%s","digest":"%s"}' "$1" "$PWD/$2" "$(digest "$2")"
}
named() { printf '{"generation":"%s","drain_s":0}' "$1" | jq -c "${2:-del(.drain_s)}"; }
# Loads by name, in the background, until told or for so long.
declare -A load_pid
load() { # NAME TO SECONDS
  spawn client "$traffic" udp-load "$2" 5002 --bytes 200 --per-second "$rate" --seconds "$3" \
    --until-told <talk >"load-$1.out" 2>&1
  load_pid[$1]=$!
}
loaded() { # NAME: its result in $result
  wait "${load_pid[$1]}" || true
  result=$(tail -n 1 "load-$1.out")
}
# Under a second of loss.
holds_on() { # WHAT
  loaded one
  at_most "$1: longest gap, ms" 1000 "$(field .gap_ms)"
  at_most "$1: lost, at $rate a second" "$rate" "$(field '.sent - .received')"
}

configure "$(service plain 0)"
for_wg entry
spawn server "$traffic" udp-count 5002 >count.out 2>&1 </dev/null
await "the counter" grep -q ready count.out
tempest_start exit
tempest_start entry
await "a session" has_session entry tp-exit

# One peer more, whose device is there, and one that changes.
ip -n entry tuntap add tp-dub mode tun multi_queue vnet_hdr
ip -n entry link set tp-dub up
config=entry/opt/tillered/tempest/config.json
cp $config one.json
jq --arg key "$(wg genkey | wg pubkey)" '.tunnels += [.tunnels[0] | .peer = "dub" | .device = "tp-dub"
  | .public_key = $key | .endpoint = null]' one.json >two.json
jq '.tunnels[1].keepalive = 25 | .metrics = "127.0.0.1:9471"' two.json >three.json

# usage: reload NUMBER FILE: by each way in turn.
reload() {
  case $(($1 % 3)) in
    0)
      cp "$2" next.json
      mv next.json $config
      kill -HUP "${tempest_pid[entry]}"
      ;;
    1) answers "load" ok entry load "{\"path\":\"$PWD/$2\"}" ;;
    *)
      local name
      name=$(printf '%012x' "$1")
      answers "prepare" ok entry prepare "$(params "$name" "$2")"
      answers "commit" ok entry commit "$(named "$name")"
      answers "retire" ok entry retire "$(named "$name" .)"
      ;;
  esac
}
mkfifo talk
exec 7<>talk
way=([4]=192.168.0.2 [6]=fd99::2)
for family in 4 6; do load $family "${way[family]}" 5; done
for family in 4 6; do
  loaded $family
  same "IPv$family: without reloads nothing is lost" 0 "$(field '.sent - .received')"
done
before=$(handshake entry tp-exit)
for family in 4 6; do load $family "${way[family]}" 120; done
files=(two.json three.json one.json)
for ((i = 1; i <= reloads; ++i)); do
  reload $i "${files[i % 3]}" >>reloads.out
  pause 0.02
done
printf '..' >&7
for family in 4 6; do
  loaded $family
  holds "IPv$family: $reloads reloads while $(field .sent) packets went" test "$(field .sent)" -gt $((reloads * rate / 50))
  same "IPv$family: and nothing is lost" 0 "$(field '.sent - .received')"
  same "IPv$family: nor disordered" 0 "$(field .disordered)"
done
same "the reloads were taken" "" "$(grep -m 3 FAIL reloads.out || true)"
same "and the session stayed" "$before" "$(handshake entry tp-exit)"
failures=$((failures + $(grep -c FAIL reloads.out || true)))

# ---- Two phases, and what is wrong ----

a=0000000000aa b=0000000000bb
answers "back to the first" ok entry load "{\"path\":\"$PWD/one.json\"}"
answers "prepare" ok entry prepare "$(params $a two.json)"
same "what is prepared is attached beside the rest" '["dub","exit"]' \
  "$(of_status entry '.peers | map(select(.attached).name) | sort | tostring')"
same "and named" $a "$(of_status entry .generations.prepared)"
answers "prepare it again" ok entry prepare "$(params $a two.json)"
answers "commit another" bad_state entry commit "$(named $b)"
answers "retire what is not current" bad_state entry retire "$(named $a .)"
answers "abort" ok entry abort "$(named $a)"
answers "abort it again" ok entry abort "$(named $a)"
same "and it is gone" '["exit"]' "$(of_status entry '.peers | map(.name) | tostring')"
answers "commit what was aborted" bad_state entry commit "$(named $a)"
answers "prepare one, and then another" ok entry prepare "$(params $a two.json)"
answers "which takes its place" ok entry prepare "$(params $b three.json)"
answers "so that the first cannot be committed" bad_state entry commit "$(named $a)"
answers "but the second" ok entry commit "$(named $b)"
answers "twice" ok entry commit "$(named $b)"
same "it is current" $b "$(of_status entry .generations.current)"
answers "what is current cannot be aborted" bad_state entry abort "$(named $b)"
answers "back again" ok entry prepare "$(params $a one.json)"
answers "is committed" ok entry commit "$(named $a)"
same "what only the one before had stays" '["dub","exit"]' \
  "$(of_status entry '.peers | map(.name) | sort | tostring')"
answers "until it is retired" ok entry retire "$(named $a .)"
same "and then goes" '["exit"]' "$(of_status entry '.peers | map(.name) | tostring')"

sed 's/"mtu"/"mtv"/' one.json >wrong.json
jq '.public_key = .tunnels[0].public_key' one.json >foreign.json
jq '.listen_port = 51999' one.json >port.json
answers "a file that is none" bad_config entry load "{\"path\":\"$PWD/entry\"}"
answers "a file that is not there" bad_config entry load '{"path":"/none"}'
answers "a key that nobody knows" bad_config entry prepare "$(params $b wrong.json)"
answers "another node's" bad_identity entry prepare "$(params $b foreign.json)"
answers "another digest" bad_digest entry prepare "$(params $b one.json | sed 's/one.json/two.json/')"
answers "no method" bad_request entry dance
answers "connections, of which there are none" bad_request entry connections
spawn entry python3 -c 'import socket, time
taken = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
taken.bind(("::", 51999))
print("taken", flush=True)
time.sleep(60)' >taken.out 2>&1 </dev/null
taken=$!
await "the port" grep -q taken taken.out
answers "a port that is taken" unavailable entry prepare "$(params $b port.json)"
same "nothing of that has changed anything" "$a null" \
  "$(of_status entry '.generations | "\(.current) \(.prepared)"')"
kill $taken
wait $taken 2>wait.log || true
load one 192.168.0.2 3
answers "the port is free: prepare" ok entry prepare "$(params $b port.json)"
answers "commit" ok entry commit "$(named $b)"
holds_on "another port, under traffic"
same "wg says so" 51999 "$(at entry wg show tp-exit listen-port)"

# ---- Started again ----

for node in entry exit; do
  for signal in TERM KILL; do
    load one fd99::2 5
    pause 1
    tempest_stop $node $signal
    tempest_start $node
    holds_on "$node ended by $signal and started"
  done
done

# ---- Where a peer was is remembered ----

ip -n entry addr del 192.0.2.1/24 dev wan
ip -n entry addr add 192.0.2.31/24 dev wan
ip -n entry route add default via 192.0.2.2
moved() { [ "$(of_status exit '.peers[0].endpoint' | cut -d : -f 1)" = 192.0.2.31 ]; }
at client ping -q -c 1 -W 5 192.168.0.2 >ping.log 2>&1 || true
await "the exit to see it" moved
tempest_stop exit
same "the exit keeps it" 192.0.2.31 \
  "$(jq -r '.peers[].endpoint' exit/run/arctic/tempest.endpoints | cut -d : -f 1)"
tempest_start exit
eventually "and calls there when it is started again" 3 \
  sh -c "[ \"\$($here/../pegasus/control.py exit/run/arctic/tempest.sock status | jq '.result.peers[0].has_session')\" = true ]"
tempest_stop exit
echo '{"format_version": 2' >exit/run/arctic/tempest.endpoints
tempest_start exit
holds "a file that is broken is said" grep -q 'where peers were last is not known' tempest-exit.log
await "a session" at client ping -q -c 1 -W 1 192.168.0.2
ok "and done without"

answers "drain is the end" ok entry drain '{"seconds":1}'
status=0
wait "${tempest_pid[entry]}" || status=$?
same "in order" 0 "$status"
tempest_start entry
tempest_end_all
finish
