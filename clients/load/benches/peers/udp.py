"""Datagrams in the layouts of faery and of aestream, read by their own readers."""

import socket
import time

from streaming import HEIGHT, PORT, WIDTH, counts, pixels, send_paced

# Events of a datagram.
FAERY_EVENTS = 100
AESTREAM_EVENTS = 128
# aestream's reader gives what has come since it was asked last.
ASK_S = 1e-3


def columns(count):
    import numpy

    return [numpy.array(column, dtype=numpy.uint16) for column in zip(*pixels(count))]


def send_cut(out, data, size):
    for first in range(0, len(data), size):
        out.sendto(data[first : first + size], ("127.0.0.1", PORT))


def write_faery(arguments, seen, result):
    """Its layout t64_x16_y16_on8: 13 bytes an event."""
    import numpy

    count, _ = counts(arguments)
    events = numpy.zeros(count, dtype=[("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "u1")])
    events["x"], events["y"] = columns(count)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(_number, due_us):
        events["t"] = due_us
        send_cut(out, memoryview(events.tobytes()), FAERY_EVENTS * events.dtype.itemsize)

    send_paced(arguments, seen, result, send, run_up_s=2.0)


def read_faery(arguments, seen):
    """Its reader never ends by itself."""
    import faery

    for batch in faery.events_stream_from_udp((WIDTH, HEIGHT), ("127.0.0.1", PORT)):
        if len(batch) > 0:
            seen.note(len(batch))


def write_aestream(arguments, seen, result):
    """Its words of 32 bits without time stamps."""
    import numpy

    count, _ = counts(arguments)
    x, y = (column.astype(numpy.uint32) for column in columns(count))
    words = (((x | 0x8000) << 16) | y | 0x8000).astype("<u4")
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(_number, _due_us):
        send_cut(out, memoryview(words.tobytes()), AESTREAM_EVENTS * words.itemsize)

    send_paced(arguments, seen, result, send, run_up_s=2.0)


def read_aestream(arguments, seen):
    """Its reader gives frames: how many events came at each pixel."""
    import aestream

    with aestream.UDPInput((WIDTH, HEIGHT), device="cpu", port=PORT) as stream:
        while True:
            time.sleep(ASK_S)
            events = int(stream.read().sum())
            if events:
                seen.note(events)
