"""Files of labelled samples, written by h5py in the layouts of SHD and N-TIDIGITS18."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import h5py
import numpy as np
import pytest

import spiked
from spiked.arrays import Array

CLASSES = ["null", "eins", "zwei"]
COUNT = 7


def spikes_of(number: int, channels: int) -> Array:
    """Times are multiples of 1/1024 s, which 16 bits hold as they are."""
    k = np.arange(number * 2)
    times_s, units = (number + 5 * k) / 1024, (number * 31 + k * 97) % channels
    return spiked.address_events(np.floor(times_s * 1e6 + 0.5).astype("i8"), units)


def column(events: Array, name: str) -> Array:
    return events["t"] / 1e6 if name == "times" else events["address"]


def write_rows(file: Any, name: str, rows: list[Array], kind: str) -> None:
    dataset = file.create_dataset(name, (len(rows),), h5py.vlen_dtype(np.dtype(kind)))
    for number, row in enumerate(rows):
        dataset[number] = row.astype(kind)


@pytest.fixture
def heidelberg(tmp_path: pathlib.Path) -> pathlib.Path:
    """The first's and the last's spikes apart, as SHD has them."""
    path = tmp_path / "shd_train.h5"
    made = [spikes_of(number, 700) for number in range(COUNT)]
    # One sample is out of order in the file.
    made[3] = made[3][::-1]
    with h5py.File(path, "w") as file:
        write_rows(file, "spikes/times", [column(each, "times") for each in made], "f2")
        write_rows(file, "spikes/units", [column(each, "units") for each in made], "u2")
        file["labels"] = (np.arange(COUNT) % 3).astype("u2")
        file["extra/speaker"] = (np.arange(COUNT) % 4).astype("u2")
        file["extra/keys"] = np.array([name.encode() for name in CLASSES])
    return path


@pytest.fixture
def tidigits(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "n-tidigits.hdf5"
    with h5py.File(path, "w") as file:
        for split, count in (("train", 3), ("test", 2)):
            keys = [f"{split}-{number}-{number}z" for number in range(count)]
            for number, key in enumerate(keys):
                events = spikes_of(number + 1, 64)
                file[f"{split}_timestamps/{key}"] = events["t"] / 1e6
                file[f"{split}_addresses/{key}"] = events["address"].astype("i8")
            file[f"{split}_labels"] = np.array([key.encode() for key in keys])
    return path


def test_samples_are_what_went_in(heidelberg: pathlib.Path) -> None:
    samples = spiked.read_samples(heidelberg)
    assert (len(samples), samples.channels, samples.classes) == (COUNT, 700, CLASSES)
    assert samples.format == "HDF5 of labelled samples (SHD, SSC)"
    assert (samples.split, samples.splits) == (None, [])
    for number, sample in enumerate(samples):
        assert (sample.index, sample.label, sample.name) == (number, number % 3, CLASSES[number % 3])
        assert (sample.speaker, sample.key) == (str(number % 4), None)
        assert sample.backward_steps == (5 if number == 3 else 0)
        assert sample.spikes.dtype == spiked.ADDRESS
        assert np.array_equal(sample.spikes, spikes_of(number, 700)), number
    assert [sample.index for sample in samples] == list(range(COUNT)), "a second time, too"


def test_samples_are_read_in_any_order(heidelberg: pathlib.Path) -> None:
    samples = spiked.read_samples(heidelberg)
    assert samples[-1].index == COUNT - 1 and samples[np.int64(2)].index == 2
    assert [sample.index for sample in samples[5:0:-2]] == [5, 3, 1]
    for beyond in (COUNT, -COUNT - 1):
        with pytest.raises(IndexError, match=f"sample {beyond}: the file has {COUNT} samples"):
            samples[beyond]


def test_digits_are_text_and_come_by_their_split(tidigits: pathlib.Path) -> None:
    samples = spiked.read_samples(tidigits)
    assert (samples.split, samples.splits, samples.channels, samples.classes) == ("train", ["train", "test"], 64, [])
    assert [sample.label for sample in samples] == ["0z", "1z", "2z"]
    tests = spiked.read_samples(tidigits, split="test")
    assert (tests.split, len(tests)) == ("test", 2)
    assert (tests[1].key, tests[1].label, tests[1].name) == ("test-1-1z", "1z", None)
    assert np.array_equal(tests[1].spikes, spikes_of(2, 64))
    with pytest.raises(ValueError, match="split 'dev': expected 'train' or 'test'"):
        spiked.read_samples(tidigits, split="dev")


def test_what_is_wrong_is_named_and_the_others_are_read(heidelberg: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with h5py.File(heidelberg, "r+") as file:
        times = file["spikes/times"][2]
        times[1] = np.nan
        file["spikes/times"][2] = times
        units = file["spikes/units"][4]
        units[7] = 700
        file["spikes/units"][4] = units
        file["labels"][5] = 3
    samples = spiked.read_samples(heidelberg)
    for number, said in (
        (2, "shd_train.h5: sample 2 has NaN s as the time of spike 1"),
        (4, "sample 4 has channel 700 for spike 7, expected a whole number below 700"),
        (5, "sample 5 has the label 3, expected a whole number below 3"),
    ):
        with pytest.raises(spiked.InvalidRecording, match=said):
            samples[number]
    assert np.array_equal(samples[6].spikes, spikes_of(6, 700))
    with pytest.raises(spiked.InvalidRecording, match="has no samples for test, all that it has are of one kind"):
        spiked.read_samples(heidelberg, split="test")
    with pytest.raises(spiked.InvalidRecording, match=r"none\.h5: no such file"):
        spiked.read_samples(tmp_path / "none.h5")
    (tmp_path / "text.csv").write_text("t,x,y,p\n1,2,3,1\n")
    with pytest.raises(spiked.InvalidRecording, match=r"text\.csv: cannot be read as HDF5"):
        spiked.read_samples(tmp_path / "text.csv")


def test_one_sample_is_held_at_a_time(tmp_path: pathlib.Path) -> None:
    """What a process grows by while it goes through a file is a small part of the file."""
    path, each = tmp_path / "long.h5", 1 << 15
    times, units = np.linspace(0, 1, each), np.arange(each) % 700
    with h5py.File(path, "w") as file:
        write_rows(file, "spikes/times", [times] * 160, "f4")
        write_rows(file, "spikes/units", [units] * 160, "u2")
        file["labels"] = np.zeros(160, "u2")
    code = """
