#!/usr/bin/env bash
# On a kernel that lacks an offload all goes on without that one, and status says which.
# usage: ARCTIC_LAB_TEMPEST=… ARCTIC_LAB_OLD_KERNEL=… lab_fallback_test.sh ARCTIC PEGASUS TRAFFIC
# (root; the second is old_kernel.so)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
. "$here/lab.sh"
umask 077
# usage: spawn_old MACHINE FEATURES COMMAND…
spawn_old() {
  # What is loaded before everything else comes before the sanitizers, too.
  spawn "$1" env ARCTIC_OLD_KERNEL="$2" LD_PRELOAD="${ARCTIC_LAB_OLD_KERNEL:?}" \
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" "${@:3}"
}

# ---- As an interface: TCP and UDP, both ways, whoever is the old one ----

configure "$(service plain 0)"
for each in entry exit; do
  wg genkey >$each.wg
  wg pubkey <$each.wg >$each.wg.pub
done
declare -A pid other=([entry]=exit [exit]=entry) inner=([entry]=1 [exit]=2)
declare -A outer=([entry]=192.0.2.1 [exit]=192.0.2.2)
begin() { # MACHINE FEATURES
  local name=wg-$1 there=${other[$1]}
  spawn_old "$1" "$2" "$tempest" -f "$name" >"$name.log" 2>&1 </dev/null
  pid[$1]=$!
  await "the socket of $name" test -S "/run/wireguard/$name.sock"
  at "$1" wg set "$name" private-key "$1.wg" listen-port 5000 peer "$(cat "$there.wg.pub")" \
    allowed-ips 0.0.0.0/0,::/0 endpoint "${outer[$there]}:5000"
  ip -n "$1" addr add "10.9.0.${inner[$1]}/24" dev "$name"
  ip -n "$1" addr add "fd09::${inner[$1]}/64" dev "$name" nodad
  ip -n "$1" link set "$name" mtu 1420 up
}
for features in none uso tso,uso gro gso tso,uso,gro,gso; do
  begin entry $features
  begin exit none
  spawn exit "$traffic" serve check=5001 >serve-$features.out 2>&1 </dev/null
  servers=$!
  spawn exit "$traffic" udp-count 5002 >count-$features.out 2>&1 </dev/null
  servers+=" $!"
  await "the servers" grep -q ready serve-$features.out
  await "the tunnel" at entry ping -q -c 1 -W 1 10.9.0.2
  for to in 10.9.0.2 fd09::2; do
    # Every byte of it is compared, at both ends.
    status=0
    at entry timeout 100 "$traffic" check $to 5001 --count 4 --at-once 4 --most 4000000 \
      --exact >check.out 2>&1 || status=$?
    same "without $features: TCP both ways by $to" 0 "$status"
    at entry timeout 60 "$traffic" udp-load $to 5002 --bytes 1200 --per-second 1000 --seconds 1 >load.out 2>&1 || true
    same "without $features: UDP by $to" 0 "$(jq '.sent - .received' load.out)"
  done
  # shellcheck disable=SC2086
  kill $servers "${pid[entry]}" "${pid[exit]}"
  # shellcheck disable=SC2086
  wait $servers "${pid[entry]}" "${pid[exit]}" 2>wait.log || true
  holds "no sanitizer complains" sh -c '! grep -E "ERROR: |runtime error:|WARNING: ThreadSanitizer" wg-*.log'
done

# ---- As the node: what status says ----

start_echo
tempest_start exit
for features in none uso tso,uso gro gso; do
  spawn_old entry $features "$tempest" --root "$PWD/entry" >>tempest-entry.log 2>&1
  tempest_pid[entry]=$!
  await "tempest at entry" ask entry hello
  await "the tunnel" at client ping -q -c 1 -W 1 192.168.0.2
  # A burst leaves as a train, if anything does.
  same "without $features: 60,000 bytes in fragments" 192.168.0.1 "$(asks udp 192.168.0.2 60000)"
  wanted='{"udp_send":true,"udp_receive":true,"tun_tcp":true,"tun_udp":true}'
  case $features in
    uso) wanted=${wanted/tun_udp\":true/tun_udp\":false} ;;
    tso,uso) wanted=${wanted/tun_tcp\":true,\"tun_udp\":true/tun_tcp\":false,\"tun_udp\":false} ;;
    gro) wanted=${wanted/udp_receive\":true/udp_receive\":false} ;;
    gso) wanted=${wanted/udp_send\":true/udp_send\":false} ;;
  esac
  same "without $features: status says so" "$wanted" \
    "$(of_status entry '.offloads | {udp_send, udp_receive, tun_tcp, tun_udp} | tostring')"
  cipher=libcrypto
  if grep -qw avx2 /proc/cpuinfo; then cipher=libgcrypt; fi
  if grep -qw avx512bw /proc/cpuinfo; then cipher=ipsec-mb; fi
  same "status says whose cipher it is" $cipher "$(of_status entry .cipher)"
  tempest_stop entry
  same "without $features: it ends in order" 0 "$status"
done
tempest_stop exit
finish
