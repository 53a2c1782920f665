#!/usr/bin/env python3
"""Plays the two runtimes for the demo, and nothing more: no encryption, no retries.

  standin.py pegasus CONFIG             listens where the tunnels of pegasus.json say, and prints
                                        whom each connection was for
  standin.py tempest PID DEV PID DEV    carries packets between two tunnel devices, each in the
                                        network namespace of a process
"""
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI, IFF_MULTI_QUEUE = 0x0001, 0x1000, 0x0100
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
CLONE_NEWNET = 0x40000000


def say(text):
    print(text, flush=True)


def pegasus(config):
    with open(config, encoding="utf-8") as file:
        tunnels = json.load(file)["tunnels"]
    names = {}
    for tunnel in tunnels:
        if tunnel["role"] != "entry":
            continue
        for family, host, level, option in (
            (socket.AF_INET, "127.0.0.1", socket.SOL_IP, IP_TRANSPARENT),
            (socket.AF_INET6, "::1", socket.IPPROTO_IPV6, IPV6_TRANSPARENT),
        ):
            server = socket.socket(family, socket.SOCK_STREAM)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.setsockopt(level, option, 1)
            server.bind((host, tunnel["listen_port"]))
            server.listen()
            names[server] = tunnel["service"]
    say("ready")
    while True:
        for server in select.select(list(names), [], [])[0]:
            connection, client = server.accept()
            target = connection.getsockname()
            say(f"pegasus: {names[server]} tcp {client[0]} > {target[0]} port {target[1]}")
            connection.close()


def attach(pid, device):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{pid}/ns/net", "rb") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    fd = os.open("/dev/net/tun", os.O_RDWR)
    flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), flags))
    return fd


def ends_of(packet):
    """Protocol, source and destination of an IP packet."""
    if packet[0] >> 4 == 4:
        family, protocol, source, target = socket.AF_INET, packet[9], packet[12:16], packet[16:20]
    else:
        family, protocol, source, target = socket.AF_INET6, packet[6], packet[8:24], packet[24:40]
    name = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}.get(protocol, str(protocol))
    return name, socket.inet_ntop(family, source), socket.inet_ntop(family, target)


def tempest(pid_a, device_a, pid_b, device_b):
    a, b = attach(pid_a, device_a), attach(pid_b, device_b)
    say("ready")
    while True:
        for fd in select.select([a, b], [], [])[0]:
            packet = os.read(fd, 65536)
            name, source, target = ends_of(packet)
            if fd == a:
                say(f"tempest: {device_a} {name} {source} > {target}")
            os.write(b if fd == a else a, packet)


if __name__ == "__main__":
    {"pegasus": pegasus, "tempest": tempest}[sys.argv[1]](*sys.argv[2:])
