"""What the attacks of an exit are made of: the wire's other end, exits of any manners, clients of
the entry, and what is seen of its process.

Used by hostile_exit.py alone; speaks the wire with wire_client.py and hostile_parts.py.
"""
import base64
import ctypes
import errno
import json
import os
import re
import socket
import threading
import time

from hostile_parts import ENDS, InvalidTag, Process, Recorded, X25519PrivateKey, eventually, wire

PATIENCE = 30  # seconds that anything awaited may take
PORT = 61000
LIBC = ctypes.CDLL(None, use_errno=True)
INIT, RESP, HELLO, ACCEPT = 1, 2, 3, 4


class Answer(wire.Handshake):
    """The responder of the same handshake."""

    def __init__(self, own, public=None):
        super().__init__(own, public or wire.point_of(own))

    def take_first(self, message, known=None):
        """Who does not have the key that INIT is for can but go on from the `known` sender's."""
        self.theirs = message[:32]
        self.mix(self.theirs)
        self.key(wire.shared(self.own, self.theirs))
        self.static = known or self.opened(message[32:80])
        if known:
            self.mix(message[32:80])
        self.key(wire.shared(self.own, self.static))
        if known:
            self.mix(message[80:])
        else:
            assert self.opened(message[80:]) == b""

    def opened(self, sealed):
        text = wire.ChaCha20Poly1305(self.k).decrypt(wire.nonce(0), sealed, self.h)
        self.mix(sealed)
        return text

    def second_message(self):
        point = wire.point_of(self.e)
        self.mix(point)
        self.key(wire.shared(self.e, self.theirs))
        self.key(wire.shared(self.e, self.static))
        return point + self.seal(b"")


class Link(Recorded):
    """A tunnel connection, as the exit has it."""

    def __init__(self, stream, secret, transcript, first, answer):
        super().__init__(stream, secret, transcript, answer, first)
        self.to, self.back, self.uses = self.back, self.to, 0

    def fate(self, patience=3):
        """(how the other end ends it: reset, end, told by a RESET frame, or open; the frames)"""
        kinds = []
        self.stream.settimeout(patience)
        try:
            while True:
                kinds.append(self.receive()[0])
                if kinds[-1] == wire.RESET:
                    return "told", kinds
        except TimeoutError:
            return "open", kinds
        except EOFError:
            return "end", kinds
        except OSError:
            return "reset", kinds