import resource, sys, spiked
samples = spiked.read_samples(sys.argv[1])
samples[0]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(sum(len(sample.spikes) for sample in samples))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    told = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    spikes, grown_kib = map(int, told.stdout.split())
    assert spikes == 160 * each and path.stat().st_size > 30 << 20
    assert grown_kib < 8 << 10, f"{grown_kib} KiB"


def test_whatever_a_file_holds_is_opened(
    heidelberg: pathlib.Path, tidigits: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    camera = tmp_path / "camera.csv"
    camera.write_text("t,x,y,p\n1,2,3,1\n")
    recording = spiked.open(camera, size=(10, 10))
    assert isinstance(recording, spiked.Recording) and recording.size == (10, 10)
    samples = spiked.open(heidelberg)
    assert isinstance(samples, spiked.Samples) and len(samples) == COUNT
    with pytest.raises(ValueError, match=r"size \(3, 4\) is for recordings of events: .*shd_train.h5 holds samples"):
        spiked.open(heidelberg, size=(3, 4))
    tests = spiked.open(tidigits, split="test")
    assert isinstance(tests, spiked.Samples) and tests.split == "test"
    with pytest.raises(ValueError, match="split 'test' is for recordings of samples"):
        spiked.open(camera, split="test")
    with pytest.raises(ValueError, match=r"frame_rate 100 is for recordings of touch: .*shd_train.h5 holds samples"):
        spiked.open(heidelberg, frame_rate=100)
    with pytest.raises(spiked.InvalidRecording, match="no such file"):
        spiked.open(tmp_path / "none")
    assert "open" not in spiked.__all__, "who imports everything keeps the open of Python"


def test_who_asks_for_events_is_told_what_reads_samples(heidelberg: pathlib.Path) -> None:
    with pytest.raises(spiked.InvalidRecording, match=r"holds labelled samples.*; spiked\.read_samples reads it"):
        spiked.read(heidelberg)
    with pytest.raises(TypeError, match=r"shd_train\.h5 holds samples"):
        spiked.run("relay", heidelberg)


def test_the_spikes_of_samples_go_through_a_network(tidigits: pathlib.Path, client: spiked.Client) -> None:
    for sample in spiked.read_samples(tidigits):
        result = spiked.run("relay", sample.spikes, client=client, origin_us=0)
        expected = [(t // 1_000 * 1_000 + 2_000, address) for t, address in sample.spikes.tolist()]
        got = [(int(spike["t"]), int(spike["address"])) for spike in result.spikes]
        assert got == sorted(expected), sample.key
