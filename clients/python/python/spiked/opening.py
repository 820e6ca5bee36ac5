"""A recording of any kind, by what it holds."""

from __future__ import annotations

import os

from . import _native
from .recordings import Recording
from .samples import Samples
from .touch import TouchRecording


def open(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    split: str | None = None,
    frame_rate: float | None = None,
) -> Recording | Samples | TouchRecording:
    """Opens whatever a path holds: a camera's events, labelled samples, or touch. All three are iterated.

    `size` is for events, `split` for samples, `frame_rate` for touch.

    Raises InvalidRecording for what cannot be opened, ValueError for what is for recordings of another kind.
    """
    kind = _native.holds(os.fspath(path))
    for name, given, of in (("size", size, "events"), ("split", split, "samples"), ("frame_rate", frame_rate, "touch")):
        if given is not None and of != kind:
            raise ValueError(f"{name} {given!r} is for recordings of {of}: {os.fspath(path)} holds {kind}")
    if kind == "samples":
        return Samples(path, split=split)
    if kind == "touch":
        return TouchRecording(path, frame_rate=frame_rate)
    return Recording(path, size=size)
