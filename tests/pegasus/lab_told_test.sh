#!/usr/bin/env bash
# What pegasus tells: status, connections and metrics; and who speaks to its socket as they like.
# usage: lab_told_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
. "$(dirname "$(readlink -f "$0")")/reload.sh"
lab_inside "$@"

configure "$(service plain 0 'qos: {bandwidth_limit_mbps: 50}'; service clear 1 "$transparent"
  service header 2 'proxy_protocol: v2')"
use_gateway 1
start exit
start entry
serve check=5001 echo=5002 sink=5003

# ---- connections: the client's address in all modes, at both ends ----

declare -A mode=([plain]=0 [clear]=1 [header]=2)
for name in plain clear header; do
  for number in "192.168.${mode[$name]}.2 10.0.0.2" "fd99:0:0:${mode[$name]}::2 [fd10::2]"; do
    read -r to from <<<"$number"
    [ "$to" != fd99:0:0:0::2 ] || to=fd99::2
    spawn client "$traffic" outcome "$to" 5003 --within 60 >sink.out 2>&1
    sink=$!
    shown() { ask "$1" connections "{\"service\":\"$name\"}"; [ "$(field '.result.connections | length')" = 1 ]; }
    await "the connection of $name at the entry" shown entry
    here_seen=$(field '.result.connections[0] | "\(.client) \(.destination) \(.peer) \(.role)"')
    await "the connection of $name at the exit" shown exit
    there_seen=$(field '.result.connections[0] | "\(.client) \(.destination) \(.peer) \(.role)"')
    same "$name: the same connection at both ends" "${here_seen% exit entry}" "${there_seen% entry exit}"
    bracketed=$to
    [ "${to#*:}" = "$to" ] || bracketed="[$to]"
    [[ $there_seen == "$from:"*" $bracketed:5003 entry exit" ]] &&
      ok "$name: the client's address, for $to" || bad "$name: the client's address" "$there_seen"
    kill $sink
    wait $sink || true
    gone() { ask "$1" connections; [ "$(field '.result.connections | length')" = 0 ]; }
    await "its end at the entry" gone entry
    await "its end at the exit" gone exit
  done
done

# ---- connections: pages ----

