#!/usr/bin/env python3
"""Answers each datagram to port 7 with its sender's address and the datagram; and protocol 253."""

import socket, sys, threading
def udp():
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(("::", 7))
    while True:
        data, sender = server.recvfrom(65536)
        server.sendto(sender[0].removeprefix("::ffff:").encode() + b" " + data, sender)
def raw(family):
    server = socket.socket(family, socket.SOCK_RAW, 253)
    while True:
        data, sender = server.recvfrom(65536)
        if family == socket.AF_INET:
            data = data[20:]
        if data.startswith(b"ask"):
            server.sendto(b"answer" + data, sender)
for job, words in ((udp, ()), (raw, (socket.AF_INET,)), (raw, (socket.AF_INET6,))):
    threading.Thread(target=job, args=words, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
