"""What an exit can say in a connection that it should not, and what must come of it: tables.

Used by hostile_exit.py alone. After each fault the client gets a reset and none of the bytes of
anybody else, the entry ends the tunnel connection, and the next client has another.
"""
import contextlib
import os
import queue
import socket
import struct
import threading
import time

from hostile_exit_parts import (ENDS, Exit, abort, connect, echo, eventually, exchange, outcome,
                                says, wire)

SEEN = b"seen before that"
O, D, F = (wire.OPENED, b""), (wire.DATA, SEEN), (wire.FIN, b"")
LENGTH, FORGED = "a record of a wrong length", "a record that is not authentic"
REKEY = "a change of keys out of turn"
CLOSED = ("end", "reset")


def say(link, *frames):
    """In one segment."""
    link.stream.sendall(b"".join(link.sealed(kind, body) for kind, body in frames))


def frames(*them):
    return lambda link: say(link, *them)


def ending(*them):
    """After which it is for the exit to close."""
    def script(link):
        say(link, *them)
        link.stream.shutdown(socket.SHUT_WR)
    return script


def raw(make):
    """OPENED, a good record, and something that is none."""
    def script(link):
        head = link.sealed(*O) + link.sealed(*D)
        link.stream.sendall(head + make(link))
    return script


def flipped(at):
    def make(link):
        record = bytearray(link.sealed(wire.DATA, b"forged"))
        record[at] ^= 1
        return bytes(record)
    return make


def twice(link):
    record = link.sealed(wire.DATA, b"once")
    return record + record


def left_out(link):
    link.sealed(wire.DATA, b"left out")
    return link.sealed(wire.DATA, b"behind it")


def swapped(link):
    first, second = link.sealed(wire.DATA, b"first"), link.sealed(wire.DATA, b"second")
    return second + first


def reflected(link):
    link.expect(wire.DATA)
    return link.heard[-1]


def faults():
    """(what, the reason that is logged, the script)"""
    yield "DATA before OPENED", "DATA before OPENED", frames(D)
    yield "FIN before OPENED", "FIN before OPENED", frames(F)
    yield "OPENED twice", "OPENED out of turn", frames(O, O)
    yield "OPENED after DATA", "OPENED out of turn", frames(O, D, O)
    yield "REFUSED after OPENED", "REFUSED out of turn", frames(O, (wire.REFUSED, b"\1\0\0"))
    yield "FIN twice", "a second FIN", frames(O, D, F, F)
    yield "DATA after FIN", "DATA after FIN", frames(O, D, F, D)
    yield "OPEN", "OPEN inside of a connection", frames(O, (wire.OPEN, bytes(14)))
    yield "OPEN before OPENED", "OPEN inside of a connection", frames((wire.OPEN, bytes(14)))
    yield "REKEY unasked", REKEY, frames(O, (wire.REKEY, os.urandom(32)))
    yield "REKEY of low order", REKEY, frames((wire.REKEY, bytes(32)))
    yield "SWITCH", REKEY, frames(O, (wire.SWITCH, b""))
    for reason in (0, 5, 255):
        yield (f"REFUSED for reason {reason}", "REFUSED for no known reason",
               frames((wire.REFUSED, bytes([reason, 0, 111]))))
    for kind in (0, 11, 127, 255):
        yield f"frame {kind}", FORGED, frames(O, (kind, b"12345678"))
    for what, kind, size in (
            ("OPENED", wire.OPENED, 1), ("REFUSED", wire.REFUSED, 2), ("REFUSED", wire.REFUSED, 4),
            ("DATA", wire.DATA, 0), ("FIN", wire.FIN, 1), ("RESET", wire.RESET, 1),
            ("PING", wire.PING, 7), ("PING", wire.PING, 9), ("PONG", wire.PONG, 0),
            ("REKEY", wire.REKEY, 31), ("SWITCH", wire.SWITCH, 32), ("OPEN", wire.OPEN, 13)):
        head = () if kind in (wire.OPENED, wire.REFUSED) else (O,)
        yield f"{what} of {size} bytes", FORGED, frames(*head, (kind, b"a" * size))
    for at in (2, 3, 8, -1):
        yield f"a bit changed at {at}", FORGED, raw(flipped(at))
    for make in (twice, left_out, swapped, reflected):
        yield f"a record {make.__name__}".replace("_", " "), FORGED, raw(make)
    for size in range(17):
        yield f"length {size}", LENGTH, raw(lambda _, size=size: struct.pack(">H", size))


def fin_of_client(link):
    while link.receive()[0] != wire.FIN:
        pass


