"""Pegasus and its peers, each on four machines of its own, for bench_tcp.

client 10.0.0.2 - 10.0.0.1 entry 192.0.2.1 - 192.0.2.2 exit 192.168.0.1 - 192.168.0.2 server.
A variant starts its programs on entry and exit; the client then reaches the server's ports at
`target`, which is the server itself where the variant takes connections over transparently.
"""
import json
import os
import subprocess

from machines import Machines, must

SERVER, PORTS = "192.168.0.2", (5001, 5201)


class Lab(Machines):
    """The machines; by itself plain routing."""
    target = SERVER

    def __init__(self, name, options):
        super().__init__(name)
        self.traffic, self.options = options.traffic, options
        for machine in ("client", "entry", "exit", "server"):
            self.make_machine(machine)
        self.cable("client", "eth0", "10.0.0.2/24", "entry", "lan", "10.0.0.1/24")
        self.cable("entry", "wan", "192.0.2.1/24", "exit", "wan", "192.0.2.2/24")
        self.cable("exit", "lan", "192.168.0.1/24", "server", "eth0", "192.168.0.2/24")
        for machine, gateway in (("client", "10.0.0.1"), ("entry", "192.0.2.2"),
                                 ("exit", "192.0.2.1"), ("server", "192.168.0.1")):
            must(["ip", "-n", self.netns(machine), "route", "add", "default", "via", gateway])
        self.spawn("server", [self.traffic, "serve", "echo=5001"], counted=False)
        self.spawn("server", ["iperf3", "-s"], counted=False)
        self.await_port("server", 5001)
        self.await_port("server", 5201)
        self.begin()
        if self.options.tracked:
            self.track()

    def track(self):
        """Connections are tracked, as on every router with a stateful firewall."""
        for machine in ("entry", "exit"):
            must(self.at(machine) + ["nft", "-f", "-"], input="""
                table inet tracked {
                  chain in {
                    type filter hook forward priority filter
                    ct state invalid drop
                  }
                }""")

    def begin(self):
        """Starts what runs on entry and exit."""

    def make_machine(self, machine):
        super().make_machine(machine)
        must(self.at(machine) + ["sh", "-c", """cd /proc/sys/net/ipv4 && echo 1 >ip_forward &&
            echo '1024 65535' >ip_local_port_range && echo 1 >tcp_tw_reuse &&
            echo 8192 >tcp_max_syn_backlog && echo 8192 >../core/somaxconn""" +
             (f" && echo {self.options.congestion} >tcp_congestion_control"
              if self.options.congestion else "")])

    def intercept(self, port):
        """Hands the client's connections to a transparent listener at the entry."""
        entry = self.netns("entry")
        must(["ip", "-n", entry, "rule", "add", "fwmark", "1", "lookup", "100"])
        must(["ip", "-n", entry, "route", "add", "local", "default", "dev", "lo", "table", "100"])
        must(self.at("entry") + ["nft", "-f", "-"], input=f"""
            table ip intercept {{
              chain in {{
                type filter hook prerouting priority mangle
                meta l4proto tcp socket transparent 1 meta mark set 1 accept
                iifname "lan" ip daddr 192.168.0.0/16 meta l4proto tcp tproxy to :{port} meta mark set 1 accept
              }}
            }}""")


class Arctic(Lab):
    def begin(self):
        keys = {}
        for node in ("entry", "exit"):
            os.makedirs(f"{self.folder}/{node}")
            keys[node] = must([self.options.arctic, "keygen", "--root",
                               f"{self.folder}/{node}"]).strip()
        config = self.write("arctic.yaml", f"""
version: v1
peers:
  - {{name: entry, address: 192.0.2.1, public_key: "{keys['entry']}"}}
  - {{name: exit, address: 192.0.2.2, public_key: "{keys['exit']}"}}
services:
  - name: bench
    source_peer: entry
    target_peer: exit
    transport_type: tcp
    routes:
      - {{priority: 100, dest_cidr: 192.168.0.0/16}}
""")
        for node in ("exit", "entry"):
            root = f"{self.folder}/{node}"
            must(self.at(node) + [self.options.arctic, "apply", config, "--root", root, "--yes"])
            workers = ["--workers", self.options.workers] if self.options.workers else []
            self.spawn(node, [self.options.pegasus, "--root", root] + workers)
            with open(f"{root}/opt/tillered/pegasus/config.json", encoding="utf-8") as file:
                self.await_port(node, json.load(file)["listen_port"])


class ShadowsocksLibev(Lab):
    def begin(self):
        common = ["-k", "bench", "-m", "aes-256-gcm", "--no-delay", "-t", "300", "-n", "16384"]
        self.spawn("exit", ["ss-server", "-s", "0.0.0.0", "-p", "8388"] + common)
        self.spawn("entry", ["ss-redir", "-T", "-s", "192.0.2.2", "-p", "8388", "-b", "0.0.0.0",
                             "-l", "1080"] + common)
        self.await_port("exit", 8388)
        self.await_port("entry", 1080)
        self.intercept(1080)


