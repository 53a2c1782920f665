#!/usr/bin/env python3
"""Connections whose ends cross each other on the way, or meet somebody who has stopped reading.

usage: crossing_ends.py serve PORT             says `ready`, and what came of connections that ask for it
       crossing_ends.py CASE ADDRESS PORT …    a client; says what it saw, in one line
The server's first byte from a client says what for: `e`: it answers and ends; `f`: it waits for an
end and then for a reset; `n`: it never reads; `r`: it answers, ends, and resets when the file
`reset` is there; `u`: it ends and reads 8 s later.
"""
import os
import signal
import socket
import struct
import sys
import threading
import time

PATIENCE = 40


def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def read_all(stream):
    """How many bytes came, and how that ended."""
    count = 0
    try:
        while more := stream.recv(65536):
            count += len(more)
        return f"{count} end"
    except OSError as error:
        return f"{count} {error.strerror or error}"


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


# ---- The server ----


def await_reset(stream):
    """After the end: whether a reset came, too."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
            return "reset"
        time.sleep(0.05)
    return "nothing"


def serve_one(stream):
    what = stream.recv(1)
    if what == b"e":
        stream.sendall(b"ok")
    elif what == b"f":
        stream.sendall(b"ok")
        seen = read_all(stream)
        print("f", seen if seen.endswith("peer") else await_reset(stream), flush=True)
    elif what == b"n":
        time.sleep(600)
    elif what == b"r":
        stream.sendall(b"ok")
        stream.shutdown(socket.SHUT_WR)
        wait_for("reset")
        return reset(stream)
    elif what == b"u":
        stream.shutdown(socket.SHUT_WR)
        time.sleep(8)
        print("u", read_all(stream), flush=True)
    stream.close()


def serve(port):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    listener.bind(("::", port))
    listener.listen(16)
    print("ready", flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve_one, args=(stream,), daemon=True).start()


# ---- Clients ----


def connect(where):
    return socket.create_connection(where, timeout=PATIENCE)


def ask(where):
    """What a client gets that only asks."""
    stream = connect(where)
    stream.sendall(b"e")
    return read_all(stream)


def cross(where, exit_pid):
    """The server's reset follows its end, while the client's end is on its way."""
    first = connect(where)
    first.sendall(b"r")
    read_all(first)
    os.kill(exit_pid, signal.SIGSTOP)
    open("reset", "w").close()
    time.sleep(0.2)
    first.close()
    time.sleep(0.2)
    second = connect(where)
    second.sendall(b"e")
    time.sleep(0.2)
    os.kill(exit_pid, signal.SIGCONT)
    seen = read_all(second)
    os.unlink("reset")
    return seen


def end_and_reset(where, entry_pid):
    """The client's end and its reset come together."""
    stream = connect(where)
    stream.sendall(b"f")
    stream.recv(2)
    os.kill(entry_pid, signal.SIGSTOP)
    time.sleep(0.1)
    stream.shutdown(socket.SHUT_WR)
    reset(stream)
    time.sleep(0.2)
    os.kill(entry_pid, signal.SIGCONT)
    return "done"


def fill(stream):
    """Sends until nothing has gone for a second."""
    stream.setblocking(False)
    last = time.monotonic()
    while time.monotonic() - last < 1:
        try:
            stream.send(bytes(65536))
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.05)


def full(where):
    """An upload that nobody reads is reset by its client."""
    stream = connect(where)
    stream.sendall(b"n")
    fill(stream)
    reset(stream)
    return "done"


def hole(where):
    """An upload to a destination that is not there: how long until it is refused."""
    stream = connect(where)
    begin = time.monotonic()
    stream.setblocking(False)
    sent = 0
    while time.monotonic() - begin < 60:
        try:
            sent += stream.send(bytes(65536)) if sent < 1 << 20 else 0
            time.sleep(0.05)
            stream.recv(1)
        except BlockingIOError:
            continue
        except OSError:
            break
    return str(round(time.monotonic() - begin))


def hold(where):
    """One is held until the file `go` is there, and then another is asked for."""
    first = connect(where)
    first.sendall(b"r")
    print(first.recv(2).decode(), flush=True)
    wait_for("go")
    first.close()
    time.sleep(0.3)
    return ask(where)


def up(where):
    stream = connect(where)
    stream.sendall(b"u" + bytes(700000))
    stream.shutdown(socket.SHUT_WR)
    return read_all(stream)


def main():
    what, *words = sys.argv[1:]
    if what == "serve":
        serve(int(words[0]))
    where = (words[0], int(words[1]))
    cases = {"ask": ask, "cross": cross, "end_and_reset": end_and_reset, "full": full,
             "hole": hole, "hold": hold, "up": up}
    try:
        print(cases[what](where, *map(int, words[2:])), flush=True)
    except OSError as error:
        print(error.strerror or error, flush=True)


if __name__ == "__main__":
    main()