class Exit:
    """A peer of the entry. `manner`, a function of (exit, stream), gets each tunnel connection.

    The well-behaved one hands each OPEN to `script`, a function of (link), while there is one, and
    echoes else.
    """

    def __init__(self, name, plan, entry):
        self.name, self.number, self.entry = name, plan["number"], entry
        self.own = X25519PrivateKey.from_private_bytes(base64.b64decode(plan["key"]))
        self.public = wire.point_of(self.own)
        self.address, self.service = plan["address"], plan["id"]
        self.manner, self.script = Exit.well, None
        self.dials, self.sessions, self.streams = [], {}, set()
        self.inits = self.hellos = 0
        self.complaints = []
        self.attacks, self.attacked, self.kept = 0, set(), None

    def listen(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.listener = socket.create_server((self.address, PORT), family=family, backlog=64)
        self.begun = time.monotonic()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.dials.append(time.monotonic())
            stream.settimeout(4 * PATIENCE)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.streams.add(stream)
            threading.Thread(target=self.run, args=(stream,), daemon=True).start()

    def run(self, stream):
        try:
            self.manner(self, stream)
        except (*ENDS, OSError, ValueError):
            pass
        except Exception as error:  # the entry's fault, or the test's
            self.complaints.append(f"{self.name}: {error!r}")
        stream.close()
        self.streams.discard(stream)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for stream in list(self.streams):
            abort(stream)

    # ---- The beginning ----

    def hear(self, stream):
        """INIT or HELLO, which must be right."""
        head = wire.exactly(stream, 1)
        if head[0] == INIT:
            self.inits += 1
            first = head + wire.exactly(stream, 112)
            assert first == wire.with_mac1(first[:97], self.public), "mac1"
        else:
            assert head[0] == HELLO, f"it began with {head!r}"
            self.hellos += 1
            first = head + wire.exactly(stream, 64)
            assert first[1:17] in self.sessions, "HELLO of a session that was never confirmed"
            assert first[49:] == wire.hmac(self.sessions[first[1:17]], b"hello" + first[:49])[:16]
        return first

    def answer(self, first):
        """RESP or ACCEPT, and what a link is made of."""
        if first[0] == INIT:
            handshake = Answer(self.own)
            handshake.take_first(first[1:97])
            assert handshake.static == self.entry, "INIT of somebody else"
            resp = bytes([RESP]) + handshake.second_message()
            secret = wire.hmac(handshake.ck, b"session" + handshake.h)
            self.sessions[wire.hmac(secret, b"id")[:16]] = secret
            return resp, secret, handshake.h
        secret = self.sessions[first[1:17]]
        accept = bytes([ACCEPT]) + os.urandom(32)
        accept += wire.hmac(secret, b"accept" + first + accept)[:16]
        return accept, secret, wire.hash_of(first + accept)

    def greet(self, stream, first=None, confirm=True):
        first = first or self.hear(stream)
        answer, secret, transcript = self.answer(first)
        stream.sendall(answer)
        link = Link(stream, secret, transcript, first, answer)
        if confirm:
            link.send(wire.PONG, link.expect(wire.PING))
        return link

    # ---- What it goes on with ----

    def well(self, stream):
        self.serve(self.greet(stream))

    def serve(self, link):
        while True:
            kind, body = link.receive()
            if kind == wire.PING:
                link.send(wire.PONG, body)
            if kind in (wire.PING, wire.PONG):
                continue
            assert kind == wire.OPEN, f"frame {kind} outside of a connection"
            assert body[-len(self.service):] == self.service.encode(), body
            script, link.uses = self.script, link.uses + 1
            if script:
                script(link)
            else:
                link.send(wire.OPENED)
                echo(link)


def echo(link):
    """Until FIN, which is given back, too."""
    while True:
        kind, body = link.receive()
        if kind == wire.PING:
            link.send(wire.PONG, body)
        elif kind == wire.RESET:
            raise EOFError
        elif kind != wire.PONG:
            assert kind in (wire.DATA, wire.FIN), f"frame {kind} in a connection"
            link.send(kind, body)
            if kind == wire.FIN:
                return


def abort(stream):
    """With a reset. Any thread may; it is closed by whoever has it, and may wait for it just now."""
    unspecified = bytes(16)
    LIBC.connect(stream.fileno(), unspecified, len(unspecified))


# ---- The entry's clients ----


def connect(exit, six=False, port=7):
    where = f"fd99:0:0:{exit.number}::2" if six else f"192.168.{exit.number}.2"
    stream = socket.create_connection((where, port), PATIENCE)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def outcome(stream, patience=PATIENCE):
    """(reset, end or waits; what came before)"""
    heard = b""
    stream.settimeout(patience)
    try:
        while more := stream.recv(65536):
            heard += more
        return "end", heard
    except TimeoutError:
        return "waits", heard
    except ConnectionResetError:
        return "reset", heard


def says(exit, text, six=False, fin=True, patience=PATIENCE):
    """What comes of a client that says this. The kernel tells of a reset once, to whoever asks."""
    try:
        with connect(exit, six) as stream:
            stream.sendall(text)
            if fin:
                stream.shutdown(socket.SHUT_WR)
            return outcome(stream, patience)
    except OSError as error:
        if error.errno not in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN):
            raise
        return "reset", b""


def exchange(exit, six=False, text=None):
    """A good connection: what is said comes back, and both ends end."""
    text = text or os.urandom(2000)
    return says(exit, text, six) == ("end", text)


def enter(machine):
    """From now on this thread, and those that it starts, make sockets at that machine."""
    with open(f"/run/netns/{machine}") as namespace:
        if LIBC.setns(namespace.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")


# ---- The entry ----


class Entry(Process):
    def __init__(self, pid, folder, log):
        super().__init__(pid)
        self.log = log
        self.control, self.asking = f"{folder}/run/arctic/pegasus.sock", threading.Lock()

    def status(self):
        # One asks at a time: there is little room for those that wait.
        with self.asking, socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE)
            control.connect(self.control)
            control.sendall(b'{"id":1,"method":"status","params":{}}\n')
            with control.makefile() as answer:
                return json.loads(answer.readline())["result"]

    def peer(self, name):
        return next(each for each in self.status()["peers"] if each["name"] == name)

    def refused(self, name):
        services = self.status()["services"]
        return next(each for each in services if each["service"] == name)["connections"]["refused"]

    def lines(self, fact):
        with open(self.log) as file:
            return [line for line in file if fact in line]

    def rss(self):
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(r"VmRSS:\s*(\d+) kB", file.read())[1]) * 1024

    def work_in_a_second(self):
        before = self.cpu_seconds()
        time.sleep(1)
        return self.cpu_seconds() - before


__all__ = ["ACCEPT", "Answer", "ENDS", "Entry", "Exit", "HELLO", "INIT", "InvalidTag", "Link",
           "PATIENCE", "PORT", "RESP", "X25519PrivateKey", "abort", "connect", "echo", "enter",
           "eventually", "exchange", "outcome", "says", "wire"]