class V2ray(Lab):
    def begin(self):
        secret = {"method": "aes-256-gcm", "password": "bench"}
        leave = {"log": {"loglevel": "error"},
                 "inbounds": [{"port": 8388, "protocol": "shadowsocks",
                               "settings": dict(secret, network="tcp")}],
                 "outbounds": [{"protocol": "freedom"}]}
        enter = {"log": {"loglevel": "error"},
                 "inbounds": [{"port": 1080, "protocol": "dokodemo-door",
                               "settings": {"network": "tcp", "followRedirect": True},
                               "streamSettings": {"sockopt": {"tproxy": "tproxy"}}}],
                 "outbounds": [{"protocol": "shadowsocks", "settings": {
                     "servers": [dict(secret, address="192.0.2.2", port=8388)]}}]}
        for machine, config, port in (("exit", leave, 8388), ("entry", enter, 1080)):
            path = self.write(f"{machine}.json", json.dumps(config))
            # Debian's version 4 takes an option, version 5 a command.
            version = must(["v2ray", "version"]) if self.speaks_commands() else ""
            words = ["v2ray", "run", "-c", path] if version else ["v2ray", "-config", path]
            self.spawn(machine, words)
            self.await_port(machine, port)
        self.intercept(1080)

    @staticmethod
    def speaks_commands():
        return subprocess.run(["v2ray", "version"], capture_output=True, check=False).returncode == 0


HAPROXY_HEAD = """
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 20s
  timeout client 5m
  timeout server 5m
"""


class HaproxyChain(Lab):
    """Two hops; the first one tells the second with PROXY v2 who the client is."""
    target, accept, dial = "10.0.0.1", "accept-proxy", "send-proxy-v2"

    def begin(self):
        enter, leave = HAPROXY_HEAD, HAPROXY_HEAD
        for port in PORTS:
            enter += (f"listen p{port}\n  bind 10.0.0.1:{port}\n"
                      f"  server exit 192.0.2.2:{port} {self.dial}\n")
            leave += (f"listen p{port}\n  bind 192.0.2.2:{port} {self.accept}\n"
                      f"  server server {SERVER}:{port}\n")
        for machine, text in (("exit", leave), ("entry", enter)):
            self.spawn(machine, ["haproxy", "-db", "-f", self.write(f"{machine}.cfg", text)])
            self.await_port(machine, PORTS[1])


def make_certificate(lab):
    pem = f"{lab.folder}/both.pem"
    must(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
          "-nodes", "-subj", "/CN=exit", "-days", "2", "-keyout", f"{lab.folder}/key.pem", "-out",
          f"{lab.folder}/cert.pem"])
    with open(pem, "w", encoding="utf-8") as out:
        for part in ("cert.pem", "key.pem"):
            with open(f"{lab.folder}/{part}", encoding="utf-8") as piece:
                out.write(piece.read())
    return pem


class HaproxyTls(HaproxyChain):
    def begin(self):
        self.accept = f"ssl crt {make_certificate(self)} ssl-min-ver TLSv1.3 accept-proxy"
        self.dial = "ssl verify none ssl-min-ver TLSv1.3 send-proxy-v2"
        super().begin()


class HaproxyTransparent(Lab):
    """One hop, nothing encrypted: takes connections over and dials as the client."""

    def begin(self):
        text = HAPROXY_HEAD + """
listen all
  bind 0.0.0.0:1080 transparent
  source 0.0.0.0 usesrc clientip
  server server *
"""
        self.spawn("entry", ["haproxy", "-db", "-f", self.write("entry.cfg", text)])
        self.await_port("entry", 1080)
        self.intercept(1080)


class Stunnel(Lab):
    target = "10.0.0.1"

    def begin(self):
        head = "foreground = yes\npid =\ndebug = err\nsslVersionMin = TLSv1.3\n"
        nodelay = "socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n"
        enter, leave = head + nodelay, head + nodelay + f"cert = {make_certificate(self)}\n"
        for port in PORTS:
            enter += (f"[p{port}]\nclient = yes\naccept = 10.0.0.1:{port}\n"
                      f"connect = 192.0.2.2:{port}\n")
            leave += f"[p{port}]\naccept = 192.0.2.2:{port}\nconnect = {SERVER}:{port}\n"
        for machine, text in (("exit", leave), ("entry", enter)):
            self.spawn(machine, ["stunnel", self.write(f"{machine}.conf", text)])
            self.await_port(machine, PORTS[1])


VARIANTS = {"arctic": Arctic, "ss-libev": ShadowsocksLibev, "v2ray": V2ray,
            "haproxy-tls": HaproxyTls, "stunnel": Stunnel, "haproxy-plain": HaproxyChain,
            "haproxy-transparent": HaproxyTransparent, "routing": Lab}
ENCRYPTED = ("ss-libev", "v2ray", "haproxy-tls", "stunnel")
