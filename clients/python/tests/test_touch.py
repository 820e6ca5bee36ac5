"""Recordings of touch, written by NumPy as WHISKiT and the published sweeps keep them."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import spiked
from spiked.arrays import Array

COMPONENTS = ("Fx", "Fy", "Fz", "Mx", "My", "Mz")


def some_values(frames: int, whiskers: int) -> Array:
    """Values that tell frame, whisker and component, and bend whiskers to and fro."""
    values = np.random.default_rng(5).normal(0, 0.01, (frames, whiskers, 6))
    values[:, :, 4] += np.sin(np.arange(frames)[:, None] / 9 + np.arange(whiskers))
    return values.astype(np.float32)


def write_folder(folder: pathlib.Path, names: list[str], values: Array) -> pathlib.Path:
    (folder / "dynamics").mkdir(parents=True)
    (folder / "whisker_ID.csv").write_text("".join(f"{name},\n" for name in names))
    for component, name in enumerate(COMPONENTS):
        lines = ["".join(f"{value!r}," for value in row) for row in values[:, :, component].astype(float).tolist()]
        (folder / "dynamics" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def sweep(tmp_path: pathlib.Path) -> pathlib.Path:
    """As the published sweeps are: 110 frames of five rows of seven, without names."""
    path = tmp_path / "sweep.npz"
    np.savez(path, sweep=some_values(110, 35))
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_sweep_is_what_went_in(tmp_path: pathlib.Path, save: object) -> None:
    values = some_values(110, 35)
    path = tmp_path / "sweep.npz"
    assert callable(save)
    save(path, sweep=values.astype(np.float64), other=[1])
    touch = spiked.read_touch(path)
    assert touch.values.shape == (110, 35, 6) and touch.values.dtype == np.float32
    assert np.array_equal(touch.values, values)
    assert touch.t.dtype == np.int64 and touch.t[:3].tolist() == [0, 9_090, 18_181]
    assert touch.period_us == 9_090.909 and touch.t[-1] == 990_909
    assert (touch.names[0], touch.names[8], touch.names[34]) == ("RA0", "RB1", "RE6")
    assert spiked.open_touch(path).unread == ["other"]


def test_whiskers_have_their_places(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "named.npz"
    names = ["RC11", "LA0", "RB3"]
    np.savez(path, frames=some_values(4, 3), names=np.array(names), period_ns=np.array(1_000_000))
    touch = spiked.read_touch(path)
    assert (touch.names, touch.period_us) == (names, 1_000.0)
    assert touch.whiskers.dtype == spiked.WHISKER
    assert touch.whiskers.tolist() == [("R", 2, 11), ("L", 0, 0), ("R", 1, 3)]
    grid = np.zeros((3, 12))
    right = touch.whiskers["side"] == "R"
    grid[touch.whiskers["row"][right], touch.whiskers["column"][right]] = touch.values[0, right, 4]
    assert grid[1, 3] == touch.values[0, 2, 4] and np.count_nonzero(grid) == 2


def test_a_folder_of_whiskit_is_what_went_in(tmp_path: pathlib.Path) -> None:
    values = some_values(300, 2)
    folder = write_folder(tmp_path / "sim", ["RA0", "LB12"], values)
    touch = spiked.read_touch(folder)
    assert np.array_equal(touch.values, values) and touch.names == ["RA0", "LB12"]
    assert touch.t[-1] == 299_000
    slower = spiked.read_touch(str(folder), frame_rate=250)
    assert slower.period_us == 4_000 and slower.t[-1] == 1_196_000
    (folder / "kinematics").mkdir()
    opened = spiked.open(folder, frame_rate=250)
    assert isinstance(opened, spiked.TouchRecording) and opened.period_us == 4_000
    recording = spiked.open(folder)
    assert isinstance(recording, spiked.TouchRecording)
    assert (recording.format, recording.frames_total) == ("WHISKiT folder", None)
    assert recording.unread == ["kinematics"]


def test_portions_are_the_whole(tmp_path: pathlib.Path) -> None:
    values = some_values(1_000, 35)
    path = tmp_path / "long.npz"
    np.savez(path, frames=values)
    recording = spiked.open_touch(path, portion=10)
    assert recording.frames_total == 1_000
    portions = list(recording)
    assert len(portions) > 2 and all(len(portion.values) >= 10 for portion in portions[:-1])
    assert np.array_equal(np.concatenate([portion.values for portion in portions]), values)
    whole = spiked.read_touch(path)
    assert np.array_equal(np.concatenate([portion.t for portion in portions]), whole.t)
    assert [portion.frames().t for portion in portions] == [portion.first * 9_090.909 for portion in portions]


def test_what_was_mended_is_counted(tmp_path: pathlib.Path) -> None:
    values = some_values(3, 35)
    values[0, 3, 2] = values[2, 0, 0] = np.nan
    values[1, 4, 5] = -2e9
    np.savez(tmp_path / "sweep.npz", frames=values)
    touch = spiked.read_touch(tmp_path / "sweep.npz")
    assert (touch.not_numbers, touch.absurd) == (2, 1)
    assert touch.values[0, 3, 2] == 0 and touch.values[1, 4, 5] == values[0, 4, 5]


def test_an_empty_recording_has_no_frames(tmp_path: pathlib.Path) -> None:
    np.savez(tmp_path / "none.npz", frames=np.zeros((0, 35, 6)))
    touch = spiked.read_touch(tmp_path / "none.npz")
    assert touch.values.shape == (0, 35, 6) and touch.t.shape == (0,)
    assert list(spiked.open_touch(tmp_path / "none.npz")) == []


def test_what_is_wrong_is_named_behind_what_comes_before(tmp_path: pathlib.Path, sweep: pathlib.Path) -> None:
    values = some_values(30, 2)
    folder = write_folder(tmp_path / "sim", ["RA0", "RA1"], values)
    lines = (folder / "dynamics" / "Mz.csv").read_text().splitlines()
    lines[20] = "0.5,soft,"
    (folder / "dynamics" / "Mz.csv").write_text("\n".join(lines) + "\n")
    recording = spiked.open_touch(folder)
    assert np.array_equal(next(recording).values, values[:20])
    with pytest.raises(spiked.InvalidRecording, match=r'Mz\.csv: has "soft" in column 2 of line 21, expected a number'):
        next(recording)
    with pytest.raises(spiked.InvalidRecording, match=r"Mz\.csv"):
        spiked.read_touch(folder)
    with pytest.raises(spiked.InvalidRecording, match=r"nowhere: no such file"):
        spiked.read_touch(tmp_path / "nowhere")
    np.savez(tmp_path / "odd.npz", frames=np.zeros((2, 5, 6)))
    with pytest.raises(spiked.InvalidRecording, match='5 whiskers and no array "names"'):
        spiked.read_touch(tmp_path / "odd.npz")
    with pytest.raises(ValueError, match="frame_rate 0: expected"):
        spiked.read_touch(sweep, frame_rate=0)
    with pytest.raises(spiked.InvalidRecording, match=r"; spiked\.read_touch reads it"):
        spiked.read(sweep)
    with pytest.raises(spiked.InvalidRecording, match=r"is a directory.*; spiked\.read_touch reads it"):
        spiked.read(folder)


def test_frames_are_those_of_a_port(tmp_path: pathlib.Path) -> None:
    values = some_values(4, 3)
    np.savez(tmp_path / "named.npz", frames=values, names=np.array(["RA2", "RA0", "LZ9"]))
    touch = spiked.read_touch(tmp_path / "named.npz")
    frames = np.asarray(touch.frames(["RA0", "RA1", "RA2"]).values)
    assert np.array_equal(frames[:, 0], values[:, 1]) and np.array_equal(frames[:, 2], values[:, 0])
    assert not frames[:, 1].any(), "a whisker that isn't there feels nothing"
    with pytest.raises(ValueError, match=r"whiskers \['RB0'\]: the recording has \['RA2', 'RA0', 'LZ9'\]"):
        touch.frames(["RB0"])


def test_a_recording_runs_as_its_frames_do(
    tmp_path: pathlib.Path, sweep: pathlib.Path, client: spiked.Client
) -> None:
    """By its path, read before, in portions, and with its whiskers the other way round."""
    values = some_values(110, 35)
    with client.open("swept-edge", origin_us=0) as session:
        names, _ = session.whiskers() or ([], [])
        session.send(spiked.Frames(values, period_us=9_090.909))
        expected = session.finish()
    assert len(expected.spikes) > 50 and names == spiked.read_touch(sweep).names
    turned = tmp_path / "turned.npz"
    np.savez(turned, frames=values[:, ::-1], names=np.array(names[::-1]), period_ns=np.array(9_090_909))
    for given in (sweep, spiked.read_touch(sweep), spiked.open_touch(sweep, portion=1), turned):
        got = spiked.run("swept-edge", given, client=client, origin_us=0)
        assert np.array_equal(got.spikes, expected.spikes)
        assert np.array_equal(got.decisions["class"], expected.decisions["class"])
