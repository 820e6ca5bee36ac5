"""NEST step by step: events in, a millisecond of simulation; how many spikes came is asked behind it.

The network is that of our bench of steps: 64 channels, one to one onto 64 neurons that fire for each event,
a grid of 10 µs, a thousand events in each step.
"""

import time

CHANNELS = 64
STEP_MS = 1.0
STEP_EVENTS = 1_000
GRID_MS = 0.01
WARM_UP = 100


def stepped(steps):
    import nest
    import numpy

    from streaming import percentile

    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = GRID_MS
    inputs = nest.Create("spike_generator", CHANNELS)
    neurons = nest.Create("parrot_neuron", CHANNELS)
    recorder = nest.Create("spike_recorder")
    nest.Connect(inputs, neurons, "one_to_one", {"delay": GRID_MS})
    nest.Connect(neurons, recorder, syn_spec={"delay": GRID_MS})
    offsets = 1 + numpy.arange(STEP_EVENTS) * int(STEP_MS / GRID_MS) // STEP_EVENTS
    channels = numpy.arange(STEP_EVENTS) * 37 % CHANNELS
    of_channel = [offsets[channels == channel] for channel in range(CHANNELS)]
    nest.Prepare()
    times_us, reading_us = [], []
    for step in range(WARM_UP + steps):
        began = time.perf_counter()
        ticks = step * int(STEP_MS / GRID_MS)
        inputs.set([{"spike_times": numpy.round((ticks + of) * GRID_MS, 2)} for of in of_channel])
        nest.Run(STEP_MS)
        ran = time.perf_counter()
        # Asking how many there are brings those of all steps, for its recorder cannot forget while it runs.
        spikes = recorder.n_events
        read = time.perf_counter()
        if step >= WARM_UP:
            times_us.append((ran - began) * 1e6)
            reading_us.append((read - ran) * 1e6)
    nest.Cleanup()
    assert spikes > (WARM_UP + steps - 2) * STEP_EVENTS, f"{spikes} spikes"
    return {
        "bench": "peer_nest",
        "steps": steps,
        "events_a_step": STEP_EVENTS,
        "p50_us": round(percentile(times_us, 0.5)),
        "p99_us": round(percentile(times_us, 0.99)),
        "reading_p50_us": round(percentile(reading_us, 0.5)),
    }
