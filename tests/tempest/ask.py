#!/usr/bin/env python3
"""Asks echo.py and checks the answer.     usage: ask.py udp|raw ADDRESS BYTES [PORT-OF-OURS]"""

import socket, sys
how, to, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in to else socket.AF_INET
body = b"ask" + bytes(i % 251 for i in range(size - 3)) if size > 3 else b"a" * size
if how == "udp":
    stream = socket.socket(family, socket.SOCK_DGRAM)
    stream.settimeout(1)
    for left in (2, 1, 0):  # what is larger than the way, both ends learn by the loss of the first
        try:
            stream.sendto(body, (to, 7))
            data = stream.recv(65536)
            break
        except TimeoutError:
            if left == 0:
                raise
        except OSError:
            pass
    address, _, rest = data.partition(b" ")
    assert rest == body, "another answer"
    print(address.decode())
else:
    stream = socket.socket(family, socket.SOCK_RAW, 253)
    stream.settimeout(3)
    stream.sendto(body, (to, 0))
    while True:
        data = stream.recv(65536)
        data = data[20:] if family == socket.AF_INET else data
        if data == b"answer" + body:
            print("answered")
            break
