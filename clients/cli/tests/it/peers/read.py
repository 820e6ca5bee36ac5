"""Reads a recording with a library that is not ours, and prints count, sums, times and a digest of its events."""

import hashlib
import sys

import numpy


def faery(path):
    import faery

    return [(e["t"], e["x"], e["y"], e["on"]) for e in faery.events_stream_from_file(path)]


def dv_processing(path):
    import dv_processing

    recording = dv_processing.io.MonoCameraRecording(path)
    assert recording.isEventStreamAvailable(), "no stream of events"
    while True:
        batch = recording.getNextEventBatch()
        if batch is None:
            return
        yield batch.timestamps(), *batch.coordinates().T, batch.polarities()


def expelliarmus(path, encoding):
    import expelliarmus

    events = expelliarmus.Wizard(encoding=encoding, fpath=path).read()
    return [(events["t"], events["x"], events["y"], events["p"])]


def evt3(path):
    import evt3

    events = evt3.decode_file(path)
    return [(events.timestamp, events.x, events.y, events.polarity)]


def event_stream(path):
    import event_stream

    with event_stream.Decoder(path) as decoder:
        height = decoder.height
        for e in decoder:
            yield e["t"], e["x"], height - 1 - e["y"].astype("i8"), e["on"]


def arrays(path):
    with numpy.load(path) as events:
        return [(events["t"], events["x"], events["y"], events["p"])]


def lines(path):
    events = numpy.genfromtxt(path, delimiter=",", names=True, dtype="i8")
    return [(events["t_us"], events["x"], events["y"], events["polarity"])]


def main():
    library, path = sys.argv[1:3]
    readers = {
        "faery": faery,
        "dv_processing": dv_processing,
        "event_stream": event_stream,
        "evt3": evt3,
        "numpy": arrays,
        "numpy_lines": lines,
        "expelliarmus_evt2": lambda path: expelliarmus(path, "evt2"),
        "expelliarmus_dat": lambda path: expelliarmus(path, "dat"),
    }
    count = sum_x = sum_y = on = 0
    first = last = None
    digest = hashlib.sha256()
    for t, x, y, p in readers[library](path):
        if len(t) == 0:
            continue
        first = int(t[0]) if first is None else first
        last = int(t[-1])
        count += len(t)
        sum_x += int(numpy.sum(x, dtype="i8"))
        sum_y += int(numpy.sum(y, dtype="i8"))
        on += int(numpy.sum(p.astype("i8") > 0))
        events = numpy.array([t, x, y, p.astype("i8") > 0], "<i8")
        digest.update(events.T.tobytes())
    print(count, sum_x, sum_y, on, first, last, digest.hexdigest())


main()
