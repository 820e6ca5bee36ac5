"""What a daemon decides on movies of seeds that nobody learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import spiked

from .detector import Detector
from .settings import DELAYS, TEST, Settings
from .stimulus import STEP_US, Array, Movie, movie, switching

#: Silence between two movies [steps]: longer than any delay.
GAP = DELAYS + 9
#: Steps from which on a motion fills the delays of a kernel.
SETTLED = DELAYS - 1


@dataclass(frozen=True)
class Score:
    """Shares of the steps whose class was decided; a step without a decision is wrong."""

    constant: float
    """Movies of one motion each, from the 20th step on."""
    switching: float
    """Movies whose motion switches, in every step from the 20th on."""
    settled: float
    """The same, in the steps whose motion has gone on for 20 steps or more."""


def constant_movies(settings: Settings) -> list[Movie]:
    """One a class."""
    rngs = [settings.rng(TEST, int(each)) for each in settings.classes]
    motions = [np.full(settings.steps, each) for each in settings.classes]
    return [movie(rng, settings.side, motion) for rng, motion in zip(rngs, motions, strict=True)]


def switching_movies(settings: Settings) -> list[Movie]:
    """A third as many, of other seeds, with motions as those that were learned from."""
    rngs = [settings.rng(TEST, 1_000 + number) for number in range(len(settings.classes) // 3)]
    return [movie(rng, settings.side, switching(rng, settings.steps, settings.classes)) for rng in rngs]


def decide(detector: Detector, movies: list[Movie], client: spiked.Client) -> Array:
    """The daemon's decisions, [movie, step] of places in the kernel, -1 where there is none."""
    steps, height, width = movies[0].polarity.shape
    period = steps + GAP
    decided = np.full(len(movies) * period, -1)
    name, version = client.load(detector.network("learned"))
    with client.open(name, version=version, size=(width, height), origin_us=0) as session:
        for number, each in enumerate(movies):
            session.send(each.events(first_step=number * period))
        session.promise_us(len(decided) * STEP_US)
        decisions = session.finish().decisions
    decided[decisions["t"] // STEP_US] = decisions["class"]
    return decided.reshape(len(movies), period)[:, :steps]


def score(detector: Detector, settings: Settings, client: spiked.Client) -> Score:
    """Shares of right decisions on both kinds of movies."""
    constant, switched = constant_movies(settings), switching_movies(settings)
    decided = decide(detector, constant + switched, client)
    motion = np.array([each.motion for each in constant + switched])
    right = settings.classes[decided] == motion
    right &= decided >= 0
    kinds = np.split(right[:, SETTLED:], [len(constant)])
    settled = np.array([each.settled_steps for each in switched])[:, SETTLED:] >= SETTLED
    return Score(float(kinds[0].mean()), float(kinds[1].mean()), float(kinds[1][settled].mean()))
