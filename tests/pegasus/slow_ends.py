#!/usr/bin/env python3
"""One end of a connection that both ends have ended long before one of them reads.

usage: slow_ends.py serve PORT BYTES SECONDS        says `ready`, `asked` by each client, and what came of it
       slow_ends.py up ADDRESS PORT BYTES           a client that sends and ends, and reads the end
       slow_ends.py down ADDRESS PORT SECONDS       a client that asks, ends, and reads that late
The server's first byte from a client says what for: `u`: it ends at once, and reads after SECONDS;
`d`: it sends BYTES and ends.
"""
import socket
import sys
import threading
import time

BUFFER = 65536  # little: most of it has to wait elsewhere


def read_all(stream):
    """How many bytes came, and how that ended."""
    count = 0
    try:
        while more := stream.recv(65536):
            count += len(more)
        return f"{count} end"
    except OSError as error:
        return f"{count} {error.strerror}"


def serve_one(stream, size, seconds):
    what = stream.recv(1)
    print("asked", flush=True)
    if what == b"u":
        stream.shutdown(socket.SHUT_WR)
        time.sleep(seconds)
        print("up", read_all(stream), flush=True)
    else:
        stream.sendall(bytes(size))
        stream.shutdown(socket.SHUT_WR)
        print("down", read_all(stream), flush=True)
    stream.close()


def serve(port, size, seconds):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    listener.bind(("::", port))
    listener.listen(16)
    print("ready", flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve_one, args=(stream, size, seconds), daemon=True).start()


def connect(address, port):
    stream = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    stream.settimeout(300)
    stream.connect((address, port))
    return stream


def main():
    what, *words = sys.argv[1:]
    if what == "serve":
        serve(int(words[0]), int(words[1]), float(words[2]))
    stream = connect(words[0], int(words[1]))
    if what == "up":
        stream.sendall(b"u" + bytes(int(words[2])))
        stream.shutdown(socket.SHUT_WR)
    else:
        stream.sendall(b"d")
        stream.shutdown(socket.SHUT_WR)
        time.sleep(float(words[2]))
    print(read_all(stream), flush=True)


if __name__ == "__main__":
    main()
