#!/usr/bin/env python3
"""Sends a WireGuard peer what is no use to it.

usage: garbage.py ADDRESS PORT COUNT             messages of every type and size, with noise in them
       garbage.py ADDRESS PORT --again PCAP       every UDP payload of a recording, four times over,
                                                  in another order each time
Prints how many datagrams went.
"""
import random
import socket
import struct
import sys

to, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in to else socket.AF_INET
choice = random.Random(1)
SIZES = {1: 148, 2: 92, 3: 64, 4: 32}


def recorded(path):
    """UDP payloads to the port, of Ethernet frames with IPv4 or IPv6."""
    out = []
    with open(path, "rb") as pcap:
        pcap.read(24)
        while head := pcap.read(16):
            frame = pcap.read(struct.unpack("<IIII", head)[2])
            kind, packet = frame[12:14], frame[14:]
            if kind == b"\x08\x00" and packet[9] == 17:
                datagram = packet[(packet[0] & 15) * 4:]
            elif kind == b"\x86\xdd" and packet[6] == 17:
                datagram = packet[40:]
            else:
                continue
            if struct.unpack(">H", datagram[2:4])[0] == port:
                out.append(datagram[8:struct.unpack(">H", datagram[4:6])[0]])
    return out


def invented(count):
    for _ in range(count):
        kind = choice.choice([0, 1, 2, 3, 4, 4, 4, 5, 255])
        size = choice.choice([0, 3, SIZES.get(kind, 200), SIZES.get(kind, 31) - 1,
                              choice.randrange(1500)])
        head = struct.pack("<I", kind if choice.random() < 0.9 else choice.getrandbits(32))
        yield (head + choice.randbytes(size))[:size]


if sys.argv[3] == "--again":
    messages = []
    for _ in range(4):
        again = recorded(sys.argv[4])
        choice.shuffle(again)
        messages += again
else:
    messages = list(invented(int(sys.argv[3])))
with socket.socket(family, socket.SOCK_DGRAM) as stream:
    for message in messages:
        stream.sendto(message, (to, port))
print(len(messages))
