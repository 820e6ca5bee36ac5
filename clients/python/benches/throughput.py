"""Events a second from NumPy arrays to simulated, through a daemon of its own: median of runs, as JSON.

PYSPIKED_PROGRAM names the daemon's program, which should be a release build; so should the package
(pip install clients/python).
"""

import json
import pathlib
import statistics
import tempfile
import time

import numpy as np

import spiked

RUNS = 5
EVENTS = 20_000_000
PORTION = 1_000_000
CHANNELS = 64

NETWORK = f"""
name = "pool"
tick = "1 ms"

[input.in]
channels = {CHANNELS}
max_events_per_tick = 1000

[population.pool]
shape = [{CHANNELS}]
neuron = {{ accumulator = {{ threshold = 1000000 }} }}

[projection.to]
from = "in"
to = "pool"
one_to_one = {{ weight = 1.0, delay = "1 ms" }}
"""


def run(client: spiked.Client, portions: list[np.ndarray]) -> float:
    """Events a second, from the first portion to all being simulated."""
    session = client.open("pool", origin_us=0)
    began = time.perf_counter()
    for portion in portions:
        session.send(portion)
    result = session.finish()
    took = time.perf_counter() - began
    assert result.position is not None and result.position.events == EVENTS
    return EVENTS / took


def main() -> None:
    t = np.arange(EVENTS) // 8
    events = spiked.address_events(t, np.arange(EVENTS) * 37 % CHANNELS)
    portions = np.split(events, EVENTS // PORTION)
    with tempfile.TemporaryDirectory() as folder:
        network = pathlib.Path(folder) / "pool"
        network.mkdir()
        (network / "network.toml").write_text(NETWORK)
        with spiked.connect(networks=folder) as client:
            run(client, portions)
            rates = sorted(run(client, portions) for _ in range(RUNS))
    print(
        json.dumps(
            {
                "bench": "python_throughput",
                "unit": "events per second",
                "runs": RUNS,
                "min": round(rates[0]),
                "median": round(statistics.median(rates)),
                "max": round(rates[-1]),
            }
        )
    )


main()
