#!/usr/bin/env bash
# What a reload takes away: who may go on for how long, and who gets nothing new at once.
# usage: lab_retire_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
. "$(dirname "$(readlink -f "$0")")/reload.sh"
lab_inside "$@"

configure "$(service plain 0; service other 1; service third 2; service fourth 3)"
compiled all "$(service plain 0; service other 1; service third 2; service fourth 3)"
compiled less "$(service plain 0; service third 2)"
compiled beside "$(service plain 0; service other 1)"
compiled least "$(service plain 0)"
begin_with all all
start exit
start entry
serve check=5001 echo=5002
declare -A held
hold() { # NAME ADDRESS: 4 connections that talk all the time
  mkfifo "$1.in"
  exec {held_input}<>"$1.in"
  spawn client "$traffic" hold "$2" 5002 --count 4 --every 0.1 --patience 60 <"$1.in" >"$1.out" 2>&1
  held[$1]=$!
  await "connections of $1" grep -q ready "$1.out"
}
open_of() { ask "$1" connections "{\"service\":\"$2\"}"; field '.result.connections | length'; }
none_of() { [ "$(open_of "$1" "$2")" = 0 ]; }
# WHAT SERVICE COUNT
lasts() { same "$1: those of $2 are open" "$3 $3" "$(open_of entry "$2") $(open_of exit "$2")"; }
# How those of NAME have ended: told to, in order, or before.
ends() { # NAME WANTED
  echo >"$1.in"
  status=0
  wait "${held[$1]}" || status=$?
  rm "$1.in"
  result=$(tail -n 1 "$1.out")
  same "$1: how they end" "$2" "$(field '{done, failed} | tostring')"
}
cut='{"done":0,"failed":{"reset":4}}' fine='{"done":4,"failed":{}}'
# Between these seconds after SINCE.
cut_between() { # SERVICE SINCE LEAST MOST
  local took
  await "the end of $1" none_of entry "$1"
  took=$(jq -n "$(now) - $2")
  at_least "$1: cut not before its time" "$3" "$took"
  at_most "$1: cut soon after it" "$4" "$took"
  eventually "$1: cut at the exit, too" 5 none_of exit "$1"
}
deaf() { ! listens "$@"; }
now() { cut -d ' ' -f 1 /proc/uptime; }
draining() { ask "$1" status; field '.result.generations.draining | tostring'; }
a=aaaaaaaaaaaa b=bbbbbbbbbbbb c=cccccccccccc d=dddddddddddd

# ---- A service that goes ----
port=$(jq '.tunnels[] | select(.service == "other").listen_port' all/entry/pegasus.json)
kept=$(jq '.tunnels[] | select(.service == "plain").listen_port' all/entry/pegasus.json)
hold other 192.168.1.2
hold other6 fd99:0:0:1::2
hold plain 192.168.0.2
change_both $a less
same "gone: nothing new" reset "$(outcome 192.168.1.2 5001 --within 5)"
same "gone: nothing new, IPv6" reset "$(outcome fd99:0:0:1::2 5001 --within 5)"
holds "its listener stays until it is retired" listens entry "$port"
same "the one before drains" '[null]' "$(draining entry)"

# A configuration that is prepared and forgotten changes nothing for what drains.
prepare_both $b least
both ok abort "$(generation $b)"
pause 0.5
lasts "another one aborted" other 8

since=$(now)
both ok retire "$(generation $a 10)"
holds "retired: its listener is closed" deaf entry "$port"
holds "others' listeners are not" listens entry "$kept"
answers "retire may be repeated, and does not prolong it" ok entry retire "$(generation $a 30)"
lasts "retired, not over" other 8
# More configurations meanwhile do not prolong it either, and cut nobody earlier.
hold third 192.168.2.2
change_both $b least
lasts "another one current" other 8
cut_between other "$since" 10 13
ends other "$cut"
ends other6 "$cut"
lasts "the next one, not retired" third 4
same "what drains is told" "[\"$a\"]" "$(draining entry)"
# What is prepared meanwhile has connections, too.
prepare_both $c beside
hold prepared 192.168.1.2
since=$(now)
both ok retire "$(generation $b 1)"
cut_between third "$since" 1 4
ends third "$cut"
same "nothing drains any more" '[] []' "$(draining entry) $(draining exit)"
lasts "all that" plain 4

# ---- What only a prepared one had ----
lasts "retired, but prepared" other 4
since=$(now)
both ok abort "$(generation $c)"
cut_between other "$since" 0 3
ends prepared "$cut"
holds "its listener is closed" deaf entry "$port"
lasts "an aborted one" plain 4

# ---- An exit that knows no more what the entry still offers ----
change_both $c all
both ok retire "$(generation $c 0)"
at_exit() { # GENERATION NAME
  answers "prepare $1 at the exit alone" ok exit prepare "$(params "$1" "$2" exit)"
  answers "commit $1 at the exit alone" ok exit commit "$(generation "$1")"
}
at_exit $d least
same "what the exit does not know is refused" reset "$(outcome 192.168.1.2 5001 --within 5)"
holds "and the entry says so" grep -qE 'refused by the exit service=other.*does not know the service' entry.log
answers "prepare at the entry" ok entry prepare "$(params $d least entry)"
answers "commit at the entry" ok entry commit "$(generation $d)"
both ok retire "$(generation $d 0)"
lasts "all that" plain 4

# ---- A peer whose key changes ----
"$arctic" keygen --root stranger >stranger.key 2>keygen.log
sed "s|$(cat entry.key)|$(cat stranger.key)|" least.yaml >rekeyed.yaml
compiled_yaml rekeyed
at_exit 111111111111 rekeyed
same "a peer with another key gets nothing new" reset "$(outcome 192.168.0.2 5001 --within 15)"
lasts "a peer with another key" plain 4
since=$(now)
answers "retire at the exit" ok exit retire "$(generation 111111111111 2)"
cut_between plain "$since" 2 5
ends plain "$cut"
at_exit 222222222222 least
works() { client check 192.168.0.2 5001 --count 1; [ "$status" = 0 ]; }
eventually "with its own key it is served again" 20 works
end_all
finish
