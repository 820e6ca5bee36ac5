"""Bare sockets: as many bytes as our events have, eight each, from memory to memory and no more."""

import os
import socket
import tempfile
import time

from streaming import PORT, counts, send_paced

EVENT_BYTES = 8
READ_BYTES = 1 << 20
PATH = os.path.join(tempfile.gettempdir(), f"peers-{os.getppid()}.socket")


def write_tcp(arguments, seen, result):
    out = connected(socket.AF_INET, ("127.0.0.1", PORT))
    out.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    write(arguments, seen, result, out)


def write_unix(arguments, seen, result):
    write(arguments, seen, result, connected(socket.AF_UNIX, PATH))


def connected(family, address):
    out = socket.socket(family, socket.SOCK_STREAM)
    while True:
        try:
            out.connect(address)
            return out
        except OSError:
            time.sleep(0.01)


def write(arguments, seen, result, out):
    batch = bytes(counts(arguments)[0] * EVENT_BYTES)
    send_paced(arguments, seen, result, lambda _number, _due_us: out.sendall(batch))


def read_tcp(arguments, seen):
    listener = socket.create_server(("127.0.0.1", PORT))
    read(seen, listener)


def read_unix(arguments, seen):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(PATH)
    listener.listen()
    try:
        read(seen, listener)
    finally:
        os.unlink(PATH)


def read(seen, listener):
    carried, _ = listener.accept()
    buffer, rest = bytearray(READ_BYTES), 0
    while count := carried.recv_into(buffer):
        events, rest = divmod(rest + count, EVENT_BYTES)
        seen.note(events)
