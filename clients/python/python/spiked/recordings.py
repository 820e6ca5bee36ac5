"""Recordings of every format that spiked reads, as arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from . import _native
from .arrays import CAMERA, Array

#: Events of a portion, unless told otherwise.
PORTION = 1 << 16
#: What reads other recordings.
_OTHERS = {"samples": "spiked.read_samples", "touch": "spiked.read_touch"}


class Recording:
    """An open recording: an iterator over portions of its events, each an array of `CAMERA`.

    Never holds more than a portion, so a file may be larger than memory.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        size: tuple[int, int] | None = None,
        portion: int = PORTION,
    ) -> None:
        """Opens a file; `size` is (columns, rows), for files whose header names none.

        Raises InvalidRecording for a file that is missing, of no known format, or damaged in its header.
        """
        try:
            self._native = _native.Recording(os.fspath(path), size)
        except _native.InvalidRecording as error:
            other = _OTHERS.get(_native.holds(os.fspath(path)))
            if other is None:
                raise
            raise _native.InvalidRecording(f"{error}; {other} reads it") from None
        self._portion = portion

    @property
    def format(self) -> str:
        """The format, found from the content."""
        return self._native.format

    @property
    def size(self) -> tuple[int, int] | None:
        """Columns and rows of the sensor, where they are known."""
        return self._native.size

    @property
    def header(self) -> dict[str, str]:
        """What the header says."""
        return dict(self._native.header)

    def __iter__(self) -> Iterator[Array]:
        return self

    def __next__(self) -> Array:
        events = np.frombuffer(self._native.read(self._portion), CAMERA)
        if not events.size:
            raise StopIteration
        return events


def open_recording(
    path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, portion: int = PORTION
) -> Recording:
    """Opens a recording to be read portion by portion; see `Recording`."""
    return Recording(path, size=size, portion=portion)


def read(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> Array:
    """All events of a recording, as one array of `CAMERA`."""
    portions = list(Recording(path, size=size))
    return np.concatenate(portions) if portions else np.empty(0, CAMERA)
