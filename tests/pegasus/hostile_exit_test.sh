#!/usr/bin/env bash
# Attacks a running pegasus, as entry, by its exits: see hostile_exit.py.
# usage: hostile_exit_test.sh ARCTIC PEGASUS [ATTACK…]     (root)
#
# The machines are lab.sh's. At `exit` there are many exits, each with an address and a key of its
# own, and none is a pegasus; services at `entry` go to each of them.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/lab.sh"
[ -n "${ARCTIC_LAB_INSIDE:-}" ] || export ARCTIC_HOSTILE_ATTACKS="${*:3}"
lab_inside "$1" "$2" "$2"
export PYTHONDONTWRITEBYTECODE=1

mkdir entry
"$arctic" keygen --root entry >entry.key 2>keygen.log
"$here/hostile_exit.py" config "$(cat entry.key)"
while read -r four six; do
  ip -n exit addr add "$four/24" dev wan
  ip -n exit addr add "$six/64" dev wan nodad
done <addresses
apply entry

# The sanitizer says so when the process ends in order: then it has looked for leaks, too. Little of
# what was freed is kept, so that memory can be measured.
export ASAN_OPTIONS="detect_leaks=1:atexit=1:quarantine_size_mb=8:${ASAN_OPTIONS:-}"
ARCTIC_LAB_WORKERS=${ARCTIC_LAB_WORKERS:-1} start entry
sanitized=$(nm "$pegasus" 2>nm.log | grep -c __asan_init || true)
# MiB that may be more at the end. A sanitizer's allocator keeps what was freed, in many sizes.
export ARCTIC_HOSTILE_GROWTH=$((sanitized > 0 ? 160 : 16))
code=0
# shellcheck disable=SC2086
at exit timeout 200 "$here/hostile_exit.py" run "${pegasus_pid[entry]}" $ARCTIC_HOSTILE_ATTACKS || code=$?
same "all attacks came to what they should" 0 "$code"
stop entry
same "pegasus at entry ends in order" 0 "$status"
holds_sane
if [ "$sanitized" -gt 0 ] && ! grep -q 'exit stats' entry.log; then
  bad "pegasus ends in order" "the sanitizer did not come to its end"
fi
sed -i '/^Stats\|^  /d' entry.log
finish
