"""Makes the .es files beside it with event_stream 1.6.3, the format's own library: types atis, color, generic.

Run as `python make_es.py` where event_stream and what `make.py` needs are installed. Events are those of
`some_events` in `tests/it/support.rs`, rows counted from the bottom; of those of an ATIS every third is a
threshold crossing.
"""

from pathlib import Path

import event_stream
import numpy as np
from make import some_events

FOLDER = Path(__file__).parent
WIDTH, HEIGHT = 320, 240


def write(name, kind, events):
    with event_stream.Encoder(str(FOLDER / name), kind, WIDTH, HEIGHT) as encoder:
        encoder.write(events)


def pixels(dtype, count, pause=1):
    t, x, y, p = some_events(count)
    events = np.zeros(count, dtype)
    events["t"], events["x"], events["y"] = t * pause, x, HEIGHT - 1 - y
    return events, p


def atis(name, count, pause=1):
    events, p = pixels(event_stream.atis_dtype, count, pause)
    events["exposure"] = np.arange(count) % 3 == 2
    events["polarity"] = p
    write(name, "atis", events)


def main():
    atis("atis.es", 300)
    # Pauses of many overflows.
    atis("atis_slow.es", 60, pause=50)
    events, _ = pixels(event_stream.color_dtype, 60)
    events["r"], events["g"], events["b"] = 255, 254, 0
    write("color.es", "color", events)
    generic = [(n * 300, bytes([0xFF]) * (1 + n * 40)) for n in range(12)]
    write("generic.es", "generic", np.array(generic, event_stream.generic_dtype))


if __name__ == "__main__":
    main()
