"""Results as files, read back by the field's own tools."""

import datetime
import pathlib
import sys

import h5py
import libsonata
import numpy as np
import pynwb
import pytest
from nwbinspector import Importance, InspectorMessage, inspect_nwbfile

import spiked
from spiked.arrays import Array


@pytest.fixture
def result(client: spiked.Client, touches: Array) -> spiked.Result:
    return spiked.run("relay", touches, client=client, origin_us=0)


def violations(path: pathlib.Path) -> list[InspectorMessage]:
    """What the inspector finds, beyond suggestions. That there is no subject it always says, unless one is given: a
    network is nobody."""
    assert pynwb.validate(path=str(path)) == []
    least = Importance.BEST_PRACTICE_VIOLATION.value
    found = inspect_nwbfile(nwbfile_path=str(path), ignore=["check_subject_exists"])
    return [message for message in found if message.importance.value >= least]


@pytest.fixture
def two(client: spiked.Client) -> spiked.Result:
    """Two populations in one port, with 100 µs between them, some neurons silent."""
    net = spiked.Network("two", tick="300 ns")
    skin = net.input("skin", channels=6, max_events_per_tick=10)
    first = net.population("first", shape=[2, 3], neuron={"accumulator": {"threshold": 0.5}})
    second = net.population("second", shape=[6], neuron={"accumulator": {"threshold": 0.5}})
    net.project(skin, first, one_to_one={"weight": 1.0, "delay": "1.2 us"})
    net.project(first, second, one_to_one={"weight": 1.0, "delay": "99.9 us"})
    net.output("both", [first, second])
    events = spiked.address_events([10, 20, 25, 30], [1, 4, 4, 5])
    return spiked.run(net, events, client=client, origin_us=0)


