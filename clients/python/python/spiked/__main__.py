"""`python -m spiked` tells what is installed; `python -m spiked check` tries it."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time

import numpy as np

from . import Network, SpikedError, __version__, address_events, connect, run
from .daemon import Daemon, program


def installed() -> None:
    """Prints versions, and where the daemon's program is."""
    print(f"spiked   {__version__}, Python {platform.python_version()}, NumPy {np.__version__}")
    path = program()
    try:
        told = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpikedError(f"{path} cannot be run: {error}") from error
    if told.returncode != 0:
        raise SpikedError(f"{path} is no program of spiked: {told.stderr.strip() or told.stdout.strip()}")
    print(f"program  {path}, {told.stdout.strip()}")


def check() -> None:
    """Starts a daemon, sends events through a network, and compares what comes out."""
    net = Network("check", tick="1 ms")
    skin = net.input("skin", channels=16)
    cells = net.population("cells", shape=[16], neuron={"accumulator": {"threshold": 0.5}})
    net.project(skin, cells, one_to_one={"weight": 1.0, "delay": "3 ms"})
    t, address = np.arange(1_000) * 1_000, np.arange(1_000) % 16
    with Daemon() as daemon, connect(daemon.address) as client:
        began = time.perf_counter()
        spikes = run(net, address_events(t, address), client=client, origin_us=0).spikes
        took_s = time.perf_counter() - began
    if not (np.array_equal(spikes["t"], t + 3_000) and np.array_equal(spikes["address"], address)):
        raise SpikedError(f"1 000 events should give as many spikes 3 ms later; {len(spikes)} came, or others")
    print(f"check    1 000 events gave their 1 000 spikes in {took_s * 1e3:.0f} ms")


def main() -> int:
    parser = argparse.ArgumentParser("python -m spiked", description=__doc__)
    parser.add_argument("--version", action="version", version=f"spiked {__version__}")
    parser.add_argument("command", nargs="?", choices=["check"], help="start a daemon and send events through it")
    command = parser.parse_args().command
    try:
        installed()
        if command == "check":
            check()
    except SpikedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
