#!/usr/bin/env python3
"""Reloads nodes many times between two compiled configurations, and ends with the first.

usage: reload_often.py FIRST SECOND COUNT SECONDS NODE...

FIRST and SECOND are folders with NODE/pegasus.json; a node's socket is below NODE. A reload begins
SECONDS after the one before, and is at every node in the order given: by `load`, as with SIGHUP,
and by prepare, commit and retire, as `arctic apply` does, in turn. Ends with 1, and says why, at
the first answer that is not good.
"""
import hashlib
import json
import os
import socket
import sys
import time


class Node:
    def __init__(self, name):
        self.name = name
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.control.settimeout(30)
        self.control.connect(f"{name}/run/arctic/pegasus.sock")
        self.answers = self.control.makefile("r")

    def ask(self, method, **params):
        request = {"id": 1, "method": method, "params": params}
        self.control.sendall(json.dumps(request).encode() + b"\n")
        answer = self.answers.readline()
        if not answer or not json.loads(answer)["ok"]:
            sys.exit(f"{method} {params} at {self.name}: {answer}")

    def path(self, config):
        return os.path.abspath(f"{config}/{self.name}/pegasus.json")

    def prepare(self, config, generation):
        with open(self.path(config), "rb") as file:
            digest = hashlib.blake2b(file.read(), digest_size=32).hexdigest()
        self.ask("prepare", generation=generation, path=self.path(config), digest=digest)


def load(nodes, config):
    for node in nodes:
        node.ask("load", path=node.path(config))


def apply(nodes, config, generation):
    for node in nodes:
        node.prepare(config, generation)
    for node in nodes:
        node.ask("commit", generation=generation)
    for node in nodes:
        node.ask("retire", generation=generation, drain_s=1)


def main():
    first, second, count, seconds = sys.argv[1:5]
    nodes = [Node(name) for name in sys.argv[5:]]
    # Each change is made in both ways in the course of ten, and so is none.
    turns = [second, second, first, first, first]
    began = time.monotonic()
    for i in range(int(count)):
        time.sleep(max(0.0, began + i * float(seconds) - time.monotonic()))
        if i % 2:
            load(nodes, turns[i % 5])
        else:
            apply(nodes, turns[i % 5], f"{i:012x}")
    load(nodes, first)


main()
