#!/usr/bin/env python3
"""Asks echo.py again and again from a port of its own, and counts whose answers come.

usage: twin.py ADDRESS OWN-PORT WORD COUNT     prints: answers of its own, answers of others
"""
import socket
import sys

to, port, word, count = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])
family = socket.AF_INET6 if ":" in to else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as stream:
    stream.bind(("", port))
    stream.settimeout(2)
    # Where two flows come to an exit for the first time at one time, its kernel may drop a packet.
    for _ in range(3):
        stream.sendto(word + b" -1", (to, 7))
        try:
            stream.recv(2000)
            break
        except TimeoutError:
            pass
    own = others = 0
    for i in range(count):
        stream.sendto(word + b" %d" % i, (to, 7))
        try:
            _, said, number = stream.recv(2000).split(b" ")
        except TimeoutError:
            continue
        if said == word and int(number) <= i:
            own += 1
        else:
            others += 1
print(own, others)
