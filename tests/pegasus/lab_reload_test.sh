#!/usr/bin/env bash
# Reload under load: connections of services that stay lose nothing, whatever changes beside them.
# usage: lab_reload_test.sh ARCTIC PEGASUS TRAFFIC     (root)
#
# From outside: ARCTIC_LAB_RELOADS, ARCTIC_LAB_LONG (connections that stay), ARCTIC_LAB_SHORT (new
# ones per second), ARCTIC_LAB_PACE (seconds from one reload to the next). By default they are as
# the bound is meant; a slow build takes less.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
. "$(dirname "$(readlink -f "$0")")/reload.sh"
lab_inside "$@"
reloads=${ARCTIC_LAB_RELOADS:-100} long=${ARCTIC_LAB_LONG:-500} short=${ARCTIC_LAB_SHORT:-2000}

limit() { printf 'qos: {bandwidth_limit_mbps: %s}' "$1"; }
configure "$(service plain 0; service calm 1; service paced 2 "$(limit 200)"; service coming 3)"
compiled a "$(service plain 0; service calm 1; service paced 2 "$(limit 100)")"
compiled b "$(service plain 0; service calm 1; service paced 2 "$(limit 200)"; service coming 3)"
begin_with b a
start exit
start entry
serve echo=5001

listening() { at "$1" ss -ltnH | sort -k 4 | awk '{ print $4 }' | tr '\n' ' '; }
before_entry=$(listening entry) before_exit=$(listening exit)
mkfifo talk
exec 7<>talk
declare -A load_pid
load() { # NAME CLIENT-ARGUMENT…
  local name=$1
  shift
  spawn client "$traffic" "$@" --patience 60 <talk >"$name.out" 2>&1
  load_pid[$name]=$!
  await "the load $name" grep -q ready "$name.out"
}
hold() { load "$1" hold "$2" 5001 --count "$3" --every 0.2 --seed "$3"; }
rate() { load "$1" rate "$2" 5001 --per-second "$3" --until-told --at-once 64 --seed "$3"; }
hold plain4 192.168.0.2 $((long / 10 * 4))
hold calm6 fd99:0:0:1::2 $((long / 10 * 4))
hold paced4 192.168.2.2 $((long / 10))
hold paced6 fd99:0:0:2::2 $((long / 10))
rate short4 192.168.0.2 $((short / 2))
rate short6 fd99:0:0:1::2 $((short / 2))

holds "$reloads reloads under load" "$here/reload_often.py" a b "$reloads" "${ARCTIC_LAB_PACE:-0.5}" exit entry
same "the entry listens where it did" "$before_entry" "$(listening entry)"
same "the exit listens where it did" "$before_exit" "$(listening exit)"

# Everybody takes one; who ends early takes none.
printf '......' >&7
for name in plain4 calm6 paced4 paced6 short4 short6; do
  status=0
  wait "${load_pid[$name]}" || status=$?
  result=$(tail -n 1 "$name.out")
  same "$name: nothing lost or corrupted, of $(field .opened) connections" '0 0 {} true' \
    "$status $(field .corrupt) $(field '.failed | tostring') $(field '.opened == .done and .opened > 0')"
  [ "${name#short}" = "$name" ] || at_least "$name: new connections per second" \
    $((short / 2 * 95 / 100)) "$(field '.per_second | floor')"
done
ask entry status
same "no connection is left" 0 "$(field '[.result.services[].connections.open] | add')"
holds_quiet
end_all
finish
