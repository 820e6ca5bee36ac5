"""Results as files of the field: SONATA spike files, and NWB."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import Array

if TYPE_CHECKING:
    from .result import Result

#: What a SONATA file begins with, and the version of the format.
_MAGIC, _VERSION = 0x0A7A, (0, 1)
_SORTING = {"none": 0, "by_id": 1, "by_time": 2}


def populations_of(result: Result) -> dict[str, tuple[Array, int]]:
    """Of each population whose spikes came out: time [µs] and neuron of each of its spikes, one row for each threshold
    crossing, in order of time; and how many neurons it has.

    One that comes out of several ports is taken from the first.
    """
    found: dict[str, tuple[Array, int]] = {}
    t_us = exact_us(result)
    for port, ranges in enumerate(result.ranges):
        for population, first, shape in ranges:
            if population in found:
                continue
            size = int(np.prod(shape, dtype=np.int64))
            address = result.spikes["address"].astype(np.int64) - first
            of_it = (result.spikes["port"] == port) & (address >= 0) & (address < size)
            spikes = np.empty(np.count_nonzero(of_it), [("t_us", "<f8"), ("neuron", "<u8")])
            spikes["t_us"], spikes["neuron"] = t_us[of_it], address[of_it]
            found[population] = np.repeat(spikes, result.spikes["multiplicity"][of_it]), size
    return found


def exact_us(result: Result) -> Array:
    """When the tick of each spike begins [µs], also where ticks are no whole µs."""
    tick_ns = round(result.tick_us * 1e3)
    # `t` is rounded down from a whole µs, the origin, and whole ticks.
    below_ns = (result.spikes["tick"].astype(object) * tick_ns) % 1_000 if tick_ns % 1_000 else 0
    return result.spikes["t"] + np.asarray(below_ns, np.float64) / 1e3


def chosen(
    result: Result, population: str | Sequence[str] | None
) -> dict[str, tuple[Array, int]]:
    """The populations of these names, or all.

    Raises ValueError for one that is not there, or where there is none at all.
    """
    there = populations_of(result)
    if not there:
        raise ValueError(f"no port of {result.network} gives spikes: it has {result.ports}")
    if population is None:
        return there
    names = [population] if isinstance(population, str) else list(population)
    for name in names:
        if name not in there:
            raise ValueError(f"no spikes of a population {name!r}: there are {list(there)}")
    return {name: there[name] for name in names}


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """A file that gets its name once it is whole."""
    path = pathlib.Path(path)
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def missing(module: str, extra: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"{module} is needed for this, and is not installed: pip install 'spiked[{extra}]'", name=module
    )


def to_sonata(
    result: Result, path: str | os.PathLike[str], population: str | Sequence[str] | None
) -> None:
    """See `Result.to_sonata`."""
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise missing("h5py", "sonata") from error
    populations = chosen(result, population)
    with whole(path) as part, h5py.File(part, "w") as file:
        file.attrs.create("magic", _MAGIC, dtype="<u4")
        file.attrs.create("version", _VERSION, dtype="<u4")
        for name, (spikes, _) in populations.items():
            group = file.create_group(f"spikes/{name}")
            sorting = h5py.enum_dtype(_SORTING, basetype="u1")
            group.attrs.create("sorting", _SORTING["by_time"], dtype=sorting)
            timestamps = group.create_dataset("timestamps", data=spikes["t_us"] / 1e3)
            timestamps.attrs["units"] = "ms"
            group.create_dataset("node_ids", data=spikes["neuron"])


def to_nwb(
    result: Result,
    path: str | os.PathLike[str],
    population: str | Sequence[str] | None,
    session_start: datetime.datetime | None,
    silent: bool,
    details: dict[str, Any],
) -> None:
    """See `Result.to_nwb`."""
    try:
        import pynwb
    except ModuleNotFoundError as error:
        raise missing("pynwb", "nwb") from error
    populations = chosen(result, population)
    start = session_start or datetime.datetime.now(datetime.UTC)
    if start.tzinfo is None:
        raise ValueError(f"session_start is {start}, without a time zone")
    said = {
        "session_description": f"spikes of the network {result.network}, simulated by spiked",
        "identifier": str(uuid.uuid4()),
        **details,
    }
    file = pynwb.NWBFile(session_start_time=start, **said)
    file.units = pynwb.misc.Units(
        name="units",
        description=f"neurons of the network {result.network}",
        resolution=result.tick_us / 1e6,
    )
    file.add_unit_column("population", "population of the network")
    file.add_unit_column("neuron", "index within the population")
    for name, (spikes, size) in populations.items():
        order = np.argsort(spikes["neuron"], kind="stable")
        neurons, times = spikes["neuron"][order], spikes["t_us"][order] / 1e6
        shown = np.arange(size) if silent else np.unique(neurons)
        bounds = np.searchsorted(neurons, np.append(shown, size))
        for neuron, first, behind in zip(shown, bounds, bounds[1:]):
            file.add_unit(spike_times=times[first:behind], population=name, neuron=int(neuron))
    _add_decisions(pynwb, file, result)
    with whole(path) as part, pynwb.NWBHDF5IO(str(part), "w") as io:
        io.write(file)


def _add_decisions(pynwb: Any, file: Any, result: Result) -> None:
    """A time series of classes for each port that decided."""
    if not result.decisions.size:
        return
    module = file.create_processing_module("decisions", "what the network's readouts decided")
    for port in np.unique(result.decisions["port"]):
        decisions = result.decisions[result.decisions["port"] == port]
        t_s = decisions["t"] / 1e6
        steps_us = np.unique(np.diff(decisions["t"]))
        when: dict[str, Any] = {"timestamps": t_s}
        if len(steps_us) == 1:
            when = {"starting_time": float(t_s[0]), "rate": 1e6 / float(steps_us[0])}
        labels = ", ".join(f"{number}: {label}" for number, label in enumerate(result.labels[port]))
        series = pynwb.TimeSeries(
            name=result.ports[port],
            description=f"class of each decision; {labels}" if labels else "class of each decision",
            data=decisions["class"],
            unit="class",
            **when,
        )
        module.add(series)
