"""Learns, prunes, scores, and writes the networks. See `python -m motion_kernels --help`."""

from __future__ import annotations

import argparse
import pathlib
import sys
import time
from dataclasses import replace

import numpy as np

import spiked

from .detector import Detector, detectors
from .learning import learn
from .scoring import score
from .settings import FULL, LEARNING, QUICK, STANDARD, Settings
from .stimulus import movie, switching

#: Shares of the weights by what their networks are called.
KEEPS = {"learned": 1.0, "learned-31": 1 / 31, "learned-50": 0.02}

EXAMPLES = """examples, from the folder above:
  python -m motion_kernels --quick               twelve directions, in seconds
  python -m motion_kernels --out networks        36 motions, in minutes; writes the networks
  spiked run networks/learned-50 recording.es    what was learned, on a recording
  spiked serve --networks networks               or in a daemon
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m motion_kernels",
        description="Learns kernels with delays that tell 36 motions of textures apart (12 directions at 3 speeds), "
        "from labelled streams of events; prunes them; and has a daemon decide on streams of seeds kept apart.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="little of everything: twelve motions, 32 x 32 pixels")
    sizes.add_argument("--full", action="store_true", help="the paper's sizes and rate of learning")
    parser.add_argument("--movies", type=int, help="movies to learn from", metavar="N")
    parser.add_argument("--epochs", type=int, help="how often all movies are gone through", metavar="N")
    parser.add_argument("--seed", type=int, help="of everything that is drawn", metavar="N")
    parser.add_argument("--out", type=pathlib.Path, help="folder to write the networks into", metavar="FOLDER")
    given = parser.parse_args()
    for name, value in (("--movies", given.movies), ("--epochs", given.epochs)):
        if value is not None and value < 1:
            parser.error(f"{name}: {value} is below 1")
    if given.seed is not None and given.seed < 0:
        parser.error(f"--seed: {given.seed} is below 0")
    return given


def settings_of(given: argparse.Namespace) -> Settings:
    settings = FULL if given.full else QUICK if given.quick else STANDARD
    changes = {name: getattr(given, name) for name in ("movies", "epochs", "seed")}
    return replace(settings, **{name: value for name, value in changes.items() if value is not None})


def learned_of(settings: Settings) -> list[Detector]:
    """Makes the movies and learns from them; a detector for each share of the weights."""
    began = time.monotonic()
    rngs = [settings.rng(LEARNING, number) for number in range(settings.movies)]
    movies = [movie(rng, settings.side, switching(rng, settings.steps, settings.classes)) for rng in rngs]
    rate = 1_000 * np.mean([np.count_nonzero(each.polarity) / each.polarity.size for each in movies])
    print(f"{len(movies)} movies of {settings.side} x {settings.side} pixels and {settings.steps} ms, {rate:.0f} "
          f"events a pixel and second: {time.monotonic() - began:.1f} s", flush=True)
    return detectors(learn(movies, settings, lambda line: print(line, flush=True)), settings, list(KEEPS.values()))


def main() -> None:
    given = arguments()
    settings = settings_of(given)
    found = learned_of(settings)
    if given.out is not None:
        for name, detector in zip(KEEPS, found, strict=True):
            print(f"written: {detector.network(name).save(given.out / name)}", flush=True)
    chance = 1 / len(settings.classes)
    print(f"milliseconds right (chance {chance:.3f}), motions that are constant, switch, and have gone on for 20 ms:")
    print(f"{'network':<12} {'weights':>7} {'constant':>9} {'switching':>10} {'settled':>8}", flush=True)
    with spiked.connect() as client:
        for name, detector in reversed(list(zip(KEEPS, found, strict=True))):
            began = time.monotonic()
            got = score(detector, settings, client)
            print(f"{name:<12} {detector.kept:>7.2%} {got.constant:>9.3f} {got.switching:>10.3f} {got.settled:>8.3f}   "
                  f"{time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
