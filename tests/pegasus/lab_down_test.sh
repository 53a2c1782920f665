#!/usr/bin/env bash
# on_down: what clients get when Pegasus was stopped, and when it was killed.
# usage: lab_down_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"

configure "$(service refusing 1 'on_down: reject'; service straight 3 'on_down: direct'
  service silent 4 'on_down: drop')"
start exit
serve who=5000 check=5001

for how in TERM KILL; do
  start entry
  for to in 192.168.1.2 192.168.3.2 192.168.4.2 fd99:0:0:1::2 fd99:0:0:3::2 fd99:0:0:4::2; do
    passes "$to works" check $to 5001 --count 3
  done
  stop entry $how
  for six in '' 6; do
    to() { if [ -z "$six" ]; then echo "192.168.$1.2"; else echo "fd99:0:0:$1::2"; fi; }
    client outcome "$(to 1)" 5000
    same "after $how, reject${six:+, IPv6}: refused" refused "$(field .outcome)"
    at_most "at once" 1 "$(field .seconds)"
    client who "$(to 3)" 5000
    same "after $how, direct${six:+, IPv6}: the server sees the client, without Pegasus" \
      "$(field .own)" "$(field .seen)"
    same "after $how, drop${six:+, IPv6}: nothing" timeout "$(outcome "$(to 4)" 5000 --within 1.5)"
  done
done

start entry
for to in 192.168.1.2 192.168.3.2 192.168.4.2 fd99:0:0:1::2 fd99:0:0:3::2 fd99:0:0:4::2; do
  passes "$to works again" check $to 5001 --count 3
done
end_all
finish
