"""Events and spikes as structured arrays, and what else is taken for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: An event of a camera: t [µs], x from the left, y from the top, p (True is ON).
CAMERA: Final = np.dtype([("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "?")])
#: An event of a port of channels: t [µs], address (row-major index into the port's shape).
ADDRESS: Final = np.dtype([("t", "<i8"), ("address", "<u4")])
#: A spike: t, the start of its tick [µs]; tick; port, an index into `Session.outputs`; address, within the
#: port; multiplicity, threshold crossings within the tick.
SPIKE: Final = np.dtype(
    [("t", "<i8"), ("tick", "<u8"), ("port", "<u2"), ("address", "<u4"), ("multiplicity", "<u4")]
)
#: A readout's decision: t [µs], port, class, its votes, and votes in all; where it stopped a sample, the
#: confidence and how many ticks the sample took, else nan and 0.
DECISION: Final = np.dtype(
    [
        ("t", "<i8"),
        ("port", "<u2"),
        ("class", "<u4"),
        ("votes", "<u8"),
        ("votes_total", "<u8"),
        ("confidence", "<f8"),
        ("sample_ticks", "<u8"),
    ]
)

_NAMES: Final = {
    "t": ("t", "ts", "timestamp", "timestamps", "time"),
    "x": ("x",),
    "y": ("y",),
    "p": ("p", "pol", "polarity", "on"),
    "address": ("address", "channel", "unit", "index"),
}


def camera_events(t: npt.ArrayLike, x: npt.ArrayLike, y: npt.ArrayLike, p: npt.ArrayLike) -> Array:
    """Events of a camera from four arrays of one length; p above 0 is ON."""
    return _filled(CAMERA, {"t": t, "x": x, "y": y, "p": np.asarray(p) > 0})


def address_events(t: npt.ArrayLike, address: npt.ArrayLike) -> Array:
    """Events of a port of channels from two arrays of one length."""
    return _filled(ADDRESS, {"t": t, "address": address})


def packed(events: npt.ArrayLike) -> Array:
    """The events as a contiguous array of `CAMERA` or `ADDRESS`.

    Takes any structured array with these fields, also under the names that other libraries use.

    Raises TypeError for anything else, ValueError for values that the fields cannot hold.
    """
    array = np.asarray(events)
    if array.dtype in (CAMERA, ADDRESS):
        return np.ascontiguousarray(array)
    fields = array.dtype.names
    if fields is None:
        raise TypeError(
            f"events of dtype {array.dtype}: expected a structured array with the fields t, x, y and p, or "
            "t and address; see spiked.camera_events and spiked.address_events"
        )
    for dtype in (CAMERA, ADDRESS):
        found = {name: _first(fields, _NAMES[name]) for name in dtype.names or ()}
        if all(found.values()):
            columns = {name: array[field] for name, field in found.items()}
            if "p" in columns:
                columns["p"] = columns["p"] > 0
            return _filled(dtype, columns)
    raise TypeError(f"events with the fields {fields}: expected t, x, y and p, or t and address")


def _first(fields: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in fields), None)


def _filled(dtype: np.dtype[Any], columns: Mapping[str, npt.ArrayLike]) -> Array:
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    lengths = {array.shape for array in arrays.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1:
        raise ValueError(f"arrays of shapes {sorted(lengths)}: expected one dimension and one length")
    events = np.empty(next(iter(lengths)), dtype)
    for name, array in arrays.items():
        kind = dtype[name]
        if kind.kind in "iu" and array.size:
            if array.dtype.kind not in "iub" and not np.all(array == np.floor(array)):
                raise ValueError(f"{name} holds values that are no whole numbers")
            bounds = np.iinfo(kind)
            least, most = array.min(), array.max()
            if least < max(bounds.min, 0) or most > bounds.max:
                wrong = least if least < 0 else most
                raise ValueError(f"{name} holds {wrong}, expected 0 to {bounds.max}")
        events[name] = array
    return events
