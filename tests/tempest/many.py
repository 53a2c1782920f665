#!/usr/bin/env python3
"""Asks echo.py with many datagrams, several at a time, and counts those that find no right answer.

usage: many.py ADDRESS COUNT BYTES
"""
import socket
import sys

to, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
window = max(1, 65536 // size)  # what a receive buffer holds
family = socket.AF_INET6 if ":" in to else socket.AF_INET


def content(number):
    return number.to_bytes(4, "big") + bytes([number % 251]) * (size - 4)


waiting = {}
sent = good = 0
with socket.socket(family, socket.SOCK_DGRAM) as stream:
    stream.connect((to, 7))
    stream.settimeout(2)
    while sent < count or waiting:
        while sent < count and len(waiting) < window:
            waiting[sent] = content(sent)
            stream.send(waiting[sent])
            sent += 1
        try:
            answer = stream.recv(65536).partition(b" ")[2]
        except TimeoutError:
            break
        good += waiting.pop(int.from_bytes(answer[:4], "big"), None) == answer
print(count - good)
