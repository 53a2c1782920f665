#!/usr/bin/env bash
# Holds a systemd unit to what systemd itself makes of it: every key known, and little exposed.
# usage: unit_test.sh UNIT PROGRAM     (needs no running systemd)
set -euo pipefail
unit=$1 program=$2
most_exposed=25 # of 100; systemd's own services have from 10 to 96
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The program is installed elsewhere, if at all; all else stays as it is.
prepared=$folder/$(basename "$unit")
sed "s|^ExecStart=/usr/bin/$(basename "$program")|ExecStart=$program|" "$unit" >"$prepared"
grep -qx "ExecStart=$program" "$prepared" || { echo "$unit: ExecStart is another one" >&2; exit 1; }

# What it complains about it does not always fail for.
complaints() { systemd-analyze verify "$1" 2>&1 || echo "status $?"; }
said=$(complaints "$prepared")
[ -z "$said" ] || { printf '%s\n' "$said" >&2; exit 1; }

sed -i 's/^Restart=/Rstart=/' "$prepared"
said=$(complaints "$prepared")
[[ $said == *Rstart* ]] || { echo "a misspelt key was not seen: $said" >&2; exit 1; }

systemd-analyze security --offline=true --threshold=$most_exposed --no-pager "$unit" >"$folder/report" || {
  cat "$folder/report" >&2
  exit 1
}
