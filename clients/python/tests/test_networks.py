"""Networks that are built in Python, and files of networks."""

import pathlib
import sys

import numpy as np
import pytest

import spiked
from spiked.arrays import Array


def relay(delay: str = "2 ms", weights: Array | None = None) -> spiked.Network:
    net = spiked.Network("built", tick="1 ms", description='a "relay"')
    skin = net.input("skin", channels=64, max_events_per_tick=100)
    cells = net.population("cells", shape=[64], neuron={"accumulator": {"threshold": 0.5}})
    if weights is None:
        net.project(skin, cells, one_to_one={"weight": 1.0, "delay": delay})
    else:
        net.project(skin, cells, dense={"weights": weights, "delay": delay})
    return net


def test_what_is_built_runs_as_what_is_written(client: spiked.Client, touches: Array) -> None:
    built = spiked.run(relay(), touches, client=client)
    written = spiked.run("relay", touches, client=client)
    assert built.network == "built" and built.spikes.size > 0
    assert np.array_equal(built.spikes, written.spikes)
    later = spiked.run(relay(delay="5 ms"), touches, client=client)
    assert np.array_equal(later.spikes["t"], written.spikes["t"] + 3_000)


def test_arrays_go_along(client: spiked.Client, touches: Array, tmp_path: pathlib.Path) -> None:
    turned = np.roll(np.eye(64, dtype=np.float32), 1, axis=1)
    net = relay(weights=turned)
    name, version = client.load(net)
    assert (name, version) == ("built", net.version) and version.startswith("sha-")
    assert client.load(net) == (name, version), "the same once more does no harm"
    with client.open(name, version=version) as session:
        session.send(touches)
        result = session.finish()
    moved = set(((result.spikes["address"].astype(int) - touches["address"]) % 64).tolist())
    assert moved in ({1}, {63}), "each goes to its neighbour"
    saved = net.save(tmp_path / "mine")
    assert {path.suffix for path in saved.iterdir()} == {".toml", ".npy"}
    assert client.load(saved, version="saved") == ("built", "saved")


def test_what_is_wrong_is_said(client: spiked.Client, tmp_path: pathlib.Path) -> None:
    net = relay()
    with pytest.raises(ValueError, match="a population 'cells' already"):
        net.population("cells", shape=[1])
    net.project("skin", "nobody", one_to_one={"weight": 1.0})
    with pytest.raises(spiked.SpikedError, match="nobody"):
        client.load(net)
    with pytest.raises(TypeError, match="has no place in a network"):
        spiked.Network("x", tick="1 ms", description=object()).text()  # type: ignore[arg-type]
    with pytest.raises(spiked.SpikedError, match="no such file"):
        client.load(tmp_path / "missing.toml")


def test_a_framework_s_file_is_read_by_its_profile(client: spiked.Client) -> None:
    folder = pathlib.Path(__file__).parents[4] / "shared" / "data" / "nir"
    files = sorted(folder.glob("ff_lif_norse*.nir"))
    if not files:
        pytest.skip(f"no NIR files in {folder}")
    name, version = client.load(files[0], profile="norse", version="first")
    assert version == "first" and (name, version) in client.networks()
    with pytest.raises(spiked.SpikedError, match="profile"):
        client.load(files[0])


@pytest.fixture
def trained() -> pathlib.Path:
    path = pathlib.Path(__file__).parents[4] / "shared" / "data" / "nir" / "ff_lif_norse.nir"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def test_a_nir_file_is_a_network(trained: pathlib.Path, client: spiked.Client, tmp_path: pathlib.Path) -> None:
    net = spiked.from_nir(trained, profile="norse", step="1 ms", name="mine")
    name, version = client.load(net)
    assert (name, version) == ("mine", net.version)
    slower = spiked.from_nir(trained, profile="norse", step="2 ms", name="mine")
    other = spiked.from_nir(trained, profile="euler", step="1 ms", name="mine")
    assert len({net.version, slower.version, other.version}) == 3
    assert spiked.from_nir(str(trained), profile="norse").name == "ff_lif_norse"
    # As the command line reads the file.
    _, loaded = client.load(trained, profile="norse", step="1ms", version="file")
    events = spiked.address_events(np.repeat(np.arange(50) * 1_000, 3), np.tile(np.arange(3), 50))
    runs = []
    for network, options in ((net, {}), (net.save(tmp_path / "saved"), {}), ("ff_lif_norse", {"version": loaded})):
        if isinstance(network, pathlib.Path):
            network, options["version"] = client.load(network, version="saved")
        runs.append(spiked.run(network, events, client=client, port="input", origin_us=0, **options).spikes)
    assert runs[0].size > 0 and all(np.array_equal(runs[0], run) for run in runs[1:])
    with pytest.raises(TypeError, match="the parts of 'mine' are those of its NIR graph"):
        net.population("more", shape=[1])
    with pytest.raises(FileNotFoundError):
        spiked.from_nir(tmp_path / "none.nir", profile="norse")
    with pytest.raises(spiked.SpikedError, match="profile"):
        client.load(spiked.from_nir(trained, profile="nobody's"))  # type: ignore[arg-type]


def test_a_graph_in_memory_is_a_network(
    trained: pathlib.Path, client: spiked.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    nir = pytest.importorskip("nir")
    net = spiked.from_nir(nir.read(trained), profile="norse", step="1 ms")
    assert net.name == "nir"
    events = spiked.address_events(np.repeat(np.arange(50) * 1_000, 3), np.tile(np.arange(3), 50))
    of_file = spiked.from_nir(trained, profile="norse", step="1 ms")
    runs = [spiked.run(each, events, client=client, port="input", origin_us=0).spikes for each in (net, of_file)]
    assert runs[0].size > 0 and np.array_equal(*runs)
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ModuleNotFoundError, match="pip install nir"):
        spiked.from_nir(object(), profile="norse")
