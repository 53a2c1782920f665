# Four machines for tests of Pegasus, as network namespaces. Sourced by tests, never run.
#
#   client ── entry ═══ wan ═══ exit ── server
#   10.0.0.2  10.0.0.1            192.168.0.1  192.168.0.2 (and 192.168.1.2, … one per service)
#   fd10::2   fd10::1             fd99::1      fd99::2     (and fd99:0:0:1::2, …)
#                 192.0.2.1   192.0.2.2
#             2001:db8::1   2001:db8::2
#
# A test begins with `lab_inside "$@"`: from then on it is the first process of namespaces of its
# own, and whatever happens to it, nothing of the lab remains. It gives the machines their services
# with `configure`, and ends with `finish`.
#
# From outside: ARCTIC_LAB_PATIENCE (seconds that anything awaited may take), ARCTIC_LAB_WORKERS
# (threads of each pegasus), ARCTIC_LAB_BYTES and ARCTIC_LAB_CONNECTIONS (sizes; 1 GB is 1073741824).

lab_patience=${ARCTIC_LAB_PATIENCE:-30} # seconds that anything awaited may take
declare -A pegasus_pid pegasus_port
failures=0

# Goes on in namespaces of its own, in an empty folder, with paths of programs absolute in
# $programs.
# usage: lab_alone "WHAT IT TAKES" ARGUMENT…
lab_alone() {
  local wanted each
  read -ra wanted <<<"$1"
  shift
  programs=()
  for each in "$@"; do programs+=("$(readlink -f "$each")"); done
  if [ -z "${ARCTIC_LAB_INSIDE:-}" ]; then
    [ $# = ${#wanted[@]} ] || { echo "usage: $0 ${wanted[*]}" >&2; exit 64; }
    [ "$(id -u)" = 0 ] || { echo "$0: makes network namespaces and so needs root" >&2; exit 1; }
    ARCTIC_LAB_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc \
      "$(readlink -f "$0")" "${programs[@]}"
  fi
  mount -t tmpfs tmpfs /run
  mkdir /run/netns /run/lab
  cd /run/lab
}

# usage: lab_inside ARCTIC PEGASUS TRAFFIC
lab_inside() {
  lab_alone "ARCTIC PEGASUS TRAFFIC" "$@"
  arctic=${programs[0]} pegasus=${programs[1]} traffic=${programs[2]}
  trap 'lab_logs $?' EXIT
  local each
  for each in client entry exit server; do machine "$each"; done
  cable client eth0 10.0.0.2/24 fd10::2/64 entry lan 10.0.0.1/24 fd10::1/64
  cable entry wan 192.0.2.1/24 2001:db8::1/64 exit wan 192.0.2.2/24 2001:db8::2/64
  cable exit lan 192.168.0.1/24 fd99::1/64 server eth0 192.168.0.2/24 fd99::2/64
  gateway client 10.0.0.1 fd10::1
  gateway entry 192.0.2.2 2001:db8::2
  gateway exit 192.0.2.1 2001:db8::1
  gateway server 192.168.0.1 fd99::1
  ip -n exit route add 192.168.0.0/16 via 192.168.0.2
  ip -n exit route add fd99::/48 via fd99::2
  for each in 1 2 3 4; do
    ip -n server addr add "192.168.$each.2/32" dev eth0
    ip -n server addr add "fd99:0:0:$each::2/128" dev eth0 nodad
  done
}

machine() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  at "$1" sh -c 'cd /proc/sys/net
    for each in all default; do echo 0 >ipv6/conf/$each/accept_dad; done
    echo 1 >ipv4/ip_forward; echo 1 >ipv6/conf/all/forwarding
    echo "1024 65535" >ipv4/ip_local_port_range; echo 1 >ipv4/tcp_tw_reuse
    echo 8192 >core/somaxconn; echo 8192 >ipv4/tcp_max_syn_backlog'
}
cable() { # MACHINE LINK ADDRESS4 ADDRESS6 MACHINE LINK ADDRESS4 ADDRESS6
  ip link add "$2" netns "$1" type veth peer name "$6" netns "$5"
  local name link four six
  while [ $# -gt 0 ]; do
    name=$1 link=$2 four=$3 six=$4
    shift 4
    ip -n "$name" link set "$link" up
    ip -n "$name" addr add "$four" dev "$link"
    ip -n "$name" addr add "$six" dev "$link" nodad
  done
}
gateway() { ip -n "$1" route add default via "$2"; ip -n "$1" route add default via "$3"; }
at() { local name=$1; shift; nsenter --net="/run/netns/$name" "$@"; }
# In the background; $! is the program itself, not a shell around it. Its input stays the caller's,
# which a shell otherwise takes from what it puts there.
spawn() { local name=$1; shift; nsenter --net="/run/netns/$name" "$@" <&0 & }

# ---- What a test says ----

ok() { printf 'ok    %s\n' "$1"; }
bad() { printf 'FAIL  %s: %s\n' "$1" "$2"; failures=$((failures + 1)); }
die() { printf 'FAIL  %s\n' "$*"; exit 1; }
same() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "wanted '$2', got '$3'"; fi
}
# Numbers may be broken ones.
at_most() { # WHAT MOST GOT
  if jq -en "$3 <= $2" >jq.log 2>&1; then ok "$1 ($3)"; else bad "$1" "wanted at most $2, got '$3'"; fi
}
at_least() { # WHAT LEAST GOT
  if jq -en "$3 >= $2" >jq.log 2>&1; then ok "$1 ($3)"; else bad "$1" "wanted at least $2, got '$3'"; fi
}
holds() { # WHAT COMMAND…
  local what=$1
  shift
  if "$@" >holds.log 2>&1; then ok "$what"; else bad "$what" "$(tail -c 2000 holds.log)"; fi
}
finish() { [ "$failures" = 0 ] || exit 1; }
lab_logs() {
  [ "$1" = 0 ] && return
  local log
  for log in entry.log exit.log tempest-entry.log tempest-exit.log; do
    [ ! -e "$log" ] || { echo "--- the end of $log"; tail -n 12 "$log"; }
  done
}

