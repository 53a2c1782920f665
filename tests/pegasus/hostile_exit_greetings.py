"""How an exit can greet its entry badly, and what must come of it: a table, a peer for each line.

Used by hostile_exit.py alone. All at the same time: what a client waits for is seconds.
"""
import itertools
import os
import struct
import threading
import time

from hostile_exit_parts import (Answer, Exit, HELLO, INIT, Link, X25519PrivateKey, abort, connect,
                                eventually, exchange, outcome, wire)

SILENT, CLOSED, RESET = "it does not answer", "it closed the connection", "it reset the connection"
NOT_AUTHENTIC, UNCONFIRMED = "its answer is not authentic", "the connection broke"


def await_end(stream):
    while stream.recv(65536):
        pass


def close_kindly(stream):
    stream.shutdown(1)
    await_end(stream)


def badly(kind, attack):
    """A manner: `attack` of (exit, stream, first) answers that kind of first message, and says no
    more; the entry must end the connection."""
    def manner(exit, stream):
        first = exit.hear(stream)
        if first[0] != kind:
            return exit.serve(exit.greet(stream, first))
        exit.attacks += 1
        exit.attacked.add(stream)
        try:
            attack(exit, stream, first)
            await_end(stream)
        finally:
            exit.attacked.discard(stream)
    return manner


def answers(change, then=await_end):
    """The right answer, changed."""
    def attack(exit, stream, first):
        stream.sendall(change(exit, first, exit.answer(first)[0]))
        then(stream)
    return attack


def cut(*sizes):
    size = itertools.cycle(sizes)
    return lambda exit, first, answer: answer[:next(size)]


def flipped(*places):
    place = itertools.cycle(places)

    def change(exit, first, answer):
        at = next(place)
        return answer[:at] + bytes([answer[at] ^ 1 << at % 8]) + answer[at + 1:]
    return change


def of_another_key(exit, first, _):
    """By somebody who knows all public keys."""
    handshake = Answer(X25519PrivateKey.generate(), exit.public)
    handshake.take_first(first[1:97], exit.entry)
    return bytes([2]) + handshake.second_message()


def of_another_secret(exit, first, answer):
    return answer[:33] + wire.hmac(os.urandom(32), b"accept" + first + answer[:33])[:16]


def replays(exit, stream, first):
    """The first right answer, which comes to nothing, again and again."""
    if not exit.kept:
        exit.kept = exit.answer(first)[0]
        stream.sendall(exit.kept)
        return abort(stream)
    stream.sendall(exit.kept)


def confirms(*ways):
    """A right answer, and a first record that is made by one of these."""
    way = itertools.cycle(ways)

    def attack(exit, stream, first):
        link = exit.greet(stream, first, confirm=False)
        link.expect(wire.PING)
        stream.sendall(next(way)(link))
    return attack


def record(kind, body=b""):
    return lambda link: link.sealed(kind, body)


def forged(at):
    def make(link):
        pong = bytearray(link.sealed(wire.PONG, bytes(8)))
        pong[at] ^= 1
        return bytes(pong)
    return make


def of_length(size, there):
    return lambda link: struct.pack(">H", size) + bytes(there)


def late(link):
    """With the second counter."""
    link.sealed(wire.PONG, bytes(8))
    return link.sealed(wire.PONG, bytes(8))


def accepts_and(more):
    """A right answer, this behind it, and no more."""
    def attack(exit, stream, first):
        answer, secret, transcript = exit.answer(first)
        link = Link(stream, secret, transcript, first, answer)
        stream.sendall(answer + more(link))
        close_kindly(stream)
    return attack


def never_confirms(exit, stream):
    """PING is not answered, OPEN is: nobody waits for PONG but the first."""
    first = exit.hear(stream)
    link = exit.greet(stream, first, confirm=first[0] == INIT)
    if first[0] == HELLO:
        exit.attacks += 1
        link.expect(wire.PING)
    exit.serve(link)


class Greeting:
    """`error`: what `status` says meanwhile; None where a second client gets through, or is at
    least told in time where the exit `breaks` links that looked well."""

    def __init__(self, manner, error, least, most, first_works=False, breaks=False):
        self.manner, self.error, self.first_works = manner, error, first_works
        self.breaks = breaks
        self.least, self.most = least, most  # attacks that there must be, dials that there may be


def init(attack, error, least=5, most=14):
    return Greeting(badly(INIT, attack), error, least, most)


def hello(attack, error, least=1, most=14, breaks=False):
    return Greeting(badly(HELLO, attack), error, least, most, first_works=True, breaks=breaks)


def at_once(exit, stream):
    exit.attacks += 1
    abort(stream)


def never_hears(exit, stream):
    exit.attacks += 1
    time.sleep(7)  # longer than the entry waits


