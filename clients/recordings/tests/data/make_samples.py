"""Makes the HDF5 files of labelled samples beside it with the field's own tools: h5py 3, and PyTables 3, with
which the published files of SHD are read and can be made.

Run as `python make_samples.py` where both are installed. Samples are those of `some_sample` in
`tests/it/samples.rs`.
"""

from pathlib import Path

import h5py
import numpy as np
import tables

FOLDER = Path(__file__).parent
CLASSES = ["null", "eins", "zwei", "drei", "zero", "one", "two"]


def some_sample(index, channels):
    """Times [s] and channels; a time is a multiple of 1/1024 s, which 16 bits hold as it is."""
    k = np.arange(index * 3 % 8)
    times, units = (index + k * k * 9) / 1024, (index * 131 + k * 97) % channels
    # Out of order in the file.
    return (times[::-1], units[::-1]) if index == 5 else (times, units)


def sequences(file, name, rows, dtype, **storage):
    dataset = file.create_dataset(name, (len(rows),), h5py.vlen_dtype(np.dtype(dtype)), **storage)
    for number, row in enumerate(rows):
        dataset[number] = row.astype(dtype)


def heidelberg(name, count, times="f2", speaker=None, **storage):
    samples = [some_sample(index, 700) for index in range(count)]
    with h5py.File(FOLDER / name, "w") as file:
        sequences(file, "spikes/times", [t for t, _ in samples], times, **storage)
        sequences(file, "spikes/units", [x for _, x in samples], "u2", **storage)
        file["labels"] = (np.arange(count) % len(CLASSES)).astype("u2")
        if speaker == "numbers":
            file["extra/speaker"] = (np.arange(count) % 12).astype("u2")
        if speaker == "names":
            file["extra/speaker"] = [f"speaker {index % 12}" for index in range(count)]
        if speaker is not None:
            file["extra/keys"] = np.array([key.encode() for key in CLASSES])


def heidelberg_tables(name, count):
    """As PyTables keeps arrays of any length: chunks that can grow; small ones, for a small file."""
    with tables.open_file(FOLDER / name, "w") as file:
        spikes = file.create_group("/", "spikes")
        times = file.create_vlarray(spikes, "times", tables.Float16Atom(), chunkshape=16)
        units = file.create_vlarray(spikes, "units", tables.UInt16Atom(), chunkshape=16)
        for index in range(count):
            t, x = some_sample(index, 700)
            times.append(t.astype("f2"))
            units.append(x.astype("u2"))
        file.create_array("/", "labels", (np.arange(count) % len(CLASSES)).astype("u1"))
        extra = file.create_group("/", "extra")
        file.create_array(extra, "keys", np.array([key.encode() for key in CLASSES]))
        file.create_array(extra, "speaker", (np.arange(count) % 12).astype("i8"))


def tidigits(name, train, test, times="f8", text="fixed", **storage):
    with h5py.File(FOLDER / name, "w") as file:
        for split, first, count in [("train", 0, train), ("test", 100, test)]:
            keys = []
            for index in range(first, first + count):
                t, x = some_sample(index, 64)
                key = f"ae-{index}-" + ["o", "1", "2z", "47o1"][index % 4]
                file.create_dataset(f"{split}_timestamps/{key}", data=t.astype(times), **storage)
                file.create_dataset(f"{split}_addresses/{key}", data=x.astype("i8"))
                keys.append(key)
            if keys:
                kind = h5py.string_dtype() if text == "any" else f"S{max(map(len, keys))}"
                file.create_dataset(f"{split}_labels", data=keys, dtype=kind)


def main():
    heidelberg("shd_tiny.h5", 6, speaker="numbers")
    heidelberg("ssc_gzip.h5", 300, "f4", "names", chunks=(64,), compression="gzip", shuffle=True)
    heidelberg("shd_bare.h5", 20, "f8")
    heidelberg_tables("shd_tables.h5", 40)
    tidigits("tidigits_tiny.h5", 3, 2)
    tidigits("tidigits_any.h5", 40, 0, "f4", "any")


if __name__ == "__main__":
    main()
