"""Frames of touch: six values a whisker, at a fixed rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Array


@dataclass(frozen=True)
class Frames:
    """Frames for a port of whiskers.

    Frame n is at `t` + n * `period_us`. Frames of one port come in order of time, and a session's time stands at
    the last one until the next comes.
    """

    values: npt.ArrayLike
    """[frame, whisker, component]: Fx, Fy, Fz [mN], Mx, My, Mz [µN·m], in the port's order of whiskers; or
    [whisker, component] for a single frame."""
    t: float = 0.0
    """Time of the first frame [µs]."""
    period_us: float = 1_000.0
    """Time between frames [µs]."""

    def last_us(self) -> int:
        """Time of the last frame [µs]."""
        t_ns, period_ns, channels, data = self.packed()
        return (t_ns + period_ns * (data.size // (4 * channels) - 1)) // 1_000

    def packed(self) -> tuple[int, int, int, Array]:
        """Time of the first and time between [ns], values of a frame, and all of them as bytes.

        Raises ValueError for values of another shape or times below zero.
        """
        values = np.asarray(self.values, np.float32)
        if values.ndim == 2:
            values = values[np.newaxis]
        if values.ndim != 3 or values.shape[2] != 6 or not values.size:
            raise ValueError(f"frames of shape {values.shape}: expected [frame, whisker, 6]")
        if not (0 <= self.t < 1e15 and 0 < self.period_us < 1e12):
            raise ValueError(f"frames at {self.t} us, every {self.period_us} us: expected 0 or more, and more than 0")
        channels = values.shape[1] * values.shape[2]
        data = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        return round(self.t * 1e3), round(self.period_us * 1e3), channels, data
