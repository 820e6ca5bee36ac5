"""Early stopping: the example as it stands, and what a decision on a sample says."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import numpy as np

import spiked

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples/early_stopping.py"


def test_stopping_early_saves_time_and_hardly_any_accuracy() -> None:
    command = [sys.executable, str(EXAMPLE), "0.99", "1.0"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stdout + told.stderr
    found = re.findall(r"right +([\d.]+)% +after +([\d.]+) of 32 ms", told.stdout)
    (early, ticks), (whole, all_ticks) = [tuple(map(float, pair)) for pair in found]
    assert all_ticks == 32.0, told.stdout
    assert ticks <= 0.6 * 32 and early >= whole - 1.0, told.stdout


def test_a_decision_on_a_sample_says_how_sure_it_is() -> None:
    with spiked.connect() as client, client.open("early-stop") as session:
        session.send(spiked.address_events([0], [0]), port="sample", promise=False)
        # All channels of class 3, for two milliseconds.
        times, channels = np.repeat([0, 1_000], 8), np.tile(np.arange(24, 32), 2)
        session.send(spiked.address_events(times, channels), port="evidence")
        session.promise_us(100_000)
        decisions = session.finish().decisions
    assert decisions["class"].tolist() == [3]
    assert decisions["sample_ticks"].tolist() == [5]
    assert abs(decisions["confidence"][0] - 0.99699) < 1e-6
