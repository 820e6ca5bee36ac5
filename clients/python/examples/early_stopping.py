"""Says what an input is as soon as it is clear, and how much time that saves (dynamic confidence, Li et al. 2023).

Each sample drives the channels of one of ten classes more often than the others, some clearly, some hardly.

    python early_stopping.py [threshold ...]
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

import spiked

Array = npt.NDArray[Any]

CLASSES, CHANNELS_EACH, TICKS = 10, 8, 32
APART_US = 40_000


def samples(count: int, seed: int) -> tuple[Array, Array]:
    """Events of so many samples of 32 ms, 40 ms apart, and the class of each."""
    random = np.random.default_rng(seed)
    right = random.integers(CLASSES, size=count)
    stands_out = random.uniform(0.03, 0.32, size=count)
    share = np.full((count, TICKS, CLASSES, CHANNELS_EACH), 0.3)
    share[np.arange(count), :, right] += stands_out[:, None, None]
    sample, tick, of, channel = np.nonzero(random.random(share.shape) < share)
    times = sample * APART_US + tick * 1_000
    return spiked.address_events(times, of * CHANNELS_EACH + channel), right


def network(threshold: float) -> spiked.Network:
    """Channels onto a neuron each, 3 ms later; the counts of the classes are their evidence."""
    net = spiked.Network("early", tick="1 ms")
    evidence = net.input("evidence", shape=[CLASSES, CHANNELS_EACH])
    net.input("sample", channels=1)
    shape = [CLASSES, CHANNELS_EACH]
    classes = net.population("classes", shape=shape, neuron={"accumulator": {"threshold": 0.5}})
    net.project(evidence, classes, one_to_one={"weight": 1.0, "delay": "3 ms"})
    confidence = {"begins": "sample", "threshold": threshold, "scale": 0.5, "within": f"{TICKS} ms"}
    net.readout("choice", classes, confidence=confidence)
    return net


def told(client: spiked.Client, threshold: float, events: Array, count: int) -> Array:
    """The decision on each sample."""
    name, version = client.load(network(threshold))
    begins = spiked.address_events(np.arange(count) * APART_US, np.zeros(count))
    with client.open(name, version=version) as session:
        session.send(begins, port="sample", promise=False)
        session.send(events, port="evidence")
        session.promise_us(count * APART_US)
        return session.finish().decisions


def main(thresholds: list[float], count: int = 400) -> dict[float, tuple[float, float]]:
    """Prints accuracy and mean time by threshold."""
    events, right = samples(count, seed=1)
    found = {}
    with spiked.connect() as client:
        for threshold in thresholds:
            decisions = told(client, threshold, events, count)
            accuracy = float(np.mean(decisions["class"] == right))
            ticks = float(np.mean(decisions["sample_ticks"]))
            found[threshold] = accuracy, ticks
            print(f"threshold {threshold:<6} right {accuracy:6.1%}   after {ticks:4.1f} of {TICKS} ms")
    return found


if __name__ == "__main__":
    main([float(given) for given in sys.argv[1:]] or [0.8, 0.95, 0.99, 0.999, 1.0])
