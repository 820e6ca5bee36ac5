"""Networks with learned delays, out of checkpoints, against what their framework computes."""

from __future__ import annotations

import pathlib
import re
import zipfile

import numpy as np
import pytest

import spiked
from spiked import checkpoints
from spiked.arrays import Array

#: A step [µs].
STEP_US = 10_000
Tensors = dict[str, Array]


def layer(number: int, weight: Array, position: Array) -> Tensors:
    return {
        f"model.{number}.weight": weight[:, :, None],
        f"model.{number}.P": position[None, :, :, None],
        f"model.{number}.SIG": np.zeros((1, *weight.shape, 1)),
    }


def test_a_coincidence_is_detected_only_at_its_own_interval(client: spiked.Client) -> None:
    """All pairs of delays, one neuron each, at every interval: fires only where t1 + d1 = t2 + d2."""
    first, second = np.divmod(np.arange(31 * 31), 31)
    delays = np.column_stack([first, second])
    tensors = layer(0, np.full(delays.shape, 0.75), 15 - delays)
    net = spiked.from_dcls(tensors, max_delay=31, output_threshold=1.0)
    intervals = np.arange(-30, 31)
    # Far enough from one another that nothing is left, of arrivals or potentials.
    begins = 100 * np.arange(61) + 30
    steps = np.concatenate([begins, begins + intervals])
    inputs = np.repeat([0, 1], 61)
    order = np.argsort(steps, kind="stable")
    events = spiked.address_events(steps[order] * STEP_US, inputs[order])
    spikes = spiked.run(net, events, client=client, origin_us=0).spikes
    seen = sorted(zip(spikes["t"] // STEP_US, spikes["address"], strict=True))
    expected = [
        (begin + d1, neuron)
        for begin, interval in zip(begins, intervals, strict=True)
        for neuron, (d1, d2) in enumerate(delays)
        if d1 == interval + d2
    ]
    assert len(expected) == 31 * 31 and seen == sorted(expected)


#: Saved by `torch.save(state_dict)` of PyTorch 2.15: 5 inputs, 4 neurons with normalisation and a tau of their own, 3
#: outputs. Each tensor counts up by 1/8 from -1/2, its variances from 1/2; P counts from -3 to 3 by its second axis.
SAVED = pathlib.Path(__file__).parent / "data" / "dcls.pt"


def counted(*shape: int) -> Array:
    return (np.arange(np.prod(shape)) / 8 - 0.5).reshape(shape).astype(np.float32)


def saved() -> Tensors:
    position = (np.arange(20) % 7 - 3).reshape(5, 4).T
    first = layer(0, counted(4, 5), position)
    norm = {"weight": counted(4) + 1, "bias": counted(4), "running_mean": counted(4)}
    norm |= {"running_var": counted(4) + 1, "num_batches_tracked": np.array(17)}
    second = layer(4, counted(3, 4), np.zeros((3, 4)))
    return {**first, **{f"model.1.{k}": v for k, v in norm.items()}, "model.2.w": np.array(2.0), **second}


def test_files_of_checkpoints_are_what_was_saved(tmp_path: pathlib.Path) -> None:
    read = checkpoints.read(SAVED)
    for name, tensor in saved().items():
        if not name.endswith("SIG"):
            assert read[name].shape == tensor.shape and np.array_equal(read[name], tensor), name
    np.savez(tmp_path / "saved.npz", **saved())
    nets = [spiked.from_dcls(each, max_delay=7) for each in (saved(), SAVED, tmp_path / "saved.npz")]
    assert len({net.version for net in nets}) == 1
    assert "tau_steps = 1.1353352832366128" in nets[0].text(), "1 / sigmoid(2)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.0.P": None}, "model.0 comes before the first layer with positions"),
        ({"model.4.weight": None}, "model.4.weight is missing"),
        ({"model.0.P": np.full((1, 4, 5, 1), 3.6)}, r"model.0.P\[0, 0, 0, 0\] is 3.6, beyond the 3 steps"),
        ({"model.0.weight": np.full((4, 5, 1), np.nan)}, r"model.0.weight\[0, 0, 0\] is nan"),
        ({"model.4.weight": np.ones((3, 7, 1))}, r"model.4.P of shape \(1, 3, 4, 1\), expected \(1, 3, 7, 1\)"),
        ({"model.1.running_var": counted(4)}, r"model.1.running_var\[0\] is -0.5"),
        ({"model.1.bias": counted(5)}, r"model.1.bias of shape \(5,\), expected \(4,\)"),
        ({"model.7.gain": np.ones(4)}, "unknown tensor 'model.7.gain'"),
        ({"other.0.w": np.ones(1)}, "several sequences"),
        ({"model.3.w": np.ones(1)}, "model.3 with"),
        ({"model.2.w": np.array(-800.0)}, "model.2.w is -800"),
        ({"model.1.weight": np.array(["a"] * 4)}, "model.1.weight is of type"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(changes: dict[str, Array | None], said: str) -> None:
    tensors = {name: changes.get(name, tensor) for name, tensor in {**saved(), **changes}.items()}
    with pytest.raises(ValueError, match=said):
        spiked.from_dcls({name: each for name, each in tensors.items() if each is not None}, max_delay=7)


def test_a_kernel_has_a_middle() -> None:
    with pytest.raises(ValueError, match="max_delay of 24 steps, expected an odd number"):
        spiked.from_dcls(saved(), max_delay=24)


def test_a_pickle_calls_nothing_of_a_stranger(tmp_path: pathlib.Path) -> None:
    hostile = tmp_path / "hostile.pt"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("a/data.pkl", b"cos\nsystem\n(X\x0a\0\0\0touch heretR.")
    with pytest.raises(ValueError, match="it asks for os.system"):
        spiked.from_dcls(hostile, max_delay=7)


def test_damaged_files_are_refused_or_read(tmp_path: pathlib.Path) -> None:
    """Whatever bytes are there, it ends in tensors, or in a ValueError that names the file."""
    with pytest.raises(OSError):
        checkpoints.read(tmp_path / "missing.pt")
    with zipfile.ZipFile(SAVED) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    rng = np.random.default_rng(0)
    names = [name for name in members if name.endswith(("data.pkl", "byteorder")) or "/data/" in name]
    refused = 0
    for _ in range(400):
        # The archive is whole, what it holds is not; most of it is the pickle.
        name = names[0] if rng.random() < 0.8 else str(rng.choice(names))
        damaged = bytearray(members[name])
        for at in rng.integers(len(damaged), size=rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        del damaged[len(damaged) - (int(rng.integers(9)) if rng.random() < 0.1 else 0) :]
        with zipfile.ZipFile(tmp_path / "damaged.pt", "w") as archive:
            for each, data in members.items():
                archive.writestr(each, damaged if each == name else data)
        try:
            spiked.from_dcls(tmp_path / "damaged.pt", max_delay=7)
        except ValueError as error:
            refused += 1
            assert re.search(r"damaged\.pt|\d+\.\w+|tensor", str(error)), error
    assert 200 < refused < 400, refused
    (tmp_path / "cut.pt").write_bytes(SAVED.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cut.pt cannot be read"):
        checkpoints.read(tmp_path / "cut.pt")