mkfifo talk
exec 7<>talk
spawn client "$traffic" hold 192.168.0.2 5002 --count 25 --every 0 <talk >hold.out 2>&1
hold=$!
await "25 connections" grep -q ready hold.out
for node in entry exit; do
  ids=() after='' pages=0
  while :; do
    ask $node connections "{\"limit\":10${after:+,\"after\":\"$after\"}}"
    mapfile -t -O ${#ids[@]} ids < <(field '.result.connections[].id')
    after=$(field '.result.next // ""')
    pages=$((pages + 1))
    [ -n "$after" ] && [ $pages -lt 10 ] || break
  done
  same "$node: 25 connections on 3 pages, each once, in order" "25 3 25" \
    "${#ids[@]} $pages $(printf '%s\n' "${ids[@]}" | sort -nuc && printf '%s\n' "${ids[@]}" | sort -nu | wc -l)"
done
answers "all on one page" ok entry connections '{"limit":1000}'
same "all on one page, and no next" '25 null' "$(field '.result | "\(.connections | length) \(.next)"')"
answers "a service that there is not" ok entry connections '{"service":"none"}'
same "has none" 0 "$(field '.result.connections | length')"
answers "a page of 0" bad_request entry connections '{"limit":0}'
answers "a page of 1001" bad_request entry connections '{"limit":1001}'
answers "a cursor that was not given" bad_request entry connections '{"after":"x"}'
same "says where" /params/after "$(field .error.where)"

# ---- status ----

of() { field ".result.services[] | select(.service == \"$1\") | $2"; }
for node in entry exit; do
  ask $node status
  same "$node: 25 open" 25 "$(of plain .connections.open)"
  same "$node: the others have none" '0 0' "$(of clear .connections.open) $(of header .connections.open)"
done
printf . >&7
status=0
wait $hold || status=$?
same "25 connections end in order" 0 "$status"
counts() { ask "$1" status; of plain '"\(.connections.open) \(.connections.total) \(.connections.refused) \(.bytes.sent) \(.bytes.received)"'; }
before=$(counts entry)
passes "5 connections of 100,000 bytes" check 192.168.0.2 5001 --count 5 --most 100000 --exact
same "refused by the destination" reset "$(outcome 192.168.0.2 5009 --within 5)"
more() { # NODE: what came to the counts
  local -a was now
  read -ra was <<<"$2"
  read -ra now <<<"$(counts "$1")"
  echo "$((now[0])) $((now[1] - was[1])) $((now[2] - was[2])) $((now[3] - was[3] >= 500000)) $((now[4] - was[4] >= 500000))"
}
same "entry: open, total, refused, 500,000 bytes sent and received" '0 6 1 1 1' "$(more entry "$before")"
ask entry status
same "entry: each that was opened is in the histogram" \
  "$(of plain '.connections | .total - .refused')" "$(of plain '.connect_ms.counts | add')"
same "entry: the limit" 50 "$(of plain .limit_mbps)"
client flow 192.168.0.2 5003 up --seconds 1
ask entry status
at_least "entry: waits for the limit" 1 "$(of plain .waits)"
same "entry: the peer is up" up "$(field '.result.peers[] | select(.name == "exit").state')"
at_least "entry: handshakes" 1 "$(field '.result.peers[] | select(.name == "exit").handshakes')"
ask exit status
same "exit: the peer is up" up "$(field '.result.peers[] | select(.name == "entry").state')"
# What was refused had a byte, which the entry may have taken from the client by then.
bytes_of() { ask "$1" status; field "[.result.services[].bytes | .sent, .received] | .[4] -= $2 | tostring"; }
taken=1
[ "$(bytes_of entry 0)" != "$(bytes_of exit 0)" ] || taken=0
same "both ends count the same bytes" "$(bytes_of entry $taken)" "$(bytes_of exit 0)"
ask entry status
same "digest of the file that runs" "$(digest entry/opt/tillered/pegasus/config.json)" "$(field .result.digest)"
same "memory, descriptors, time" true \
  "$(field '.result | .memory_bytes > 1000000 and .descriptors.open > 5 and .descriptors.open < .descriptors.limit and .cpu_s > 0')"

# ---- metrics, as a reload brings and takes them ----

scraped() { at "$1" curl -sS --max-time 5 "http://$2/metrics"; }
sed '/name: entry/s/}$/, metrics: "127.0.0.1:9100"}/' arctic.yaml >metrics.yaml
sed '/name: entry/s/}$/, metrics: "127.0.0.1:9200"}/' arctic.yaml >moved.yaml
cp arctic.yaml without.yaml
for each in metrics moved without; do compiled_yaml $each; done
holds "no metrics where none are asked for" eval '! scraped entry 127.0.0.1:9100'
answers "metrics" ok entry prepare "$(params aaaaaaaaaaaa metrics entry)"
answers "metrics, of another generation" ok entry prepare "$(params bbbbbbbbbbbb metrics entry)"
answers "commit of metrics" ok entry commit "$(generation bbbbbbbbbbbb)"
scraped entry 127.0.0.1:9100 >metrics.out 2>&1 || bad "metrics" "$(cat metrics.out)"
sample() { awk -v name="$1" '$1 == name { print $2 }' metrics.out; }
of_plain='{service="plain",role="entry",peer="exit"}'
ask entry status
for each in "connections_open .connections.open" "connections_total .connections.total" \
  "connections_refused_total .connections.refused" "sent_bytes_total .bytes.sent" \
  "received_bytes_total .bytes.received" "limit_bits_per_second .limit_mbps*1000000" \
  "limit_waits_total .waits" "connect_seconds_count (.connect_ms.counts|add)"; do
  read -r name path <<<"$each"
  same "metrics: $name is the status'" "$(of plain "$path")" "$(sample "pegasus_$name$of_plain")"
done
same "metrics: the peer is up" 1 "$(sample 'pegasus_peer_up{peer="exit"}')"
same "metrics: each line is one of Prometheus'" 0 \
  "$(grep -cvE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+)$' metrics.out)"
answers "metrics elsewhere" ok entry load "{\"path\":\"$PWD/moved/entry/pegasus.json\"}"
holds "metrics are there" scraped entry 127.0.0.1:9200
holds "and not where they were" eval '! scraped entry 127.0.0.1:9100'
answers "no metrics" ok entry load "{\"path\":\"$PWD/without/entry/pegasus.json\"}"
holds "then there are none" eval '! scraped entry 127.0.0.1:9200'

# ---- Whoever speaks to the socket as they like ----

holds "lines of all kinds, and more speakers than may be" "$here/control_crowd.py" entry/run/arctic/pegasus.sock
same "the socket is root's alone" 600 "$(stat -c %a entry/run/arctic/pegasus.sock)"
answers "and all goes on" ok entry hello
passes "and all goes on" check 192.168.0.2 5001 --count 5
end_all
finish
