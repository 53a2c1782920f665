#!/usr/bin/env bash
# Tempest at work: all but TCP from a client over two nodes to a server and back, with every result
# checked.
# usage: ARCTIC_LAB_TEMPEST=… demo.sh ARCTIC PEGASUS TRAFFIC     (root; needs tcpdump, wireguard-tools)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/../pegasus/lab.sh"
lab_inside "$@"
. "$here/../lab/show.sh"
. "$here/lab.sh"
ln -s "$tempest" tempest
ln -s "$arctic" arctic
ln -s "$here/ask.py" ask
export PATH=$PWD:$PATH

configure "$(service all 0)"
for_wg entry
start_echo
cat <<'TEXT'

Tempest, between the same two nodes:

  client ───── entry ═════ wan ═════ exit ───── server
  10.0.0.2   10.0.0.1  192.0.2.1  192.0.2.2   192.168.0.2
  fd10::2    fd10::1                          fd99::2

The service takes TCP by Pegasus, and whatever else by Tempest: through a tunnel that speaks the
WireGuard protocol, to the exit, which sends it on under its own address.
TEXT
sed -n '/^services:/,$p' arctic.yaml
show entry "tempest --root entry --check && echo the configuration is good"
tempest_start exit
tempest_start entry
await "a session" has_session entry tp-exit

say "1. UDP, ICMP, and an IP protocol that is neither (253), each there and back. A server answers, and says for UDP whom it saw: the exit."
show client "ask udp 192.168.0.2 1000"
expect '^192.168.0.1$'
show client "ask udp fd99::2 20000"
expect '^fd99::1$'
show client "ping -q -c 3 -i 0.1 192.168.0.2"
expect ' 0% packet loss'
show client "ping -q -c 3 -i 0.1 fd99::2"
expect ' 0% packet loss'
show client "ask raw 192.168.0.2 100"
expect '^answered$'
show client "ask raw fd99::2 100"
expect '^answered$'

say "2. What does the wan see? UDP between the nodes, and nothing of what is in it."
dump=()
for link in lan wan; do
  spawn entry tcpdump -i $link -U -w $link.pcap 'udp dst port 7 or udp port 51840' >tcpdump-$link.log 2>&1
  dump+=($!)
  await "tcpdump on $link" grep -q 'listening on' tcpdump-$link.log
done
show client "echo a-secret-word >/dev/udp/192.168.0.2/7"
captured() { tcpdump -n -r wan.pcap 2>/dev/null | grep -q 51840; }
await "the packet of the lan" grep -qa a-secret-word lan.pcap
await "the packet of the wan" captured
kill "${dump[@]}"
wait "${dump[@]}" || true
show entry "for link in lan wan; do echo \$link: \$(grep -ca a-secret-word \$link.pcap || true) with the secret; done; tcpdump -n -r wan.pcap 2>/dev/null | head -n 1"
expect '^lan: 1 '
expect '^wan: 0 '

say "3. The ordinary wg sees the running tunnel. It may change nothing, and the private key stays inside."
show entry "wg show tp-exit"
expect 'latest handshake'

say "4. And arctic says how the node is, with its tunnels and what was dropped."
show entry "arctic status --root entry"
expect '^exit +tp-exit +192.0.2.2:51840 +[0-9]+ s ago'

say "5. The exit's Tempest is killed: nothing goes in the clear, nothing comes back. Started again, it is back at once."
tempest_stop exit KILL
show client "ping -q -c 2 -i 0.1 -W 1 192.168.0.2 || true"
expect '100% packet loss'
tempest_start exit
await "the tunnel" at client ping -q -c 1 -W 1 192.168.0.2
show client "ping -q -c 3 -i 0.1 192.168.0.2"
expect ' 0% packet loss'
tempest_end_all
finish
printf '\nAll as expected.\n'