pause() { read -r -t "$1" <> <(:) || true; }
await() { # WHAT COMMAND…: until it succeeds
  local what=$1 end=$((SECONDS + lab_patience))
  shift
  until "$@" >await.log 2>&1; do
    [ $SECONDS -lt $end ] || die "waited in vain for: $what: $(tail -c 500 await.log)"
    pause 0.02
  done
}

eventually() { # WHAT SECONDS COMMAND…: as await, but a failure is one among others
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >eventually.log 2>&1; do
    [ $SECONDS -lt $end ] || { bad "$what" "not in time"; return; }
    pause 0.02
  done
  ok "$what"
}

# ---- Pegasus ----

# usage: configure SERVICES-YAML. Makes keys once, and applies at both nodes.
configure() {
  local name
  for name in entry exit; do
    mkdir -p "$name"
    [ -e "$name.key" ] || "$arctic" keygen --root "$name" >"$name.key" 2>keygen.log
  done
  cat >arctic.yaml <<END
version: v1
peers:
  - {name: entry, address: ${wan_entry:-192.0.2.1}, public_key: "$(cat entry.key)", parent_interface: lan}
  - {name: exit, address: ${wan_exit:-192.0.2.2}, public_key: "$(cat exit.key)"}
services:
$1
END
  for name in exit entry; do apply "$name"; done
}
apply() {
  at "$1" "$arctic" apply arctic.yaml --root "$1" --yes >"apply-$1.log" 2>&1 ||
    die "apply at $1: $(cat "apply-$1.log")"
  pegasus_port[$1]=$(jq .listen_port "$1/opt/tillered/pegasus/config.json")
}
service() { # NAME NUMBER [KEY: VALUE]…: to all of the server's addresses of that number
  local name=$1 number=$2
  shift 2
  printf '  - name: %s\n    source_peer: entry\n    target_peer: exit\n    transport_type: tcp\n' "$name"
  [ $# = 0 ] || printf '    %s\n' "$@"
  printf '    routes:\n'
  printf '      - {priority: 100, dest_cidr: "%s"}\n' "192.168.$number.0/24" "fd99:0:0:$number::/64"
}

# What goes to such a service through its own gateway, as Transparent Mode needs it: 10.0.0.9.
transparent=$'fully_transparent: true\n    interface: {enabled: true, ipv4: 10.0.0.9/24, ipv6: "fd10::9/64"}'
use_gateway() { # NUMBER
  ip -n client route add "192.168.$1.0/24" via 10.0.0.9
  ip -n client route add "fd99:0:0:$1::/64" via fd10::9
}

listens() { at "$1" ss -ltnH "sport = :$2" | grep -q .; }
start() { # NODE [ARGUMENT…]
  local node=$1
  shift
  # shellcheck disable=SC2086
  spawn "$node" "$pegasus" --root "$node" --drain 5 ${ARCTIC_LAB_WORKERS:+--workers $ARCTIC_LAB_WORKERS} "$@" \
    >>"$node.log" 2>&1
  pegasus_pid[$node]=$!
  await "pegasus at $node" running "$node"
}
running() {
  kill -0 "${pegasus_pid[$1]}" 2>/dev/null || die "pegasus at $1 ended: $(tail -n 5 "$1.log")"
  listens "$1" "${pegasus_port[$1]}"
}
stop() { # NODE [SIGNAL]: leaves its exit code in $status
  kill -s "${2:-TERM}" "${pegasus_pid[$1]}"
  status=0
  wait "${pegasus_pid[$1]}" 2>wait.log || status=$?
}
rss_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/${pegasus_pid[$1]}/status"; }
# What is known of a sanitizer's opinion.
holds_sane() {
  local node
  for node in entry exit; do
    [ -e "$node.log" ] || continue
    if grep -qE 'ERROR: |runtime error:|WARNING: ThreadSanitizer' "$node.log"; then
      bad "no sanitizer complains at $node" "$(grep -m1 -A6 -E 'ERROR: |runtime error:|WARNING: ' "$node.log")"
    fi
  done
}

# For tests in which nothing goes wrong between the nodes: no dial may fail.
holds_quiet() {
  local node
  for node in entry exit; do
    same "every tunnel connection could be made, by $node" "" \
      "$(grep -m3 -E 'cannot be reached' "$node.log" | head -c 600)"
  done
}

# Ends both, which must be orderly.
end_all() {
  local node
  for node in entry exit; do
    stop "$node"
    same "pegasus at $node ends in order" 0 "$status"
  done
  holds_sane
}

# Cuts the wan for all packets, without either end being told; mend it with `mend`.
cut_wan() {
  at entry nft -f - <<'END'
table inet cut {
  chain in {
    type filter hook prerouting priority -400
    iifname "wan" drop
  }
  chain out {
    type filter hook output priority 400
    oifname "wan" drop
  }
}
END
}
mend_wan() { at entry nft delete table inet cut; }

# ---- Traffic ----

serve() { # MODE=PORT…
  spawn server "$traffic" serve "$@" >serve.out 2>serve.log
  server_pid=$!
  await "the server" grep -q ready serve.out
}
# The client's result is in $result, its exit code in $status.
client() {
  status=0
  result=$(at client timeout 120 "$traffic" "$@" 2>client.log) || status=$?
  [ -n "$result" ] || result=$(jq -n --arg e "$(tail -c 300 client.log)" '{error: $e}')
}
field() { jq -r "$1" <<<"$result"; }
# usage: passes WHAT CLIENT-ARGUMENT…
passes() {
  local what=$1
  shift
  client "$@"
  if [ "$status" = 0 ]; then ok "$what"; else bad "$what" "traffic $*: $result"; fi
}
outcome() { client outcome "$@"; field .outcome; }
