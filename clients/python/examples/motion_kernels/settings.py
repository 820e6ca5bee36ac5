"""How much is shown, and how long is learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .stimulus import DIRECTIONS, SPEEDS, Array

#: Delays [ms] and pixels across and down of a kernel.
DELAYS, SIZE = 21, 17


@dataclass(frozen=True)
class Settings:
    """Sizes of a run; streams to learn from, to fix the threshold with and to test with are of seeds kept apart."""

    movies: int
    """To learn from."""
    side: int
    """Pixels across and down."""
    steps: int
    """Milliseconds of a movie."""
    epochs: int
    events: int
    """Drawn from each movie in an epoch."""
    rate: float
    """Adam's, at the beginning."""
    falls: bool
    """Whether the rate falls to 0 over the run, as half a cosine."""
    speeds: tuple[int, ...] = tuple(range(SPEEDS))
    """Rings of motions that are told apart."""
    seed: int = 1973

    @property
    def classes(self) -> Array:
        """The motions that are told apart, in the order of the kernel."""
        return np.concatenate([speed * DIRECTIONS + np.arange(DIRECTIONS) for speed in self.speeds])

    def rng(self, purpose: int, number: int) -> np.random.Generator:
        """Random numbers of a movie (or of the learner), which share nothing with those of other purposes."""
        return np.random.default_rng([self.seed, purpose, number])


#: What seeds are drawn for.
LEARNING, CALIBRATION, TEST, DRAWS = range(4)

#: Minutes on two cores.
STANDARD = Settings(movies=256, side=64, steps=100, epochs=10, events=1_000, rate=3e-4, falls=True)
#: Seconds: the twelve directions of the fastest speed.
QUICK = Settings(movies=64, side=32, steps=60, epochs=4, events=500, rate=1e-3, falls=True, speeds=(2,))
#: The paper's movies, epochs and rate.
FULL = Settings(movies=1_024, side=128, steps=200, epochs=100, events=1_000, rate=1e-5, falls=False)
