"""dv-processing by TCP: its writer serves, its reader connects."""

import os
import tempfile
import time

from streaming import HEIGHT, PORT, WIDTH, counts, pixels, send_paced

# Where a batch's events come from when it is due.
EVENTS = ["ready", "numpy", "recording"]
# Batches of a recording, which is read again and again.
LAP = 100


def write(arguments, seen, result):
    import dv_processing

    stream = dv_processing.io.Stream.EventStream(0, "events", "load", (WIDTH, HEIGHT))
    writer = dv_processing.io.NetworkWriter("127.0.0.1", PORT, stream)
    with tempfile.TemporaryDirectory() as folder:
        made = {"ready": ready, "numpy": from_numpy, "recording": from_recording}
        batch = made[arguments.events](dv_processing, counts(arguments)[0], folder)
        while writer.getClientCount() == 0:
            time.sleep(0.01)
        send_paced(arguments, seen, result, lambda number, due_us: writer.writeEvents(batch(number, due_us)))
        # What waits in the writer goes out before it is taken down.
        while writer.getClientCount() > 0:
            time.sleep(0.1)


def store(dv_processing, count, time_us):
    """Events as the library keeps them; its one way to make them from Python."""
    made = dv_processing.EventStore()
    for x, y in pixels(count):
        made.push_back(time_us, x, y, True)
    return made


def ready(dv_processing, count, _folder):
    """One packet, made before anything is sent: what the network alone carries."""
    made = store(dv_processing, count, 0)
    return lambda _number, _due_us: made


def from_numpy(dv_processing, count, _folder):
    """A packet of columns of NumPy, as they come from a program's own work."""
    import numpy

    x, y = (numpy.array(column, dtype=numpy.int16) for column in zip(*pixels(count)))
    on = numpy.ones(count, dtype=bool)

    def batch(_number, due_us):
        times = numpy.full(count, due_us, dtype=numpy.int64)
        made = dv_processing.EventStore()
        add = made.push_back
        for event in zip(times.tolist(), x.tolist(), y.tolist(), on.tolist()):
            add(*event)
        return made

    return batch


def from_recording(dv_processing, count, folder):
    """Packets read from a recording that its own writer wrote, uncompressed, as who plays one does."""
    path = os.path.join(folder, "load.aedat4")
    config = dv_processing.io.MonoCameraWriter.EventOnlyConfig(
        "load", (WIDTH, HEIGHT), dv_processing.CompressionType.NONE
    )
    writer = dv_processing.io.MonoCameraWriter(path, config)
    for number in range(LAP):
        writer.writeEvents(store(dv_processing, count, 1 + number))
    del writer
    laps = [dv_processing.io.MonoCameraRecording(path)]

    def batch(_number, _due_us):
        read = laps[0].getNextEventBatch()
        if read is None:
            laps[0] = dv_processing.io.MonoCameraRecording(path)
            read = laps[0].getNextEventBatch()
        assert read.size() == count, f"a packet of {read.size()} events"
        return read

    return batch


def read(arguments, seen):
    """Reads for as long as it is let, and looks at no event."""
    import dv_processing

    while True:
        try:
            reader = dv_processing.io.NetworkReader("127.0.0.1", PORT)
            break
        except RuntimeError:
            time.sleep(0.05)
    while True:
        batch = reader.getNextEventBatch()
        if batch is None or batch.size() == 0:
            time.sleep(20e-6)
            continue
        seen.note(batch.size())
