#!/usr/bin/env python3
"""Attacks on a running pegasus, one after the other, while a good connection goes on.

usage: hostile.py PLAN.json     (made by hostile_test.sh, which also makes the place for it)
Ends with 0 if every attack came to what the design says: nothing that is not authentic gets a byte
but RESP and ACCEPT, opens anything or evicts anybody, and nothing is left of it afterwards.
"""
import errno
import itertools
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

from hostile_parts import (ENDS, Echo, InvalidTag, PATIENCE, Target, X25519PrivateKey, eventually,
                           is_open, key_of, many_descriptors, open_body, said_by, silent_end, wire)

NOT_ALLOWED, UNKNOWN = 2, 3
LOW_ORDER = [bytes(32), b"\1" + bytes(31)] + [bytes.fromhex(each) for each in (
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]


class Attacks:
    def __init__(self, plan):
        self.echo = Echo()
        self.target = Target(plan)
        self.entry, self.other = key_of("entry"), key_of("other")
        self.ids = plan["ids"]
        self.descriptors = self.target.descriptors()
        self.good, self.secret, self.session = self.target.init(self.entry)
        self.good.open(self.ids["plain"])
        self.good.expect(wire.OPENED)

    def hello(self):
        return self.target.hello(self.secret, self.session)

    def idle(self):
        return self.hello().pings()

    # ---- Before anybody is known ----

    def strangers(self):
        """an unknown peer, and a peer that means another exit"""
        public = self.target.public
        stranger, wrong = X25519PrivateKey.generate(), wire.point_of(X25519PrivateKey.generate())
        for own, remote, mac_of in ((stranger, public, public), (self.entry, wrong, wrong),
                                    (self.entry, wrong, public), (self.entry, public, wrong)):
            first = wire.Handshake(own, remote).first()
            init = wire.with_mac1(b"\x01" + first, mac_of)
            assert silent_end(self.target.connect(), init, then_fin=False)

    def points_of_low_order(self):
        """public keys of low order, as ephemeral and as static key"""
        public = self.target.public
        for point in LOW_ORDER:
            time.sleep(0.01)
            init = wire.with_mac1(b"\x01" + point + os.urandom(64), public)
            assert silent_end(self.target.connect(), init, then_fin=False)
            handshake = wire.Handshake(self.entry, public)
            e = wire.point_of(handshake.e)
            handshake.mix(e)
            handshake.key(wire.shared(handshake.e, public))
            static = handshake.seal(point)
            handshake.key(bytes(32))
            init = wire.with_mac1(b"\x01" + e + static + handshake.seal(b""), public)
            assert silent_end(self.target.connect(), init, then_fin=False)
        for point in LOW_ORDER:
            connection = self.idle()
            connection.send(wire.REKEY, point)
            assert not connection.goes_on()

    def good_init(self):
        time.sleep(0.003)  # below the rate that all sources have together
        first = wire.Handshake(self.entry, self.target.public).first()
        return wire.with_mac1(b"\x01" + first, self.target.public)

    def truncated(self):
        """INIT, HELLO and a record, cut at every length"""
        for whole in (self.good_init(), wire.hello_of(self.secret, self.session)):
            for size in range(len(whole)):
                assert silent_end(self.target.connect(), whole[:size]), size
        for size in range(27):
            connection = self.hello()
            assert silent_end(connection.stream, connection.sealed(wire.PING, bytes(8))[:size])
            connection = self.idle()
            assert silent_end(connection.stream, connection.sealed(wire.PING, bytes(8))[:size])

    def flipped(self):
        """a bit changed in each byte of INIT, HELLO and a record, also with mac1 made right again"""
        init, hello = self.good_init(), wire.hello_of(self.secret, self.session)
        for at in range(len(init)):
            bad = with_flip(init, at)
            assert silent_end(self.target.connect(), bad), at
            if 0 < at < 97:
                time.sleep(0.003)
                bad = wire.with_mac1(bad[:97], self.target.public)
                assert silent_end(self.target.connect(), bad), at
        for at in range(len(hello)):
            assert silent_end(self.target.connect(), with_flip(hello, at)), at
        for at in range(27):
            for begin in (self.hello, self.idle):
                connection = begin()
                bad = with_flip(connection.sealed(wire.PING, bytes(8)), at)
                assert silent_end(connection.stream, bad), at

    def oversized(self):
        """more than there may be: behind INIT and HELLO, first records, lengths that are none"""
        garbage = os.urandom(65536)
        for first in (self.good_init(), wire.hello_of(self.secret, self.session)):
            stream = self.target.connect()
            try:
                stream.sendall(first + garbage)
            except OSError:
                pass
            assert len(said_by(stream)) in (0, 49)
        for length in (0, 1, 16, 129, 16384, 65535):
            # At once, not after as many bytes as it promises: nobody knows yet who it is.
            begun = time.monotonic()
            assert silent_end(self.hello().stream, struct.pack(">H", length), then_fin=False)
            assert time.monotonic() - begun < 2.5, length
        for length in (0, 1, 16):
            begun = time.monotonic()
            assert silent_end(self.idle().stream, struct.pack(">H", length), then_fin=False)
            assert time.monotonic() - begun < 2.5, length

    def replayed(self):
        """what a recorder saw of two connections, again: whole, and in every order of three"""
        first, secret, session = self.target.init(self.entry)
        first.pings()  # until then nobody but this connection has the session
        second = self.target.hello(secret, session)
        for connection in (first, second):
            connection.open(self.ids["plain"])
            connection.expect(wire.OPENED)
            connection.echo(b"said once")
            connection.change_keys()
            connection.echo(b"and once more")
            connection.send(wire.FIN)
            connection.expect(wire.FIN)
        opened = self.echo.accepted
        pieces = [piece for each in (first, second) for piece in (each.said[:3], each.heard[:2])]
        pieces = [message for piece in pieces for message in piece]
        replays = [b"".join(order) for count in (1, 2, 3)
                   for order in itertools.permutations(pieces, count)]
        for connection in (first, second):
            replays += [b"".join(connection.said), b"".join(connection.heard)]
        for replay in replays:
            stream = self.target.connect()
            try:
                stream.sendall(replay)
                stream.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = said_by(stream)
            assert answer == b"" or (len(answer) == 49 and answer[0] in (2, 4)), answer
        assert self.echo.accepted == opened, "a replay reached the server"
        # Nobody was evicted: the links and the session that were recorded go on.
        for connection in (first, second):
            assert connection.goes_on()
        assert self.target.hello(secret, session).goes_on()

    def replayed_within(self):
        """a record sent twice on its own connection, and on another one of the session"""
        connection = self.idle()
        connection.stream.sendall(connection.said[-1])
        assert said_by(connection.stream) == b""
        elsewhere = self.idle()
        elsewhere.stream.sendall(connection.said[-1])
        assert said_by(elsewhere.stream) == b""
        reflected = self.idle()
        reflected.stream.sendall(reflected.heard[-1])
        assert said_by(reflected.stream) == b""

    # ---- Frames where they do not belong ----

    def frames(self):
        """every frame in every state, of every size that is right or nearly so"""
        right = {wire.OPEN: open_body(self.ids["plain"], ("10.9.0.1", 7)), wire.OPENED: b"",
                 wire.REFUSED: b"\1\0\0", wire.DATA: b"x", wire.FIN: b"", wire.RESET: b"",
                 wire.PING: bytes(8), wire.PONG: bytes(8), wire.SWITCH: b"",
                 wire.REKEY: wire.point_of(X25519PrivateKey.generate())}
        allowed = {"first": {wire.PING, wire.OPEN}, "idle": {wire.PING, wire.OPEN},
                   "open": {wire.PING, wire.DATA, wire.FIN}, "half-closed": {wire.PING},
                   "used": {wire.PING, wire.OPEN}}
        for state, good in allowed.items():
            for kind, body in right.items():
                if kind == wire.REKEY:
                    continue  # changes the keys: see changes_of_keys()
                connection = self.in_state(state)
                connection.send(kind, body)
                assert connection.goes_on() == (kind in good), f"{kind} when {state}"
        for state in ("first", "idle", "open"):
            for kind in (0, 11, 255, *right):
                for size in (0, 1, 3, 8, 9, 13, 14, 31, 33, 101):
                    if kind == wire.DATA and size > 0 or size == len(right.get(kind, "-" * 99)):
                        continue
                    connection = self.in_state(state)
                    connection.send(kind, b"a" * size)
                    assert not connection.goes_on(), f"{kind} of {size} when {state}"

    def in_state(self, state):
        connection = self.hello()
        if state != "first":
            connection.pings()
        if state in ("open", "half-closed"):
            connection.open(self.ids["plain"], ("10.9.0.1", 9))
            connection.expect(wire.OPENED)
        if state == "half-closed":
            connection.send(wire.FIN)
        if state == "used":
            connection.open(self.ids["plain"])
            connection.expect(wire.OPENED)
            connection.send(wire.FIN)
            connection.expect(wire.FIN)
        return connection

    def bad_opens(self):
        """OPEN with a family, a size or a service name that is none"""
        good = open_body(self.ids["plain"], ("10.9.0.1", 7))
        for body in (b"\5" + good[1:], b"\0" + good[1:], b"\6" + good[1:], good[:13],
                     good[:13] + b"UPPER", good[:13] + b"a\0", good[:13] + b"../x",
                     good[:13] + b"a" * 64, b"\6" + bytes(36)):
            connection = self.idle()
            connection.send(wire.OPEN, body)
            assert not connection.goes_on(), body

    def changes_of_keys(self):
        """REKEY and SWITCH out of turn, and keys that change while bytes move"""
        def rekey(connection):
            connection.send(wire.REKEY, wire.point_of(X25519PrivateKey.generate()))
        connection = self.hello()
        rekey(connection)
        assert not closed_kindly(connection), "REKEY as the first record"
        for state in ("idle", "open", "half-closed", "used"):
            connection = self.in_state(state)
            connection.change_keys()
            assert connection.goes_on(), state
            connection.change_keys()
            assert connection.goes_on(), state
            connection = self.in_state(state)
            connection.begin_change()
            assert connection.goes_on(), state  # under the old key, until SWITCH
            rekey(connection)
            assert not connection.goes_on(), f"REKEY within a change when {state}"
            connection = self.in_state(state)
            connection.begin_change()
            connection.end_change()
            connection.send(wire.SWITCH)
            assert not connection.goes_on(), f"a second SWITCH when {state}"
            connection = self.in_state(state)
            connection.begin_change()
            old = connection.to
            connection.end_change()
            connection.to = old
            assert not connection.goes_on(), f"the old key after SWITCH when {state}"

    # ---- What a peer may not ask for ----

    def asks(self, own, service, destination, source=("10.0.0.2", 40000)):
        connection, _, _ = self.target.init(own)
        connection.open(service, destination, source)
        kind, body = connection.receive()
        assert kind == wire.REFUSED, f"{destination} was not refused"
        return body[0]

    def not_theirs(self):
        """another peer's service, one that is not there, what its routes do not say"""
        good = ("10.9.0.1", 7)
        assert self.asks(self.other, self.ids["plain"], good) == NOT_ALLOWED
        assert self.asks(self.entry, self.ids["others"], good) == NOT_ALLOWED
        assert self.asks(self.entry, "nobody-has-this", good) == UNKNOWN
        assert self.asks(self.entry, self.ids["plain"], ("10.10.0.1", 7)) == NOT_ALLOWED
        assert self.asks(self.entry, self.ids["plain"], ("fd0a::1", 7), ("fd10::2", 1)) == NOT_ALLOWED
        for source, wanted in (("10.0.1.2", "10.9.0.1"), ("fd11::2", "fd09::1"),
                               ("127.0.0.1", "10.9.0.1"), ("::1", "fd09::1")):
            code = self.asks(self.entry, self.ids["narrow"], (wanted, 7), (source, 40000))
            assert code == NOT_ALLOWED, source

    def forged_sources(self):
        """Transparent Mode of a service that takes any source: none that is the exit's or nobody's"""
        sources = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.1.1", "224.0.0.1",
                   "255.255.255.255", "10.1.0.9"]
        for source in sources + ["::1", "::", "fe80::1", "ff02::1", "::ffff:10.0.0.2", "fd01::9"]:
            to = "fd09::1" if ":" in source else "10.9.0.1"
            assert self.asks(self.entry, self.ids["any"], (to, 7), (source, 40000)) == NOT_ALLOWED

    def guarded(self):
        """destinations that are the exit's own, loopback, link-local, multicast, mapped"""
        four = ["127.0.0.1", "127.255.255.254", "0.0.0.0", "0.0.0.1", "169.254.169.254",
                "224.0.0.1", "240.0.0.1", "255.255.255.255", "10.1.0.9", "10.1.0.1"]
        six = ["::", "::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.9.0.1", "fd01::9"]
        for to in four + six:
            source = ("fd10::2" if ":" in to else "10.0.0.2", 40000)
            for service in ("wide", "any"):
                code = self.asks(self.entry, self.ids[service], (to, 7), source)
                assert code == NOT_ALLOWED, to
        # An address that the exit gets later is its own from then on.
        os.system("ip addr add 10.9.0.200/32 dev lo")
        assert eventually(lambda: self.refused("10.9.0.200"))

    def refused(self, destination):
        connection = self.hello()
        connection.open(self.ids["plain"], (destination, 7))
        return connection.receive()[0] == wire.REFUSED

    # ---- One connection after another ----

    def one_after_another(self):
        """clients that share a link: each gets back its own bytes, to the last and no other"""
        connection = self.idle()
        for number in range(200):
            text = bytes([number]) * (number * 331 % 60_000 + 1)
            connection.open(self.ids["plain"], ("fd09::1" if number % 2 else "10.9.0.1", 7),
                            ("fd10::2" if number % 2 else "10.0.0.2", 40000))
            connection.send(wire.DATA, text)
            connection.send(wire.FIN)
            connection.expect(wire.OPENED)
            heard = b""
            while True:
                kind, body = connection.receive()
                heard += body
                if kind != wire.DATA:
                    break
            assert kind == wire.FIN and heard == text, f"{number}: {kind}, {len(heard)} bytes"
        # Bytes for the next one must not be there before the last one has ended.
        connection.open(self.ids["plain"], ("10.9.0.1", 9))
        connection.send(wire.FIN)
        connection.open(self.ids["plain"])
        assert not connection.goes_on(), "a connection within another"

    # ---- More than anybody should ask for ----

    def slow(self):
        """handshakes that never end, each closed five seconds after it began"""
        init, hello = self.good_init(), wire.hello_of(self.secret, self.session)
        begun = {}
        for first, rest in ((b"", b""), (b"", init), (init[:50], init[50:]), (hello[:1], hello[1:]),
                            (init, b"\0\x19" + bytes(25)), (hello, b"\0\x19" + bytes(25))):
            stream = self.target.connect()
            begun[stream] = [time.monotonic(), rest]
            stream.sendall(first)
        while begun:
            for stream, (since, rest) in list(begun.items()):
                lasted = time.monotonic() - since
                if len(rest) > 0 and lasted > (len(init) - len(rest)) * 0.06:
                    # A byte now and then does not make it any longer.
                    try:
                        stream.send(rest[:1])
                    except OSError:
                        pass
                    begun[stream][1] = rest[1:]
                if has_ended(stream):
                    assert 4.5 < lasted < 8, f"closed after {lasted} s"
                    del begun[stream]
                assert lasted < 8, f"open for {lasted} s"
            time.sleep(0.02)

    def sixteen(self):
        """sixteen unconfirmed connections of an IPv4 address or an IPv6 /64"""
        for sources in (["10.66.200.1"] * 40, [f"fd66:7777::{n + 1:x}" for n in range(40)]):
            streams = [self.target.connect(source) for source in sources]
            assert eventually(lambda: sum(map(is_open, streams)) <= 16, 3)
            assert sum(map(is_open, streams)) == 16
            streams.clear()

    def ten_thousand(self):
        """10,000 unconfirmed connections; 512 of strangers at most, and peers get through"""
        base, most, streams = self.target.descriptors(), 0, []
        for number in range(10_000):
            streams.append(self.begin(f"10.66.{number // 250}.{number % 250 + 1}" if number % 2
                                      else f"fd66:0:0:{number:x}::1"))
            if number % 100 == 0:
                most = max(most, self.target.descriptors() - base)
            if number % 1000 == 500:
                for own, source in ((self.entry, "10.1.0.1"), (self.other, "fd01::1")):
                    connection, _, _ = self.target.init(own, source)
                    assert connection.pings().goes_on()
                self.good.echo(b"meanwhile")
        assert 400 < most <= 512 + 40, most
        for stream in streams:
            stream.close()

    def begin(self, source):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM)
        stream.setblocking(False)
        stream.bind((source, 0))
        code = stream.connect_ex(("::1" if ":" in source else "127.0.0.1", self.target.port))
        assert code in (0, errno.EINPROGRESS), errno.errorcode[code]
        return stream

    def inits_of_one(self):
        """INIT of one source: five at once, then twenty a second"""
        init, answered, begun = self.good_init(), 0, time.monotonic()
        for _ in range(200):
            stream = self.target.connect("10.66.201.1")
            stream.sendall(init)
            stream.shutdown(socket.SHUT_WR)
            answered += len(said_by(stream)) == 49
        lasted = time.monotonic() - begun
        assert 5 <= answered <= 5 + 20 * lasted + 1, f"{answered} in {lasted} s"

    def inits_of_all(self):
        """INIT of many sources: a burst of fifty, then five hundred a second"""
        init, begun, streams = self.good_init(), time.monotonic(), []
        for number in range(400):
            stream = self.target.connect(f"10.67.{number // 200}.{number % 200 + 1}")
            stream.sendall(init)
            stream.shutdown(socket.SHUT_WR)
            streams.append(stream)
        answered = sum(len(said_by(stream)) == 49 for stream in streams)
        lasted = time.monotonic() - begun
        assert 50 <= answered <= 50 + 500 * lasted + 1, f"{answered} in {lasted} s"

    def reads_nothing(self):
        """a peer that asks and never reads the answers: it is not read any more either"""
        for state in ("idle", "open"):
            connection = self.in_state(state)
            pings = b"".join(connection.sealed(wire.PING, bytes(8)) for _ in range(200_000))
            connection.stream.settimeout(2)
            sent = 0
            try:
                while sent < len(pings):
                    sent += connection.stream.send(pings[sent:sent + 65536])
            except (TimeoutError, *ENDS):
                pass
            assert sent < 3_000_000, f"{sent} bytes of PING were taken when {state}"
            connection.stream.close()

    # ---- And afterwards ----

    def look(self):
        assert self.target.alive(), "pegasus ended"
        self.good.echo(os.urandom(1000))

    def nothing_left(self):
        self.good.send(wire.FIN)
        self.good.expect(wire.FIN)
        self.good.stream.close()
        assert eventually(lambda: self.target.descriptors() <= self.descriptors), \
            f"{self.target.descriptors()} descriptors, {self.descriptors} at the start"
        before = self.target.cpu_seconds()
        time.sleep(1)
        assert self.target.cpu_seconds() - before < 0.1, "it spins"

    def stays(self):
        """peers that go on asking, slowly and without end, do not hold up a drain"""
        first, secret, session = self.target.init(self.entry)
        assert first.pings()
        second = self.target.hello(secret, session)
        threads = [threading.Thread(target=self.asks_on, args=each)
                   for each in ((first, 0.3), (second, 0))]
        for each in threads:
            each.start()
        time.sleep(0.5)
        begun = time.monotonic()
        os.kill(self.target.pid, signal.SIGTERM)
        for each in threads:
            each.join()
        took = time.monotonic() - begun
        assert took < 3, f"they are served for {took:.1f} s"

    @staticmethod
    def asks_on(connection, pause):
        try:
            while True:
                connection.send(wire.PING, bytes(8))
                connection.receive()
                time.sleep(pause)
        except (OSError, EOFError):
            pass


