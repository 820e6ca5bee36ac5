"""Logistic regression of motions from what came before an event, by Adam.

A sample is the stream around an event, 21 ms back and 17 x 17 pixels wide, with its polarities turned so that the event
itself is ON: a pattern and its polarity-flipped twin count alike. So OFF has the weights of ON with the other sign, and
the evidence of a class is the sum of its weights over ON less that over OFF. Classes compete (softmax, cross-entropy),
as they do for a place in the network. The event's own weight would add the same to every sample of a class; it is left
out, and with it there is no bias.

A texture that is turned by 90 degrees or mirrored is another texture, of another motion of the set: each time that a
movie is drawn from, it is seen in one of these eight ways.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from .settings import DELAYS, DRAWS, SIZE, Settings
from .stimulus import Array, Movie, velocities

#: Samples between two updates, and movies whose samples are mixed.
BATCH, MIXED = 1_024, 16
#: Of Adam: how fast the means of gradients and of their squares are forgotten, and what keeps from dividing by 0.
FORGET, FORGET_SQUARES, EPSILON = 0.1, 0.001, 1e-8
#: Place of the event in a sample.
EVENT = (DELAYS - 1, SIZE // 2, SIZE // 2)


def learn(movies: list[Movie], settings: Settings, tell: Callable[[str], None] = print) -> Array:
    """The weights of ON, float32 [class, delay, row, column], laid for a convolution; `tell` hears of every epoch."""
    learner = _Learner(settings)
    for epoch in range(settings.epochs):
        began = time.monotonic()
        loss, right = learner.epoch(movies)
        took = time.monotonic() - began
        tell(
            f"epoch {epoch + 1:>3} of {settings.epochs}: cross-entropy {loss:.3f}, "
            f"{right:6.1%} of single events right, {took:.1f} s"
        )
    return learner.kernel()


def around(movie: Movie) -> Array:
    """A view of the stream around every voxel: [step, row, column, delay, row, column], the latest step last."""
    half = SIZE // 2
    padded = np.pad(movie.polarity, ((DELAYS - 1, 0), (half, half), (half, half)))
    return np.lib.stride_tricks.sliding_window_view(padded, (DELAYS, SIZE, SIZE))


class _Learner:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rng = settings.rng(DRAWS, 0)
        count = len(settings.classes)
        self.weights = np.zeros((count, DELAYS * SIZE * SIZE), np.float32)
        #: Of the gradients, and of their squares.
        self.means = np.zeros_like(self.weights), np.zeros_like(self.weights)
        self.updates = 0
        self.updates_in_all = max(1, settings.epochs * settings.movies * settings.events // BATCH)

    def epoch(self, movies: list[Movie]) -> tuple[float, float]:
        """Goes through all movies once; gives the mean loss and the share of samples whose class was the largest."""
        losses, right = [], []
        order = self.rng.permutation(len(movies))
        for first in range(0, len(order), MIXED):
            samples, classes = self._samples([movies[each] for each in order[first : first + MIXED]])
            mixed = self.rng.permutation(len(samples))
            for begin in range(0, len(mixed), BATCH):
                chosen = mixed[begin : begin + BATCH]
                loss, hits = self._update(samples[chosen].astype(np.float32), classes[chosen])
                losses.append(loss)
                right.append(hits)
        return float(np.mean(losses)), float(np.mean(right))

    def kernel(self) -> Array:
        """From a window that ends with the event to a convolution: all three axes turned round."""
        windows = self.weights.reshape(-1, DELAYS, SIZE, SIZE)
        return windows[:, ::-1, ::-1, ::-1].copy()

    def _samples(self, movies: list[Movie]) -> tuple[Array, Array]:
        """int8 [sample, delay x row x column] around events drawn from movies, and their classes."""
        samples, classes = [], []
        for movie in movies:
            step, y, x = np.nonzero(movie.polarity)
            drawn = self.rng.integers(0, len(step), self.settings.events)
            step, y, x = step[drawn], y[drawn], x[drawn]
            windows = around(movie)[step, y, x]
            windows *= movie.polarity[step, y, x][:, None, None, None]
            windows[:, *EVENT] = 0
            windows, motion = _turned(windows, movie.motion[step], int(self.rng.integers(8)))
            samples.append(windows.reshape(len(windows), -1))
            classes.append(np.searchsorted(self.settings.classes, motion))
        return np.concatenate(samples), np.concatenate(classes)

    def _update(self, samples: Array, classes: Array) -> tuple[float, float]:
        evidence = samples @ self.weights.T
        right = float((evidence.argmax(1) == classes).mean())
        own = np.arange(len(classes)), classes
        evidence -= evidence.max(1, keepdims=True)
        share = np.exp(evidence)
        total = share.sum(1, keepdims=True)
        loss = float((np.log(total[:, 0]) - evidence[own]).mean())
        share /= total
        share[own] -= 1
        self._adam(share.T @ samples / len(classes))
        return loss, right

    def _adam(self, gradient: Array) -> None:
        progress = min(1.0, self.updates / self.updates_in_all)
        fall = 0.5 * (1 + np.cos(np.pi * progress)) if self.settings.falls else 1.0
        self.updates += 1
        unbiased = np.sqrt(1 - (1 - FORGET_SQUARES) ** self.updates) / (1 - (1 - FORGET) ** self.updates)
        mean, square = self.means
        mean += np.float32(FORGET) * (gradient - mean)
        square += np.float32(FORGET_SQUARES) * (gradient * gradient - square)
        rate = np.float32(self.settings.rate * fall * unbiased)
        self.weights -= rate * mean / (np.sqrt(square) + np.float32(EPSILON))


def _turned(windows: Array, motion: Array, way: int) -> tuple[Array, Array]:
    """Windows [sample, step, row, column] and their motions, seen in one of eight ways."""
    mirror_x, mirror_y, swap = 1 - 2 * (way & 1), 1 - (way & 2), way & 4
    windows = windows[:, :, ::mirror_y, ::mirror_x]
    seen = velocities() * [mirror_x, mirror_y]
    if swap:
        windows, seen = windows.swapaxes(2, 3), seen[:, ::-1]
    become = np.hypot(*(seen[:, None] - velocities()).T).argmin(0)
    return windows, become[motion]
