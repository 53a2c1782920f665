#!/usr/bin/env python3
"""Speaks to a control socket in ways that no client would, and checks what comes back.

usage: control_crowd.py SOCKET       Ends with 1, and says why, if an answer is not the one due.
"""
import json
import socket
import sys

MOST = 16
LONGEST = 64 * 1024


def connect():
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.settimeout(20)
    control.connect(sys.argv[1])
    return control


def answers(control):
    """All lines until the other end closes."""
    got = b""
    while True:
        try:
            piece = control.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        got += piece
    return [json.loads(line) for line in got.splitlines()]


def expect(what, wanted, got):
    if wanted != got:
        sys.exit(f"{what}: wanted {wanted}, got {got}")
    print("ok", what)


def said(sent, end=True):
    with connect() as control:
        try:
            control.sendall(sent)
            if end:
                control.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass
        return answers(control)


def kinds(lines):
    return [(line["id"], line["ok"] or line["error"]["code"]) for line in lines]


def hello(number):
    return json.dumps({"id": number, "method": "hello"}).encode() + b"\n"


def padded(size):
    """A good request of that many bytes, without its newline."""
    line = hello(7)[:-1]
    return line + b" " * (size - len(line))


def main():
    garbage = [("null", b"null\n"), ("a list", b"[]\n"), ("half a line", b'{"id":1,\n'),
               ("zero bytes", b"\0" * 100 + b"\n"), ("an empty line", b"\n"),
               ("no text", b"\xff\xfe\xfd\n"), ("depth", b"[" * 30000 + b"\n"),
               ("no id", b'{"method":"hello"}\n')]
    for name, line in garbage:
        # What is no request closes: the good one behind it is not heard.
        expect(name, [(None, "bad_request")], kinds(said(line + hello(1))))
    wrong = [b'{"id":1,"method":"nothing"}\n', b'{"id":1,"method":"hello","params":{"x":1}}\n',
             b'{"id":1,"method":"commit"}\n', b'{"id":1,"method":"commit","params":{"generation":7}}\n',
             b'{"id":1,"method":"commit","params":{"generation":"../../etc/x"}}\n',
             b'{"id":1,"method":"retire","params":{"generation":"aaaaaaaaaaaa","drain_s":-1}}\n',
             b'{"id":1,"method":"drain","params":{"seconds":1e99}}\n',
             b'{"id":1,"method":"load","params":{"path":"relative.json"}}\n',
             b'{"id":1,"method":"hello","more":true}\n']
    for line in wrong:
        expect(line.decode().strip(), [(1, "bad_request"), (2, True)], kinds(said(line + hello(2))))
    expect("many in one piece, in order", [(i, True) for i in range(1, 201)],
           kinds(said(b"".join(hello(i) for i in range(1, 201)))))
    expect("a line without its end", [], said(hello(1)[:-1]))
    expect("the longest line", [(7, True)], kinds(said(padded(LONGEST) + b"\n")))
    expect("a longer line", [(None, "bad_request")], kinds(said(padded(LONGEST + 1) + b"\n")))
    expect("a line without end", [(None, "bad_request")], kinds(said(b"x" * (1 << 20), False)))
    crowd = [connect() for _ in range(MOST)]
    for number, control in enumerate(crowd):
        control.sendall(hello(number))
        control.recv(65536)
    expect("one too many", [(None, "busy")], kinds(said(b"")))
    crowd.pop().close()
    # The place is free once the other end has seen that; until then it is busy.
    for _ in range(1000):
        got = kinds(said(hello(1)))
        if got == [(1, True)]:
            break
        expect("too early", [(None, "busy")], got)
    expect("one has left", [(1, True)], got)
    for control in crowd:
        control.close()


main()
