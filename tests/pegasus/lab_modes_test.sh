#!/usr/bin/env bash
# Whose address the server sees: the exit's, or in Transparent Mode the client's.
# usage: lab_modes_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"

configure "$(service plain 0; service clear 1 "$transparent")"
use_gateway 1
start exit
start entry
serve who=5000 check=5001
host() { sed -E 's/:[0-9]+$//' <<<"$1"; }

for each in "192.168.0.2 192.168.0.1" "fd99::2 [fd99::1]"; do
  read -r to seen <<<"$each"
  client who "$to" 5000
  same "$to: by default the server sees the exit" "$seen" "$(host "$(field .seen)")"
  passes "$to: and all bytes" check "$to" 5001 --count 50 --at-once 10
done
for to in 192.168.1.2 fd99:0:0:1::2; do
  client who $to 5000
  same "$to: transparent, the server sees the client and its port" "$(field .own)" "$(field .seen)"
  passes "$to: and all bytes" check $to 5001 --count 50 --at-once 10
  passes "$to: and resets" client-resets $to 5001 --count 100 --most 1000000 --patience 10
done

passes "transparent connections one after the other" check 192.168.1.2 5001 --count 200 --at-once 20 --most 5000
holds_quiet
end_all
finish
