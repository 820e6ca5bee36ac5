"""The motif detector: the example's gates, and its sums."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import motifs
import numpy as np
import pytest

import spiked
from spiked.daemon import program

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples/motifs.py"


@pytest.mark.parametrize(("keep", "right", "wrong"), [(1.0, 0.93, 0.12), (0.01, 0.85, 0.22)])
def test_motifs_are_found_at_the_exact_tick(client: spiked.Client, keep: float, right: float, wrong: float) -> None:
    found, others = motifs.score(keep, client)
    assert found >= right and others <= wrong, (found, others)


@pytest.mark.parametrize("keep", [1.0, 0.01])
def test_a_daemon_finds_what_a_plain_sum_finds(client: spiked.Client, keep: float) -> None:
    kernel = motifs.motifs(7)
    kept = motifs.pruned(kernel, keep)
    trials = [motifs.trial(kernel, seed) for seed in (1, 2, 3)]
    expected = [np.argwhere(motifs.evidence(kept, each.spikes) >= 6) for each in trials]
    found = motifs.finds(motifs.detector(kept, 6.0), trials, client)
    assert min(map(len, expected)) > 500, "many more than were planted"
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)


def test_a_tick_more_and_next_to_nothing_is_found(client: spiked.Client) -> None:
    """The gate can fail."""
    kernel = motifs.motifs(0)
    shown = motifs.trial(kernel, 1_000)
    late = np.roll(kernel, 1, axis=2)
    (found,) = motifs.finds(motifs.detector(late, motifs.threshold(1.0)), [shown], client)
    right = {*map(tuple, shown.planted)} & {*map(tuple, found)}
    assert len(right) < 0.2 * len(shown.planted), (len(right), len(shown.planted))


def test_the_example_tells_its_score_and_writes_its_networks(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, str(EXAMPLE), "--keep", "0.05", "--out", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stdout + told.stderr
    share, *words = told.stdout.replace("%", "").split()
    assert float(share) == 5.0 and float(words[3]) >= 0.9, told.stdout
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert folders == [f"motifs-{seed}-0_05" for seed in motifs.NETWORKS]
    checked = subprocess.run([program(), "check", str(tmp_path / folders[0])], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
