"""A daemon for all tests, a small recording, and skips that say so."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import numpy as np
import pytest

import spiked

SHARED = pathlib.Path(__file__).parents[4] / "shared" / "data" / "recordings"
SIZE = (48, 32)

#: Fires whenever something arrives: a spike a pixel and event.
NETWORK = """
name = "relay"
tick = "1 ms"

[input.skin]
channels = 64
max_events_per_tick = 100

[population.cells]
shape = [64]
neuron = { accumulator = { threshold = 0.5 } }

[projection.in]
from = "skin"
to = "cells"
one_to_one = { weight = 1.0, delay = "2 ms" }
"""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What cargo xtask test counts."""
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        print(f"\nSKIPPED python::{report.nodeid}: {why}")


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("networks")
    (folder / "relay").mkdir()
    (folder / "relay" / "network.toml").write_text(NETWORK)
    return folder


@pytest.fixture(scope="session")
def daemon(
    networks: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[spiked.Daemon]:
    with spiked.Daemon(networks=networks, data=tmp_path_factory.mktemp("data")) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: spiked.Daemon) -> spiked.Client:
    return spiked.connect(daemon.address)


@pytest.fixture
def touches() -> spiked.arrays.Array:
    """A touch of one channel after the other, every 3 ms."""
    count = 200
    return spiked.address_events(np.arange(count) * 3_000, np.arange(count) % 64)


@pytest.fixture
def street() -> pathlib.Path:
    path = SHARED / "dvs.es"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path
