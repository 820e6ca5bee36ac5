"""Events and frames on their way to a port."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from . import _native
from .arrays import CAMERA, packed
from .frames import Frames

#: Events as arrays, or frames.
Inputs = npt.ArrayLike | Frames


def native(events: Inputs) -> _native.Input:
    """The same for the native half.

    Raises TypeError and ValueError for what is neither events nor frames.
    """
    if isinstance(events, Frames):
        return _native.Input.frames(*events.packed())
    array = packed(events)
    if array.dtype == CAMERA:
        return _native.Input.camera(array.view(np.uint8))
    return _native.Input.addresses(array.view(np.uint8))


def of_step(
    until_us: int | None, inputs: Inputs | Mapping[str, Inputs] | None
) -> tuple[int, dict[str | None, _native.Input]]:
    """How far a step goes, and what goes into which port.

    Raises ValueError where nothing says how far.
    """
    given = dict(inputs) if isinstance(inputs, Mapping) else {None: inputs}
    if until_us is None:
        frames = [one.last_us() for one in given.values() if isinstance(one, Frames)]
        if not frames:
            raise ValueError("until_us says how far a step without frames goes")
        until_us = max(frames) + 1
    return until_us, {port: native(one) for port, one in given.items() if one is not None}
