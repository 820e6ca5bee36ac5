"""Reading along in a session: what goes in, what comes out, what its neurons do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from . import _native
from .arrays import CAMERA, DECISION, SPIKE, Array
from .context import Closing
from .frames import Frames
from .tables import Tables

#: An event that was watched: t [µs]; port, an index into `Watch.inputs`; address, the row-major index into the port's
#: shape; how many events it stands for.
WATCHED: Final = np.dtype([("t", "<i8"), ("port", "<u2"), ("address", "<u4"), ("multiplicity", "<u4")])

Probed = Literal["potential", "threshold", "current"]


@dataclass(frozen=True)
class Probe:
    """What is to be read of neurons, at the start of every tick that is a multiple of `every`."""

    population: str
    neurons: Sequence[int]
    """Which of its neurons, 1 to 1 024."""
    what: Probed = "potential"
    """Membrane potential [mV], of `discrete` neurons in their own unit; or threshold or a receptor's current of linear
    ones [mV]."""
    receptor: int = 0
    """Whose current."""
    every: int = 1
    """How often [ticks]."""


@dataclass(frozen=True)
class Seen:
    """What a watcher saw together; parts that are not watched are empty."""

    spikes: Array
    """Array of `SPIKE`."""
    decisions: Array
    """Array of `DECISION`."""
    events: Array
    """Input, as it went into the simulation: array of `WATCHED`."""
    frames: tuple[tuple[str, Frames], ...]
    """Frames of input, by port; a value that was bad is NaN."""
    readings: Array
    """What the probe read: `t` [µs], `tick`, and `values` [mV] in the order of its neurons."""
    missed: int
    """Messages (not spikes) that were lost before these, because this watcher was slow."""
    promise_us: int | None
    """With the input: nothing before this is still to come."""
    position: int | None
    """The next output position; to be continued by `from_position`."""
    ended: tuple[str, str] | None
    """Why the session is over, and in words."""


class Watched(Tables):
    """What is watched, and how it is shaped."""

    def __init__(self, native: _native.Watch, probe: Probe | None) -> None:
        super().__init__(native.tables)
        self._native = native
        values = (len(probe.neurons) if probe is not None else 0,)
        self._reading = np.dtype([("t", "<i8"), ("tick", "<u8"), ("values", "<f8", values)])
        self._missed = 0

    @property
    def missed(self) -> int:
        """Messages that were lost so far, because this watcher was slow."""
        return self._missed

    def camera(self, events: Array, port: str = "camera") -> Array:
        """Watched events of a camera's port as an array of `CAMERA`, one for each event.

        Raises ValueError for a port that is no camera's.
        """
        number = self._port(port)
        shape = self.inputs[port]
        if len(shape) != 3 or shape[0] != 2:
            raise ValueError(f"port {port!r} of shape {shape} is no camera's")
        of_port = events[events["port"] == number]
        of_port = np.repeat(of_port, of_port["multiplicity"])
        channel, y, x = np.unravel_index(of_port["address"], shape)
        seen = np.empty(len(of_port), CAMERA)
        seen["t"], seen["x"], seen["y"], seen["p"] = of_port["t"], x, y, channel == 1
        return seen

    def _seen(self, seen: _native._Seen) -> Seen:
        spikes, decisions, events, frames, readings, missed, promise_us, position, ended = seen
        self._missed += missed
        names = list(self.inputs)
        return Seen(
            spikes=np.frombuffer(spikes, SPIKE),
            decisions=np.array(decisions, DECISION),
            events=np.frombuffer(events, WATCHED),
            frames=tuple((names[port], _frame(t, values)) for port, t, values in frames),
            readings=np.frombuffer(readings, self._reading),
            missed=missed,
            promise_us=promise_us,
            position=position,
            ended=ended,
        )


def _frame(t: int, values: bytes) -> Frames:
    return Frames(np.frombuffer(values, "<f4").reshape(1, -1, 6), t=t)


class Watch(Watched, Closing):
    """Sights of a session, one after the other, up to its end; the session goes on without waiting for them."""

    def read(self, timeout: float | None = None) -> Seen | None:
        """What is to be seen next; None after so many seconds without anything, and after the end."""
        while (seen := self._native.take()) is None:
            if self._native.over:
                return None
            self._native.readable(timeout).wait()
            if timeout is not None:
                seen = self._native.take()
                break
        return None if seen is None else self._seen(seen)

    def __iter__(self) -> Iterator[Seen]:
        while (seen := self.read()) is not None:
            yield seen

    def close(self) -> None:
        """Watches no longer."""
        self._native.close()


def asked(
    session_id: str,
    output: bool | None,
    decisions: bool,
    input: bool,
    probe: Probe | None,
    from_position: int | None,
) -> _native._Asked:
    """The same for the native half.

    Raises ValueError for what contradicts itself.
    """
    if output is None:
        output = not (decisions or input or probe is not None)
    if output and decisions:
        raise ValueError("the output has the decisions with it: watch one of the two")
    if from_position is not None and not (output or decisions):
        raise ValueError("from_position is one of the output, which is not watched")
    probed: Any = None
    if probe is not None:
        neurons = [int(neuron) for neuron in probe.neurons]
        probed = (probe.population, neurons, probe.what, probe.receptor, probe.every)
    return {
        "session_id": session_id,
        "output": output,
        "decisions": decisions,
        "input": input,
        "from_position": from_position,
        "probe": probed,
    }
