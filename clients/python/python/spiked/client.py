"""Connections, and sessions that events go into and spikes come out of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _native, loading
from .arrays import ADDRESS, CAMERA, DECISION, SPIKE, Array, packed
from .frames import Frames
from .network import Network
from .result import Result

Durability = Literal["none", "never", "interval", "each"]
#: Events as arrays, or frames.
Inputs = npt.ArrayLike | Frames


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


@dataclass(frozen=True)
class SessionInfo:
    """A session of a daemon."""

    session_id: str
    network: str
    version: str
    has_producer: bool
    at_rest: bool
    """It lies on disk; opening it goes on where it was."""


class _Tables:
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


class Session(_Tables):
    """One session: `send` events, read outputs by iterating, `finish` for the rest.

    As a context manager it ends its input when the block ends; when the block fails, it closes the session.
    """

    def __init__(self, native: _native.Session) -> None:
        super().__init__(native.tables)
        self._native = native
        self._ended = False
        self._latest_us = 0

    def send(
        self, events: npt.ArrayLike | Frames, *, port: str | None = None, promise: bool = True
    ) -> None:
        """Sends events: an array of `CAMERA` or `ADDRESS`, or one with such fields; or `Frames`.

        With `promise`, nothing before the latest of them is still to come, so that the network may go on up to
        there; without, say so by `promise_us`. Waits while the daemon has no room.

        Raises TypeError and ValueError for what is no array of events, Refused for what the daemon refuses,
        OutputUnread where too much output waits to be read.
        """
        number = self._port(port)
        if isinstance(events, Frames):
            self._native.send_frames(number, *events.packed())
            return
        array = packed(events)
        data = array.view(np.uint8)
        if array.dtype == CAMERA:
            self._native.send_camera(number, data)
        elif array.dtype == ADDRESS:
            self._native.send_addresses(number, data)
        if promise and array.size:
            self._latest_us = max(self._latest_us, int(array["t"].max()))
            self.promise_us(self._latest_us)

    def promise_us(self, time_us: int) -> None:
        """Promises that no event before a time is still to come."""
        self._native.promise(time_us)

    def flush(self) -> None:
        """Sends at once what is gathered."""
        self._native.flush()

    def read(self, timeout: float | None = None) -> Output | None:
        """The next output; None after so many seconds without any, and after the end."""
        if self._ended:
            return None
        portion = self._native.read(timeout)
        if portion is None:
            return None
        output = _output(portion)
        self._ended = output.ended is not None
        return output

    def __iter__(self) -> Iterator[Output]:
        """Output after output, up to the end."""
        while (output := self.read()) is not None:
            yield output

    def end_input(self) -> None:
        """Says that nothing more comes; the session runs on for what is under way, and ends."""
        self._native.finish()

    def finish(self) -> Result:
        """Ends the input, and gathers all output that is still unread.

        Raises SpikedError if the session ended for another reason than its input's end.
        """
        self.end_input()
        outputs = list(self)
        ended = outputs[-1].ended if outputs else None
        if ended is not None and ended[0] != "COMPLETED":
            raise _native.SpikedError(f"the session ended early: {ended[0]} {ended[1]}".rstrip())
        return Result.of(self, outputs)

    def close(self) -> None:
        """Ends the session at once."""
        if not self._ended:
            self._native.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.end_input()
        else:
            # What went wrong is what is told.
            try:
                self.close()
            except _native.SpikedError:
                pass


def _output(portion: _native._Portion) -> Output:
    spikes, decisions, position, ended, errors = portion
    return Output(
        spikes=np.frombuffer(spikes, SPIKE),
        decisions=np.array(decisions, DECISION),
        position=None if position is None else Position(*position),
        errors=tuple(errors),
        ended=ended,
    )


class Loop(_Tables):
    """A session that runs step by step, for a closed loop: what comes out of a step decides what goes in next.

    As a context manager it closes the session when the block ends.
    """

    def __init__(self, native: _native.Steps) -> None:
        super().__init__(native.tables)
        self._native = native

    def step(
        self, until_us: int | None = None, inputs: Inputs | Mapping[str, Inputs] | None = None
    ) -> Output:
        """Takes input, runs every tick before a time [µs], and gives what came out of that.

        `inputs` are events or `Frames` for the network's only input port, or a mapping by the names of ports. A step
        with frames ends behind the last of them, for time stands there until the next comes: so it does without
        `until_us`.
        A step that failed may be made again, without the input: it is with the step, and is taken once.

        Of a time that is over nothing more comes. Raises Refused where time stands because a port waits for its
        next frame, ValueError without `until_us` and frames.
        """
        given = inputs if isinstance(inputs, Mapping) else {None: inputs}
        if until_us is None:
            frames = [one.last_us() for one in given.values() if isinstance(one, Frames)]
            if not frames:
                raise ValueError("until_us says how far a step without frames goes")
            until_us = max(frames) + 1
        for port, one in given.items():
            if one is not None:
                self._put(self._port(port), one)
        return _output(self._native.step(until_us))

    def _put(self, port: int, events: Inputs) -> None:
        if isinstance(events, Frames):
            self._native.put_frames(port, *events.packed())
            return
        array = packed(events)
        if array.dtype == CAMERA:
            self._native.put_camera(port, array.view(np.uint8))
        else:
            self._native.put_addresses(port, array.view(np.uint8))

    def close(self) -> None:
        """Ends the session."""
        self._native.close()

    def __enter__(self) -> Loop:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Client:
    """A connection to a daemon; see `connect`."""

    def __init__(
        self,
        native: _native.Client,
        daemon: Any = None,
        credentials: Mapping[str, bytes] | None = None,
    ) -> None:
        self._native = native
        self._credentials = dict(credentials or {})
        # Ends with the client, if it was started for it.
        self._daemon = daemon

    @property
    def address(self) -> str:
        return self._native.address

    def open(
        self,
        network: str,
        *,
        version: str = "",
        session_id: str = "",
        size: tuple[int, int] | None = None,
        port: str = "camera",
        sizes: Mapping[str, tuple[int, int]] | None = None,
        origin_us: int | None = None,
        seed: int | None = None,
        workers: int = 1,
        durability: Durability = "none",
        live: bool = False,
        lateness_us: int = 5_000,
        patience: float | None = 15.0,
        run_on_us: int | None = None,
    ) -> Session:
        """Opens a session of a network, by its name.

        `size` is (columns, rows) of the sensor behind `port`, for networks that leave it open; `sizes` names
        several. Tick 0 lies at `origin_us`, or at the first event. `live` lets time go on by the clock when
        a sensor is silent, and drops events later than `lateness_us`. `patience` [s] is how long a broken
        connection is taken up again; None makes it an error.

        Raises Refused.
        """
        native = self._native.open(
            network,
            version,
            session_id,
            _sensors(size, port, sizes),
            origin_us,
            seed,
            workers,
            durability,
            lateness_us if live else None,
            patience,
            run_on_us,
        )
        return Session(native)

    def open_loop(
        self,
        network: str,
        *,
        version: str = "",
        session_id: str = "",
        size: tuple[int, int] | None = None,
        port: str = "camera",
        sizes: Mapping[str, tuple[int, int]] | None = None,
        origin_us: int = 0,
        seed: int | None = None,
        workers: int = 1,
        durability: Durability = "none",
    ) -> Loop:
        """Opens a session that runs step by step; what it takes is as in `open`.

        Raises Refused.
        """
        native = self._native.open_steps(
            network,
            version,
            session_id,
            _sensors(size, port, sizes),
            origin_us,
            seed,
            workers,
            durability,
        )
        return Loop(native)

    def load(
        self,
        network: Network | str | os.PathLike[str],
        *,
        version: str | None = None,
        profile: str | None = None,
        step: str | None = None,
    ) -> tuple[str, str]:
        """Makes a network available in the daemon; gives its name and version, for `open`.

        A `Network`, or the path of a folder, `.toml` or `.nir` file; how the latter is read is said by `profile` and
        `step`, as in docs/nir.md. It is read and sent by the program `spiked`.

        Raises SpikedError with all that is wrong with it.
        """
        return loading.load(self.address, self._credentials, network, version, profile, step)

    def networks(self) -> list[tuple[str, str]]:
        """Name and version of each network."""
        return self._native.networks()

    def sessions(self) -> list[SessionInfo]:
        return [SessionInfo(*listed) for listed in self._native.sessions()]

    def snapshot(self, session_id: str) -> bytes:
        """Takes a snapshot of a session; its SHA-256, which is its name."""
        return self._native.snapshot(session_id)

    def restore(self, snapshot: bytes, session_id: str = "") -> SessionInfo:
        """Makes a session from a snapshot."""
        return SessionInfo(*self._native.restore(snapshot, session_id))

    def fork(self, session_id: str, fork_id: str = "") -> SessionInfo:
        """Makes a second session that goes on from where one stands."""
        return SessionInfo(*self._native.fork(session_id, fork_id))

    def rewind(self, session_id: str, snapshot: bytes) -> SessionInfo:
        """Takes a session back to a snapshot; its streams end."""
        return SessionInfo(*self._native.rewind(session_id, snapshot))

    def close_session(self, session_id: str) -> None:
        self._native.close_session(session_id)

    def close(self) -> None:
        """Ends the daemon, if it was started for this client."""
        if self._daemon is not None:
            self._daemon.close()
            self._daemon = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _sensors(
    size: tuple[int, int] | None, port: str, sizes: Mapping[str, tuple[int, int]] | None
) -> list[tuple[str, int, int]]:
    sensors = dict(sizes or {})
    if size is not None:
        sensors[port] = size
    return [(name, columns, rows) for name, (columns, rows) in sensors.items()]


def connect(
    address: str | None = None,
    *,
    token: str | None = None,
    ca: bytes | None = None,
    certificate: bytes | None = None,
    key: bytes | None = None,
    networks: str | os.PathLike[str] | None = None,
) -> Client:
    """Connects to a daemon: "HOST:PORT", "https://HOST:PORT" or "unix:/PATH".

    Without an address, one is started for this client (see `Daemon`), with the networks of a folder if that is
    given, and ends with it. `token` defaults to the environment's SPIKED_TOKEN; `ca`, `certificate` and `key`
    are PEM.

    Raises Disconnected where no daemon answers.
    """
    token = token or os.environ.get("SPIKED_TOKEN") or None
    if address is not None:
        given = {"token": token and token.encode(), "ca": ca, "certificate": certificate, "key": key}
        credentials = {name: value for name, value in given.items() if value}
        return Client(_native.Client(address, token, ca, certificate, key), None, credentials)
    from .daemon import Daemon

    daemon = Daemon(networks=networks)
    return Client(_native.Client(daemon.address), daemon)
