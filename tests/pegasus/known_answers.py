#!/usr/bin/env python3
"""Prints the known answers of secrecy_test.cc, from hashlib and cryptography alone.

Every random number of 32 bytes is HASH("random" || n), n = 1, 2, … in the order in which the two
ends ask for them: ephemeral keys of INIT and RESP, HELLO, ACCEPT, ephemeral keys of REKEY.
"""
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import wire_client as wire


def random(number):
    return wire.hash_of(b"random" + bytes([number]))


def key(number):
    return X25519PrivateKey.from_private_bytes(random(number))


def show(name, value):
    print(f"{name:22}{value.hex()}")


def show_keys(name, keys):
    for part, value in zip(("chaining", "to_responder", "to_initiator"), keys):
        show(f"{name}.{part}", value)
    sealed = wire.ChaCha20Poly1305(keys[1]).encrypt(wire.nonce(0), b"\x0712345678", None)
    show(f"{name}.ping", bytes([0, len(sealed)]) + sealed)


entry, exit_key = (X25519PrivateKey.from_private_bytes(wire.hash_of(name))
                   for name in (b"entry", b"exit"))
remote = wire.point_of(exit_key)
handshake = wire.Handshake(entry, remote)
handshake.e = key(1)
init = wire.with_mac1(b"\x01" + handshake.first(), remote)
show("init", init)

# The exit's answer is sealed with what both ends have.
e = key(2)
handshake.mix(wire.point_of(e))
handshake.key(wire.shared(e, wire.point_of(handshake.e)))
handshake.key(wire.shared(e, wire.point_of(entry)))
show("resp", b"\x02" + wire.point_of(e) + handshake.seal(b""))

secret = wire.hmac(handshake.ck, b"session" + handshake.h)
session = wire.hmac(secret, b"id")[:16]
show("secret", secret)
show("id", session)
show_keys("first", wire.hkdf(secret, b"conn" + handshake.h, 3))

hello = b"\x03" + session + random(3)
hello += wire.hmac(secret, b"hello" + hello)[:16]
accept = b"\x04" + random(4)
accept += wire.hmac(secret, b"accept" + hello + accept)[:16]
show("hello", hello)
show("accept", accept)
keys = wire.hkdf(secret, b"conn" + wire.hash_of(hello + accept), 3)
show_keys("second", keys)
show_keys("changed", wire.hkdf(keys[0], wire.shared(key(5), wire.point_of(key(6))), 3))
