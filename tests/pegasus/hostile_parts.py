"""What the attacks on a pegasus are made of: sources, good and bad connections, and what is seen.

Used by hostile.py and hostile_exit_parts.py; speaks the wire with wire_client.py.
"""
import base64
import ipaddress
import os
import resource
import select
import socket
import struct
import threading
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import wire_client as wire

PATIENCE = 30  # seconds that anything awaited may take
ENDS = (EOFError, ConnectionResetError, BrokenPipeError)


def key_of(folder):
    with open(f"{folder}/etc/arctic/node.key") as file:
        return X25519PrivateKey.from_private_bytes(base64.b64decode(file.read()))


class Sources:
    """Addresses that nobody has used yet, of both families by turns; IPv6 ones /64s apart."""

    def __init__(self):
        self.number = 0

    def next(self):
        self.number += 1
        if self.number % 2:
            return str(ipaddress.ip_address("10.66.0.1") + self.number)
        return str(ipaddress.ip_address("fd66::1") + (self.number << 64))


class Echo:
    """Servers at all addresses: 7 gives back what it gets, 9 takes it and never ends."""

    def __init__(self):
        self.accepted = 0
        for port, answers in ((7, True), (9, False)):
            listener = socket.create_server(("::", port), family=socket.AF_INET6, backlog=512,
                                            dualstack_ipv6=True)
            threading.Thread(target=self.accept, args=(listener, answers), daemon=True).start()

    def accept(self, listener, answers):
        while True:
            stream, _ = listener.accept()
            self.accepted += 1
            threading.Thread(target=self.serve, args=(stream, answers), daemon=True).start()

    @staticmethod
    def serve(stream, answers):
        try:
            while True:
                data = stream.recv(65536)
                if data and answers:
                    stream.sendall(data)
                if not data and answers:
                    break
                if not data:
                    # Says nothing more and does not end, until the other side resets.
                    poll = select.poll()
                    poll.register(stream, 0)
                    poll.poll()
                    break
        except OSError:
            pass
        stream.close()


class Process:
    """The pegasus under attack, as the kernel shows it."""

    def __init__(self, pid):
        self.pid = pid

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def alive(self):
        try:
            with open(f"/proc/{self.pid}/stat") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False


class Target(Process):
    """The same as what listens."""

    def __init__(self, plan):
        super().__init__(plan["pid"])
        self.port, self.log = plan["port"], plan["log"]
        self.public = base64.b64decode(plan["exit_key"])
        self.ids = plan["ids"]
        self.sources = Sources()

    def connect(self, source=None):
        source = source or self.sources.next()
        here, there = (("::1", socket.AF_INET6) if ":" in source else
                       ("127.0.0.1", socket.AF_INET))
        stream = socket.socket(there, socket.SOCK_STREAM)
        stream.settimeout(PATIENCE)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.bind((source, 0))
        try:
            stream.connect((here, self.port))
        except ConnectionResetError:
            pass  # at once; who writes or reads finds out
        return stream

    # ---- Good beginnings; they leave what was said in .heard and .said ----

    def init(self, own, source=None):
        """(connection, secret, session id)"""
        stream = self.connect(source)
        time.sleep(0.003)  # below the rate that all sources have together
        handshake = wire.Handshake(own, self.public)
        init = wire.with_mac1(b"\x01" + handshake.first(), self.public)
        stream.sendall(init)
        resp = wire.exactly(stream, 49)
        assert resp[0] == 2, resp[0]
        handshake.second(resp[1:])
        secret = wire.hmac(handshake.ck, b"session" + handshake.h)
        connection = Recorded(stream, secret, handshake.h, init, resp)
        return connection, secret, wire.hmac(secret, b"id")[:16]

    def hello(self, secret, session, source=None):
        stream = self.connect(source)
        hello = wire.hello_of(secret, session)
        stream.sendall(hello)
        accept = wire.exactly(stream, 49)
        assert accept[0] == 4, accept[0]
        return Recorded(stream, secret, wire.hash_of(hello + accept), hello, accept)


class Recorded(wire.Connection):
    """A connection whose messages are kept, as somebody on the way would keep them."""

    def __init__(self, stream, secret, transcript, first, answer):
        super().__init__(stream, secret, transcript)
        self.said, self.heard = [first], [answer]

    def sealed(self, kind, body=b""):
        text = bytes([kind]) + body
        sealed = wire.ChaCha20Poly1305(self.to).encrypt(wire.nonce(self.sent), text, None)
        self.sent += 1
        return struct.pack(">H", len(sealed)) + sealed

    def send(self, kind, body=b""):
        record = self.sealed(kind, body)
        self.said.append(record)
        self.stream.sendall(record)

    def receive(self):
        head = wire.exactly(self.stream, 2)
        sealed = wire.exactly(self.stream, struct.unpack(">H", head)[0])
        self.heard.append(head + sealed)
        text = wire.ChaCha20Poly1305(self.back).decrypt(wire.nonce(self.received), sealed, None)
        self.received += 1
        return text[0], text[1:]

    def begin_change(self):
        """REKEY and its answer; SWITCH is the caller's."""
        e = X25519PrivateKey.generate()
        self.send(wire.REKEY, wire.point_of(e))
        ck, to, back = wire.hkdf(self.ck, wire.shared(e, self.expect(wire.REKEY)), 3)
        self.back, self.received, self.next = back, 0, (ck, to)

    def end_change(self):
        self.send(wire.SWITCH)
        (self.ck, self.to), self.sent = self.next, 0

    def open(self, service, destination=("10.9.0.1", 7), source=("10.0.0.2", 40000)):
        self.send(wire.OPEN, open_body(service, destination, source))

    def pings(self):
        self.send(wire.PING, b"12345678")
        assert self.expect(wire.PONG) == b"12345678"
        return self

    def goes_on(self):
        """Whether the other end still answers; what it says before that does not count."""
        token = os.urandom(8)
        try:
            self.send(wire.PING, token)
            while True:
                kind, body = self.receive()
                if kind == wire.PONG and body == token:
                    return True
        except ENDS:
            return False


def open_body(service, destination, source=("10.0.0.2", 40000)):
    ends = [(ipaddress.ip_address(address), port) for address, port in (source, destination)]
    body = bytes([ends[1][0].version])
    for address, port in ends:
        body += address.packed + struct.pack(">H", port)
    return body + service.encode()


def said_by(stream):
    """Everything that still comes, until the end."""
    data = b""
    try:
        while more := stream.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    stream.close()
    return data


def silent_end(stream, message, then_fin=True):
    """Whether the connection ends without a byte after this."""
    try:
        stream.sendall(message)
        if then_fin:
            stream.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return said_by(stream) == b""


def eventually(what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def is_open(stream):
    """Whether the other end has not closed it; takes no byte."""
    try:
        stream.setblocking(False)
        return stream.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def many_descriptors():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


__all__ = ["ENDS", "Echo", "InvalidTag", "PATIENCE", "Process", "Recorded", "Target", "X25519PrivateKey", "eventually", "is_open",
           "key_of", "many_descriptors", "open_body", "said_by", "silent_end", "wire"]
