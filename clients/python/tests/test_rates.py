"""Filtered rates against the sum that they stand for."""

import numpy as np
import pytest

import spiked
from spiked.arrays import SPIKE, Array

TAU_US = 20_000.0


def fired(times: list[int], addresses: list[int], port: int = 0) -> Array:
    spikes = np.zeros(len(times), SPIKE)
    spikes["t"], spikes["address"], spikes["multiplicity"], spikes["port"] = times, addresses, 1, port
    return spikes


def test_a_spike_decays_as_the_formula_has_it() -> None:
    rates = spiked.FilteredRates(2, TAU_US)
    assert rates.step(fired([1_000], [1]), 1_000).tolist() == [0.0, 50.0]
    assert np.allclose(rates.step(fired([], []), 21_000), [0.0, 50.0 / np.e])
    assert np.allclose(rates.step(fired([30_000], [0]), 41_000), [50.0 * np.exp(-11 / 20), 50.0 / np.e**2])


@pytest.mark.parametrize("step_us", [1_000, 7_000, 40_000, 1_000_000])
def test_it_is_the_sum_over_all_spikes_however_it_was_stepped(step_us: int) -> None:
    """Caught: a decay of whole steps alone, spikes that count from the step's end, ports that are mixed."""
    random = np.random.default_rng(1)
    spikes = fired(sorted(random.integers(0, 1_000_000, 400).tolist()), random.integers(0, 3, 400).tolist())
    spikes["multiplicity"] = random.integers(1, 3, 400)
    others = fired([500], [0], port=1)
    rates = spiked.FilteredRates(3, TAU_US)
    for until_us in range(step_us, 1_000_001 + step_us - 1, step_us):
        due = (spikes["t"] >= until_us - step_us) & (spikes["t"] < until_us)
        told = rates.step(np.concatenate([spikes[due], others if until_us == step_us else others[:0]]), until_us)
        since = until_us - spikes["t"]
        each = np.where(since > 0, np.exp(-since / TAU_US) / (TAU_US / 1e6), 0.0) * spikes["multiplicity"]
        assert np.allclose(told, [each[spikes["address"] == neuron].sum() for neuron in range(3)], rtol=1e-9)


def test_who_fires_regularly_has_that_rate() -> None:
    rates = spiked.FilteredRates(1, TAU_US)
    seen = []
    for until_us in range(1_000, 1_000_001, 1_000):
        due = [until_us - 1_000] if until_us % 5_000 == 0 else []
        seen.append(rates.step(fired(due, [0] * len(due)), until_us)[0])
    assert np.mean(seen[500:]) == pytest.approx(200.0, rel=0.05)


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match="0 neurons"):
        spiked.FilteredRates(0, TAU_US)
    with pytest.raises(ValueError, match="nan us"):
        spiked.FilteredRates(1, float("nan"))
    rates = spiked.FilteredRates(1, TAU_US)
    rates.step(fired([], []), 5_000)
    with pytest.raises(ValueError, match="a step to 4000 us"):
        rates.step(fired([], []), 4_000)
    with pytest.raises(ValueError, match="come later"):
        rates.step(fired([7_000], [0]), 6_000)
    with pytest.raises(ValueError, match="neuron 1: there are 1"):
        rates.step(fired([5_500], [1]), 6_000)