def with_flip(message, at):
    return message[:at] + bytes([message[at] ^ 1 << at % 8]) + message[at + 1:]


def closed_kindly(connection):
    """Whether anything comes, but the end."""
    try:
        connection.receive()
        return True
    except (*ENDS, InvalidTag):
        return False


def has_ended(stream):
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        return stream.recv(65536) == b""
    except OSError:
        return True


def main():
    many_descriptors()
    with open(sys.argv[1]) as file:
        attacks = Attacks(json.load(file))
    failures = 0
    names = sys.argv[2:] or [
        "strangers", "points_of_low_order", "truncated", "flipped", "oversized", "replayed",
        "replayed_within", "frames", "bad_opens", "changes_of_keys", "not_theirs",
        "forged_sources", "guarded", "one_after_another", "slow", "sixteen", "ten_thousand",
        "inits_of_one", "inits_of_all", "reads_nothing"]
    for name in names:
        attack, begun = getattr(attacks, name), time.monotonic()
        try:
            attack()
            attacks.look()
            print(f"ok    {attack.__doc__} ({time.monotonic() - begun:.1f} s)", flush=True)
        except (AssertionError, OSError, EOFError, InvalidTag) as error:
            failures += 1
            line = sys.exc_info()[2].tb_next and sys.exc_info()[2].tb_next.tb_lineno
            print(f"FAIL  {attack.__doc__}: {error!r} (line {line})", flush=True)
            if not attacks.target.alive():
                break
    if not failures:
        attacks.nothing_left()
        print("ok    nothing is left: no descriptor, no work", flush=True)
        attacks.stays()
        print(f"ok    {attacks.stays.__doc__}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
