"""A folder as WHISKiT writes it, played into a network of whiskers frame by frame.

WHISKiT Physics (Zweifel et al., PNAS 2021) simulates the whiskers of a rat and writes what each base feels as CSV files:
`whisker_ID.csv` with the whiskers' names, and `dynamics/{Fx,Fy,Fz,Mx,My,Mz}.csv` with a line for each step and a column
for each whisker. `spiked run NETWORK FOLDER` and `spiked.read_touch` read such a folder by themselves (docs/touch.md); this
shows the same by hand, for who wants to look at the frames on their way.

    python whiskit.py FOLDER --network swept-edge
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys

import numpy as np

import spiked

COMPONENTS = ("Fx", "Fy", "Fz", "Mx", "My", "Mz")
#: Frames that are sent at once.
PORTION = 100


def read(folder: pathlib.Path) -> tuple[list[str], np.ndarray]:
    """Names, and [frame, whisker, component] in mN and µN·m."""
    names = (folder / "whisker_ID.csv").read_text().replace("\n", ",").split(",")
    names = [name.strip() for name in names if name.strip()]
    # A comma stands behind the last column, too.
    columns = range(len(names))
    read = [
        np.loadtxt(folder / "dynamics" / f"{name}.csv", delimiter=",", ndmin=2, usecols=columns) for name in COMPONENTS
    ]
    return names, np.stack(read, axis=2).astype(np.float32)


def arranged(names: list[str], values: np.ndarray, wanted: list[str]) -> np.ndarray:
    """The whiskers that a port wants, in its order; those that the recording lacks feel nothing."""
    there = [name for name in wanted if name in names]
    out = np.zeros((len(values), len(wanted), 6), np.float32)
    out[:, [wanted.index(name) for name in there]] = values[:, [names.index(name) for name in there]]
    return out


def play(client: spiked.Client, network: str, folder: pathlib.Path, period_us: float) -> spiked.Result:
    names, values = read(folder)
    with client.open(network, origin_us=0) as session:
        whiskers, _ = session.whiskers() or ([], [])
        frames = arranged(names, values, whiskers)
        for start in range(0, len(frames), PORTION):
            portion = frames[start : start + PORTION]
            session.send(spiked.Frames(portion, t=start * period_us, period_us=period_us))
        return session.finish()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--network", default="swept-edge")
    arguments.add_argument("--frame-rate", type=float, default=1_000.0, help="frames a second")
    given = arguments.parse_args()
    with spiked.connect() as client:
        result = play(client, given.network, given.folder, 1e6 / given.frame_rate)
    print(f"{len(result.spikes)} spikes, {len(result.decisions)} decisions")
    for label, count in collections.Counter(result.decided()).most_common():
        print(f"{label:>5}  {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
