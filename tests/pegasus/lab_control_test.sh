#!/usr/bin/env bash
# The control socket: configurations that follow each other, what is refused, and what is told.
# usage: lab_control_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
. "$(dirname "$(readlink -f "$0")")/reload.sh"
lab_inside "$@"

a=aaaaaaaaaaaa b=bbbbbbbbbbbb c=cccccccccccc

configure "$(service plain 0; service other 1)"
compiled first "$(service plain 0; service other 1)"
compiled more "$(service plain 0; service other 1; service new 2)"
compiled less "$(service plain 0; service new 2)"
begin_with more first
start exit
start entry
serve check=5001 echo=5002

answers "hello" ok entry hello
same "says who it is" 'pegasus 1 entry' "$(field '.result | "\(.daemon) \(.protocol) \(.node)"')"
ask entry status
same "started from disk" null "$(field .result.generations.current)"
passes "what is configured works" check 192.168.1.2 5001 --count 5
same "what is not is refused" refused "$(outcome 192.168.2.2 5001 --within 5)"

# ---- Refused, with nothing changed ----
answers "a wrong digest" bad_digest entry prepare \
  "$(params $a more entry | jq -c '.digest = "0" * 64')"
answers "a file that is not there" bad_config entry prepare \
  "$(params $a more entry | jq -c '.path = "/run/lab/none.json"')"
head -c 300 more/entry/pegasus.json >half.json
answers "half a file" bad_config entry load '{"path":"/run/lab/half.json"}'
# Whoever waits for its writer serves nobody any more.
mkfifo pipe
for each in pipe /dev/zero /run; do
  answers "$each, which is no file" bad_config entry load "{\"path\":\"$(realpath $each)\"}"
done
answers "another node's file" bad_identity entry prepare "$(params $a more exit)"
answers "commit of what was not prepared" bad_state entry commit "$(generation $a)"
answers "retire of what is not current" bad_state entry retire "$(generation $a)"
answers "an unknown method" bad_request entry explode
answers "an unknown parameter" bad_request entry status '{"loud":true}'
ask entry --raw 'no json'
same "garbage" 'null bad_request' "$(field '"\(.id) \(.error.code)"')"
port=$(jq '.tunnels[] | select(.service == "new").listen_port' more/entry/pegasus.json)
spawn entry "$traffic" serve echo="$port" >squat.out 2>squat.log
squatter=$!
await "somebody on the port" grep -q ready squat.out
answers "a port that is taken" unavailable entry prepare "$(params $a more entry)"
kill $squatter
wait $squatter || true
passes "and all goes on" check 192.168.1.2 5001 --count 5

# ---- Prepared, current, retired ----
prepare_both $a more
answers "prepare may be repeated" ok entry prepare "$(params $a more entry)"
passes "a service is served once it is prepared" check 192.168.2.2 5001 --count 5
ask entry status
same "prepared is said" $a "$(field .result.generations.prepared)"
both ok abort "$(generation $a)"
same "aborted: it is refused" refused "$(outcome 192.168.2.2 5001 --within 5)"
prepare_both $a more
prepare_both $b more
answers "a prepared one is aborted by another" bad_state entry commit "$(generation $a)"
both ok commit "$(generation $b)"
answers "commit may be repeated" ok entry commit "$(generation $b)"
answers "abort of what is current" bad_state entry abort "$(generation $b)"
both ok retire "$(generation $b)"
passes "the new service" check 192.168.2.2 5001 --count 5

mkfifo talk
exec 7<>talk
spawn client "$traffic" hold 192.168.1.2 5002 --count 5 --every 0.1 --patience 30 <talk >hold.out 2>&1
hold=$!
await "5 connections" grep -q ready hold.out
ask entry connections '{"service":"other"}'
same "connections shows them" 5 "$(field '.result.connections | length')"
same "and the client's address" 10.0.0.2 "$(field '.result.connections[0].client | sub(":.*"; "")')"
ask exit connections '{"service":"other","limit":2}'
same "at the exit too, and no more than asked" '2 10.0.0.2' \
  "$(field '.result.connections | "\(length) \(.[0].client | sub(":.*"; ""))"')"
ask exit connections "$(jq -c '{service: "other", limit: 10, after: .result.next}' <<<"$result")"
same "the rest of them" 3 "$(field '.result.connections | length')"
prepare_both $c less
both ok commit "$(generation $c)"
same "a service that is gone gets nothing new" reset "$(outcome 192.168.1.2 5001 --within 5)"
holds "they still talk" kill -0 $hold
ask exit connections '{"service":"other"}'
same "what is open lasts until it is retired" 5 "$(field '.result.connections | length')"
both ok retire "$(generation $c 0)"
gone() { ask "$1" connections '{"service":"other"}'; [ "$(field '.result.connections | length')" = 0 ]; }
eventually "then it is cut at the entry" 5 gone entry
eventually "and at the exit" 5 gone exit
passes "others go on" check 192.168.0.2 5001 --count 5
printf . >&7
status=0
wait $hold || status=$?
holds "cut connections are in the log" \
  grep -q 'warning connections cut connections=[1-5] reason="the configuration' entry.log exit.log
same "the clients had a reset" '1 5' "$status $(tail -n 1 hold.out | jq '.failed.reset // .failed')"

# ---- By signal ----
cp more/entry/pegasus.json entry/opt/tillered/pegasus/config.json
cp more/exit/pegasus.json exit/opt/tillered/pegasus/config.json
kill -HUP "${pegasus_pid[exit]}" "${pegasus_pid[entry]}"
works() { client check 192.168.1.2 5001 --count 1; [ "$status" = 0 ]; }
eventually "SIGHUP loads the file" 5 works
kill -HUP "${pegasus_pid[entry]}"
eventually "SIGHUP with the same file says so" 5 grep -q 'configuration has not changed' entry.log
cp half.json entry/opt/tillered/pegasus/config.json
kill -HUP "${pegasus_pid[entry]}"
eventually "SIGHUP with a bad file is refused in the log" 5 grep -q 'configuration refused' entry.log
passes "and changes nothing" check 192.168.1.2 5001 --count 5

ask entry status
same "status: links up" up "$(field '.result.peers[] | select(.name == "exit").state')"
same "status: no connection is left" 0 "$(field '[.result.services[].connections.open] | add')"
same "status: bytes went both ways" true \
  "$(field '.result.services[] | select(.service == "other") | .bytes.sent > 0 and .bytes.received > 0')"
spawn client "$traffic" hold 192.168.1.2 5002 --count 3 --every 0.1 --patience 30 <&7 \
  >hold.out 2>&1
hold=$!
three() { ask entry connections '{}'; [ "$(field '.result.connections | length')" = 3 ]; }
await "three connections" three
answers "drain" ok entry drain '{"seconds":1}'
answers "nothing is loaded then" busy entry load '{"path":"/nowhere"}'
status=0
wait "${pegasus_pid[entry]}" || status=$?
same "drain ends it in order" 0 "$status"
holds "a drain that is over says what it cut" \
  grep -q 'warning connections cut connections=3 reason="the drain is over"' entry.log
holds "the last word" grep -q 'info stopped' entry.log
stop exit
same "pegasus at exit ends in order" 0 "$status"
holds_sane
finish
