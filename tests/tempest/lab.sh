# What tests of the node's Tempest share. Sourced after ../pegasus/lab.sh and lab_inside, never run.
# From outside: ARCTIC_LAB_TEMPEST, the program.

lab_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tempest=${ARCTIC_LAB_TEMPEST:?}
declare -A tempest_pid

tempest_start() { # NODE
  spawn "$1" "$tempest" --root "$PWD/$1" >>"tempest-$1.log" 2>&1
  tempest_pid[$1]=$!
  await "tempest at $1" ask "$1" hello
}
tempest_stop() { # NODE [SIGNAL]: leaves its exit code in $status
  kill -s "${2:-TERM}" "${tempest_pid[$1]}"
  status=0
  wait "${tempest_pid[$1]}" 2>wait.log || status=$?
}
ask() { # NODE METHOD [PARAMS]: the answer
  "$lab_folder/../pegasus/control.py" "$1/run/arctic/tempest.sock" "${@:2}" 2>control.log
}
of_status() { ask "$1" status | jq -r ".result$2"; }
pings() { # WHAT TO [OPTION…]: from the client
  local what=$1 to=$2
  shift 2
  if at client ping -q -c 3 -i 0.05 -W 2 "$@" "$to" >ping.log 2>&1; then
    ok "$what"
  else
    bad "$what" "$(tail -n 2 ping.log | paste -sd' ')"
  fi
}
start_echo() {
  at server "$lab_folder/echo.py" >echo.out 2>echo.log </dev/null &
  await "the echo" grep -q ready echo.out
}
asks() { at client timeout 10 "$lab_folder/ask.py" "$@" 2>&1 | tail -n 1; }
# wg looks here, and cannot be told of another root.
for_wg() { # NODE
  mkdir -p "$1/var/run/wireguard"
  ln -sfn "$PWD/$1/var/run/wireguard" /run/wireguard
}
handshake() { at "$1" wg show "$2" latest-handshakes | cut -f 2; }
has_session() { [ "$(handshake "$1" "$2")" -gt 0 ]; }
# Ends all, which must be orderly.
tempest_end_all() {
  local each
  for each in "${!tempest_pid[@]}"; do
    tempest_stop $each
    same "tempest at $each ends in order" 0 "$status"
    holds "no sanitizer complains at $each" \
      sh -c "! grep -E 'ERROR: |runtime error:|WARNING: ThreadSanitizer' tempest-$each.log"
  done
}
