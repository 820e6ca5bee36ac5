"""Networks with learned delays, as PyTorch with DCLS has them and as the daemon runs their checkpoints."""

from __future__ import annotations

import pathlib
from typing import Any

import learned_delays
import numpy as np
import pytest
import torch

import spiked
from spiked.arrays import Array

#: As the paper's network for SHD: neurons of each layer, steps of a kernel, and a step [µs].
SIZES, MAX_DELAY, STEP_US = [140, 256, 256, 20], 25, 10_000
#: Samples one after the other: steps with events, and from one to the next; what is in flight then meets the next.
SAMPLES, STEPS, PERIOD = 100, 40, 52
#: The share of a sample's bins that have events, how many more than one there are, and no more than so many in all.
SPEAKS, MORE, MOST = 0.05, 0.25, 8


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """The daemon runs beside."""
    torch.set_num_threads(1)


def drawn(seed: int) -> Array:
    """Counts of events, [channel, step] of all samples."""
    rng = np.random.default_rng(seed)
    speaks = rng.random((SIZES[0], SAMPLES, PERIOD)) < SPEAKS
    speaks[..., STEPS:] = False
    found: Array = (speaks * (1 + rng.poisson(MORE, speaks.shape))).reshape(SIZES[0], -1)
    assert 4 < found.max() <= MOST
    return found


def events(counts: Array) -> Array:
    """Anywhere in their steps."""
    step, channel = np.nonzero(counts.T)
    step, channel = (np.repeat(each, counts[channel, step]) for each in (step, channel))
    t = step * STEP_US + np.arange(len(step)) * 71 % STEP_US
    order = np.argsort(t, kind="stable")
    return spiked.address_events(t[order], channel[order])


def network(counts: Array) -> Any:
    """Weights, positions and normalisation as they could have been learned: seeded, and normalised by what comes."""
    torch.manual_seed(26)
    net = learned_delays.layers(SIZES, MAX_DELAY)
    for module in net:
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None
            torch.nn.init.normal_(module.weight, 0.7, 0.1)
            torch.nn.init.normal_(module.bias, -0.2, 0.2)
    with torch.no_grad():
        # Running means and variances of the sums.
        learned_delays.steps(net, torch.from_numpy(counts[None].astype(np.float32)))
        net[-1].weight *= 3
    return net


def test_a_network_of_shd_s_size_spikes_in_the_daemon_as_in_pytorch(
    client: spiked.Client, tmp_path: pathlib.Path
) -> None:
    """A checkpoint, imported, against the framework's own layers, normalisation and steps, in double precision.

    Caught: delays a step longer, positions cut instead of rounded, means that are not taken off, another eps, membranes
    that leak nothing, and a first layer whose weights are rounded to 2^-17.
    """
    counts = drawn(1)
    net = network(counts)
    checkpoint = learned_delays.save(net, tmp_path / "shd.pt")
    learned_delays.rounded(net)
    with torch.no_grad():
        hidden, output = learned_delays.steps(net.double(), torch.from_numpy(counts[None].astype(float)))
    steps = counts.shape[1]
    # Layers get longer; what is behind the last step is of no sample.
    expected = torch.cat([layer[0, :, :steps] for layer in hidden]).numpy().T
    share = expected.mean(0)
    assert 0.01 < expected.mean() < 0.2 and np.mean(share > 0) > 0.9, f"{share}: neither dead nor always on"

    # Weights are those of the checkpoint to 2^-22.
    imported = spiked.from_dcls(
        checkpoint, max_delay=MAX_DELAY, tau_steps=learned_delays.TAU_STEPS, max_events_per_step=MOST
    )
    spikes, potentials = learned_delays.through(client, imported, events(counts), steps, STEP_US)
    assert set(spikes["multiplicity"].tolist()) == {1}
    told = np.column_stack([spikes["tick"], spikes["address"]])
    assert np.array_equal(told[np.lexsort(told.T[::-1])], np.argwhere(expected))
    expected_v = output[0, :, :steps].numpy().T
    # The absolute part is for those near 0, of potentials up to 3.
    assert np.allclose(potentials, expected_v, rtol=1e-5, atol=1e-6), np.abs(potentials - expected_v).max()
    assert expected_v.std() > 0.2, "there is something to be compared"


def test_learned_delays_know_what_a_copy_without_them_does_not(client: spiked.Client, tmp_path: pathlib.Path) -> None:
    """The example, on the task whose classes differ only in when spikes arrive."""
    found = learned_delays.scores(client, seed=11, epochs=6, folder=tmp_path)
    assert found["daemon"] >= 0.9 and found["daemon"] >= found["PyTorch"] - 0.01, found
    assert found["daemon"] - found["daemon, delays at 0"] >= 0.5, found
