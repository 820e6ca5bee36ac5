"""A network of learned motion kernels, pruned to 2 % of its weights: the daemon against the dense convolution of the
same kernels in PyTorch, one core each, on movies of 64 x 64 pixels and 100 ms. Medians over runs, as JSON.

    python -m motion_kernels --out networks        (in examples)
    python benches/convolution.py examples/networks/learned-50 [--runs 5]

This process keeps to one core, and with it the daemon that it starts: client, I/O and simulation share it. PyTorch is
given its frames as they are to be convolved; the daemon is sent events. Both end with the decisions of every
millisecond, which must be the same: sums are exact in float32, and the first of equals wins. PyTorch convolves in two
ways: both polarities, and signs as one channel, which takes half the multiplications and which these kernels allow (OFF
has the weights of ON, negated).

PYSPIKED_PROGRAM names the daemon's program, which should be a release build; PyTorch is installed beside the package.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import sys
import time
import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import spiked

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples"))

from motion_kernels.settings import DELAYS, SIZE, STANDARD, TEST  # noqa: E402
from motion_kernels.stimulus import STEP_US, Movie, movie, switching  # noqa: E402

#: Deviations of a step's change that make an event: about 200, 30, 13 and 5 events a pixel and second.
SELECTIVITIES = (1.0, 2.1, 2.5, 3.0)
SIDE, STEPS = STANDARD.side, STANDARD.steps
#: What float32 counts without rounding.
EXACT = 2**24


class Network:
    """The text and its kernel, for PyTorch."""

    def __init__(self, folder: pathlib.Path) -> None:
        text = tomllib.loads((folder / "network.toml").read_text())
        self.name = text["name"]
        self.threshold = text["population"]["motion"]["neuron"]["accumulator"]["threshold"]
        kernel = np.load(folder / text["projection"]["detect"]["convolution"]["kernel"])
        quantum = np.gcd.reduce(np.abs(kernel[kernel != 0] * 2.0**40).astype(np.int64)) / 2.0**40
        assert np.abs(kernel).reshape(len(kernel), -1).sum(1).max() / quantum < EXACT, "sums would be rounded"
        assert np.array_equal(kernel[:, 0], -kernel[:, 1]), "polarities cannot be one channel of signs"
        self.kept = np.count_nonzero(kernel) / kernel.size
        # PyTorch's convolution is a cross-correlation: every axis is turned round.
        self.both = torch.from_numpy(kernel[:, :, ::-1, ::-1, ::-1].copy())
        self.signed = self.both[:, 1:].contiguous()

    @torch.inference_mode()
    def convolved(self, frames: torch.Tensor, kernel: torch.Tensor) -> np.ndarray[Any, Any]:
        """The class of each step, -1 where nobody speaks; frames [polarity, step, row, column] with their margins."""
        sums = torch.nn.functional.conv3d(frames[None], kernel)[0].abs_()
        # The first of equals, as the daemon has it.
        largest, winner = sums.max(0)
        speaks = largest >= self.threshold
        step = torch.arange(STEPS)[:, None, None].expand_as(winner)
        place = (step * len(kernel) + winner)[speaks]
        votes = torch.bincount(place, minlength=STEPS * len(kernel)).reshape(STEPS, -1).numpy()
        return np.where(votes.any(1), votes.argmax(1), -1)


def frames_of(seen: Movie) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames of both polarities (OFF, ON), and of signs, with the margins that a kernel reaches into."""
    half = SIZE // 2
    padded = np.pad(seen.polarity, ((DELAYS - 1, 0), (half, half), (half, half)))
    both = np.stack([padded < 0, padded > 0]).astype(np.float32)
    return torch.from_numpy(both), torch.from_numpy(padded[None].astype(np.float32))


def through_the_daemon(client: spiked.Client, name: str) -> Callable[[Any], Any]:
    """Opens a session; gives what takes it from its first event to the decisions of all steps."""
    session = client.open(name, size=(SIDE, SIDE), origin_us=0)

    def decide(events: Any) -> Any:
        session.send(events)
        session.promise_us(STEPS * STEP_US)
        decisions = session.finish().decisions
        decided = np.full(STEPS, -1)
        decided[decisions["t"] // STEP_US] = decisions["class"]
        return decided

    return decide


def processor_time(daemon: int) -> float:
    """Processor time of this process and of all threads of the daemon [s]."""
    threads = pathlib.Path(f"/proc/{daemon}/task").iterdir()
    return time.process_time() + sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e9


def told(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 4),
        "min": round(min(seconds), 4),
        "max": round(max(seconds), 4),
    }


def compare(network: Network, daemon: spiked.Daemon, selectivity: float, runs: int) -> dict[str, Any]:
    client = spiked.connect(daemon.address)
    pid = daemon.pid
    wall: dict[str, list[float]] = {"daemon": [], "torch": [], "torch_signed": []}
    processor: dict[str, list[float]] = {name: [] for name in wall}
    events_in_all = compared = 0
    # The first run warms up.
    for run in range(-1, runs):
        rng = STANDARD.rng(TEST, 10_000 + run)
        seen = movie(rng, SIDE, switching(rng, STEPS, STANDARD.classes), selectivity)
        events, (both, signed) = seen.events(), frames_of(seen)
        decide = through_the_daemon(client, network.name)
        decided = []
        for name, work in (
            ("daemon", lambda: decide(events)),
            ("torch", lambda: network.convolved(both, network.both)),
            ("torch_signed", lambda: network.convolved(signed, network.signed)),
        ):
            began, processor_began = time.perf_counter(), processor_time(pid)
            decided.append(work())
            if run >= 0:
                wall[name].append(time.perf_counter() - began)
                processor[name].append(processor_time(pid) - processor_began)
        for reference in decided[1:]:
            assert np.array_equal(decided[0], reference), "decisions differ"
            compared += STEPS
        events_in_all += len(events)
    medians = {name: statistics.median(seconds) for name, seconds in wall.items()}
    used = {name: statistics.median(seconds) for name, seconds in processor.items()}
    return {
        "events_per_pixel_and_second": round(events_in_all / (runs + 1) / (SIDE * SIDE * STEPS / 1_000), 1),
        "wall_s": {name: told(seconds) for name, seconds in wall.items()},
        "processor_s": {name: told(seconds) for name, seconds in processor.items()},
        "times_faster": {name: round(medians[name] / medians["daemon"], 1) for name in ("torch", "torch_signed")},
        "times_less_processor": {name: round(used[name] / used["daemon"], 1) for name in ("torch", "torch_signed")},
        "decisions_compared": compared,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=pathlib.Path, help="a folder that motion_kernels has written")
    parser.add_argument("--runs", type=int, default=5, help="movies of each density")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="which core to keep to")
    given = parser.parse_args()
    os.sched_setaffinity(0, {given.core})
    torch.set_num_threads(1)
    network = Network(given.network)
    with spiked.Daemon(networks=given.network.parent, options=("--set", "simulation_threads=1")) as daemon:
        densities = [compare(network, daemon, each, given.runs) for each in SELECTIVITIES]
    about = {"bench": "python_convolution", "torch": torch.__version__, "runs": given.runs}
    print(json.dumps({**about, "weights_kept": network.kept, "densities": densities}))


main()
