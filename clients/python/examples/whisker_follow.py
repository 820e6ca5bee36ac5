"""A whisker in MuJoCo that follows what it touches: its motor moves it by a filtered rate, and what that does to the
whisker comes back as frames.

A whisker stands on a slide, its tip between two pins that move to and fro. Where the pins run ahead they bend it; the
force and the moment in its base are a frame of six values a millisecond. Afferents in the daemon turn them into
spikes, one neuron for either way, and the daemon gives their spikes back. Filtered with 20 ms (`spiked.FilteredRates`),
the difference of both rates is the speed that the slide's motor is told: the base goes where the whisker is bent to,
which unbends it, and the next frame says so.

    pip install mujoco
    python whisker_follow.py
    python whisker_follow.py --reverse      # a motor with the wrong sign runs away

Prints how far the base was from the pins; exits with 1 where that is more than 0.6 mm on average.

Lengths in MuJoCo are mm here, masses g, times s; so forces are µN and moments nN·m.
"""

from __future__ import annotations

import argparse
import math
import sys

import mujoco
import numpy as np

import spiked

#: Of the whisker [mm], its hinge [nN·m/rad] and itself [g].
LENGTH, STIFFNESS, MASS = 12.0, 4e4, 1e-3
#: How far [mm] and how often a second the pins go to and fro.
SWING, SWINGS = 2.0, 0.5
#: Of the simulation, and between frames [s].
TIMESTEP, FRAME = 1e-4, 1e-3
#: Of the filter that makes a rate of spikes [µs].
FILTER_US = 20_000
#: Speed of the motor for a rate [mm/s for Hz].
GAIN = 0.1
#: Farther than that the slide does not go [mm].
REACH = 6.0


def network() -> spiked.Network:
    """Two afferents, one for either way of bending, and a neuron that hands on what each says."""
    net = spiked.Network("follow", tick="100 us")
    ways = [{"direction": f"{direction} deg", "slow": "60 Hz/uNm"} for direction in (90, 270)]
    frames = {"whiskers": ["RA0"], "bad_value": "hold"}
    whisker = net.input("whisker", frames=frames, encoder={"afferents": {"kinds": ways}})
    bent = net.population("bent", shape=[2, 1, 1], neuron={"accumulator": {"threshold": 0.5}})
    net.project(whisker, bent, one_to_one={"weight": 1.0, "delay": "1 ms"})
    return net


def model() -> mujoco.MjModel:
    """A whisker on a slide, and the pins."""
    damping = 2 * math.sqrt(STIFFNESS * MASS * LENGTH**2 / 3)
    return mujoco.MjModel.from_xml_string(f"""
    <mujoco>
      <option timestep="{TIMESTEP}" gravity="0 0 0" integrator="implicitfast" cone="elliptic"/>
      <default><geom friction="0.01 0 0" solref="0.0005 1"/></default>
      <worldbody>
        <body name="base">
          <joint name="slide" type="slide" axis="0 1 0" limited="true" range="{-REACH} {REACH}"/>
          <geom type="box" size="1 1 1" mass="1" contype="0" conaffinity="0"/>
          <body name="whisker">
            <joint type="hinge" axis="0 0 1" stiffness="{STIFFNESS}" damping="{damping}"/>
            <geom type="capsule" fromto="0 0 0 {LENGTH} 0 0" size="0.05" mass="{MASS}" contype="1" conaffinity="2"/>
            <site name="whisker"/>
          </body>
        </body>
        <body name="pins" mocap="true" pos="{LENGTH - 1} 0 0">
          <geom type="capsule" fromto="0 0.2 -2 0 0.2 2" size="0.1" contype="2" conaffinity="1"/>
          <geom type="capsule" fromto="0 -0.2 -2 0 -0.2 2" size="0.1" contype="2" conaffinity="1"/>
        </body>
      </worldbody>
      <actuator><velocity joint="slide" kv="1e3"/></actuator>
      <sensor><force site="whisker"/><torque site="whisker"/></sensor>
    </mujoco>""")


def follow(client: spiked.Client, seconds: float, sign: float) -> np.ndarray:
    """How far the base is from the pins [mm], frame by frame."""
    body = model()
    data = mujoco.MjData(body)
    rates = spiked.FilteredRates(2, FILTER_US)
    off = []
    name, version = client.load(network())
    with client.open_loop(name, version=version) as loop:
        for step in range(round(seconds / FRAME)):
            for _ in range(round(FRAME / TIMESTEP)):
                data.mocap_pos[0, 1] = SWING * math.sin(2 * math.pi * SWINGS * data.time)
                mujoco.mj_step(body, data)
            # What the whisker exerts on its base [mN and µN·m].
            felt = -np.asarray(data.sensordata).reshape(1, 6) / 1e3
            now_us = round(step * FRAME * 1e6)
            output = loop.step(inputs=spiked.Frames(felt, t=now_us))
            one, other = rates.step(output.spikes, now_us + 1)
            data.ctrl[0] = sign * GAIN * (one - other)
            off.append(data.mocap_pos[0, 1] - data.qpos[0])
    return np.abs(off)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=4.0)
    arguments.add_argument("--reverse", action="store_true", help="a motor that goes the other way")
    given = arguments.parse_args()
    with spiked.connect() as client:
        off = follow(client, given.seconds, -1.0 if given.reverse else 1.0)
    print(f"the base was {off.mean():.2f} mm from the pins on average, {off.max():.2f} mm at most, of a way of {SWING} mm")
    return 0 if off.mean() <= 0.6 else 1


if __name__ == "__main__":
    sys.exit(main())
