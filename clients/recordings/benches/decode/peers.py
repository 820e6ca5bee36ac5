"""Times libraries of others on a recording: peers.py FORMAT FILE, one JSON line a library."""

import json
import statistics
import sys
import time

RUNS = 5
SECONDS_A_RUN = 0.5


def faery(path):
    import faery

    return sum(len(events) for events in faery.events_stream_from_file(path))


def dv_processing(path):
    import dv_processing

    recording = dv_processing.io.MonoCameraRecording(path)
    count = 0
    while (batch := recording.getNextEventBatch()) is not None:
        count += batch.size()
    return count


def expelliarmus(encoding):
    def read(path):
        import expelliarmus

        return len(expelliarmus.Wizard(encoding=encoding, fpath=path).read())

    return read


def event_stream(path):
    import event_stream

    with event_stream.Decoder(path) as decoder:
        return sum(len(events) for events in decoder)


LIBRARIES = {
    "es": {"event_stream": event_stream, "faery": faery},
    "evt2": {"expelliarmus": expelliarmus("evt2")},
    "evt21": {},
    "evt3": {"expelliarmus": expelliarmus("evt3"), "faery": faery},
    "dat": {"expelliarmus": expelliarmus("dat"), "faery": faery},
    "aedat3": {},
    "aedat4": {"dv_processing": dv_processing, "faery": faery},
    "aedat4_lz4": {"dv_processing": dv_processing, "faery": faery},
    "aedat4_zstd": {"dv_processing": dv_processing, "faery": faery},
    "csv": {"faery": faery},
}


def rate(read, path):
    """Events a second of processor time, over half a second."""
    count, began = 0, time.process_time()
    while (took := time.process_time() - began) < SECONDS_A_RUN:
        count += read(path)
    return count / took


def main():
    form, path = sys.argv[1:3]
    for name, read in LIBRARIES[form].items():
        try:
            read(path)
            rates = sorted(rate(read, path) for _ in range(RUNS))
        except Exception as error:
            print(f"{name} on {form}: {error}", file=sys.stderr)
            continue
        print(
            json.dumps(
                {
                    "bench": f"decode_{form}_{name}",
                    "runs": RUNS,
                    "min": round(rates[0]),
                    "median": round(statistics.median(rates)),
                    "max": round(rates[-1]),
                }
            ),
            flush=True,
        )


main()