# Back-off is from 0.1 to 2 s. Who resets may have too much to do: it is asked again in 0.05 s.
OFTEN = 20 * 14
GREETINGS = {
    "unheard": Greeting(never_hears, SILENT, 1, 4),
    "silent": init(lambda *_: None, SILENT, 1, 4),
    "closes": init(answers(cut(0), close_kindly), CLOSED),
    "resets": Greeting(at_once, RESET, 5, OFTEN),
    "resp-cut": init(answers(cut(1, 2, 16, 32, 33, 47, 48), close_kindly), CLOSED),
    "resp-unended": init(answers(cut(1, 33, 48)), SILENT, 1, 4),
    "resp-flipped": init(answers(flipped(0, 1, 5, 32, 33, 48)), NOT_AUTHENTIC),
    "resp-imposed": init(answers(of_another_key), NOT_AUTHENTIC),
    "resp-replayed": init(replays, NOT_AUTHENTIC),
    "resp-empty": init(answers(lambda *_: bytes([2]) + bytes(48)), NOT_AUTHENTIC),
    "unconfirmed": init(confirms(lambda _: b""), UNCONFIRMED, 1, 4),
    "first-frames": init(confirms(record(wire.OPENED), record(wire.DATA, b"x"), record(wire.FIN),
                                  record(wire.PING, bytes(8)), record(wire.REFUSED, b"\1\0\0"),
                                  record(wire.SWITCH), record(wire.RESET)), UNCONFIRMED),
    "first-forged": init(confirms(forged(2), forged(10), forged(-1), late, record(0, bytes(8)),
                                  record(wire.PONG, bytes(7)), lambda link: link.heard[-1]),
                         UNCONFIRMED),
    "first-lengths": init(confirms(*(of_length(size, 2) for size in (0, 1, 2, 8, 15, 16))),
                          UNCONFIRMED),
    "first-long": init(confirms(of_length(65535, 100), of_length(26, 0)), UNCONFIRMED, 1, 4),
    "hello-closes": hello(answers(cut(0), close_kindly), None),
    "hello-resets": hello(lambda exit, stream, first: abort(stream), RESET, 5, OFTEN),
    "accept-and-more": hello(accepts_and(lambda link: b"stray"), None, most=40, breaks=True),
    "accept-closes": hello(accepts_and(lambda link: b""), None, most=40, breaks=True),
    "hello-silent": hello(lambda *_: None, SILENT, 1, 8),
    "accept-cut": hello(answers(cut(1, 2, 33, 48), close_kindly), None),
    "accept-flipped": hello(answers(flipped(0, 1, 32, 33, 48)), NOT_AUTHENTIC),
    "accept-imposed": hello(answers(of_another_secret), NOT_AUTHENTIC),
    "accept-replayed": hello(replays, NOT_AUTHENTIC),
    "never-confirms": Greeting(never_confirms, None, 1, 14, first_works=True),
}


def held(exit, six):
    """A connection that goes on while there are others."""
    stream = connect(exit, six)
    stream.sendall(b"first")
    assert wire.exactly(stream, 5) == b"first"
    return stream


def go_through(exit, greeting, six, entry):
    first = held(exit, six) if greeting.first_works else None
    begun = time.monotonic()
    refused = entry.refused(exit.name)
    if greeting.error is None:
        through = exchange(exit, six)
        assert through or greeting.breaks, "a second client does not get through"
        patience = 15 if greeting.breaks else 5
        assert time.monotonic() - begun < patience, "a second client waits for long"
        time.sleep(3)  # in which it does not dial without end
    else:
        how, heard = outcome(connect(exit, six))
        lasted = time.monotonic() - begun
        assert (how, heard) == ("reset", b""), f"{how} after {heard!r}"
        assert 9 < lasted < 15, f"reset after {lasted:.1f} s"
        assert entry.refused(exit.name) == refused + 1, "it is not counted"
        said = entry.peer(exit.name)["last_error"]
        assert said and said.startswith(greeting.error), f"status says {said!r}"
    assert exit.attacks >= greeting.least, f"{exit.attacks} attacks"
    dials, since = len(exit.dials), time.monotonic() - exit.begun
    assert dials <= greeting.most, f"{dials} dials in {since:.1f} s"
    assert not (greeting.error is None and exit.hellos > exit.inits + 3 and
                greeting.manner is not never_confirms and not greeting.breaks), "it does not begin again with INIT"
    exit.manner = Exit.well
    if first:
        first.sendall(b"second")
        assert wire.exactly(first, 6) == b"second"
        first.close()
    assert eventually(lambda: exchange(exit, six), 25), "no client gets through afterwards"
    if greeting.error:
        assert eventually(lambda: entry.peer(exit.name)["last_error"] is None), "status remembers"
    assert eventually(lambda: not exit.attacked, 8), f"{len(exit.attacked)} are never closed"
    assert not exit.complaints, exit.complaints
    return [f"{dials} dials in {since:.0f} s"]


def greet_all(exits, entry, say):
    def one(number, name):
        greeting = GREETINGS[name]
        with say(f"{name}: {greeting.error or 'a second client gets through'}") as note:
            note(*go_through(exits[name], greeting, number % 2 == 1, entry))
    names = [name for name in GREETINGS if name in exits]
    threads = [threading.Thread(target=one, args=each) for each in enumerate(names)]
    for thread in threads:
        thread.start()
    return threads

