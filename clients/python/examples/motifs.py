"""Finds motifs of precisely timed spikes that are hidden among others (Grimaldi and Perrinet, ICANN 2023).

A motif b raises, for 31 ticks from its onset on, the odds with which inputs fire, each input a at delays of its own:

    p(a, t) = sigmoid(logit p_A + sum over b, d of B(b, t - d) K(b, a, d))

with onsets B that nobody sees. A neuron a motif, whose synapse with weight K(b, a, d) has the delay 30 - d, has all
that belongs to a motif arrive in one tick, 30 ticks after its onset, and fires there. Found is what is found at the
exact tick by the exact neuron: with delays one tick off, next to nothing is.

    python motifs.py [--keep SHARE ...] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import spiked

Array = npt.NDArray[Any]

MOTIFS, INPUTS, DELAYS, TICKS = 144, 128, 31, 1_024
#: Probability that an input fires, or a motif begins, in a tick.
RATE = 1e-3
#: One weight in twenty is drawn, above the 95th percentile of the standard normal.
PERCENTILE_95 = 1.644_85
#: Weights are whole multiples of this, so that sums of them are exact in any order.
QUANTUM = 2.0**-12
#: From one trial to the next [ticks]: longer than what one leaves in flight.
PERIOD = TICKS + 2 * DELAYS
TICK_US = 1_000
#: Seeds of the networks, how many trials each has, and those on which thresholds are fixed.
NETWORKS, TRIALS, APART = range(5), 2, range(100, 104)


@dataclass(frozen=True)
class Trial:
    """Spikes with motifs hidden in them, and where."""

    planted: Array
    """[(motif, tick of its onset)], in this order."""
    spikes: Array
    """[(tick, input)], in this order."""


def motifs(seed: int) -> Array:
    """K [motif, input, delay]: some of the delays, less so the longer they are; an input that fired does so no more."""
    weights = np.random.default_rng([seed, 0]).normal(size=(MOTIFS, INPUTS, DELAYS))
    s = np.linspace(0, 1, DELAYS)
    raw = np.where(weights > PERCENTILE_95, 4 * weights, 0) * np.exp(-s / 0.4) * (1 - np.exp(-s / 0.05))
    after = np.zeros_like(raw)
    for lag, share in enumerate((1.0, -0.8, -0.2)):
        after[..., lag:] += share * raw[..., : DELAYS - lag]
    rounded: Array = np.round(after / QUANTUM) * QUANTUM
    return rounded


def trial(kernel: Array, seed: int) -> Trial:
    """A trial of 1 024 ticks, drawn from a seed of its own."""
    rng = np.random.default_rng([seed, 1])
    planted = np.argwhere(rng.random((MOTIFS, TICKS)) < RATE)
    log_odds = np.full((INPUTS, TICKS + DELAYS), np.log(RATE / (1 - RATE)))
    for motif, onset in planted:
        log_odds[:, onset : onset + DELAYS] += kernel[motif]
    fires = rng.random(log_odds.shape) < 1 / (1 + np.exp(-log_odds))
    return Trial(planted, np.argwhere(fires.T))


def pruned(kernel: Array, keep: float) -> Array:
    """A kernel whose motifs have only their largest weights, each as many."""
    flat = kernel.reshape(MOTIFS, -1)
    largest = np.argsort(-np.abs(flat), axis=1, kind="stable")[:, : round(keep * flat.shape[1])]
    kept = np.zeros_like(flat)
    np.put_along_axis(kept, largest, np.take_along_axis(flat, largest, axis=1), axis=1)
    return kept.reshape(kernel.shape)


def evidence(kernel: Array, spikes: Array) -> Array:
    """The sums, plainly: L(b, t) = sum over a, d of A(a, t + d) K(b, a, d), [motif, onset]."""
    sums = np.zeros((MOTIFS, TICKS + 2 * DELAYS))
    for tick, source in spikes:
        # What belongs to an onset before tick 0 counts for none.
        sums[:, tick + 1 : tick + 1 + DELAYS] += kernel[:, source, ::-1]
    return sums[:, DELAYS : DELAYS + TICKS]


def threshold(keep: float) -> float:
    """Where, on networks kept apart, as many motifs are found as were planted."""
    values, planted = [], 0
    for seed in APART:
        kernel = motifs(seed)
        shown = trial(kernel, seed)
        values.append(evidence(pruned(kernel, keep), shown.spikes).ravel())
        planted += len(shown.planted)
    return float(np.sort(np.concatenate(values))[-planted])


def detector(kernel: Array, threshold: float, name: str = "motifs") -> spiked.Network:
    """A neuron a motif, whose delays undo the motif's own."""
    net = spiked.Network(name, tick="1 ms", description=f"Finds {MOTIFS} motifs of precisely timed spikes.")
    inputs = net.input("inputs", shape=[INPUTS, 1, 1])
    found = net.population("found", shape=[MOTIFS, 1, 1], neuron={"accumulator": {"threshold": threshold}})
    # [motif, input, delay, 1, 1]: a convolution of which there is one place.
    mirrored = kernel[:, :, ::-1, None, None].astype(np.float32)
    net.project(inputs, found, convolution={"kernel": mirrored, "kind": "convolution", "border": "zero"})
    return net


def finds(net: spiked.Network, trials: list[Trial], client: spiked.Client) -> list[Array]:
    """[(motif, onset)] of each trial, in this order, as a daemon finds them."""
    spikes = np.concatenate([each.spikes + [number * PERIOD, 0] for number, each in enumerate(trials)])
    events = spiked.address_events(spikes[:, 0] * TICK_US, spikes[:, 1])
    told = spiked.run(net, events, client=client, origin_us=0).spikes
    onsets = told["tick"].astype(int) - (DELAYS - 1)
    # An onset before a trial's first tick lies in the period before, behind its last.
    number, onset = np.divmod(onsets, PERIOD)
    found = np.column_stack([told["address"].astype(int), onset])
    inside = onset < TICKS
    each = (found[inside & (number == trial)] for trial in range(len(trials)))
    return [one[np.lexsort(one.T[::-1])] for one in each]


def score(keep: float, client: spiked.Client, out: pathlib.Path | None = None) -> tuple[float, float]:
    """The share of the planted motifs that a daemon finds, and finds of others for each that was planted."""
    planted = right = found = 0
    fires_from = threshold(keep)
    for seed in NETWORKS:
        kernel = motifs(seed)
        name = f"motifs-{seed}-{keep:g}".replace(".", "_")
        net = detector(pruned(kernel, keep), fires_from, name)
        if out is not None:
            net.save(out / name)
        trials = [trial(kernel, 1_000 * (seed + 1) + number) for number in range(TRIALS)]
        for shown, told in zip(trials, finds(net, trials, client), strict=True):
            planted += len(shown.planted)
            found += len(told)
            right += len({*map(tuple, shown.planted)} & {*map(tuple, told)})
    return right / planted, (found - right) / planted


def main() -> None:
    assert __doc__
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--keep", type=float, nargs="+", default=[1.0, 0.05, 0.01], help="shares of the weights")
    arguments.add_argument("--out", type=pathlib.Path, help="a folder for the networks")
    given = arguments.parse_args()
    with spiked.connect() as client:
        for keep in given.keep:
            right, wrong = score(keep, client, given.out)
            print(f"{keep:7.2%} of the weights: {right:.3f} found, {wrong:.3f} others for each that is there")


if __name__ == "__main__":
    main()
