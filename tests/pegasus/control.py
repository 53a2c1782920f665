#!/usr/bin/env python3
"""One request on a runtime's control socket; prints the answer.

usage: control.py SOCKET METHOD [PARAMS-AS-JSON]     or: control.py SOCKET --raw LINE

Ends with 0 if the answer is good, with 1 if it is an error, with 2 if there is none. Says on
standard error when it asked: seconds, by the machine's monotonic clock.
"""
import json
import socket
import sys
import time


def main():
    path, method, *rest = sys.argv[1:]
    line = rest[0] if method == "--raw" else json.dumps(
        {"id": 1, "method": method, "params": json.loads(rest[0]) if rest else {}})
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(30)
        control.connect(path)
        print(time.monotonic(), file=sys.stderr)
        control.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = control.recv(65536)
            if not piece:
                return 2
            answer += piece
    sys.stdout.write(answer.decode())
    return 0 if json.loads(answer).get("ok") else 1


sys.exit(main())
