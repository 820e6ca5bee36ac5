"""What stream tools of others carry over loopback: dv-processing by TCP, faery by UDP.

    python3 -m venv peers && peers/bin/pip install dv-processing faery numpy
    peers/bin/python clients/load/benches/peers.py dv --rate 1e6 --latency
    peers/bin/python clients/load/benches/peers.py dv --rate 8e6
    peers/bin/python clients/load/benches/peers.py udp --rate 5e5

Writer and reader are processes of their own on this machine; a batch leaves each millisecond. With --latency
each event has as its time the moment at which it should leave (CLOCK_MONOTONIC, in us), so that the reader
knows how late it is; without it one batch is sent again and again. One JSON line: events sent and received,
latencies from the intended moment, processor seconds of a million events on both sides.
"""

import argparse
import json
import multiprocessing
import socket
import struct
import time

WIDTH, HEIGHT = 320, 240
PERIOD_US = 1_000
PORT = 47_811
SETTLE_S = 1.0
QUIET_S = 2.0


def now_us():
    return time.monotonic_ns() // 1_000


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def pixels(count):
    """Pixels all over the sensor, the same each time."""
    return [(number * 37 % WIDTH, number * 53 % HEIGHT) for number in range(count)]


def paced(began_us, batches, send):
    """Calls `send` for each batch when it is due; says by how much each was late."""
    late_us = []
    for batch in range(batches):
        due_us = began_us + batch * PERIOD_US
        while (left_us := due_us - now_us()) > 0:
            time.sleep(max(0.0, (left_us - 60) / 1e6))
        late_us.append(now_us() - due_us)
        send(batch)
    return late_us


def write_dv(arguments, result):
    """A server of DV."""
    import dv_processing as dv

    stream = dv.io.Stream.EventStream(0, "events", "load", (WIDTH, HEIGHT))
    writer = dv.io.NetworkWriter("127.0.0.1", PORT, stream)
    count = int(arguments.rate * PERIOD_US / 1e6)
    batches = int(arguments.seconds * 1e6 / PERIOD_US)

    def store(time_us):
        made = dv.EventStore()
        for x, y in pixels(count):
            made.push_back(time_us, x, y, True)
        return made

    # Made before anything is sent, with the times at which they will be due.
    build_s = batches * count * 1e-6 * 2 if arguments.latency else 0.0
    began_us = now_us() + int((build_s + 3 * SETTLE_S) * 1e6)
    if arguments.latency:
        stores = [store(began_us + batch * PERIOD_US) for batch in range(batches)]
    else:
        stores = [store(0)] * batches
    while writer.getClientCount() == 0:
        time.sleep(0.01)
    assert now_us() < began_us, "making the batches took too long"
    cpu = time.process_time()
    late_us = paced(began_us, batches, lambda batch: writer.writeEvents(stores[batch]))
    sent = {"events": batches * count, "cpu_s": time.process_time() - cpu, "late_us": late_us}
    sent["seconds"] = (now_us() - began_us) / 1e6
    result.put(sent)
    # What waits in the writer goes out before it is taken down.
    while writer.getClientCount() > 0 and now_us() - began_us < (arguments.seconds + 60) * 1e6:
        time.sleep(0.1)


def read_dv(arguments, seen):
    """Reads for as long as it is let."""
    import dv_processing as dv

    while True:
        try:
            reader = dv.io.NetworkReader("127.0.0.1", PORT)
            break
        except RuntimeError:
            time.sleep(0.05)
    while True:
        batch = reader.getNextEventBatch()
        if batch is None or batch.size() == 0:
            time.sleep(20e-6)
            continue
        seen.note(batch.size(), batch.getHighestTime())


def write_udp(arguments, result):
    """Datagrams in faery's layout t64_x16_y16_on8: 13 bytes an event, 100 events a datagram."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    count = int(arguments.rate * PERIOD_US / 1e6)
    batches = int(arguments.seconds * 1e6 / PERIOD_US)
    began_us = now_us() + int(2 * SETTLE_S * 1e6)
    places = pixels(count)

    def send(batch):
        due_us = began_us + batch * PERIOD_US
        for first in range(0, count, 100):
            part = places[first : first + 100]
            out.sendto(b"".join(struct.pack("<QHHB", due_us, x, y, 1) for x, y in part), ("127.0.0.1", PORT))

    cpu = time.process_time()
    late_us = paced(began_us, batches, send)
    sent = {"events": batches * count, "cpu_s": time.process_time() - cpu, "late_us": late_us}
    sent["seconds"] = (now_us() - began_us) / 1e6
    result.put(sent)


def read_udp(arguments, seen):
    """faery's own reader, which never ends by itself."""
    import faery

    for batch in faery.events_stream_from_udp((WIDTH, HEIGHT), ("127.0.0.1", PORT)):
        if len(batch) > 0:
            seen.note(len(batch), int(batch["t"][-1]))


class Seen:
    """What a reader has seen, for another process to look at."""

    def __init__(self):
        self.events = multiprocessing.Value("q", 0, lock=False)
        self.cpu_s = multiprocessing.Value("d", 0.0, lock=False)
        self.count = multiprocessing.Value("q", 0, lock=False)
        self.latencies_us = multiprocessing.Array("q", 1_000_000, lock=False)

    def note(self, events, last_us):
        self.latencies_us[self.count.value] = now_us() - last_us
        self.count.value += 1
        self.events.value += events
        self.cpu_s.value = time.process_time()


TOOLS = {"dv": (write_dv, read_dv), "udp": (write_udp, read_udp)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", choices=sorted(TOOLS))
    parser.add_argument("--rate", type=float, default=1e6, help="events a second")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--latency", action="store_true", help="give each event its own time")
    arguments = parser.parse_args()
    write, read = TOOLS[arguments.tool]
    result, seen = multiprocessing.SimpleQueue(), Seen()
    writer = multiprocessing.Process(target=write, args=(arguments, result), daemon=True)
    reader = multiprocessing.Process(target=read, args=(arguments, seen), daemon=True)
    writer.start()
    reader.start()
    sent = result.get()
    before = -1
    while before != seen.events.value:
        before = seen.events.value
        time.sleep(QUIET_S)
    for process in (reader, writer):
        process.kill()
        process.join()
    told = {
        "bench": f"peer_{arguments.tool}",
        "rate": arguments.rate,
        "events_sent": sent["events"],
        "sending_s": round(sent["seconds"], 3),
        "events_received": seen.events.value,
        "writer_late_p99_us": percentile(sent["late_us"], 0.99),
        "writer_cpu_s_per_million": round(sent["cpu_s"] * 1e6 / sent["events"], 3),
        "reader_cpu_s_per_million": round(seen.cpu_s.value * 1e6 / max(seen.events.value, 1), 3),
    }
    if arguments.latency or arguments.tool == "udp":
        latencies = seen.latencies_us[: seen.count.value]
        told |= {"p50_us": percentile(latencies, 0.5), "p99_us": percentile(latencies, 0.99)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
