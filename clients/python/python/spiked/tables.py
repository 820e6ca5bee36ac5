"""What a daemon tells of its sessions: their ports, where they stand, what came out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _native
from .arrays import DECISION, SPIKE, Array


@dataclass(frozen=True)
class Position:
    """Where a session stands."""

    accepted: int
    """Batches that the daemon has taken."""
    durable: int
    """Batches that a crash cannot take any more."""
    simulated_to_us: int
    """Every tick before this is simulated [µs]."""
    events: int
    deliveries: int
    """Synaptic events."""
    spikes: int


@dataclass(frozen=True)
class Output:
    """Output that came together."""

    spikes: Array
    """Array of `SPIKE`."""
    decisions: Array
    """Array of `DECISION`."""
    position: Position | None
    errors: tuple[str, ...]
    """What the daemon refused, without ending the input."""
    ended: tuple[str, str] | None
    """Why the session is over (COMPLETED, CLOSED, …) and in words, with its last output."""

    @classmethod
    def of(cls, portion: _native._Portion) -> Output:
        spikes, decisions, position, ended, errors = portion
        return cls(
            spikes=np.frombuffer(spikes, SPIKE),
            decisions=np.array(decisions, DECISION),
            position=None if position is None else Position(*position),
            errors=tuple(errors),
            ended=ended,
        )


@dataclass(frozen=True)
class SessionInfo:
    """A session of a daemon."""

    session_id: str
    network: str
    version: str
    has_producer: bool
    at_rest: bool
    """It lies on disk; opening it goes on where it was."""


class Tables:
    """What a session's opening told."""

    def __init__(self, tables: _native.Ports) -> None:
        self._tables = tables
        self._ports = {name: index for index, (name, _) in enumerate(tables.inputs)}

    @property
    def session_id(self) -> str:
        return self._tables.session_id

    @property
    def network(self) -> str:
        return self._tables.network[0]

    @property
    def version(self) -> str:
        return self._tables.network[1]

    @property
    def tick_us(self) -> float:
        """Length of a tick [µs]."""
        return self._tables.tick_ns / 1e3

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input port; a camera's is (2, rows, columns), one of frames (whiskers, 6)."""
        return {name: tuple(shape) for name, shape in self._tables.inputs}

    @property
    def outputs(self) -> dict[str, list[str]]:
        """Labels of each output port, in the order of the numbers in `SPIKE` and `DECISION`."""
        return dict(self._tables.outputs)

    @property
    def output_position(self) -> int:
        """The output position at which this began: how many spikes and decisions were before it."""
        return self._tables.output_position

    def ranges(self, port: int) -> list[tuple[str, int, tuple[int, ...]]]:
        """Population, first address and shape of each range of an output port."""
        return [(name, first, tuple(shape)) for name, first, shape in self._tables.ranges(port)]

    def whiskers(self, port: str | None = None) -> tuple[list[str], list[str]] | None:
        """Of a port of frames: names of its whiskers, and kinds of spikes; None of another."""
        return self._tables.whiskers(self._port(port))

    def _port(self, port: str | None) -> int:
        if port is None:
            if len(self._ports) != 1:
                raise ValueError(f"the network has the input ports {list(self._ports)}: say which")
            return 0
        if port not in self._ports:
            raise ValueError(f"no input port {port!r}: the network has {list(self._ports)}")
        return self._ports[port]
