#!/usr/bin/env python3
"""Exits that attack their entry, a running pegasus, while clients come to it.

usage: hostile_exit.py config ENTRY_PUBLIC_KEY     makes arctic.yaml, exits.json and addresses
       hostile_exit.py run PID [ATTACK…]           (both for hostile_exit_test.sh, in its folder)
Ends with 0 if every attack came to what the design says: clients are reset, or wait within bounds,
the entry neither grows nor spins nor dials without end, and good clients get through afterwards.
"""
import base64
import contextlib
import hashlib
import json
import os
import queue
import sys
import threading
import time

from hostile_exit_frames import Frames
from hostile_exit_greetings import GREETINGS, greet_all
from hostile_exit_parts import (ENDS, Entry, Exit, InvalidTag, X25519PrivateKey, abort, connect,
                                enter, eventually, exchange, outcome, wire)

OTHERS = ["frames", "pace", "bulk", "mute"]
MIB = 1 << 20
MOST_GROWTH = 16 * MIB  # of memory; buffers are 256 KiB each way
MOST_AHEAD = 40 * MIB  # of what is sent and not read: the kernels' buffers on the way


# ---- What is configured ----


def configure(entry_key):
    plan, peers, services, addresses = {}, [], [], []
    for number, name in enumerate([*GREETINGS, *OTHERS], 1):
        key = X25519PrivateKey.generate()
        four, six = f"192.0.2.{10 + number}", f"2001:db8::1:{number}"
        plan[name] = {"number": number, "address": six if number % 2 else four,
                      "key": base64.b64encode(key.private_bytes_raw()).decode()}
        public = base64.b64encode(wire.point_of(key)).decode()
        peers.append(f'  - {{name: {name}, address: "{plan[name]["address"]}", public_key: "{public}"}}')
        services.append(f"""  - name: {name}
    source_peer: entry
    target_peer: {name}
    transport_type: tcp
    routes:
      - {{priority: 100, dest_cidr: "192.168.{number}.0/24"}}
      - {{priority: 100, dest_cidr: "fd99:0:0:{number}::/64"}}""")
        addresses.append(f"{four} {six}")
    with open("arctic.yaml", "w") as file:
        file.write("\n".join([
            "version: v1", "peers:",
            f'  - {{name: entry, address: 192.0.2.1, public_key: "{entry_key}", parent_interface: lan}}',
            *peers, "services:", *services, ""]))
    with open("exits.json", "w") as file:
        json.dump(plan, file)
    with open("addresses", "w") as file:
        file.write("\n".join([*addresses, ""]))


def exits_of():
    with open("exits.json") as file:
        plan = json.load(file)
    with open("entry/opt/tillered/pegasus/config.json") as file:
        config = json.load(file)
    ids = {tunnel["service"]: tunnel["id"] for tunnel in config["tunnels"]}
    entry = base64.b64decode(config["public_key"])
    return {name: Exit(name, {**each, "id": ids[name]}, entry) for name, each in plan.items()}


# ---- How fast, and how much ----


