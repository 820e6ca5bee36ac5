"""From learned weights to a network of spiking neurons, and the same in NumPy, slowly and plainly.

A neuron a class and place adds up its kernel, speaks where the magnitude of the sum reaches the threshold, and only if
no other class has a larger one there. A vote of all places is the decision of a millisecond.

The weight of the event itself (delay 0, its own place) is no evidence: it is the same in all classes and so large that
only where an event just was do neurons speak. All weights are whole multiples of `QUANTUM`, so that sums are exact
wherever they are made: in integers, as the daemon does, or in floating point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import spiked

from .learning import around
from .settings import CALIBRATION, DELAYS, SIZE, Settings
from .stimulus import Array, Movie, movie, names, switching

#: Of weights, where the event itself has 1.
QUANTUM = 2.0**-18
#: Movies to fix thresholds with, and places of each.
CALIBRATION_MOVIES, CALIBRATION_PLACES = 4, 3_000


@dataclass(frozen=True)
class Detector:
    """Kernels of classes, and the threshold that goes with them."""

    kernel: Array
    """float32 [class, polarity (OFF, ON), delay, row, column], laid for a convolution; 0 where a weight is pruned."""
    threshold: float
    labels: list[str]

    @property
    def kept(self) -> float:
        """The share of the weights that is not 0."""
        return np.count_nonzero(self.kernel) / self.kernel.size

    def network(self, name: str) -> spiked.Network:
        """As a network of 1 ms ticks for a camera of any size."""
        classes = len(self.kernel)
        description = f"{classes} motions of textures, by kernels that were learned; {self.kept:.2%} of the weights"
        net = spiked.Network(name, tick="1 ms", description=description)
        camera = net.input("camera", sensor="any", binary=True)
        motion = net.population(
            "motion",
            shape=[classes, "camera.height", "camera.width"],
            neuron={"accumulator": {"threshold": self.threshold, "rectify": "absolute"}},
            winner_take_all="per location",
        )
        convolution = {"kernel": self.kernel, "kind": "convolution", "border": "zero"}
        net.project(camera, motion, name="detect", convolution=convolution)
        net.readout("which", motion, vote={"window": "1 ms", "labels": self.labels})
        return net

    def spikes(self, seen: Movie) -> Array:
        """Who speaks, [(step, class, row, column)] in this order: at most one class a place, the first of equals."""
        size = np.abs(evidence(self.kernel, seen.polarity))
        winner = size.argmax(0)
        step, y, x = np.nonzero(size.max(0) >= self.threshold)
        spoken = np.column_stack([step, winner[step, y, x], y, x])
        return spoken[np.lexsort(spoken.T[::-1])]

    def decisions(self, spoken: Array, steps: int) -> Array:
        """The class of each step, -1 where nobody speaks: most votes, the first of equals."""
        votes = np.zeros((steps, len(self.kernel)), int)
        np.add.at(votes, (spoken[:, 0], spoken[:, 1]), 1)
        return np.where(votes.any(1), votes.argmax(1), -1)


def evidence(kernel: Array, polarity: Array) -> Array:
    """The sums: B(c, t, x) = sum over p, d, dx of K(c, p, d, dx) A(p, t - d, x - dx), [class, step, row, column]."""
    steps, height, width = polarity.shape
    half = SIZE // 2
    streams = [np.pad((polarity == sign).astype(float), ((0, 0), (half, half), (half, half))) for sign in (-1, 1)]
    sums = np.zeros((len(kernel), *polarity.shape))
    for number, p, d, row, column in np.argwhere(kernel):
        # What goes down and right by the kernel comes from up and left in the stream.
        y, x = SIZE - 1 - row, SIZE - 1 - column
        came = streams[p][: max(0, steps - d), y : y + height, x : x + width]
        sums[number, d:] += kernel[number, p, d, row, column] * came
    return sums


def detectors(learned: Array, settings: Settings, keeps: Sequence[float]) -> list[Detector]:
    """A detector for each share of the weights of ON, [class, delay, row, column]; thresholds on movies kept apart."""
    voxels = [_voxels(settings, settings.rng(CALIBRATION, each)) for each in range(CALIBRATION_MOVIES)]
    windows, events = (np.concatenate(each) for each in zip(*voxels, strict=True))
    whole = _with_event(learned, windows)
    labels = [names()[each] for each in settings.classes]
    found = []
    for keep in keeps:
        on = pruned(whole, keep)
        size = np.abs(windows @ _as_windows(on)).max(1)
        # As many places speak as had an event.
        threshold = float(_rounded(np.quantile(size, 1 - events.mean())))
        # A pattern and its polarity-flipped twin count alike.
        found.append(Detector(np.stack([-on, on], axis=1), threshold, labels))
    return found


def pruned(on: Array, keep: float) -> Array:
    """Weights with 0 in place of what is not kept: of each class as many, the largest."""
    flat = on.reshape(len(on), -1)
    count = max(1, round(flat.shape[1] * keep))
    largest = np.argsort(-np.abs(flat), axis=1, kind="stable")[:, :count]
    kept = np.zeros_like(flat)
    np.put_along_axis(kept, largest, np.take_along_axis(flat, largest, axis=1), axis=1)
    return kept.reshape(on.shape)


def _voxels(settings: Settings, rng: np.random.Generator) -> tuple[Array, Array]:
    """Windows around places drawn from a movie, [place, delay x row x column], and whether each had an event."""
    seen = movie(rng, settings.side, switching(rng, settings.steps, settings.classes))
    step = rng.integers(DELAYS - 1, settings.steps, CALIBRATION_PLACES)
    y, x = rng.integers(0, settings.side, (2, CALIBRATION_PLACES))
    windows = around(seen)[step, y, x].reshape(CALIBRATION_PLACES, -1)
    return windows.astype(np.float32), seen.polarity[step, y, x] != 0


def _with_event(learned: Array, windows: Array) -> Array:
    """The weights of ON, scaled so that no sum without the event's own weight, 1, is larger than that."""
    largest = np.abs(windows @ _as_windows(learned)).max()
    on = _rounded(learned / largest).astype(np.float32)
    on[:, 0, SIZE // 2, SIZE // 2] = 1
    return on


def _as_windows(on: Array) -> Array:
    """Weights [class, delay, row, column] as columns that are multiplied with windows, whose last step is delay 0."""
    return on[:, ::-1, ::-1, ::-1].reshape(len(on), -1).T


def _rounded(weights: Array) -> Array:
    return np.round(weights / QUANTUM) * QUANTUM
