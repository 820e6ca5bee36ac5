"""An array of whiskers in MuJoCo, over which a bar sweeps; the network `swept-edge` says which way it goes.

Five rows of seven whiskers, each a capsule on two hinges with springs, stand 2 mm apart and point along x; those at the
back are stiffer, and no two are alike. A bar moves across their tips (y is forward, z is up), bends them aside until
they slip past, and goes on. A force and a torque
sensor in each base give six values a millisecond: a frame. Each frame goes into a session step by step, so that what
the network says could move the whiskers or the head in the next.

    pip install mujoco
    python whisker_mujoco.py --direction 45

Prints how often the detector of each direction fired; exits with 1 where another than the right one fired most.

Lengths in MuJoCo are mm here, masses g, times s; so forces are µN and moments nN·m.
"""

from __future__ import annotations

import argparse
import collections
import math
import sys

import mujoco
import numpy as np

import spiked

ROWS, COLUMNS = 5, 7
#: Between neighbours, from base to tip, and where the bar is along the whiskers [mm].
PITCH, LENGTH, DEPTH = 2.0, 12.05, 12.0
#: How fast the bar moves [mm/s], and how far before the middle it starts [mm].
SPEED, LEAD = 40.0, 10.0
#: Of the hinges of a whisker in the first and in the last column [nN·m/rad], and by how much they vary.
STIFFNESS, VARY = (4.5e4, 0.6e4), 0.2
#: Of a whisker [g].
MASS = 1e-3
#: Of the simulation, and between frames [s].
TIMESTEP, FRAME = 1e-4, 1e-3


def model(direction: float, seed: int = 1) -> mujoco.MjModel:
    """Whiskers and a bar; `direction` [rad] from forward towards up."""
    random = np.random.default_rng(seed)
    whiskers = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            name = f"R{'ABCDE'[row]}{column}"
            y, z = PITCH * (column - (COLUMNS - 1) / 2), -PITCH * (row - (ROWS - 1) / 2)
            stiffness = np.geomspace(*STIFFNESS, COLUMNS)[column] * random.uniform(1 - VARY, 1 + VARY)
            # Damped critically: it comes back once, and rests.
            damping = 2 * math.sqrt(stiffness * MASS * LENGTH**2 / 3)
            hinge = f'type="hinge" stiffness="{stiffness}" damping="{damping}"'
            whiskers.append(f"""
            <body name="{name}" pos="0 {y} {z}">
              <joint {hinge} axis="0 1 0"/>
              <joint {hinge} axis="0 0 1"/>
              <geom type="capsule" fromto="0 0 0 {LENGTH} 0 0" size="0.05" mass="{MASS}" contype="1" conaffinity="2"/>
              <site name="{name}"/>
            </body>""")
    names = [f"R{'ABCDE'[row]}{column}" for row in range(ROWS) for column in range(COLUMNS)]
    sensors = [f'<force site="{name}"/><torque site="{name}"/>' for name in names]
    # The bar lies across its way.
    across = (0.0, -math.sin(direction), math.cos(direction))
    ends = [f"{sign * 20 * across[1]} {sign * 20 * across[2]}" for sign in (-1, 1)]
    return mujoco.MjModel.from_xml_string(f"""
    <mujoco>
      <option timestep="{TIMESTEP}" gravity="0 0 0" integrator="implicitfast" cone="elliptic"/>
      <default><geom friction="0.01 0 0" solref="0.0005 1"/></default>
      <worldbody>
        {"".join(whiskers)}
        <body name="bar" mocap="true">
          <geom type="capsule" fromto="{DEPTH} {ends[0]} {DEPTH} {ends[1]}" size="0.1" contype="2" conaffinity="1"/>
        </body>
      </worldbody>
      <sensor>{"".join(sensors)}</sensor>
    </mujoco>""")


def frame(data: mujoco.MjData) -> np.ndarray:
    """[whisker, six values]: forces [mN] and moments [µN·m] that the whiskers exert on their bases."""
    return -np.asarray(data.sensordata).reshape(ROWS * COLUMNS, 6) / 1e3


def sweep(client: spiked.Client, direction: float, seconds: float) -> collections.Counter[str]:
    """How often the detector of each direction fired."""
    whiskers = model(direction)
    data = mujoco.MjData(whiskers)
    way = np.array([0.0, math.cos(direction), math.sin(direction)])
    fired: collections.Counter[str] = collections.Counter()
    with client.open_loop("swept-edge") as loop:
        labels = loop.outputs["way"]
        detectors = list(loop.outputs).index("direction")
        for step in range(round(seconds / FRAME)):
            for _ in range(round(FRAME / TIMESTEP)):
                data.mocap_pos[0] = way * (SPEED * data.time - LEAD)
                mujoco.mj_step(whiskers, data)
            output = loop.step(inputs=spiked.Frames(frame(data), t=step * FRAME * 1e6))
            spikes = output.spikes[output.spikes["port"] == detectors]
            fired.update(labels[detector] for detector in spikes["address"])
    return fired


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--direction", type=int, default=45, choices=range(0, 360, 45), help="degrees")
    arguments.add_argument("--seconds", type=float, default=0.6)
    given = arguments.parse_args()
    with spiked.connect() as client:
        fired = sweep(client, math.radians(given.direction), given.seconds)
    for label, count in fired.most_common():
        print(f"{label:>5}  {count} spikes")
    return 0 if fired.most_common(1)[0][0] == f"{given.direction}°" else 1


if __name__ == "__main__":
    sys.exit(main())
