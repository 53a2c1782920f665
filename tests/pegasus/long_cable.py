#!/usr/bin/env python3
"""A cable between two machines of the lab that is as long as a packet takes to pass it.

usage: long_cable.py MILLISECONDS MACHINE LINK MACHINE LINK

Makes LINK at each machine, a TUN device without addresses, says `ready`, and carries packets, of any
kind and in order, until it is ended; then the devices are gone.
"""
import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
MOST = 65536
MOST_WAITING = 4096


def end_at(machine, link):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{machine}", "rb") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", link.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def take(fd, line, arrives):
    while len(line) < MOST_WAITING:
        try:
            line.append((arrives, os.read(fd, MOST)))
        except BlockingIOError:
            return


def deliver(line, fd, now):
    while line and line[0][0] <= now:
        packet = line.popleft()[1]
        try:
            os.write(fd, packet)
        except OSError:
            pass  # as on any cable whose other end is down


def main(milliseconds, *ends):
    long = float(milliseconds) / 1000
    a, b = end_at(*ends[:2]), end_at(*ends[2:])
    under_way = {a: collections.deque(), b: collections.deque()}
    print("ready", flush=True)
    while True:
        arrivals = [line[0][0] for line in under_way.values() if line]
        wait = max(min(arrivals) - time.monotonic(), 0) if arrivals else None
        readable = [fd for fd in (a, b) if len(under_way[fd]) < MOST_WAITING]
        for fd in select.select(readable, [], [], wait)[0]:
            take(fd, under_way[fd], time.monotonic() + long)
        now = time.monotonic()
        deliver(under_way[a], b, now)
        deliver(under_way[b], a, now)


if __name__ == "__main__":
    main(*sys.argv[1:])
