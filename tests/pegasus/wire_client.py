#!/usr/bin/env python3
"""A tunnel's entry end, written from the wire's description alone, to hold pegasus to it.

usage: wire_client.py EXIT PORT OWN_KEY_FILE EXIT_PUBLIC_KEY SERVICE_ID SOURCE DESTINATION PORT
Makes INIT and RESP, then HELLO and ACCEPT on a second connection; on each: PING, OPEN, DATA, REKEY,
DATA, FIN to a server that echoes. Ends with 0 if everything is as it should be.
"""
import base64
import hashlib
import hmac as python_hmac
import ipaddress
import os
import socket
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

OPEN, OPENED, REFUSED, DATA, FIN, RESET, PING, PONG, REKEY, SWITCH = range(1, 11)


def hash_of(data):
    return hashlib.blake2s(data).digest()


def hmac(key, data):
    return python_hmac.new(key, data, hashlib.blake2s).digest()


def hkdf(key, material, count):
    temporary, outputs, last = hmac(key, material), [], b""
    for number in range(1, count + 1):
        last = hmac(temporary, last + bytes([number]))
        outputs.append(last)
    return outputs


def nonce(counter):
    return bytes(4) + struct.pack("<Q", counter)


def point_of(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def shared(private, public):
    return private.exchange(X25519PublicKey.from_public_bytes(public))


class Handshake:
    """The initiator of Noise_IK_25519_ChaChaPoly_BLAKE2s."""

    def __init__(self, own, remote):
        self.own, self.remote, self.e = own, remote, X25519PrivateKey.generate()
        self.h = self.ck = hash_of(b"Noise_IK_25519_ChaChaPoly_BLAKE2s")
        self.mix(b"arctic pegasus 1")
        self.mix(remote)

    def mix(self, data):
        self.h = hash_of(self.h + data)

    def key(self, material):
        self.ck, self.k = hkdf(self.ck, material, 2)

    def seal(self, text):
        sealed = ChaCha20Poly1305(self.k).encrypt(nonce(0), text, self.h)
        self.mix(sealed)
        return sealed

    def first(self):
        point = point_of(self.e)
        self.mix(point)
        self.key(shared(self.e, self.remote))
        static = self.seal(point_of(self.own))
        self.key(shared(self.own, self.remote))
        return point + static + self.seal(b"")

    def second(self, message):
        point, sealed = message[:32], message[32:]
        self.mix(point)
        self.key(shared(self.e, point))
        self.key(shared(self.own, point))
        assert ChaCha20Poly1305(self.k).decrypt(nonce(0), sealed, self.h) == b""
        self.mix(sealed)


def with_mac1(init, remote):
    key = hash_of(b"arctic mac1" + remote)
    return init + hashlib.blake2s(init, key=key, digest_size=16).digest()


def hello_of(secret, session):
    hello = b"\x03" + session + os.urandom(32)
    return hello + hmac(secret, b"hello" + hello)[:16]


class Connection:
    """Records over a socket whose first messages are done."""

    def __init__(self, stream, secret, transcript):
        self.stream, self.sent, self.received = stream, 0, 0
        self.ck, self.to, self.back = hkdf(secret, b"conn" + transcript, 3)

    def send(self, kind, body=b""):
        sealed = ChaCha20Poly1305(self.to).encrypt(nonce(self.sent), bytes([kind]) + body, None)
        self.sent += 1
        self.stream.sendall(struct.pack(">H", len(sealed)) + sealed)

    def receive(self):
        size = struct.unpack(">H", exactly(self.stream, 2))[0]
        sealed = exactly(self.stream, size)
        text = ChaCha20Poly1305(self.back).decrypt(nonce(self.received), sealed, None)
        self.received += 1
        return text[0], text[1:]

    def expect(self, kind):
        got, body = self.receive()
        assert got == kind, f"frame {got} {body!r} in place of {kind}"
        return body

    def change_keys(self):
        e = X25519PrivateKey.generate()
        self.send(REKEY, point_of(e))
        ck, to, back = hkdf(self.ck, shared(e, self.expect(REKEY)), 3)
        self.back, self.received = back, 0
        self.send(SWITCH)
        self.ck, self.to, self.sent = ck, to, 0

    def echo(self, text):
        self.send(DATA, text)
        heard = b""
        while len(heard) < len(text):
            heard += self.expect(DATA)
        assert heard == text


def exactly(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise EOFError(f"ended after {len(data)} of {size} bytes")
        data += more
    return data


def use(connection, service, source, destination, port):
    """Two client connections one after the other, with a change of keys within the first."""
    ip = [ipaddress.ip_address(each) for each in (source, destination)]
    body = bytes([ip[0].version]) + ip[0].packed + struct.pack(">H", 40000)
    body += ip[1].packed + struct.pack(">H", port) + service.encode()
    connection.send(PING, b"12345678")
    assert connection.expect(PONG) == b"12345678"
    for text in (b"first", os.urandom(60000)):
        connection.send(OPEN, body)
        connection.expect(OPENED)
        connection.echo(text)
        connection.change_keys()
        connection.echo(b"after the change")
        connection.send(FIN)
        connection.expect(FIN)


def main():
    host, port, key_file, exit_key, service, source, destination, to_port = sys.argv[1:]
    own = X25519PrivateKey.from_private_bytes(base64.b64decode(open(key_file).read()))
    remote = base64.b64decode(exit_key)

    stream = socket.create_connection((host, int(port)), 5)
    handshake = Handshake(own, remote)
    stream.sendall(with_mac1(b"\x01" + handshake.first(), remote))
    resp = exactly(stream, 49)
    assert resp[0] == 2
    handshake.second(resp[1:])
    secret = hmac(handshake.ck, b"session" + handshake.h)
    session = hmac(secret, b"id")[:16]
    use(Connection(stream, secret, handshake.h), service, source, destination, int(to_port))

    stream = socket.create_connection((host, int(port)), 5)
    hello = hello_of(secret, session)
    stream.sendall(hello)
    accept = exactly(stream, 49)
    assert accept[0] == 4
    assert accept[33:] == hmac(secret, b"accept" + hello + accept[:33])[:16]
    connection = Connection(stream, secret, hash_of(hello + accept))
    use(connection, service, source, destination, int(to_port))
    print("the wire is as described")


if __name__ == "__main__":
    main()
