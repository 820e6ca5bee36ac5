"""Delays that are learned in PyTorch and run in the daemon (DCLS: Hammouamri, Khalfaoui-Hassani and Masquelier, ICLR
2024).

The task is that of liquid.py, whose classes differ in nothing but when spikes arrive. Two layers, one synapse a pair
with a weight and a delay, are trained with PyTorch and DCLS (`pip install torch dcls`), saved as a checkpoint and
imported by `spiked.from_dcls`. The class of a sample has the largest sum over time of softmax(V), where V are the
potentials of the last layer, which never fires; a probe reads them. The same network with all delays at 0 shows what
they know.

    python learned_delays.py [--seed N] [--epochs N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from DCLS.construct.modules import Dcls1d
from torch.nn import functional

import liquid
import spiked

Array = npt.NDArray[Any]
Tensor = Any
"""Of PyTorch."""
Layers = Any
"""`torch.nn.Sequential` of Dcls1d, BatchNorm1d and neurons without parameters, as the paper's code numbers them."""

STEP_MS = 5
#: Steps of a kernel, so that delays are 0 to 120 ms.
MAX_DELAY = 25
#: Steps by which a layer's output is longer than its input.
TAIL = (MAX_DELAY - 1) // 2
#: Of a neuron's leak, in steps: 10.05 ms / 10 ms in the paper. It forgets at once; what remembers are the delays.
TAU_STEPS = 1.005
THRESHOLD = 1.0
#: Steepness of the surrogate gradient.
ALPHA = 5.0
HIDDEN = 64
BATCH = 30
#: Adam's, for weights; positions learn a hundred times as fast.
RATE = 2e-3
#: Steps that the daemon is sent at once: it keeps 64 readings for a watcher, and none may be missed.
PORTION = 50
#: Width of a position's Gaussian, which falls from the first to the second in a quarter of the epochs.
WIDE, NARROW = MAX_DELAY / 2, 0.23