class ByteByByte:
    """A stream that sends each byte in a segment of its own."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def sendall(self, data):
        for at in range(len(data)):
            self.stream.sendall(data[at:at + 1])


class Amounts:
    def __init__(self, exits, entry):
        self.slow, self.exit, self.entry = exits["pace"], exits["bulk"], entry

    def byte_by_byte(self):
        """an exit that says everything a byte at a time is slow, and no more"""
        self.slow.manner = lambda exit, stream: Exit.well(exit, ByteByByte(stream))
        for stream in list(self.slow.streams):
            abort(stream)
        text = os.urandom(4 * 16384)

        def whole_records(link):
            link.send(wire.OPENED)
            for at in range(0, len(text), 16384):
                link.send(wire.DATA, text[at:at + 16384])
            link.send(wire.FIN)
            while link.receive()[0] != wire.FIN:
                pass
        for six in (False, True):
            assert eventually(lambda: exchange(self.slow, six), 20)
        self.slow.script = whole_records
        stream = connect(self.slow)
        stream.shutdown(1)
        assert outcome(stream) == ("end", text)
        assert not self.slow.complaints, self.slow.complaints

    def stalls(self, moved, memory):
        """Waits until nothing moves any more; the entry then has work and memory for no more."""
        seen = -1
        while seen != moved():
            seen = moved()
            time.sleep(0.7)
        assert eventually(lambda: self.entry.work_in_a_second() < 0.1, 5), "it spins"
        assert seen == moved(), "it moves on"
        assert 0 < seen < MOST_AHEAD, f"{seen} bytes were taken"
        grown = self.entry.rss() - memory
        assert grown < MOST_GROWTH, f"it has grown by {grown} bytes"

    def upload_stops(self):
        """an exit that stops reading: the client waits, and then all bytes arrive"""
        for six in (False, True):
            go_on, result, sent = threading.Event(), queue.Queue(), [0]

            def script(link):
                link.send(wire.OPENED)
                go_on.wait(60)
                link.heard = Forgets()
                digest = hashlib.sha256()
                while True:
                    kind, body = link.receive()
                    if kind == wire.FIN:
                        break
                    digest.update(body)
                link.send(wire.FIN)
                result.put(digest.digest())
            self.exit.script, memory = script, self.entry.rss()
            stream, piece, count = connect(self.exit, six), os.urandom(MIB), 48

            def upload():
                left = memoryview(piece * count)
                while left:
                    done = stream.send(left)
                    sent[0] += done
                    left = left[done:]
            stream.settimeout(60)
            thread = threading.Thread(target=upload, daemon=True)
            thread.start()
            self.stalls(lambda: sent[0], memory)
            go_on.set()
            thread.join(60)
            stream.shutdown(1)
            assert result.get(timeout=60) == hashlib.sha256(piece * count).digest(), "other bytes"
            assert outcome(stream) == ("end", b"")
            self.after()

    def download_stops(self):
        """an exit that sends without end to a client that does not read"""
        for six in (False, True):
            sent, piece, count = [0], os.urandom(16384), 48 * 64

            def script(link):
                link.send(wire.OPENED)
                link.said = Forgets()
                for _ in range(count):
                    link.send(wire.DATA, piece)
                    sent[0] += len(piece)
                link.send(wire.FIN)
                while link.receive()[0] != wire.FIN:
                    pass
            self.exit.script, memory = script, self.entry.rss()
            stream = connect(self.exit, six)
            self.stalls(lambda: sent[0], memory)
            digest = hashlib.sha256()
            while more := stream.recv(MIB):
                digest.update(more)
            stream.close()
            assert digest.digest() == hashlib.sha256(piece * count).digest(), "other bytes"
            self.after()

    def asks_and_does_not_read(self):
        """PING without end, and no PONG is read: in a connection, and where there is none"""
        for idle in (False, True):
            sent, done = [0], queue.Queue()

            def flood(link):
                link.said = Forgets()
                pings = b"".join(link.sealed(wire.PING, bytes(8)) for _ in range(1_500_000))
                done.put("begun")
                link.stream.settimeout(2)
                try:
                    while pings:
                        taken = link.stream.send(pings[:65536])
                        sent[0] += taken
                        pings = pings[taken:]
                    done.put("all")
                except TimeoutError:
                    done.put("stuck")
                except ENDS:
                    done.put("ended")

            def script(link):
                link.send(wire.OPENED)
                if not idle:
                    return flood(link)
                while link.receive()[0] != wire.FIN:
                    pass
                link.send(wire.FIN)
                self.exit.script = None
                flood(link)
            self.exit.script, memory = script, self.entry.rss()
            stream = connect(self.exit)
            if idle:
                stream.shutdown(1)
                assert outcome(stream) == ("end", b"")
                assert done.get(timeout=30) == "begun"
            else:
                how, heard = outcome(stream)
                assert (how, heard) == ("reset", b""), how
                assert done.get(timeout=30) == "begun"
            assert done.get(timeout=30) == "ended"
            grown = self.entry.rss() - memory
            assert sent[0] < MOST_AHEAD, f"{sent[0]} bytes of PING were taken"
            assert grown < MOST_GROWTH, f"it has grown by {grown} bytes"
            assert eventually(lambda: self.entry.work_in_a_second() < 0.1, 5), "it spins"
            self.exit.script = None
            for stream in list(self.exit.streams):
                abort(stream)
            assert eventually(lambda: exchange(self.exit), 10)

    def after(self):
        self.exit.script = None
        assert exchange(self.exit)
        assert not self.exit.complaints, self.exit.complaints


def never_answers(exit):
    """an exit that chatters and never answers OPEN: in the end the client is reset"""
    def chatter(link):
        while True:
            link.send(wire.PING, bytes(8))
            time.sleep(1)
    exit.script = chatter
    begun = time.monotonic()
    assert outcome(connect(exit), 60) == ("reset", b"")
    took = time.monotonic() - begun
    assert 35 < took < 50, f"after {took:.1f} s"
    exit.script = None
    assert exchange(exit)


class Forgets(list):
    def append(self, _):
        pass


# ---- All of it ----


class Run:
    def __init__(self, pid, names):
        self.names, self.failures = names, 0
        self.most_grown = int(os.environ["ARCTIC_HOSTILE_GROWTH"]) * MIB
        self.entry = Entry(pid, "entry", "entry.log")
        self.descriptors = min(self.watch_descriptors() for _ in range(20))
        self.exits = exits_of()
        for name, each in self.exits.items():
            if name in GREETINGS and (not names or name in names):
                each.manner = GREETINGS[name].manner
            each.listen()
        enter("client")
        self.memory = self.entry.rss()

    def watch_descriptors(self):
        time.sleep(0.01)
        return self.entry.descriptors()

    @contextlib.contextmanager
    def says(self, what):
        notes, begun = [], time.monotonic()
        try:
            yield lambda *note: notes.extend(note)
            assert self.entry.alive(), "pegasus ended"
            took = time.monotonic() - begun
            print(f"ok    {what} ({took:.1f} s{''.join(f', {each}' for each in notes)})", flush=True)
        except (AssertionError, OSError, EOFError, InvalidTag, queue.Empty, KeyError) as error:
            self.failures += 1
            trace, lines = error.__traceback__, []
            while trace := trace.tb_next:
                lines.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
            print(f"FAIL  {what}: {error!r} ({' '.join(lines)})", flush=True)

    def each_of(self, owner, names):
        for name in names:
            if not self.names or name in self.names:
                attack = getattr(owner, name)
                with self.says(attack.__doc__):
                    attack()

    def all(self):
        wanted = {name: each for name, each in self.exits.items()
                  if not self.names or name in self.names}
        threads = greet_all(wanted, self.entry, self.says)
        if not self.names or "mute" in self.names:
            threads.append(threading.Thread(target=self.mute))
            threads[-1].start()
        frames = Frames(self.exits["frames"], self.entry)
        self.each_of(frames, ["reasons", "all_faults", "cuts", "cut_half_closed", "refused",
                              "harmless", "unanswered", "half_closed", "strays", "wrong_when_used"])
        for thread in threads:
            thread.join()
        self.each_of(Amounts(self.exits, self.entry), [
            "byte_by_byte", "upload_stops", "download_stops", "asks_and_does_not_read"])
        with self.says("nothing is left: no work, no descriptor, no memory") as note:
            note(*self.nothing_left())

    def mute(self):
        with self.says(never_answers.__doc__):
            never_answers(self.exits["mute"])

    def nothing_left(self):
        work = self.entry.work_in_a_second()
        assert work < 0.2, f"{work} s of work in an idle second"
        for each in self.exits.values():
            each.close()
        assert eventually(lambda: self.entry.descriptors() <= self.descriptors, 12), \
            f"{self.entry.descriptors()} descriptors, {self.descriptors} at the start"
        grown = self.entry.rss() - self.memory
        assert grown < self.most_grown, f"{grown} bytes more than at the start"
        return f"{work:.2f} s of work", f"{grown / MIB:.0f} MiB more"


def main():
    if sys.argv[1] == "config":
        return configure(sys.argv[2])
    run = Run(int(sys.argv[2]), sys.argv[3:])
    run.all()
    sys.exit(1 if run.failures else 0)


if __name__ == "__main__":
    main()
