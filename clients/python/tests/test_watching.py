"""Reading along in sessions of a real daemon."""

import time

import numpy as np
import pytest

import spiked
from spiked.arrays import Array

from test_sessions import expected, seen


def all_of(watch: spiked.Watch) -> list[spiked.Seen]:
    """Everything up to the end, which has to come within ten seconds."""
    sights = []
    until = time.monotonic() + 10
    while time.monotonic() < until:
        sight = watch.read(timeout=1)
        if sight is not None:
            sights.append(sight)
            if sight.ended is not None:
                assert watch.read() is None
                return sights
    raise AssertionError(f"no end; seen {sights}")


def joined(sights: list[spiked.Seen], part: str) -> Array:
    return np.concatenate([getattr(sight, part) for sight in sights])


def test_output_is_seen_as_its_reader_sees_it(client: spiked.Client, touches: Array) -> None:
    with client.open("relay", session_id="watched", origin_us=0) as session:
        with client.watch("watched") as watch:
            assert (watch.session_id, watch.network) == ("watched", "relay")
            assert watch.outputs == session.outputs and watch.inputs == {"skin": (64,)}
            session.send(touches)
            result = session.finish()
            sights = all_of(watch)
    assert np.array_equal(joined(sights, "spikes"), result.spikes)
    assert seen(result.spikes) == expected(touches)
    assert sights[-1].ended is not None and sights[-1].ended[0] == "COMPLETED"
    assert [sight.missed for sight in sights] == [0] * len(sights) and watch.missed == 0
    assert joined(sights, "events").size == 0


def test_watching_begins_at_a_position(client: spiked.Client, touches: Array) -> None:
    with client.open("relay", session_id="positions", origin_us=0) as session:
        session.send(touches[:100])
        session.flush()
        spikes = []
        while sum(map(len, spikes)) < 99:
            output = session.read(timeout=10)
            assert output is not None, "output within ten seconds"
            spikes.append(output.spikes)
        with client.watch("positions", from_position=40) as late, client.watch("positions") as now:
            assert (late.output_position, now.output_position) == (40, 99)
            session.send(touches[100:])
            session.finish()
            sights, fresh = all_of(late), all_of(now)
    assert seen(joined(sights, "spikes")) == expected(touches)[40:]
    assert seen(joined(fresh, "spikes")) == expected(touches)[99:]
    positions = [sight.position for sight in sights if sight.position is not None]
    assert positions == sorted(positions) and positions[-1] == len(touches)


def test_input_is_seen_as_it_goes_in(client: spiked.Client, touches: Array) -> None:
    with client.open("relay", session_id="fed", origin_us=0) as session:
        with client.watch("fed", input=True) as watch:
            session.send(touches)
            session.finish()
            sights = all_of(watch)
    events = joined(sights, "events")
    assert events.dtype == spiked.WATCHED
    assert events["t"].tolist() == touches["t"].tolist()
    assert events["address"].tolist() == touches["address"].tolist()
    assert set(events["multiplicity"].tolist()) == {1} and set(events["port"].tolist()) == {0}
    promises = [sight.promise_us for sight in sights if sight.promise_us is not None]
    assert promises and promises[-1] > touches["t"][-1]
    assert joined(sights, "spikes").size == 0


def test_frames_and_pixels_of_input_have_their_shapes(client: spiked.Client) -> None:
    values = np.linspace(-0.5, 0.5, 3 * 35 * 6, dtype=np.float32).reshape(3, 35, 6)
    with client.open("swept-edge", session_id="touched") as session:
        with client.watch("touched", input=True) as watch:
            session.send(spiked.Frames(values))
            session.finish()
            frames = [frame for sight in all_of(watch) for frame in sight.frames]
    assert [(port, frame.t) for port, frame in frames] == [("whiskers", 0), ("whiskers", 1_000), ("whiskers", 2_000)]
    assert np.array_equal(np.concatenate([np.asarray(frame.values) for _, frame in frames]), values)

    pixels = spiked.camera_events([0, 10, 20], [5, 6, 7], [1, 2, 3], [1, 0, 1])
    with client.open("motion", session_id="looked", size=(320, 240)) as session:
        with client.watch("looked", input=True) as watch:
            session.send(pixels)
            session.finish()
            sights = all_of(watch)
    assert watch.camera(joined(sights, "events")).tolist() == pixels.tolist()
    with pytest.raises(ValueError, match="no input port 'nose'"):
        watch.camera(sights[0].events, port="nose")


def test_a_probe_reads_membranes(client: spiked.Client) -> None:
    net = spiked.Network("leaky", tick="1 ms")
    skin = net.input("skin", channels=4)
    lif = {"tau": "10 ms", "threshold": "100 mV"}
    cells = net.population("cells", shape=[4], neuron={"lif": lif})
    net.project(skin, cells, one_to_one={"weight": "8 mV", "delay": "1 ms"})
    name, version = client.load(net)
    probe = spiked.Probe("cells", neurons=[2, 0], every=5)
    with client.open(name, version=version, session_id="probed", origin_us=0) as session:
        with client.watch("probed", probe=probe, output=True) as watch:
            session.send(spiked.address_events([10_000], [2]))
            session.promise_us(41_000)
            session.finish()
            sights = all_of(watch)
    readings = joined(sights, "readings")
    assert readings["tick"].tolist()[:9] == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    assert np.array_equal(readings["t"], readings["tick"] * 1_000)
    # Nothing before 11 ms; then 8 mV that decay with 10 ms.
    potentials = readings["values"][3:9, 0]
    assert np.allclose(potentials, 8 * np.exp(-(np.arange(15, 45, 5) - 11) / 10), rtol=1e-5)
    assert not readings["values"][:3].any() and not readings["values"][:, 1].any()


def test_a_slow_watcher_is_told_what_it_missed(client: spiked.Client) -> None:
    """More than the daemon and the client keep for it, before it looks for the first time."""
    count = 3_000_000
    events = spiked.address_events(np.arange(count) // 2, np.arange(count) % 64)
    with client.open("relay", session_id="fast", origin_us=0) as session:
        with client.watch("fast", input=True) as watch:
            for portion in np.array_split(events, 30):
                session.send(portion)
                while session.read(timeout=0) is not None:
                    pass
            session.finish()
            sights = all_of(watch)
    assert watch.missed > 0 and watch.missed == sum(sight.missed for sight in sights)
    assert len(joined(sights, "events")) < count


def test_what_contradicts_itself_is_refused(client: spiked.Client) -> None:
    with pytest.raises(spiked.Refused, match="nobody") as refused:
        client.watch("nobody")
    assert refused.value.reason == "SESSION_UNKNOWN"
    with pytest.raises(ValueError, match="one of the two"):
        client.watch("nobody", output=True, decisions=True)
    with pytest.raises(ValueError, match="not watched"):
        client.watch("nobody", input=True, from_position=3)
    session = client.open("relay", session_id="poor")
    with pytest.raises(ValueError, match="expected potential, threshold or current"):
        client.watch("poor", probe=spiked.Probe("cells", [0], what="mood"))  # type: ignore[arg-type]
    with pytest.raises(spiked.Refused, match="cellar"):
        client.watch("poor", probe=spiked.Probe("cellar", [0]))
    with client.watch("poor") as watch:
        assert watch.read(timeout=0.05) is None
    assert watch.read() is None, "it was closed"
    session.close()