def ends():
    """(what, what goes before it)"""
    yield "before OPENED", lambda link: None
    yield "after OPENED", frames(O)
    yield "in mid-stream", frames(O, D)
    yield "within a length", raw(lambda link: b"\0")
    yield "within a record", raw(lambda link: link.sealed(wire.DATA, bytes(1000))[:-1])

    def after_fin(link):
        fin_of_client(link)
        say(link, O, D)
    yield "after the client's FIN", after_fin


def tcp_end(link):
    link.stream.shutdown(socket.SHUT_WR)


class Frames:
    def __init__(self, exit, entry):
        self.exit, self.entry = exit, entry

    def under(self, script, only=None):
        """From now on links are treated so; `only` one, if it is given."""
        self.begun, self.fates = threading.Event(), queue.Queue()
        begun, fates = self.begun, self.fates

        def run(link):
            if only and link is not only:
                link.send(*O)
                return echo(link)
            begun.set()
            try:
                script(link)
            finally:
                fates.put((link, link.fate()))
            raise EOFError
        self.exit.script = run

    @contextlib.contextmanager
    def alone(self, link):
        """Meanwhile the entry has this link and no other."""
        over = threading.Event()

        def later(exit, stream):
            over.wait(4)
            exit.well(stream)
        self.exit.manner = later
        for stream in list(self.exit.streams):
            if stream is not link.stream:
                abort(stream)
        try:
            yield
        finally:
            self.exit.manner = Exit.well
            over.set()

    def next_client(self, what, link, script, six):
        """On a link that has carried another: a reset, and nothing from before."""
        with self.alone(link):
            self.under(script, only=link)
            for _ in range(8):
                how, heard = says(self.exit, b"hello", six)
                # Those that were cut just now may be the entry's first.
                if how == "reset" and self.begun.wait(0.5):
                    break
            assert how == "reset", f"{what}: the client sees {how} after {heard!r}"
            assert SEEN.startswith(heard), f"{what}: the client gets {heard!r}"
        used, (fate, _) = self.fates.get(timeout=10)
        assert used is link
        return fate

    def talk(self, what, six, fin=False):
        """One client while the script runs; what came of the link."""
        how, heard = says(self.exit, b"hello", six, fin, 10)
        assert how == "reset", f"{what}: the client sees {how} after {heard!r}"
        assert SEEN.startswith(heard), f"{what}: the client gets {heard!r}"
        return self.fates.get(timeout=10)[1]

    def fault(self, what, script, six):
        self.under(script)
        fate, _ = self.talk(what, six)
        assert fate in CLOSED, f"{what}: the entry leaves the tunnel connection {fate}"

    def said(self, reason):
        return len([line for line in self.entry.lines(" tunnel connection closed ")
                    if f"peer={self.exit.name} " in line and reason in line])

    def goes_on(self, six=False):
        self.exit.script = None
        assert exchange(self.exit, six), "the next client does not get through"
        assert not self.exit.complaints, self.exit.complaints

    # ---- The attacks ----

    def reasons(self):
        """each kind of fault, and its reason in the log"""
        known, begun = set(), time.monotonic()
        for what, reason, script in faults():
            if reason in known:
                continue
            if len(known) % 9 == 8:  # the log says a fact ten times in ten seconds
                time.sleep(max(0.0, begun + 10.2 - time.monotonic()))
                begun = time.monotonic()
            known.add(reason)
            before = self.said(reason)
            self.fault(what, script, len(known) % 2 == 1)
            assert eventually(lambda: self.said(reason) == before + 1, 3), \
                f"{what}: the log does not say: {reason}"
        self.goes_on()

    def all_faults(self):
        """every fault, of IPv4 and IPv6"""
        for number, (what, _, script) in enumerate(faults()):
            self.fault(what, script, number % 2 == 0)
        self.goes_on()

    def cuts(self):
        """the tunnel connection ends or is reset at every point: a reset, never an end of file"""
        for six in (False, True):
            for what, before in ends():
                for how in (tcp_end, lambda link: abort(link.stream)):
                    def script(link, before=before, how=how):
                        before(link)
                        how(link)
                    self.under(script)
                    fate, _ = self.talk(f"cut {what}", six, fin="client" in what)
                    assert fate in CLOSED, f"cut {what}: {fate}"
            self.goes_on(six)

    def cut_half_closed(self):
        """cut after the exit's FIN: the client, who still sends, learns of it"""
        for how in (tcp_end, lambda link: abort(link.stream)):
            def script(link, how=how):
                say(link, O, D, F)
                link.expect(wire.DATA)
                time.sleep(0.1)
                how(link)
            self.under(script)
            stream = connect(self.exit)
            stream.sendall(b"hello")
            assert outcome(stream, 10) == ("end", SEEN)
            try:
                assert eventually(lambda: stream.send(b"more") == 0, 5), "it may send for ever"
            except ENDS:
                pass
            stream.close()
            self.fates.get(timeout=10)
        self.goes_on()

    def refused(self):
        """REFUSED and RESET, for every reason and errno: reset and counted"""
        count = self.entry.refused(self.exit.name)
        cases = [(reason, error) for reason in (1, 2, 3, 4) for error in (0, 111, 4095, 65535)]
        for number, (reason, error) in enumerate(cases):
            self.under(ending((wire.REFUSED, struct.pack(">BH", reason, error))))
            self.talk(f"REFUSED {reason} {error}", number % 2 == 0)
        assert self.entry.refused(self.exit.name) == count + len(cases), "not all are counted"
        assert any(f"service={self.exit.name} " in line for line in
                   self.entry.lines("refused by the exit")), "nothing in the log"
        for head in ((), (O,), (O, D)):
            for six in (False, True):
                self.under(ending(*head, (wire.RESET, b"")))
                self.talk("RESET", six)
        assert self.entry.refused(self.exit.name) == count + len(cases), "RESET is no refusal"
        self.goes_on()

    def harmless(self):
        """PING and PONG, unasked, at any point of a connection"""
        for frame in ((wire.PING, bytes(8)), (wire.PONG, bytes(8))):
            def script(link, frame=frame):
                say(link, frame, O, frame, *[frame] * 100)
                echo(link)
                say(link, frame)
            self.exit.script = script
            assert exchange(self.exit), frame
            assert exchange(self.exit, True), frame
        self.goes_on()

    def unanswered(self):
        """OPEN is not answered: the client waits, and its end is passed on"""
        self.under(lambda link: None)
        stream = connect(self.exit)
        assert outcome(stream, 2) == ("waits", b"")
        abort(stream)
        stream.close()
        fate, kinds = self.fates.get(timeout=10)[1]
        assert fate == "told", f"{fate} after {kinds}"
        self.goes_on()

    def half_closed(self):
        """FIN early, while the client goes on; the link carries the next client, too"""
        text, got = os.urandom(1_000_000), queue.Queue()

        def script(link):
            say(link, O, D, F)
            heard = b""
            while True:
                kind, body = link.receive()
                heard += body
                if kind == wire.FIN:
                    break
            got.put((heard == text, link))
        for six in (False, True):
            self.exit.script = script
            stream = connect(self.exit, six)
            assert outcome(stream, 10) == ("end", SEEN)
            stream.sendall(text)
            stream.close()
            same, link = got.get(timeout=20)
            assert same, "not all bytes arrived"
            uses, self.exit.script = link.uses, None
            with self.alone(link):
                assert eventually(lambda: exchange(self.exit, six) and link.uses > uses, 5)
            self.goes_on(six)

    def used_link(self, extra=()):
        """One that has carried a client, and is the entry's next."""
        done = queue.Queue()

        def script(link):
            link.send(*O)
            text = b""
            while True:
                kind, body = link.receive()
                if kind == wire.FIN:
                    break
                text += body
            say(link, (wire.DATA, text), F, *extra)
            done.put(link)
        self.exit.script = script
        assert exchange(self.exit)
        return done.get(timeout=10)

    def strays(self):
        """anything after FIN: the link ends at once, and no client gets it"""
        for extra in [[(wire.DATA, b"stray")], [(wire.DATA, b"stray"), F], [F], [(wire.RESET, b"")],
                      [(wire.REFUSED, b"\1\0\0")], [(wire.OPEN, bytes(14))], [(wire.SWITCH, b"")],
                      [(wire.PING, bytes(8))], [(wire.PONG, bytes(8))]]:
            link = self.used_link(extra)
            assert eventually(lambda: link.stream not in self.exit.streams, 3), f"{extra}: it stays"
            self.goes_on()

    def wrong_when_used(self):
        """every fault on a link that has carried another client"""
        # These clients end first: what comes after the exit's FIN is nobody's, see strays().
        table = [(what, script) for what, _, script in faults()
                 if not what.startswith("length") and what not in ("FIN twice", "DATA after FIN")]
        table += [(f"an end {what}", lambda link, before=before: (before(link), tcp_end(link)))
                  for what, before in ends() if "client" not in what]
        for number, (what, script) in enumerate(table):
            fate = self.next_client(what, self.used_link(), script, number % 2 == 1)
            assert fate in CLOSED, f"{what}: {fate}"
        self.goes_on()
