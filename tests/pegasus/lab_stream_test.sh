#!/usr/bin/env bash
# Bytes through Pegasus, end to end: every one of them checked, at both ends, for IPv4 and IPv6.
# usage: lab_stream_test.sh ARCTIC PEGASUS TRAFFIC     (root)
# ARCTIC_LAB_BYTES and ARCTIC_LAB_CONNECTIONS make it larger.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"
bytes=${ARCTIC_LAB_BYTES:-67108864} connections=${ARCTIC_LAB_CONNECTIONS:-200}

configure "$(service plain 0)"
start exit
start entry
serve check=5000 echo=5001 first=5002 reset=5003

for to in 192.168.0.2 fd99::2; do
  passes "$to: $bytes bytes each way, SHA-256 equal at both ends" check $to 5000 --most "$bytes" --exact
  passes "$to: $connections connections of random sizes at once" \
    check $to 5000 --count "$connections" --at-once "$connections" --most 262144 --seed 2
  passes "$to: small ones, FIN in one segment with the data" \
    check $to 5000 --count 300 --at-once 10 --most 200 --seed 3
  passes "$to: nothing but FIN" check $to 5000 --count 20 --most 0 --exact --seed 4
  passes "$to: writes of one byte" check $to 5000 --most 3000 --exact --chunk 1 --seed 5
  passes "$to: the server half-closes first" \
    server-ends $to 5000 --count 40 --at-once 10 --most 1000000 --seed 6
  passes "$to: the server resets" server-resets $to 5000 --count 20 --at-once 5 --most 2000000 --seed 7
  passes "$to: the client resets" client-resets $to 5000 --count 20 --at-once 5 --most 2000000 --seed 8
  passes "$to: the server speaks first" first $to 5002
  passes "$to: short connections one after the other" rate $to 5001 --count 300 --at-once 8 --seed 9
done
# What came before left nothing behind: the next connection finds everything in order.
passes "and after all that" check 192.168.0.2 5000 --count 20 --at-once 4 --seed 10
holds_quiet
end_all
finish
