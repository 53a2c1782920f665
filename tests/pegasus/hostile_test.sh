#!/usr/bin/env bash
# Attacks a running pegasus with everything that a network can bring: see hostile.py.
# usage: hostile_test.sh ARCTIC PEGASUS [ATTACK…]     (root: works in namespaces of its own)
#
# One machine whose loopback has all addresses: 10.1.0.9 and fd01::9 are the exit's own, 10.1.0.1
# the entry's, fd01::1 another peer's; 10.9.0.0/24 and fd09::/64 are servers; 10.66/15 and fd66::/16 attackers.
set -euo pipefail
if [ -z "${ARCTIC_HOSTILE_INSIDE:-}" ]; then
  ARCTIC_HOSTILE_INSIDE=1 exec unshare --net --pid --mount-proc --fork --kill-child "$(readlink -f "$0")" "$@"
fi
arctic=$(readlink -f "$1") pegasus=$(readlink -f "$2") here=$(dirname "$(readlink -f "$0")")
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

ip link set lo up
for each in 10.1.0.9/32 10.1.0.1/32; do ip addr add $each dev lo; done
for each in fd01::9/128 fd01::1/128; do ip addr add $each dev lo nodad; done
for each in 10.9.0.0/24 10.66.0.0/15; do ip route add local $each dev lo; done
for each in fd09::/64 fd66::/16; do ip -6 route add local $each dev lo; done
cd /proc/sys/net
echo 1 >ipv6/ip_nonlocal_bind
echo 8192 >core/somaxconn
echo 16384 >ipv4/tcp_max_syn_backlog
echo "1024 65535" >ipv4/ip_local_port_range
# Small, so that who reads nothing is full soon.
echo "4096 65536 262144" >ipv4/tcp_rmem
echo "4096 65536 262144" >ipv4/tcp_wmem
cd "$folder"

for each in entry other exit; do
  mkdir $each
  "$arctic" keygen --root $each >$each.key 2>keygen.log
done
service() { # NAME SOURCE-PEER ROUTES [LINE]…
  printf '  - {name: %s, source_peer: %s, target_peer: exit, transport_type: tcp, %s\n' "$1" "$2" "${4:-}"
  printf '     routes: [%s]}\n' "$3"
}
there='{priority: 100, dest_cidr: 10.9.0.0/24}, {priority: 100, dest_cidr: "fd09::/64"}'
ours='{priority: 90, source_cidr: 10.0.0.0/24, dest_cidr: 10.9.0.0/24},
      {priority: 90, source_cidr: "fd10::/64", dest_cidr: "fd09::/64"}'
wide='{priority: 50, dest_cidr: 0.0.0.0/0}, {priority: 50, dest_cidr: "::/0"}'
cat >arctic.yaml <<END
version: v1
peers:
  - {name: entry, address: 10.1.0.1, public_key: "$(cat entry.key)", parent_interface: lan}
  - {name: other, address: "fd01::1", public_key: "$(cat other.key)"}
  - {name: exit, address: 10.1.0.9, public_key: "$(cat exit.key)"}
services:
$(service plain entry "$there")
$(service others other "$there")
$(service narrow entry "$ours")
$(service wide entry "$wide")
$(service any entry "${wide//50/40}" 'fully_transparent: true, interface: {enabled: true, ipv4: 10.0.0.9/24, ipv6: "fd10::9/64"},')
END
"$arctic" compile arctic.yaml --node exit -o out >compile.log 2>&1 || { cat compile.log; exit 1; }

# The sanitizer says so when the process ends in order: then it has looked for leaks, too.
export ASAN_OPTIONS="detect_leaks=1:atexit=1:${ASAN_OPTIONS:-}"
"$pegasus" --root exit --config out/exit/pegasus.json --drain 5 2>pegasus.log &
pid=$!
port=$(jq .listen_port out/exit/pegasus.json)
end=$((SECONDS + 30))
until ss -ltnH "sport = :$port" | grep -q .; do
  if [ $SECONDS -ge $end ] || ! kill -0 $pid; then cat pegasus.log; exit 1; fi
  read -r -t 0.05 <> <(:) || true
done
jq --argjson pid $pid --arg key "$(cat exit.key)" --arg log "$folder/pegasus.log" \
  '{port: .listen_port, pid: $pid, exit_key: $key, log: $log,
    ids: [.tunnels[] | {(.service): .id}] | add}' out/exit/pegasus.json >plan.json

failures=0
bad() { printf 'FAIL  %s\n' "$1"; failures=$((failures + 1)); }
timeout 280 "$here/hostile.py" plan.json "$@" || failures=$((failures + 1))
kill -TERM $pid 2>kill.log || true
status=0
wait $pid || status=$?
[ $status = 0 ] || bad "pegasus ended with $status"
if grep -qE 'ERROR: |runtime error:|WARNING: ThreadSanitizer' pegasus.log; then bad "a sanitizer complains"; fi
# A fact may be said ten times in ten seconds, whatever comes.
grep -E '^[0-9]{4}-' pegasus.log >said.log
facts=$(cut -d' ' -f3- said.log | sed 's/ [a-z_]*=.*//' | sort -u | wc -l)
lines=$(wc -l <said.log)
most=$((facts * (SECONDS / 10 + 2) * 10))
[ "$lines" -le $most ] || bad "$lines lines in the log, in $SECONDS s and of $facts facts"
# With all attacks run, each kind was said.
[ $# != 0 ] || for each in 'no peer has its public key' 'tunnel connection closed peer=entry' \
  'refused service=plain peer=other' 'a record that is not authentic'; do
  grep -q "$each" said.log || bad "nothing in the log says: $each"
done
if nm "$pegasus" 2>nm.log | grep -q __asan_init && ! grep -q 'exit stats' pegasus.log; then
  bad "pegasus did not end in order"
fi
[ $failures = 0 ] || { echo "--- the end of pegasus.log"; grep -v '^Stats\|^  ' pegasus.log | tail -n 40; exit 1; }
echo "ok    pegasus ends in order, with $lines lines in its log"
