"""Learned motion kernels: the quick setting of the example, through a daemon and against its reference in NumPy."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from motion_kernels.detector import Detector, detectors
from motion_kernels.learning import learn
from motion_kernels.scoring import constant_movies, decide, score, switching_movies
from motion_kernels.settings import LEARNING, QUICK, STANDARD, TEST
from motion_kernels.stimulus import Movie, movie, switching, velocities

import spiked
from spiked.daemon import program

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def taught() -> tuple[np.ndarray, list[str]]:
    """What a few seconds teach, and what was told meanwhile."""
    rngs = [QUICK.rng(LEARNING, number) for number in range(QUICK.movies)]
    movies = [movie(rng, QUICK.side, switching(rng, QUICK.steps, QUICK.classes)) for rng in rngs]
    told: list[str] = []
    return learn(movies, QUICK, tell=told.append), told


@pytest.fixture(scope="module")
def learned(taught: tuple[np.ndarray, list[str]]) -> dict[str, Detector]:
    """All weights, and pruned to 2 % of them."""
    kernel, _ = taught
    return dict(zip(("whole", "pruned"), detectors(kernel, QUICK, [1.0, 0.02]), strict=True))


def test_the_camera_sees_what_the_paper_s_sees() -> None:
    rng = np.random.default_rng(5)
    seen = movie(rng, 64, switching(rng, 100, STANDARD.classes))
    rate = 1_000 * np.count_nonzero(seen.polarity) / seen.polarity.size
    assert 150 < rate < 250, "events a pixel and second at a selectivity of 1"
    lengths = np.hypot(*velocities().T).reshape(3, 12)
    assert np.allclose(lengths, np.array([[0.25], [0.396850], [0.629961]]), atol=1e-6)
    held = [np.count_nonzero(np.diff(switching(rng, 1_000, STANDARD.classes))) for _ in range(20)]
    assert 30 < np.mean(held) < 52, "a switch every 24 ms, of which one in 36 goes nowhere"


def test_a_texture_goes_the_way_its_class_says() -> None:
    """Eight steps of the fastest speed are 5 px: what comes then is most like what was there, moved by as much."""
    for number in (24, 27, 30, 33):
        seen = movie(np.random.default_rng(number), 64, np.full(40, number)).polarity.astype(float)
        before, after = seen[:-8], seen[8:]
        expected = np.rint(8 * velocities()[number]).astype(int)
        shifts = [(x, y) for x in range(-7, 8) for y in range(-7, 8)]
        alike = [float((np.roll(before, (y, x), axis=(1, 2)) * after).sum()) for x, y in shifts]
        assert shifts[int(np.argmax(alike))] == tuple(expected)


def test_learning_comes_as_far_as_its_rate_allows(taught: tuple[np.ndarray, list[str]]) -> None:
    """Which class is largest does not depend on how large all weights are, and so not on a rate that is far off."""
    losses = [float(line.split("cross-entropy ")[1].split(",")[0]) for line in taught[1]]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 1.6 < losses[0] < np.log(12), losses


def test_what_is_learned_knows_motions_of_other_seeds(learned: dict[str, Detector], client: spiked.Client) -> None:
    got = score(learned["pruned"], QUICK, client)
    assert got.constant >= 0.7 and got.settled >= 0.8, got
    assert got.switching >= 0.6, got


def test_the_whole_kernel_knows_more_than_the_pruned_one(
    learned: dict[str, Detector], client: spiked.Client
) -> None:
    movies = constant_movies(QUICK)
    motion = np.arange(len(movies))[:, None]
    right = {
        name: np.mean(decide(detector, movies, client)[:, 20:] == motion) for name, detector in learned.items()
    }
    assert right["whole"] >= 0.95 and right["whole"] >= right["pruned"], right


@pytest.mark.parametrize("threshold", [None, 1.1], ids=["every event speaks", "some speak"])
def test_the_daemon_and_numpy_agree_spike_for_spike(
    learned: dict[str, Detector], client: spiked.Client, threshold: float | None
) -> None:
    detector = replace(learned["pruned"], threshold=threshold or learned["pruned"].threshold)
    rng = QUICK.rng(TEST, 77)
    square = movie(rng, QUICK.side, switching(rng, QUICK.steps, QUICK.classes))
    # Wider than high, so that rows and columns cannot be taken for each other.
    seen = Movie(square.polarity[:, :20], square.motion)
    shape = (len(detector.labels), 20, QUICK.side)
    result = spiked.run(detector.network("agree"), seen.events(), client=client, size=(QUICK.side, 20), origin_us=0)
    expected = detector.spikes(seen)
    events = np.count_nonzero(seen.polarity)
    assert (len(expected) == events) if threshold is None else (1_000 < len(expected) < events)
    spikes = result.spikes[result.spikes["tick"] < len(seen.motion)]
    got = np.column_stack([spikes["tick"], *np.unravel_index(spikes["address"], shape)])
    assert np.array_equal(got, expected)
    decisions = result.decisions[result.decisions["t"] < 1_000 * len(seen.motion)]
    decided = np.full(len(seen.motion), -1)
    decided[decisions["t"] // 1_000] = decisions["class"]
    assert np.array_equal(decided, detector.decisions(expected, len(seen.motion)))


def test_it_sees_the_textures_of_the_camera_that_comes_along(
    learned: dict[str, Detector], client: spiked.Client, tmp_path: pathlib.Path
) -> None:
    """Streams that the example has not made: `spiked generate dvs` has its own texture, events and times."""
    client.load(learned["whole"].network("sees"))
    for direction in (30, 270):
        path = tmp_path / f"{direction}.es"
        how = ["--selectivity", "1", "--size", "32x32", "--speed", "0.63", "--for", "60ms", "--seed", "7"]
        generate = [program(), "generate", "dvs", str(path), "--direction", str(direction), *how]
        subprocess.run(generate, check=True, capture_output=True)
        decided = spiked.run("sees", path, client=client).decided()[20:]
        assert np.mean([label == f"{direction}° 0.63 px/ms" for label in decided]) >= 0.9, decided


def run(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "motion_kernels", *arguments]
    return subprocess.Popen(command, cwd=EXAMPLES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_example_writes_networks_that_a_daemon_takes(tmp_path: pathlib.Path) -> None:
    with run("--quick", "--movies", "16", "--epochs", "1", "--out", str(tmp_path)) as process:
        told, errors = process.communicate(timeout=300)
    assert process.returncode == 0, told + errors
    rows = [line.split() for line in told.splitlines() if line.startswith("learned")]
    assert [row[0] for row in rows] == ["learned-50", "learned-31", "learned"], told
    assert float(rows[-1][2]) > 0.5, told
    seen = switching_movies(QUICK)[0]
    with spiked.connect(networks=tmp_path) as client:
        for name in ("learned", "learned-31", "learned-50"):
            result = spiked.run(name, seen.events(), client=client, size=(QUICK.side, QUICK.side), origin_us=0)
            assert result.decisions.size > 40, name


def test_an_interrupt_ends_it_without_a_traceback() -> None:
    with run("--quick", "--epochs", "1000") as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == "\ninterrupted\n", errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--movies", "0"], "0 is below 1"), (["--quick", "--full"], "not allowed"), (["--seed", "-1"], "-1 is below 0")],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    with run(*arguments) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2 and said in errors, errors
