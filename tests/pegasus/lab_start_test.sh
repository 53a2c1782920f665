#!/usr/bin/env bash
# Starts that must fail, each saying what is wrong: ports, rights, files.
# usage: lab_start_test.sh ARCTIC PEGASUS TRAFFIC     (root)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lab.sh"
lab_inside "$@"
configure "$(service plain 0)"
config=entry/opt/tillered/pegasus/config.json key=entry/etc/arctic/node.key
clients_port=$(jq '.tunnels[0].listen_port' $config)

# usage: refuses WHAT PATTERN COMMAND…: it must end by itself, not well, and say so on few lines.
refuses() {
  local what=$1 pattern=$2
  shift 2
  status=0
  at entry timeout -s KILL 15 "$@" >start.log 2>&1 || status=$?
  case $status in
    0) bad "$what" "it ended as if all were well" ;;
    137) bad "$what" "it did not end" ;;
    [1-9]) if grep -qiE -- "$pattern" start.log && [ "$(wc -l <start.log)" -le 3 ]; then ok "$what"; else
      bad "$what" "it should speak of $pattern: $(cat start.log)"; fi ;;
    *) bad "$what" "exit $status: $(tail -n 5 start.log)" ;;
  esac
}

for port in "${pegasus_port[entry]}" "$clients_port"; do
  spawn entry "$traffic" serve "echo=$port" >taken.out 2>&1
  taken=$!
  await "port $port" grep -q ready taken.out
  refuses "port $port is taken" ":$port" "$pegasus" --root entry
  kill -s TERM $taken
  wait $taken || true
done
start entry
refuses "a second pegasus of the same node" 'another|already|taken' "$pegasus" --root entry
stop entry
same "pegasus ends in order" 0 "$status"

# CAP_NET_RAW would do for what Pegasus asks of the kernel, so both must go.
refuses "no CAP_NET_ADMIN" 'CAP_NET_ADMIN|IP_TRANSPARENT' \
  setpriv --bounding-set -net_admin,-net_raw --inh-caps -net_admin,-net_raw "$pegasus" --root entry
cp $config whole.json
head -c $(($(wc -c <$config) / 2)) whole.json >$config
refuses "a configuration half written" "$config" "$pegasus" --root entry
refuses "a configuration half written, checked" "$config" "$pegasus" --root entry --check
: >$config
refuses "an empty configuration" "$config" "$pegasus" --root entry
rm $config
refuses "no configuration" "$config" "$pegasus" --root entry
holds "and how it is made" grep -q 'arctic apply' start.log
mkdir $config
refuses "a folder as configuration" "$config" "$pegasus" --root entry
rmdir $config
cp whole.json $config

chmod 0644 $key
refuses "a key that others may read" 'others' "$pegasus" --root entry
chmod 0600 $key
chown 65534 $key
refuses "a key that somebody else owns" 'own' "$pegasus" --root entry
chown 0 $key
cp $key key.saved
head -c 20 key.saved >$key
refuses "a key half written" 'key' "$pegasus" --root entry
cp exit/etc/arctic/node.key $key
refuses "another node's key" 'not the key of peer' "$pegasus" --root entry
refuses "another node's key, checked" 'not the key of peer' "$pegasus" --root entry --check
rm $key
refuses "no key" 'no node key' "$pegasus" --root entry
status=0
at entry "$pegasus" --root entry --check >start.log 2>&1 || status=$?
same "a configuration can be checked where there is no key" 0 "$status"
holds "which it says" grep -q 'no node key' start.log
cp key.saved $key
start entry
stop entry
same "and all is well again" 0 "$status"
holds_sane
finish
