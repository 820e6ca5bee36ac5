"""Recordings as arrays."""

import pathlib

import numpy as np
import pytest

import spiked


def test_a_recording_is_one_array(street: pathlib.Path) -> None:
    events = spiked.read(street)
    assert events.dtype == spiked.CAMERA
    assert len(events) == 473_225
    assert int(events["x"].sum(dtype="i8")) == 72_946_016
    assert int(events["y"].sum(dtype="i8")) == 56_007_796
    assert int(events["p"].sum()) == 270_001
    assert (events["t"][0], events["t"][-1]) == (0, 999_000)


def test_portions_are_the_whole(street: pathlib.Path) -> None:
    recording = spiked.open_recording(street, portion=10_000)
    assert recording.size == (320, 240)
    assert recording.format == "Event Stream (.es)"
    portions = list(recording)
    assert len(portions) > 10
    assert np.array_equal(np.concatenate(portions), spiked.read(street))


def test_what_comes_before_a_fault_is_read(tmp_path: pathlib.Path) -> None:
    damaged = tmp_path / "damaged.csv"
    damaged.write_text("t,x,y,p\n" + "1,2,3,1\n" * 10_000 + "1,2,three,1\n")
    recording = spiked.open_recording(damaged)
    assert len(next(recording)) == 10_000
    with pytest.raises(spiked.InvalidRecording, match='"three" as row y in line 10002'):
        next(recording)
    with pytest.raises(StopIteration):
        next(recording)


def test_what_cannot_be_read_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(spiked.InvalidRecording, match="no such file"):
        spiked.read(tmp_path / "missing.es")
    damaged = tmp_path / "damaged.csv"
    damaged.write_text("t,x,y,p\n1,2,3,1\n1,2,three,1\n")
    with pytest.raises(spiked.InvalidRecording, match="\"three\" as row y in line 3"):
        spiked.read(damaged)
    sized = tmp_path / "sized.csv"
    sized.write_text("t,x,y,p\n1,200,3,1\n")
    with pytest.raises(spiked.InvalidRecording, match="outside its 100x100 sensor"):
        spiked.read(sized, size=(100, 100))
