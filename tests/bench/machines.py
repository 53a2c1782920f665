"""Machines as network namespaces, and programs on them, for benches that compare."""
import os
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """Says what did not work; nothing can be measured then."""


def must(words, **more):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise Failure(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def inside(file, arguments):
    """Runs the bench in namespaces of its own, of which nothing is left at the end, and gives its
    exit code; None to who is in them already."""
    if os.environ.get("ARCTIC_BENCH_INSIDE") != "1":
        return subprocess.call(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
             "python3", os.path.realpath(file)] + arguments,
            env=dict(os.environ, ARCTIC_BENCH_INSIDE="1"))
    must(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    os.makedirs("/run/netns")
    return None


class Machines:
    """Those of one variant: its namespaces carry its name, and its programs are counted."""

    def __init__(self, name):
        self.name = name
        self.processes = []
        self.folder = f"/run/{name}"
        os.makedirs(self.folder)

    def netns(self, machine):
        return f"{self.name}-{machine}"

    def at(self, machine):
        return ["nsenter", f"--net=/run/netns/{self.netns(machine)}"]

    def make_machine(self, machine):
        must(["ip", "netns", "add", self.netns(machine)])
        must(["ip", "-n", self.netns(machine), "link", "set", "lo", "up"])

    def cable(self, a, link_a, address_a, b, link_b, address_b):
        a, b = self.netns(a), self.netns(b)
        must(["ip", "link", "add", link_a, "netns", a, "type", "veth", "peer", "name", link_b,
              "netns", b])
        for netns, link, address in ((a, link_a, address_a), (b, link_b, address_b)):
            must(["ip", "-n", netns, "link", "set", link, "up"])
            must(["ip", "-n", netns, "addr", "add", address, "dev", link])

    # ---- Programs ----

    def run(self, machine, words, seconds):
        return subprocess.run(self.at(machine) + words, capture_output=True, text=True,
                              timeout=seconds, check=False)

    def spawn(self, machine, words, counted=True, **more):
        with open(f"{self.folder}/{machine}-{os.path.basename(words[0])}.log", "w",
                  encoding="utf-8") as log:
            process = subprocess.Popen(self.at(machine) + words, stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL, cwd=self.folder, **more)
        if counted:
            self.processes.append(process)

    def begin_program(self, machine, words):
        """What it prints is the caller's to read."""
        return subprocess.Popen(self.at(machine) + words, stdout=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True)

    def await_true(self, what, condition):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.05)
        raise Failure(f"{self.name}: waited in vain for {what}: {self.logs()}")

    def await_port(self, machine, port, kind="t"):
        self.await_true(f"port {port} of {machine}", lambda: must(
            self.at(machine) + ["ss", f"-l{kind}nH", f"sport = :{port}"]).strip())

    def logs(self):
        out = ""
        for each in sorted(os.listdir(self.folder)):
            if each.endswith(".log"):
                with open(f"{self.folder}/{each}", encoding="utf-8") as log:
                    out += log.read()[-500:]
        return out

    def has_processes(self):
        return bool(self.processes)

    def cpu_seconds(self):
        ticks = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def peak_mib(self):
        """The most memory that its programs had at one time, each by itself, together."""
        return sum(self.memory_kib("VmHWM")) / 1024

    def memory_kib(self, which="VmRSS"):
        """Of each of its programs, in the order in which they were begun."""
        out = []
        for process in self.processes:
            with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
                out.append(next(int(line.split()[1]) for line in status if line.startswith(which)))
        return out

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        return f"{self.folder}/{name}"
