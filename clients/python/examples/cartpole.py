"""A pole on a cart, balanced by spikes: gymnasium's CartPole with a network between its sensors and its motor.

The cart tells where it is, how fast it moves, how far the pole leans and how fast it falls. Each of the four becomes
events on one of two channels, one for either sign, as many as it is large (a rate code). Two populations listen, one
for each way to push. Their rates are filtered with 20 ms, and the cart is pushed the way that fires more; the state
that follows from that is what goes in next.

    pip install gymnasium
    python cartpole.py
    python cartpole.py --reverse      # a motor with the wrong sign

Prints how long each episode was; 500 steps of 20 ms is all there is, pushing at random lasts about 22. Exits with 1
where the mean is below 400.
"""

from __future__ import annotations

import argparse
import sys

import gymnasium
import numpy as np

import spiked

#: Time of a step of the cart [µs].
STEP_US = 20_000
#: Of the filter that makes a rate of spikes [µs].
FILTER_US = 20_000
#: Events of a step for a state of 1: position [m], speed [m/s], lean [rad], its speed [rad/s].
EVENTS = np.array([40.0, 60.0, 700.0, 200.0])
EVENTS_MAX = 400
NEURONS = 20


def network() -> spiked.Network:
    """Eight channels (each sign of four states) onto two populations, which inhibit each other."""
    net = spiked.Network("cartpole", tick="1 ms")
    state = net.input("state", channels=8, max_events_per_tick=EVENTS_MAX)
    lif = {"tau": "10 ms", "threshold": "6 mV", "reset": "0 mV"}
    for way, sign in (("left", 0), ("right", 1)):
        net.population(way, shape=[NEURONS], neuron={"lif": lif})
        weights = np.zeros((NEURONS, 8), np.float32)
        # Each neuron hears the four channels of its sign, one a little louder than the next.
        weights[:, sign::2] = np.linspace(0.8, 1.2, NEURONS, dtype=np.float32)[:, np.newaxis]
        # What speaks for the other way speaks against this one.
        weights[:, 1 - sign :: 2] = -1.0
        net.project(state, way, dense={"weights": weights, "delay": "1 ms"})
    net.output("motor", ["left", "right"])
    return net


def encoded(state: np.ndarray, now_us: int) -> spiked.arrays.Array:
    """The state as events, spread over the step that begins now."""
    counts = np.minimum(np.rint(np.abs(state) * EVENTS), EVENTS_MAX).astype(int)
    channels = 2 * np.arange(4) + (state > 0)
    times = [now_us + np.arange(count) * STEP_US // max(count, 1) for count in counts]
    events = spiked.address_events(np.concatenate(times), np.repeat(channels, counts))
    return events[np.argsort(events["t"], kind="stable")]


def episode(client: spiked.Client, version: str, seed: int, reverse: bool) -> int:
    """Steps until the pole falls, or the episode is over."""
    rates, step, ended = spiked.FilteredRates(2 * NEURONS, FILTER_US), 0, False
    with gymnasium.make("CartPole-v1") as cart, client.open_loop("cartpole", version=version) as loop:
        state, _ = cart.reset(seed=seed)
        while not ended:
            now_us = step * STEP_US
            output = loop.step(now_us + STEP_US, encoded(state, now_us))
            left, right = rates.step(output.spikes, now_us + STEP_US).reshape(2, NEURONS).mean(axis=1)
            state, _, fell, over, _ = cart.step(int((right > left) != reverse))
            ended = fell or over
            step += 1
    return step


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--episodes", type=int, default=5)
    arguments.add_argument("--reverse", action="store_true", help="a motor that pushes the other way")
    given = arguments.parse_args()
    with spiked.connect() as client:
        _, version = client.load(network())
        lasted = []
        for seed in range(given.episodes):
            lasted.append(episode(client, version, seed, given.reverse))
            print(f"episode {seed}: {lasted[-1]} steps")
    mean = sum(lasted) / len(lasted)
    print(f"mean {mean:.0f} of 500")
    return 0 if mean >= 400 else 1


if __name__ == "__main__":
    sys.exit(main())
