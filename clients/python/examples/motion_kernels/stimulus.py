"""Moving textures as an event camera sees them, with the motion of every millisecond beside.

After Grimaldi and Perrinet (Biological Cybernetics, 2023). A texture of white noise, band-passed, moves on a torus by
fractions of a pixel (in Fourier space), by one of 36 motions: 12 directions at each of 3 speeds, the middle ring
turned by 15 degrees. In every step of 1 ms it goes on to another motion with probability 1/24. An event is

    d_t = I_t - I_(t-1) - theta e_(t-1),   e_t = [d_t > theta] - [d_t < -theta],

with theta the selectivity times the standard deviation of I_t - I_(t-1) over the movie, whose frames fill -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import spiked

Array = npt.NDArray[Any]

DIRECTIONS, SPEEDS = 12, 3
#: Spatial frequencies of the texture [cycles/px].
BAND_LOW, BAND_HIGH = 0.02, 0.25
#: Standard deviation of the noise on each pixel of each frame.
NOISE = 0.001
#: Mean time from one choice of a motion to the next [ms].
HOLD_MS = 24
STEP_US = 1_000


def velocities() -> Array:
    """[class, (x, y)] in px a step, x to the right and y down; class = 12 x speed + direction."""
    speed, direction = np.divmod(np.arange(SPEEDS * DIRECTIONS), DIRECTIONS)
    length = 0.5 * np.exp2(2 * speed / 3 - 1)
    angle = 2 * np.pi * (direction + 0.5 * (speed % 2)) / DIRECTIONS
    found: Array = length * np.array([np.cos(angle), np.sin(angle)])
    return found.T


def names() -> list[str]:
    """A label a class: direction as an angle on the screen, clockwise from east, and speed in px/ms."""
    velocity = velocities()
    degrees = np.rint(np.degrees(np.arctan2(velocity[:, 1], velocity[:, 0]))).astype(int) % 360
    return [f"{angle}° {np.hypot(*each):.2f} px/ms" for angle, each in zip(degrees, velocity, strict=True)]


@dataclass(frozen=True)
class Movie:
    """What a camera saw, and what there was to see."""

    polarity: Array
    """int8 [step, row, column]: 1 where an ON event was, -1 for OFF, else 0."""
    motion: Array
    """The class of each step."""

    def events(self, first_step: int = 0) -> Array:
        """As `spiked.CAMERA`, the first step at so many ms."""
        step, y, x = np.nonzero(self.polarity)
        return spiked.camera_events((step + first_step) * STEP_US, x, y, self.polarity[step, y, x] > 0)

    @property
    def settled_steps(self) -> Array:
        """How many steps the motion of each step has gone on before it."""
        steps = np.arange(len(self.motion))
        changed = np.r_[True, self.motion[1:] != self.motion[:-1]]
        return steps - np.maximum.accumulate(np.where(changed, steps, 0))


def switching(rng: np.random.Generator, steps: int, classes: Array) -> Array:
    """Classes of steps: any of those given, and on to any of them with probability 1/24 a step."""
    chosen = rng.choice(classes, steps)
    switches = rng.random(steps) < 1 / HOLD_MS
    switches[0] = True
    return chosen[np.maximum.accumulate(np.where(switches, np.arange(steps), 0))]


def movie(rng: np.random.Generator, side: int, motion: Array, selectivity: float = 1.0) -> Movie:
    """A texture of its own, side x side px, that moves by the class of each step."""
    positions = np.cumsum(np.vstack([np.zeros(2), velocities()[motion]]), axis=0)
    frames = _texture(rng, side, positions)
    frames += rng.normal(0, NOISE, frames.shape)
    changes = np.diff(frames, axis=0)
    theta = selectivity * changes.std()
    polarity = np.zeros(changes.shape, np.int8)
    before = np.zeros((side, side))
    for step, change in enumerate(changes):
        change -= theta * before
        before = (change > theta).astype(float) - (change < -theta)
        polarity[step] = before
    return Movie(polarity, motion)


def _texture(rng: np.random.Generator, side: int, positions: Array) -> Array:
    """Frames [position, row, column] of a texture at positions (x, y), from -1 to 1."""
    spectrum = np.fft.rfft2(rng.normal(size=(side, side)))
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    frequency = np.hypot(fy, fx)
    spectrum[(frequency < BAND_LOW) | (frequency > BAND_HIGH)] = 0
    turn_x = np.exp(-2j * np.pi * positions[:, 0, None, None] * fx)
    turn_y = np.exp(-2j * np.pi * positions[:, 1, None, None] * fy)
    frames: Array = np.fft.irfft2(spectrum * turn_y * turn_x, s=(side, side), axes=(1, 2))
    frames /= np.abs(frames).max()
    return frames
