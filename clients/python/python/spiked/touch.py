"""Recordings of touch: folders of WHISKiT, and archives of frames."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from . import _native
from .arrays import Array
from .frames import Frames

#: Where a whisker stands: side ("L" or "R"), row from 0 (A) on, column.
WHISKER: Final = np.dtype([("side", "<U1"), ("row", "<u2"), ("column", "<u2")])
#: Frames of a portion, unless told otherwise.
PORTION = 1_000
COMPONENTS = 6


@dataclass(frozen=True, eq=False)
class Touch:
    """Frames of a recording of touch, all of them or a portion.

    What a simulator leaves where it failed is mended: NaN is 0, a magnitude above 1 000 the value before it.
    """

    values: Array
    """[frame, whisker, component], float32: Fx, Fy, Fz [mN], Mx, My, Mz [µN·m]."""
    names: list[str]
    """The whiskers, such as "RA0", in the order of the values."""
    period_ns: int
    """Time between frames [ns]."""
    first: int = 0
    """The number of the first frame in the recording."""
    not_numbers: int = 0
    """Values that were no number, and became 0."""
    absurd: int = 0
    """Values of more than 1 000, which became the value before."""

    @property
    def t(self) -> Array:
        """Time of each frame [µs], rounded down; the recording's first one is at 0."""
        return (self.first + np.arange(len(self.values), dtype=np.int64)) * self.period_ns // 1_000

    @property
    def period_us(self) -> float:
        """Time between frames [µs]."""
        return self.period_ns / 1e3

    @property
    def whiskers(self) -> Array:
        """Where the whiskers stand: array of `WHISKER`, in the order of the values."""
        places = [(name[0], ord(name[1]) - ord("A"), int(name[2:])) for name in self.names]
        return np.array(places, WHISKER)

    def frames(self, whiskers: Sequence[str] | None = None) -> Frames:
        """The same for a port: its whiskers by name, as `session.whiskers()` tells them, or those that are here.

        Whiskers that are not here feel nothing. Raises ValueError where none of them is.
        """
        values = self.values
        if whiskers is not None:
            at = {name: place for place, name in enumerate(self.names)}
            found = [(place, at[name]) for place, name in enumerate(whiskers) if name in at]
            if not found:
                raise ValueError(f"whiskers {list(whiskers)}: the recording has {self.names}")
            values = np.zeros((len(values), len(whiskers), COMPONENTS), np.float32)
            wanted, own = map(list, zip(*found, strict=True))
            values[:, wanted] = self.values[:, own]
        return Frames(values, t=self.first * self.period_ns / 1e3, period_us=self.period_us)


class TouchRecording:
    """An open recording of touch: an iterator over portions of its frames, each a `Touch`.

    Never holds more than a portion, so a recording may be larger than memory.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, frame_rate: float | None = None, portion: int = PORTION
    ) -> None:
        """Opens a folder as WHISKiT writes it (`dynamics/{Fx,…,Mz}.csv`, `whisker_ID.csv`), or an archive of NumPy
        arrays with one of the shape [frames, whiskers, 6].

        Frames a second are what the recording says, unless `frame_rate` does; 1 000 of a folder and 110 of an archive
        where nobody does.

        Raises InvalidRecording for what is missing or no recording of touch.
        """
        if frame_rate is not None and not 1e-3 <= frame_rate <= 1e6:
            raise ValueError(f"frame_rate {frame_rate}: expected 0.001 to 1e6 frames a second")
        self._native = _native.TouchRecording(os.fspath(path))
        self._period_ns = self._native.period_ns if frame_rate is None else round(1e9 / frame_rate)
        self._portion = portion
        self._frames = 0
        self._mended = (0, 0)

    @property
    def format(self) -> str:
        """How it is kept, found from the content."""
        return self._native.format

    @property
    def names(self) -> list[str]:
        """The whiskers, such as "RA0", in the order of a frame's values."""
        return self._native.whiskers

    @property
    def period_us(self) -> float:
        """Time between frames [µs]."""
        return self._period_ns / 1e3

    @property
    def frames_total(self) -> int | None:
        """Frames in all, where the recording says it."""
        return self._native.frames_total

    @property
    def unread(self) -> list[str]:
        """What else the recording holds that is not read: other arrays, kinematics."""
        return self._native.unread

    def __iter__(self) -> Iterator[Touch]:
        return self

    def __next__(self) -> Touch:
        touch = self._read()
        if not len(touch.values):
            raise StopIteration
        return touch

    def _read(self) -> Touch:
        """The next portion; one without frames at the end."""
        names, first, before = self.names, self._frames, self._mended
        values = np.frombuffer(self._native.read(self._portion), np.float32)
        values = values.reshape(-1, len(names), COMPONENTS)
        self._frames += len(values)
        self._mended = self._native.mended
        not_numbers, absurd = (now - then for now, then in zip(self._mended, before, strict=True))
        return Touch(values, names, self._period_ns, first, not_numbers, absurd)


def open_touch(
    path: str | os.PathLike[str], *, frame_rate: float | None = None, portion: int = PORTION
) -> TouchRecording:
    """Opens a recording of touch to be read portion by portion; see `TouchRecording`."""
    return TouchRecording(path, frame_rate=frame_rate, portion=portion)


def read_touch(path: str | os.PathLike[str], *, frame_rate: float | None = None) -> Touch:
    """All frames of a recording of touch; see `TouchRecording`."""
    recording = TouchRecording(path, frame_rate=frame_rate)
    portions = [recording._read()]
    while len(portions[-1].values):
        portions.append(recording._read())
    first = portions[0]
    return Touch(
        values=np.concatenate([portion.values for portion in portions]),
        names=first.names,
        period_ns=first.period_ns,
        not_numbers=sum(portion.not_numbers for portion in portions),
        absurd=sum(portion.absurd for portion in portions),
    )