def layers(sizes: list[int], max_delay: int = MAX_DELAY) -> Layers:
    """A network with normalisation behind all layers but the last, and positions anywhere."""
    parts: list[Any] = []
    for number, (sources, targets) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        dcls = Dcls1d(
            sources, targets, kernel_count=1, dilated_kernel_size=max_delay, bias=False, version="gauss"
        )
        torch.nn.init.uniform_(dcls.P, -(max_delay // 2), max_delay // 2)
        # Neurons have nothing to be saved, and count as modules all the same.
        last = number == len(sizes) - 1
        parts += [dcls] if last else [dcls, torch.nn.BatchNorm1d(targets), torch.nn.Identity()]
    return torch.nn.Sequential(*parts)


def steps(net: Layers, inputs: Tensor) -> tuple[list[Tensor], Tensor]:
    """What counts [sample, channel, step] of events make of a network: the spikes of each hidden layer, and the
    potentials of the last; each layer is a few steps longer than the one before.
    """
    spikes: list[Tensor] = []
    x = inputs
    for part in net:
        if isinstance(part, Dcls1d):
            m = part.dilated_kernel_size[0]
            x = part(functional.pad(x, (m - 1, (m - 1) // 2)))
        elif isinstance(part, torch.nn.BatchNorm1d):
            x = part(x)
        else:
            x = _neurons(x, fires=True)
            spikes.append(x)
    return spikes, _neurons(x, fires=False)


def _neurons(inputs: Tensor, fires: bool) -> Tensor:
    """Step by step: H = V - V / tau + I, S = H >= threshold, V = H (1 - S); spikes, or V of neurons that never fire."""
    v = torch.zeros_like(inputs[..., 0])
    told = []
    for step in range(inputs.shape[-1]):
        v = (v - v / TAU_STEPS) + inputs[..., step]
        if fires:
            spike = _spike(v - THRESHOLD)
            v = v * (1 - spike.detach())
        told.append(spike if fires else v)
    return torch.stack(told, dim=-1)


def _spike(over: Tensor) -> Tensor:
    """1 from 0 on; its gradient is that of an arc tangent."""
    hard = (over >= 0).to(over.dtype)
    if not torch.is_grad_enabled():
        return hard
    soft = torch.atan(torch.pi / 2 * ALPHA * over) / torch.pi
    return hard + soft - soft.detach()


def rounded(net: Layers) -> None:
    """From training to what is run: one delay, a whole number of steps, a synapse."""
    net.eval()
    for part in net:
        if isinstance(part, Dcls1d):
            part.DCK.version = "max"
            with torch.no_grad():
                part.P.round_()
                part.SIG.zero_()


def counts(samples: liquid.Samples) -> Tensor:
    """Events of samples in steps: [sample, channel, step]."""
    length = -(-liquid.STEPS // STEP_MS)
    sample, time = np.divmod(samples.events["t"] // 1_000, liquid.PERIOD_MS)
    found = np.zeros((len(samples.labels), liquid.CHANNELS, length), np.float32)
    np.add.at(found, (sample, samples.events["address"], time // STEP_MS), 1)
    return torch.from_numpy(found)


def train(samples: liquid.Samples, seed: int, epochs: int) -> Layers:
    """A network that has learned weights and delays, not rounded yet."""
    torch.manual_seed(seed)
    net = layers([liquid.CHANNELS, HIDDEN, liquid.CLASSES])
    parameters = dict(net.named_parameters())
    positions = [value for name, value in parameters.items() if name.endswith(".P")]
    others = [value for name, value in parameters.items() if not name.endswith((".P", ".SIG"))]
    adam = torch.optim.Adam([{"params": others}, {"params": positions, "lr": 100 * RATE}], lr=RATE)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs)
    inputs, labels = counts(samples), torch.from_numpy(samples.labels)
    for epoch in range(epochs):
        width = max(NARROW, WIDE * (NARROW / WIDE) ** (4 * epoch / epochs))
        for part in net:
            if isinstance(part, Dcls1d):
                torch.nn.init.constant_(part.SIG, width)
        for batch in torch.randperm(len(labels)).split(BATCH):
            _, potentials = steps(net, inputs[batch])
            loss = functional.cross_entropy(potentials.softmax(1).sum(2), labels[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            for part in net:
                if isinstance(part, Dcls1d):
                    part.clamp_parameters()
        falls.step()
    return net


def save(net: Layers, path: pathlib.Path) -> pathlib.Path:
    """A checkpoint, named as the paper's code names its tensors."""
    torch.save({f"model.{name}": tensor for name, tensor in net.state_dict().items()}, path)
    return path


def at_once(checkpoint: pathlib.Path) -> dict[str, Any]:
    """The tensors of a checkpoint with positions that are a delay of 0."""
    tensors: dict[str, Any] = torch.load(checkpoint)
    return {name: torch.full_like(each, TAIL) if name.endswith(".P") else each for name, each in tensors.items()}


def told_here(net: Layers, samples: liquid.Samples) -> Array:
    """The class of each sample, by PyTorch."""
    with torch.no_grad():
        _, potentials = steps(net, counts(samples))
    told: Array = potentials.softmax(1).sum(2).argmax(1).numpy()
    return told


def told(net: spiked.Network, samples: liquid.Samples, client: spiked.Client) -> Array:
    """The class of each sample, by the daemon."""
    count, period = len(samples.labels), liquid.PERIOD_MS // STEP_MS
    _, potentials = through(client, net, samples.events, count * period, 1_000 * STEP_MS)
    # As long as the layers' output is in PyTorch.
    of_sample = potentials.reshape(count, period, -1)[:, : -(-liquid.STEPS // STEP_MS) + 2 * TAIL]
    shares = np.exp(of_sample - of_sample.max(2, keepdims=True))
    classes: Array = (shares / shares.sum(2, keepdims=True)).sum(1).argmax(1)
    return classes


def through(
    client: spiked.Client, net: spiked.Network, events: Array, steps: int, step_us: int
) -> tuple[Array, Array]:
    """Steps of a network in the daemon: its spikes, and V of the last layer behind every step, [step, neuron]."""
    name, version = client.load(net)
    found: list[Array] = []
    sent = 0
    with client.open(name, version=version, origin_us=0) as session:
        (neurons,) = [shape[0] for name, _, shape in session.ranges(0) if name == "output"]
        with client.watch(session.session_id, probe=spiked.Probe("output", range(neurons))) as watch:
            # A reading stands at the begin of a step: the last one behind the last step.
            for end in [*range(PORTION, steps, PORTION), steps, steps + 1]:
                until = int(np.searchsorted(events["t"], end * step_us))
                session.send(events[sent:until])
                sent = until
                session.promise_us(end * step_us)
                session.flush()
                while not found or found[-1]["tick"][-1] < end - 1:
                    seen = watch.read(timeout=60)
                    assert seen is not None and watch.missed == 0
                    found += [seen.readings] if seen.readings.size else []
        spikes = session.finish().spikes
    readings = np.concatenate(found)
    assert np.array_equal(readings["tick"], np.arange(steps + 1))
    potentials: Array = readings["values"][1:]
    return spikes[spikes["tick"] < steps], potentials


def scores(client: spiked.Client, seed: int, epochs: int, folder: pathlib.Path) -> dict[str, float]:
    """Accuracy on samples kept apart: by PyTorch, by the daemon, and by the daemon without the delays."""
    training, testing = liquid.task(seed)
    net = train(training, seed, epochs)
    checkpoint = save(net, folder / "learned.pt")
    rounded(net)
    step = f"{STEP_MS} ms"
    imported = spiked.from_dcls(checkpoint, name="learned-delays", max_delay=MAX_DELAY, step=step)
    imported.save(folder / "learned-delays")
    without = spiked.from_dcls(at_once(checkpoint), name="without-delays", max_delay=MAX_DELAY, step=step)
    found = {
        "PyTorch": told_here(net, testing),
        "daemon": told(imported, testing, client),
        "daemon, delays at 0": told(without, testing, client),
    }
    return {name: float(np.mean(classes == testing.labels)) for name, classes in found.items()}


def main() -> None:
    assert __doc__
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--seed", type=int, default=10, help="of the patterns, and of what is drawn to begin with")
    arguments.add_argument("--epochs", type=int, default=10)
    arguments.add_argument("--out", type=pathlib.Path, help="a folder for the checkpoint and the network")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as passing, spiked.connect() as client:
        folder = given.out or pathlib.Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        for name, share in scores(client, given.seed, given.epochs, folder).items():
            print(f"{name:<20} {share:.3f}")


if __name__ == "__main__":
    main()
