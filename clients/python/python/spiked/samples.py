"""Files of labelled samples (SHD, SSC, N-TIDIGITS18), sample by sample."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from operator import index as whole_number
from typing import overload

import numpy as np

from . import _native
from .arrays import ADDRESS, Array


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample: what is said to be in it, and its spikes."""

    index: int
    """Its place in the file, from 0."""
    label: int | str
    """Its class by number (SHD, SSC), or what was said as text (N-TIDIGITS18)."""
    name: str | None
    """What its class is called, where the file tells."""
    speaker: str | None
    """Who spoke, where the file tells."""
    key: str | None
    """Its own name in the file, where it has one."""
    spikes: Array
    """Array of `ADDRESS`, in order of time: t from the sample's beginning [µs], and the channel of the cochlea."""
    backward_steps: int
    """Spikes that the file has right behind a later one; they were put into their order."""


class Samples:
    """An open file of samples: a sequence that reads each when it is asked for, and holds none.

    So a file may be larger than memory. One that is damaged raises InvalidRecording, which names it; the others may be
    read all the same.
    """

    def __init__(self, path: str | os.PathLike[str], *, split: str | None = None) -> None:
        """Opens a file; `split` is "train" or "test" where it has both, and those for training without it.

        Raises InvalidRecording for a file that is missing, of another layout, or without such samples.
        """
        if split not in (None, "train", "test"):
            raise ValueError(f"split {split!r}: expected 'train' or 'test'")
        self._native = _native.Samples(os.fspath(path), None if split is None else split == "test")

    @property
    def format(self) -> str:
        """The layout, found from the content."""
        return self._native.format

    @property
    def channels(self) -> int:
        """Channels of the cochlea: addresses are below this."""
        return self._native.channels

    @property
    def classes(self) -> list[str]:
        """What the classes are called, by their numbers; empty where the file doesn't tell."""
        return self._native.classes

    @property
    def split(self) -> str | None:
        """Which samples these are, where the file has several kinds."""
        return self._native.split

    @property
    def splits(self) -> list[str]:
        """The kinds that the file has; empty where all are of one."""
        return self._native.splits

    def __len__(self) -> int:
        return self._native.count

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Reads a sample, from the end where the index is below zero; or those of a slice."""
        count = len(self)
        if isinstance(index, slice):
            return [self._read(number) for number in range(*index.indices(count))]
        number = whole_number(index)
        if not -count <= number < count:
            raise IndexError(f"sample {number}: the file has {count} samples")
        return self._read(number % count)

    def __iter__(self) -> Iterator[Sample]:
        return map(self._read, range(len(self)))

    def _read(self, number: int) -> Sample:
        label, name, speaker, key, spikes, backward_steps = self._native.read(number)
        return Sample(
            index=number,
            label=label,
            name=name,
            speaker=speaker,
            key=key,
            spikes=np.frombuffer(spikes, ADDRESS),
            backward_steps=backward_steps,
        )


def read_samples(path: str | os.PathLike[str], *, split: str | None = None) -> Samples:
    """Opens a file of labelled samples; see `Samples`."""
    return Samples(path, split=split)
