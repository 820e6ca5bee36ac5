"""Makes the .tcp files beside it: what a NetworkWriter of dv-processing 2.0.4 sends to whoever connects.

Run as `python make_dv.py` where dv-processing and what `make.py` needs are installed. Events are those of
`some_events` in `tests/it/support.rs`, from 2023 on.
"""

import os
import socket
import time
from pathlib import Path

import dv_processing as dv
from make import some_events

FOLDER = Path(__file__).parent
EPOCH_US = 1_700_000_000_000_000


def store(events, begin, end):
    part = dv.EventStore()
    for t, x, y, p in list(zip(*(column.tolist() for column in events)))[begin:end]:
        part.push_back(EPOCH_US + t, x, y, bool(p))
    return part


def sent(compression, events, each):
    """Everything that a client gets of packets of so many events."""
    stream = dv.io.Stream.EventStream(0, "events", "a camera", (320, 240))
    stream.setCompression(compression)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    writer = dv.io.NetworkWriter("127.0.0.1", port, stream)
    client = socket.create_connection(("127.0.0.1", port))
    while writer.getClientCount() == 0:
        time.sleep(0.01)
    for begin in range(0, len(events[0]), each):
        writer.writeEvents(store(events, begin, begin + each))
    client.settimeout(1)
    bytes_ = b""
    try:
        while more := client.recv(1 << 16):
            bytes_ += more
    except TimeoutError:
        pass
    return bytes_, writer, client


def main():
    kept = []
    for name in ["NONE", "LZ4", "ZSTD"]:
        bytes_, *alive = sent(getattr(dv.CompressionType, name), some_events(40), 15)
        (FOLDER / f"dv_{name.lower()}.tcp").write_bytes(bytes_)
        kept.append(alive)
    # A writer waits for its clients to go.
    os._exit(0)


if __name__ == "__main__":
    main()
