"""Tempest and its peers, each between two machines of its own, for bench_tunnel.

a 192.0.2.1 - wan - 192.0.2.2 b; through the tunnel 10.9.0.1 and 10.9.0.2, MTU 1420 for all.
"""
import os
import subprocess
import time

from machines import Machines, must

INNER = {"a": "10.9.0.1", "b": "10.9.0.2"}
OUTER = {"a": "192.0.2.1", "b": "192.0.2.2"}
MTU = "1420"


class Road(Machines):
    """The machines; by itself the bare cable."""
    target = OUTER["b"]

    def __init__(self, name, options):
        super().__init__(name)
        self.traffic, self.options = options.traffic, options
        for machine in OUTER:
            self.make_machine(machine)
        self.cable("a", "wan", "192.0.2.1/24", "b", "wan", "192.0.2.2/24")
        self.begin()
        self.spawn("b", ["iperf3", "-s"], counted=False)
        self.spawn("b", [self.traffic, "udp-count", "5002"], counted=False)
        self.await_port("b", 5201)
        self.await_port("b", 5002, "u")
        self.await_true("an answer", lambda: self.run(
            "a", ["ping", "-q", "-c", "1", "-W", "1", self.target], 5).returncode == 0)

    def begin(self):
        """Starts the tunnel."""


class WireGuard(Road):
    """Any program that wg drives."""
    target = INNER["b"]

    def begin(self):
        keys = {each: must(["wg", "genkey"]).strip() for each in OUTER}
        points = {each: must(["wg", "pubkey"], input=keys[each]).strip() for each in OUTER}
        for own, other in (("a", "b"), ("b", "a")):
            # Both machines share a folder of sockets, so that names have to differ.
            device = self.device(own)
            self.spawn(own, [self.program(), "-f", device],
                       env=dict(os.environ, LOG_LEVEL="error",
                                WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD="1"))
            path = f"/var/run/wireguard/{device}.sock"
            self.await_true(path, lambda path=path: os.path.exists(path))
            must(self.at(own) + [
                "wg", "set", device, "private-key", self.write(f"{own}.key", keys[own]),
                "listen-port", "51820", "peer", points[other], "allowed-ips", f"{INNER[other]}/32",
                "endpoint", f"{OUTER[other]}:51820"])
            netns = self.netns(own)
            must(["ip", "-n", netns, "addr", "add", f"{INNER[own]}/24", "dev", device])
            must(["ip", "-n", netns, "link", "set", device, "mtu", MTU, "up"])

    def program(self):
        return "wireguard-go"

    def device(self, machine):
        return f"{self.name[:13]}-{machine}"

    def handshake_age(self, machine):
        words = must(self.at(machine) + ["wg", "show", self.device(machine), "latest-handshakes"])
        return time.time() - int(words.split()[1])


class NewerWireGuardGo(WireGuard):
    """The one of bookworm-backports, unpacked beside Debian's."""

    def program(self):
        return self.options.newer


class Tempest(WireGuard):
    def program(self):
        return self.options.tempest


class Nebula(Road):
    target = INNER["b"]

    def begin(self):
        must(["nebula-cert", "ca", "-name", "bench"], cwd=self.folder)
        for own, other in (("a", "b"), ("b", "a")):
            must(["nebula-cert", "sign", "-name", own, "-ip", f"{INNER[own]}/24"], cwd=self.folder)
            path = self.write(f"{own}.yml", f"""
pki: {{ca: {self.folder}/ca.crt, cert: {self.folder}/{own}.crt, key: {self.folder}/{own}.key}}
static_host_map: {{"{INNER[other]}": ["{OUTER[other]}:4242"]}}
lighthouse: {{am_lighthouse: false}}
listen: {{host: 0.0.0.0, port: 4242, read_buffer: 4194304, write_buffer: 4194304}}
tun: {{dev: neb, mtu: {MTU}, tx_queue: 2000}}
logging: {{level: error}}
firewall:
  outbound: [{{port: any, proto: any, host: any}}]
  inbound: [{{port: any, proto: any, host: any}}]
""")
            self.spawn(own, ["nebula", "-config", path])


def fetch_newer(folder):
    """wireguard-go of bookworm-backports: its path; None, with the reason, if it cannot be had."""
    lists, cache = f"{folder}/lists", f"{folder}/cache"
    for each in (f"{lists}/partial", f"{cache}/archives/partial"):
        os.makedirs(each, exist_ok=True)
    # From where this machine has its own packages.
    sites = must(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Codename: bookworm"])
    if not sites.strip():
        return None, "this machine's packages are not bookworm's"
    with open(f"{folder}/sources.list", "w", encoding="utf-8") as out:
        out.write(f"deb {sites.split()[0]} bookworm-backports main\n")
    options = ["-qq", "-o", f"Dir::Etc::SourceList={folder}/sources.list", "-o",
               "Dir::Etc::SourceParts=-", "-o", f"Dir::State::Lists={lists}", "-o",
               f"Dir::Cache={cache}"]
    for words in (["update"], ["download", "wireguard-go"]):
        done = subprocess.run(["apt-get"] + options + words, cwd=folder, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            return None, done.stderr.strip()[-300:]
    package = next(each for each in os.listdir(folder) if each.endswith(".deb"))
    must(["dpkg", "-x", f"{folder}/{package}", f"{folder}/unpacked"])
    return f"{folder}/unpacked/usr/bin/wireguard-go", ""


VARIANTS = {"tempest": Tempest, "wireguard-go": WireGuard, "wireguard-go-new": NewerWireGuardGo,
            "nebula": Nebula, "cable": Road}
