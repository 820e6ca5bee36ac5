"""A writer and a reader in processes of their own, and what is told of them."""

import multiprocessing
import time

WIDTH, HEIGHT = 320, 240
PERIOD_US = 1_000
PORT = 47_811
QUIET_S = 2.0


def now_us():
    return time.monotonic_ns() // 1_000


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def counts(arguments):
    """Events of a batch, and how many batches there are."""
    return int(arguments.rate * PERIOD_US / 1e6), int(arguments.seconds * 1e6 / PERIOD_US)


def pixels(count):
    """Pixels all over the sensor, the same each time."""
    return [(number * 37 % WIDTH, number * 53 % HEIGHT) for number in range(count)]


def send_paced(arguments, seen, result, send, run_up_s=1.0):
    """Calls `send` with the number of each batch and the moment at which it is due, when it is due."""
    count, batches = counts(arguments)
    began_us = now_us() + int(run_up_s * 1e6)
    seen.began_us.value = began_us
    late_us, cpu = [], time.process_time()
    for batch in range(batches):
        due_us = began_us + batch * PERIOD_US
        while (left_us := due_us - now_us()) > 0:
            time.sleep(max(0.0, (left_us - 60) / 1e6))
        late_us.append(now_us() - due_us)
        send(batch, due_us)
    cpu_s, seconds = time.process_time() - cpu, (now_us() - began_us) / 1e6
    result.put({"events": batches * count, "cpu_s": cpu_s, "late_us": late_us, "seconds": seconds})


class Seen:
    """What a reader has seen, for another process to look at."""

    def __init__(self, arguments):
        self.batch, batches = counts(arguments)
        self.began_us = multiprocessing.Value("q", 0, lock=False)
        self.events = multiprocessing.Value("q", 0, lock=False)
        self.last_us = multiprocessing.Value("q", 0, lock=False)
        self.cpu_s = multiprocessing.Value("d", 0.0, lock=False)
        self.whole = multiprocessing.Value("q", 0, lock=False)
        self.latencies_us = multiprocessing.Array("q", batches, lock=False)

    def note(self, events):
        """So many more have come. Batches come in order: which are whole now, their number says."""
        now = now_us()
        self.events.value += events
        self.last_us.value = now
        self.cpu_s.value = time.process_time()
        whole = min(self.events.value // self.batch, len(self.latencies_us))
        for batch in range(self.whole.value, whole):
            self.latencies_us[batch] = now - (self.began_us.value + batch * PERIOD_US)
        self.whole.value = whole


def streamed(arguments, write, read):
    """Lets one write and the other read, until nothing more comes."""
    result, seen = multiprocessing.SimpleQueue(), Seen(arguments)
    writer = multiprocessing.Process(target=write, args=(arguments, seen, result), daemon=True)
    reader = multiprocessing.Process(target=read, args=(arguments, seen), daemon=True)
    reader.start()
    writer.start()
    sent = result.get()
    before = -1
    while before != seen.events.value:
        before = seen.events.value
        time.sleep(QUIET_S)
    for process in (reader, writer):
        process.kill()
        process.join()
    received = seen.events.value
    told = {
        "bench": f"peer_{arguments.tool}",
        "events": arguments.events,
        "rate": arguments.rate,
        "events_sent": sent["events"],
        "events_received": received,
        "sending_s": round(sent["seconds"], 3),
        "received_per_s": round(received * 1e6 / max(seen.last_us.value - seen.began_us.value, 1)),
        "writer_late_p50_us": percentile(sent["late_us"], 0.5),
        "writer_late_p99_us": percentile(sent["late_us"], 0.99),
        "writer_cpu_s_per_million": round(sent["cpu_s"] * 1e6 / sent["events"], 3),
        "reader_cpu_s_per_million": round(seen.cpu_s.value * 1e6 / max(received, 1), 3),
    }
    if received == sent["events"]:
        latencies = list(seen.latencies_us)
        told |= {"p50_us": percentile(latencies, 0.5), "p99_us": percentile(latencies, 0.99)}
    return told
