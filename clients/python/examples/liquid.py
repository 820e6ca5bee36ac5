"""A liquid state machine (Maass, Natschläger and Markram, Neural Computation, 2002): a drawn recurrent network that
nobody trains, and a linear read-out of its spike counts, which is trained here, in the client.

The task has nothing in its counts: every class has three spikes on each of 64 channels within 129 ms, at times of its
own. A read-out of the input's counts stays at chance (0.10), and what the read-out of the liquid knows comes from when
spikes arrived.

    python liquid.py [--seed N]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import spiked

Array = npt.NDArray[Any]

CLASSES, CHANNELS, STEPS = 10, 64, 129
#: Spikes of a class on a channel.
SPIKES = 3
#: Spread of a spike's time [ms], share of spikes that are missing, and noise [spikes a channel and ms].
JITTER_MS, MISSING, NOISE = 3.0, 0.1, 0.002
#: Samples to train with, and as many to test with.
SAMPLES = 300
#: From one sample to the next [ms]: what one left behind has decayed to 1e-5 of it.
PERIOD_MS = 500

EXCITATORY, INHIBITORY = 160, 40
#: What a spike adds [mV], where 1 mV is the threshold, and how much stronger inhibition is.
WEIGHT_MV, INHIBITION = 0.12, 4
#: Of the ridge regression, for counts of a few spikes; chosen on seeds 0 and 1.
RIDGE = 100.0

SPREAD = {"uniform": ["1 ms", "20 ms"]}


@dataclass(frozen=True)
class Samples:
    """Samples of all classes, one after the other in one stream."""

    labels: Array
    """The class of each."""
    events: Array
    """Array of `spiked.ADDRESS`, by time; sample i begins at i * PERIOD_MS."""


def task(seed: int) -> tuple[Samples, Samples]:
    """Patterns drawn from a seed, as samples to train with and samples to test with."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, STEPS, (CLASSES, CHANNELS, SPIKES))
    return _samples(patterns, rng), _samples(patterns, rng)


def _samples(patterns: Array, rng: np.random.Generator) -> Samples:
    """Samples of patterns [class, channel, spike] in ms: jittered, thinned, with noise."""
    labels = np.repeat(np.arange(CLASSES), SAMPLES // CLASSES)
    rng.shuffle(labels)
    shape = (SAMPLES, CHANNELS, SPIKES)
    times = np.rint(patterns[labels] + rng.normal(0, JITTER_MS, shape)).astype(int)
    # Clipped, not dropped: a class with spikes near the ends would have fewer of them.
    times = times.clip(0, STEPS - 1)
    sample, channel, spike = np.nonzero(rng.random(shape) >= MISSING)
    step = times[sample, channel, spike]
    noise = np.nonzero(rng.random((SAMPLES, STEPS, CHANNELS)) < NOISE)
    sample, step, channel = np.hstack([[sample, step, channel], noise])
    order = np.lexsort([channel, step, sample])
    t = 1_000 * (sample * PERIOD_MS + step)
    return Samples(labels, spiked.address_events(t[order], channel[order]))


def counts(events: Array, addresses: int) -> Array:
    """Spikes of each sample at each address: [sample, address]."""
    place = events["t"] // (1_000 * PERIOD_MS) * addresses + events["address"]
    return np.bincount(place, minlength=SAMPLES * addresses).reshape(SAMPLES, addresses)


def liquid(input_delay: Any = "0 ms", recurrent_delay: Any = SPREAD) -> spiked.Network:
    """200 leaky integrate-and-fire neurons, every fifth of them inhibitory.

    With the delays as they are, it is the network `liquid` that comes along with the daemon.
    """
    net = spiked.Network("liquid", tick="1 ms")
    touch = net.input("touch", channels=CHANNELS)
    # A leak of 3 % a millisecond.
    neuron = {"lif": {"tau": "32.83 ms", "threshold": "1 mV", "refractory": "2 ms"}}
    net.population("excitatory", shape=EXCITATORY, neuron=neuron)
    net.population("inhibitory", shape=INHIBITORY, neuron=neuron)
    for source, probability, weight, delay in (
        (touch, 0.15, WEIGHT_MV, input_delay),
        ("excitatory", 0.1, WEIGHT_MV, recurrent_delay),
        ("inhibitory", 0.1, -INHIBITION * WEIGHT_MV, recurrent_delay),
    ):
        for target in ("excitatory", "inhibitory"):
            drawn = {"probability": probability, "weight": f"{weight:.2f} mV", "delay": delay}
            net.project(source, target, random=drawn)
    net.output("spikes", ["excitatory", "inhibitory"])
    return net


def features(
    network: str | spiked.Network, samples: Samples, client: spiked.Client
) -> Array:
    """Spike counts of a liquid, whose synapses are drawn from the network's seed: [sample, neuron]."""
    result = spiked.run(network, samples.events, client=client, origin_us=0)
    return counts(result.spikes, EXCITATORY + INHIBITORY)


def train(features: Array, labels: Array) -> Array:
    """A linear read-out [feature and bias, class]: ridge regression onto one-hot targets."""
    with_bias = _with_bias(features)
    penalty = RIDGE * np.eye(with_bias.shape[1])
    # The bias is free.
    penalty[-1, -1] = 0.0
    return np.linalg.solve(with_bias.T @ with_bias + penalty, with_bias.T @ np.eye(CLASSES)[labels])


def accuracy(readout: Array, features: Array, labels: Array) -> float:
    """Share of the samples whose own class has the largest output."""
    return float(np.mean((_with_bias(features) @ readout).argmax(1) == labels))


def _with_bias(features: Array) -> Array:
    return np.column_stack([features, np.ones(len(features))])


def scores(client: spiked.Client, seed: int) -> dict[str, float]:
    """Accuracy of a read-out of the input's counts, and of liquids with and without a spread of delays."""
    training, testing = task(seed)

    def score(seen: Array, kept_apart: Array) -> float:
        return accuracy(train(seen, training.labels), kept_apart, testing.labels)

    found = {"input": score(counts(training.events, CHANNELS), counts(testing.events, CHANNELS))}
    for name, network in {
        "liquid": liquid(recurrent_delay="1 ms"),
        "recurrent delays": liquid(),
        "input delays": liquid(input_delay=SPREAD, recurrent_delay="1 ms"),
    }.items():
        found[name] = score(*(features(network, each, client) for each in (training, testing)))
    return found


def main() -> None:
    assert __doc__
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--seed", type=int, default=10, help="of the patterns")
    seed = arguments.parse_args().seed
    with spiked.connect() as client:
        for name, share in scores(client, seed).items():
            print(f"{name:<17} {share:.3f}")


if __name__ == "__main__":
    main()
