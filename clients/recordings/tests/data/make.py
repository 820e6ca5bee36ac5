"""Makes the HDF5 files beside it with the field's own tools: h5py 3, hdf5plugin (Blosc).

The library for ECF is Prophesee's and comes with no package: its chunks are written here from the layout.
Run as `python make.py` where h5py and hdf5plugin are installed. Events are those of `some_events` in
`tests/it/support.rs`.
"""

import struct
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from h5py import h5d, h5p, h5s, h5t, h5z

FOLDER = Path(__file__).parent
ECF = 36559


def some_events(count):
    t, x, y, p = np.zeros((4, count), "i8")
    n = np.arange(count)
    t[:] = np.cumsum(np.where(n % 13 == 12, 400, n % 3))
    x[:], y[:], p[:] = n * 7919 % 320, n * 104729 % 240, n * 31 % 7 < 3
    return t, x, y, p


def dsec(name, count, chunk, t_offset, **filters):
    t, x, y, p = some_events(count)
    with h5py.File(FOLDER / name, "w") as file:
        for key, values, dtype in [("t", t, "u4"), ("x", x, "u2"), ("y", y, "u2"), ("p", p, "u1")]:
            file.create_dataset(
                f"events/{key}", data=values.astype(dtype), chunks=(chunk,) if chunk else None, **filters
            )
        file["ms_to_idx"] = np.searchsorted(t, np.arange(0, t[-1], 1000)).astype("u8")
        file["t_offset"] = np.int64(t_offset)


def runs(values):
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *edges, len(values)]
    return [(int(values[a]), int(b - a)) for a, b in zip(bounds, bounds[1:])]


def ecf_times(t):
    out = struct.pack("<Q", t[0])
    now = int(t[0])
    for value, count in runs(t):
        # A time that steps back is told as one that stands still.
        step = max(value - now, 0)
        now = max(value, now) if value >= now else now
        if step >= 15:
            while step:
                out += bytes([0xF0 | step & 15])
                step >>= 4
        out += bytes([step << 4 | min(count, 15)]) + (struct.pack("<H", count) if count >= 15 else b"")
    return out


def ecf_run(values, bits, kind):
    full = (1 << bits) - 1
    out = b""
    for value, count in runs(values):
        out += struct.pack(kind, value << bits | min(count, full))
        out += struct.pack("<H", count) if count >= full else b""
    return out


def fours(values):
    padded = [int(value) for value in values] + [0] * (-len(values) % 4)
    return zip(*[iter(padded)] * 4)


def ecf_chunk(t, x, y, p, style):
    out = struct.pack("<I", len(t) << 2 | {"all": 2, "columns": 1, "masks": 0}[style]) + ecf_times(t)
    if style == "all":
        for a, b, c, d in fours(y << 12 | x << 1 | p):
            out += struct.pack("<3I", a << 8 | b & 0xFF, b >> 8 << 16 | c & 0xFFFF, c >> 16 << 24 | d)
        return out
    out += ecf_run(y, 5, "<H")
    if style == "columns":
        for a, b, c, d in fours(x << 1 | p):
            out += struct.pack("<3H", a << 4 | b & 15, b >> 4 << 8 | c & 0xFF, c >> 8 << 12 | d)
        return out
    at = 0
    while at < len(x):
        base, mask = int(x[at]), 0
        at += 1
        for step in range(1, 6):
            if at < len(x) and x[at] == base + step:
                mask |= 1 << (5 - step)
                at += 1
        out += struct.pack("<H", base << 5 | mask)
    return out + ecf_run(p, 7, "B")


def prophesee(name, events, chunk, styles):
    """Chunk after chunk in these styles by turns; `None` is one that is not packed."""
    record = np.dtype(
        {"names": ["x", "y", "p", "t"], "formats": ["<u2", "<u2", "<i2", "<i8"], "offsets": [0, 2, 4, 8], "itemsize": 16}
    )
    t, x, y, p = events
    with h5py.File(FOLDER / name, "w") as file:
        file.attrs["version"] = "1.0"
        file.attrs["format"] = "EVT3;height=240;width=320"
        file.attrs["geometry"] = "320x240"
        group = file.create_group("CD")
        how = h5p.create(h5p.DATASET_CREATE)
        how.set_chunk((chunk,))
        how.set_filter(ECF, h5z.FLAG_OPTIONAL)
        space = h5s.create_simple((len(t),), (h5s.UNLIMITED,))
        dataset = h5d.create(group.id, b"events", h5t.py_create(record), space, how)
        for number, begin in enumerate(range(0, len(t), chunk)):
            # As the library does, the last chunk is filled up with nought.
            part = [np.pad(column[begin : begin + chunk], (0, max(begin + chunk - len(t), 0))) for column in (t, x, y, p)]
            style = styles[number % len(styles)]
            if style is None:
                plain = np.zeros(chunk, record)
                for key, values in zip("txyp", part):
                    plain[key] = values
                dataset.write_direct_chunk((begin,), plain.tobytes(), filter_mask=1)
            else:
                dataset.write_direct_chunk((begin,), ecf_chunk(*part, style))


def in_rows(count):
    """Runs in time, row, column and polarity, what the masks are for; pauses unlike each other, up to 3^25 µs."""
    n = np.arange(count)
    t = np.cumsum(3 ** (np.arange(count // 40) % 26))[n // 40]
    return t, 10 + n % 40 * 3 // 2, n // 40 % 240, (n // 200) % 2


def main():
    blosc = hdf5plugin.Blosc
    orders = {"plain": blosc.NOSHUFFLE, "bytes": blosc.SHUFFLE, "bits": blosc.BITSHUFFLE}
    for packer, order in [
        *[("blosclz", "plain"), ("blosclz", "bytes"), ("blosclz", "bits"), ("lz4", "bytes")],
        *[("lz4", "bits"), ("zlib", "bytes"), ("zstd", "bytes"), ("zstd", "bits")],
    ]:
        filters = blosc(cname=packer, clevel=5, shuffle=orders[order])
        dsec(f"dsec_{packer}_{order}.h5", 2500, 1000, 5_000_000_000, **filters)
    dsec("dsec_tiny.h5", 40, 16, 7, **blosc(cname="zstd", clevel=5))
    dsec("dsec_deflate.h5", 2500, 1000, 0, compression="gzip", shuffle=True)
    dsec("dsec_contiguous.h5", 2500, None, 0)
    prophesee("prophesee_all.h5", some_events(2500), 1000, ["all"])
    prophesee("prophesee_columns.h5", some_events(2500), 1000, ["columns"])
    prophesee("prophesee_mixed.h5", some_events(2500), 600, ["masks", None, "all", "columns"])
    prophesee("prophesee_tiny.h5", some_events(40), 16, ["all", "masks"])
    prophesee("prophesee_rows.h5", in_rows(2000), 900, ["masks"])


if __name__ == "__main__":
    main()