def test_sonata_is_read_by_its_own_library(result: spiked.Result, touches: Array, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "spikes.h5"
    result.to_sonata(path, population="cells")
    reader = libsonata.SpikeReader(str(path))
    assert reader.get_population_names() == ["cells"]
    cells = reader["cells"]
    assert (cells.sorting, cells.time_units) == ("by_time", "ms")
    assert cells.get() == [(int(address), t / 1e3 + 2) for t, address in touches.tolist()]
    # Its own selections work on it.
    assert [node for node, _ in cells.get(node_ids=[5], tstart=100.0, tstop=400.0)] == [5]
    assert [path.name for path in tmp_path.iterdir()] == ["spikes.h5"]


def test_sonata_has_a_population_for_each_of_the_network(two: spiked.Result, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "two.h5"
    two.to_sonata(path)
    reader = libsonata.SpikeReader(str(path))
    assert sorted(reader.get_population_names()) == ["first", "second"]
    first, second = reader["first"].get(), reader["second"].get()
    assert [node for node, _ in first] == [node for node, _ in second] == [1, 4, 4, 5]
    # 9.9 µs is the start of the tick with the event of 10 µs, and so on; 1.2 µs and 101.1 µs later.
    ticks_ms = np.array([9.9, 19.8, 24.9, 30.0]) / 1e3
    assert np.allclose([t for _, t in first], ticks_ms + 0.0012, rtol=0, atol=1e-12)
    assert np.allclose([t for _, t in second], ticks_ms + 0.1011, rtol=0, atol=1e-12)
    with h5py.File(path) as file:
        assert (file.attrs["magic"], file.attrs["version"].tolist()) == (0x0A7A, [0, 1])
    with pytest.raises(ValueError, match=r"a population 'third': there are \['first', 'second'\]"):
        two.to_sonata(path, population=["first", "third"])


def test_nwb_is_valid_and_read_back(result: spiked.Result, touches: Array, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "spikes.nwb"
    began = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    subject = pynwb.file.Subject(subject_id="r1", species="Rattus norvegicus", sex="U", age="P90D")
    result.to_nwb(path, session_start=began, experimenter=["Doe, Jane"], institution="Here", subject=subject)
    assert violations(path) == []
    assert not [one for one in inspect_nwbfile(nwbfile_path=str(path)) if one.importance is Importance.CRITICAL]
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        assert file.session_start_time == began and file.institution == "Here"
        units = file.units.to_dataframe()
        assert file.units.resolution == 1e-3
    assert set(units["population"]) == {"cells"} and units["neuron"].tolist() == list(range(64))
    for neuron, times in zip(units["neuron"], units["spike_times"]):
        mine = touches["t"][touches["address"] == neuron] / 1e6 + 2e-3
        assert np.allclose(times, mine, rtol=0, atol=1e-9)


def test_nwb_shows_silent_neurons_where_they_are_wanted(two: spiked.Result, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "two.nwb"
    two.to_nwb(path)
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        units = io.read().units.to_dataframe()
        assert units["population"].tolist() == ["first"] * 3 + ["second"] * 3
        assert units["neuron"].tolist() == [1, 4, 5] * 2
        assert list(map(len, units["spike_times"])) == [1, 2, 1] * 2
    two.to_nwb(path, population="second", silent=True)
    assert violations(path) == []
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        units = io.read().units.to_dataframe()
        assert units["neuron"].tolist() == list(range(6))
        assert list(map(len, units["spike_times"])) == [0, 1, 0, 0, 2, 1]
    with pytest.raises(ValueError, match="without a time zone"):
        two.to_nwb(path, session_start=datetime.datetime(2026, 1, 1))


@pytest.mark.parametrize("every", ["10 ms", "7 ms"])
def test_nwb_has_the_decisions(client: spiked.Client, touches: Array, every: str, tmp_path: pathlib.Path) -> None:
    net = spiked.Network("voting", tick="1 ms")
    skin = net.input("skin", channels=64, max_events_per_tick=10)
    cells = net.population("cells", shape=[2, 32], neuron={"accumulator": {"threshold": 0.5}})
    net.project(skin, cells, one_to_one={"weight": 1.0, "delay": "1 ms"})
    net.readout("side", cells, vote={"window": "20 ms", "every": every, "labels": ["left", "right"]})
    net.output("side", "side")
    net.output("cells", cells)
    # A pause in the middle, after which decisions are no longer as far apart as before.
    paused = touches[(touches["t"] < 200_000) | (touches["t"] > 333_000)]
    result = spiked.run(net, paused, client=client, origin_us=0)
    assert set(result.decided()) == {"left", "right"}
    path = tmp_path / "side.nwb"
    result.to_nwb(path)
    assert violations(path) == []
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        (series,) = io.read().processing["decisions"].data_interfaces.values()
        assert series.name == "side" and "0: left, 1: right" in series.description
        assert np.array_equal(series.data[:], result.decisions["class"])
        if series.timestamps is None:
            times = series.starting_time + np.arange(len(result.decisions)) / series.rate
        else:
            times = series.timestamps[:]
        assert np.allclose(times, result.decisions["t"] / 1e6, rtol=0, atol=1e-9)


def test_a_threshold_that_was_crossed_twice_gives_two_spikes(tmp_path: pathlib.Path) -> None:
    spikes = np.array([(1_000, 1, 0, 7, 1), (2_000, 2, 0, 3, 2)], spiked.SPIKE)
    none = np.empty(0, spiked.DECISION)
    result = spiked.Result(spikes, none, None, "net", 1_000.0, ["out"], [[]], [[("cells", 2, (6,))]])
    result.to_sonata(tmp_path / "twice.h5")
    assert libsonata.SpikeReader(str(tmp_path / "twice.h5"))["cells"].get() == [(5, 1.0), (1, 2.0), (1, 2.0)]


@pytest.mark.parametrize(("module", "extra"), [("h5py", "sonata"), ("pynwb", "nwb")])
def test_what_is_not_installed_is_named(
    result: spiked.Result, module: str, extra: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=rf"{module} is needed .*spiked\[{extra}\]"):
        getattr(result, f"to_{extra}")(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
