#!/usr/bin/env bash
# Ends that cross each other on the way, destinations that stall, and keys that change: nobody else
# pays for them, and nothing is lost.
# usage: lab_ends_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/lab.sh"
. "$here/reload.sh"
lab_inside "$@"

configure "$(service plain 0)"
export ARCTIC_LAB_WORKERS=1  # so that all share a pool
start exit
start entry
ends() { at client timeout 90 "$here/crossing_ends.py" "$@" 2>&1 </dev/null; }
spawn server "$here/crossing_ends.py" serve 5005 >ends.out 2>ends.log </dev/null
await "the server" grep -q ready ends.out
# A destination that takes no connection and refuses none.
at server nft -f - <<'END'
table inet hole {
  chain input {
    type filter hook input priority 0
    tcp dport 5009 drop
  }
}
END

for to in 192.168.0.2 fd99::2; do
  same "$to: a reset behind an end harms no other client" '2 end' \
    "$(ends cross $to 5005 "${pegasus_pid[exit]}")"
  ends end_and_reset $to 5005 "${pegasus_pid[entry]}" >done.out
done
both() { [ "$(grep -c "^$1" ends.out)" = 2 ]; }
eventually "the server hears of both ends" 20 both f
same "a reset that comes with an end is passed on" 'f reset f reset' \
  "$(grep '^f' ends.out | paste -sd' ' | sed 's/[0-9]* Connection reset by peer/reset/g')"

# Who stalls costs the others nothing, their ready connections neither.
links() { at exit ss -tnHO state established "sport = :${pegasus_port[exit]}" | awk '{print $4}' | sort; }
for to in 192.168.0.2 fd99::2; do
  holds "$to: there are ready connections" ends ask $to 5005
  pause 0.5
  links >before
  ends full $to 5005 >done.out
  pause 0.5
  links >after
  at_least "$to: they stay when an upload is reset that nobody reads" $(($(wc -l <before) - 1)) \
    "$(comm -12 before after | wc -l)"
done
links >before
seconds=$(ends hole 192.168.0.2 5009)
at_least "a destination that does not answer is waited for, seconds" 29 "$seconds"
at_most "and not longer" 40 "$seconds"
links >after
at_least "and the ready connections stay" $(($(wc -l <before) - 1)) "$(comm -12 before after | wc -l)"
holds "nothing is said against the peer" sh -c '! grep "it does not answer" entry.log'

# A drain that ends before the destination has read.
ends up 192.168.0.2 5005 >up.out
answers "drain" ok entry drain '{"seconds":2}'
wait "${pegasus_pid[entry]}" || true
eventually "the server reads" 30 grep -q '^u' ends.out
same "an upload that its client has ended arrives, though the entry is gone" 'u 700000 end' \
  "$(grep '^u' ends.out)"
start entry

# The peer's key is another now: what was made with the old one carries nobody new.
other() { # The entry believes that the exit has another key.
  [ -e other.key ] || { mkdir other; "$arctic" keygen --root other >other.key 2>keygen.log; }
  sed -i "s|$(cat exit.key)|$(cat other.key)|" entry/opt/tillered/pegasus/config.json
  kill -HUP "${pegasus_pid[entry]}"
}
back() { # It knows better again.
  sed -i "s|$(cat other.key)|$(cat exit.key)|" entry/opt/tillered/pegasus/config.json
  kill -HUP "${pegasus_pid[entry]}"
  await "the tunnel" at client "$here/crossing_ends.py" ask 192.168.0.2 5005
}
spawn client timeout 90 "$here/crossing_ends.py" hold 192.168.0.2 5005 >hold.out 2>&1 </dev/null
hold=$!
await "a connection that is held" grep -q ok hold.out
other
pause 0.5
touch go
wait $hold || true
rm go
holds "a connection of before gives nothing to a client of after" grep -q 'reset by peer' hold.out
back
pause 1

kill -STOP "${pegasus_pid[exit]}"
stop entry
start entry
pause 0.7 # its dials wait for an answer
other
pause 0.3
kill -CONT "${pegasus_pid[exit]}"
pause 0.5
ends ask 192.168.0.2 5005 >ask.out
holds "nor does a dial of before" grep -q 'reset by peer' ask.out
end_all
finish
