"""Closed loops, and frames of touch."""

import numpy as np
import pytest

import spiked
from spiked.arrays import Array


def test_steps_give_what_a_stream_gives(client: spiked.Client, touches: Array) -> None:
    whole = spiked.run("relay", touches, client=client, origin_us=0).spikes
    parts = []
    with client.open_loop("relay") as loop:
        assert (loop.network, loop.inputs) == ("relay", {"skin": (64,)})
        for until_us in range(10_000, 620_000, 10_000):
            due = (touches["t"] >= until_us - 10_000) & (touches["t"] < until_us)
            output = loop.step(until_us, touches[due])
            assert output.position is not None and output.position.simulated_to_us == until_us
            parts.append(output.spikes)
    assert np.array_equal(np.concatenate(parts), whole)


def test_what_comes_out_decides_what_goes_in(client: spiked.Client) -> None:
    """Each spike makes the next channel be touched: one after the other, 3 ms apart."""
    seen: list[int] = []
    with client.open_loop("relay") as loop:
        inputs = spiked.address_events([0], [0])
        for step in range(1, 40):
            spikes = loop.step(step * 1_000, {"skin": inputs}).spikes
            seen += spikes["address"].tolist()
            times = np.full(len(spikes), step * 1_000)
            inputs = spiked.address_events(times, (spikes["address"] + 1) % 64)
    assert seen == list(range(len(seen))) and len(seen) == 13


def test_time_goes_on_and_input_is_taken_once(client: spiked.Client) -> None:
    with client.open_loop("relay") as loop:
        first = loop.step(10_000, spiked.address_events([1_000, 2_000], [5, 6]))
        assert first.spikes["address"].tolist() == [5, 6]
        # That time is over: nothing more comes of it.
        assert loop.step(5_000).spikes.size == 0
        with pytest.raises(ValueError, match="no input port 'nose'"):
            loop.step(20_000, {"nose": spiked.address_events([11_000], [7])})
        again = loop.step(20_000, spiked.address_events([11_000], [7]))
        assert again.spikes["address"].tolist() == [7]
    with pytest.raises(spiked.SpikedError, match="is closed"):
        loop.step(30_000)


def pushed(count: int) -> Array:
    """Whiskers that are bent further and further, one column of the array after the other."""
    values = np.zeros((count, 35, 6), np.float32)
    for whisker in range(35):
        start = 20 * (whisker % 7)
        values[start:, whisker, 4] = -0.1 * np.arange(max(count - start, 0))
    return values


def test_frames_in_steps_are_those_of_a_stream(client: spiked.Client) -> None:
    values = pushed(300)
    with client.open("swept-edge") as session:
        names, kinds = session.whiskers() or ([], [])
        assert (names[0], names[34], len(kinds)) == ("RA0", "RE6", 16)
        session.send(spiked.Frames(values))
        whole = session.finish()
    assert whole.spikes.size > 0
    parts = []
    with client.open_loop("swept-edge") as loop:
        for start in range(0, 300, 10):
            frames = spiked.Frames(values[start : start + 10], t=start * 1_000)
            # Up to the last frame is what they tell.
            parts.append(loop.step(inputs=frames).spikes)
        with pytest.raises(spiked.Refused, match="must lie behind the last frame"):
            loop.step(310_000, spiked.Frames(values[:1], t=310_000))
        with pytest.raises(ValueError, match="until_us says"):
            loop.step()
    stepped = np.concatenate(parts)
    assert stepped.size > 0 and np.array_equal(stepped, whole.spikes[: len(stepped)])


def test_frames_of_another_shape_are_refused(client: spiked.Client) -> None:
    assert spiked.Frames(np.zeros((35, 6))).packed()[2] == 210
    with pytest.raises(ValueError, match=r"frames of shape \(3, 35, 5\)"):
        spiked.Frames(np.zeros((3, 35, 5))).packed()
    with pytest.raises(ValueError, match="every 0 us"):
        spiked.Frames(np.zeros((3, 35, 6)), period_us=0).packed()
    with client.open_loop("swept-edge") as loop:
        with pytest.raises(spiked.SpikedError, match="frames of 12 values"):
            loop.step(1_000, spiked.Frames(np.zeros((1, 2, 6))))
