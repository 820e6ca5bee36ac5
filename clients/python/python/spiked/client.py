"""Connections, for programs that wait; see `spiked.aio` for event loops."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Unpack

from . import _native, loading, options as opening
from .context import Closing
from .daemon import Daemon
from .loop import Loop
from .network import Network
from .options import UNREAD_MAX, LoopOptions, OpenOptions
from .session import Session
from .tables import SessionInfo
from .watching import Probe, Watch, asked


class Client(Closing):
    """A connection to a daemon; see `connect`."""

    def __init__(
        self,
        native: _native.Client,
        daemon: Daemon | None = None,
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
        self, network: str, *, unread_max: int = UNREAD_MAX, **options: Unpack[OpenOptions]
    ) -> Session:
        """Opens a session of a network, by its name.

        | option | what | default |
        |---|---|---|
        | `version` | of the network | the newest |
        | `session_id` | a name of your choice | the daemon's |
        | `size` | (columns, rows) of the sensor behind `port`, for networks that leave it open | |
        | `port` | whose size that is | `"camera"` |
        | `sizes` | sizes of several sensors, by their ports | |
        | `origin_us` | where tick 0 lies [µs] | at the first event |
        | `seed` | replaces the network's | |
        | `workers` | threads; they change no result | 1 |
        | `durability` | `"none"`, `"never"`, `"interval"` or `"each"` | `"none"` |
        | `live` | time goes on by the clock when a sensor is silent | False |
        | `lateness_us` | of a live session: events later than this are dropped [µs] | 5 000 |
        | `lag_max_us` | of a live session: input that finds it further behind the clock meets `overload` [µs] | any |
        | `overload` | what input does that comes too fast: `"block"`, `"drop_oldest"`, `"drop_newest"` or `"fail"` | `"block"`; live: `"drop_oldest"` |
        | `patience` | how long a broken connection is taken up again [s]; None makes it an error | 15 |
        | `run_on_us` | how far the session runs past the end of its input [µs] | its longest path of delays |
        | `unread_max` | spikes and decisions that are kept unread, before `OutputUnread` | 16 777 216 |

        Raises Refused.
        """
        given: OpenOptions = {"patience": 15.0, **options}
        return Session(self._native.open(opening.native(network, **given), unread_max).wait())

    def open_loop(self, network: str, **options: Unpack[LoopOptions]) -> Loop:
        """Opens a session that runs step by step. Options are those of `open`, down to `durability`; tick 0 lies at
        0, unless `origin_us` says otherwise.

        Raises Refused.
        """
        given: LoopOptions = {"origin_us": 0, **options}
        return Loop(self._native.open_steps(opening.native(network, **given)).wait())

    def watch(
        self,
        session_id: str,
        *,
        output: bool | None = None,
        decisions: bool = False,
        input: bool = False,
        probe: Probe | None = None,
        from_position: int | None = None,
    ) -> Watch:
        """Reads along in a session, without a part in it: its output (unless something else is asked for), only its
        decisions, its input, or a probe of its neurons; any of these together, in no order among each other.

        From now on, or, for output and decisions, from a position that is still kept. A watcher that is slow never
        holds the session up; it misses messages, and is told how many.

        Raises Refused for an unknown session (`SESSION_UNKNOWN`), a position that is kept no longer (`OUTPUT_LOST`),
        or neurons that are not there; ValueError for what contradicts itself.
        """
        wanted = asked(session_id, output, decisions, input, probe, from_position)
        return Watch(self._native.watch(wanted).wait(), probe)

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
        return self._native.networks().wait()

    def sessions(self) -> list[SessionInfo]:
        """All sessions, ordered by id; those at rest on disk too."""
        return [SessionInfo(*listed) for listed in self._native.sessions().wait()]

    def snapshot(self, session_id: str) -> bytes:
        """Takes a snapshot of a session; its SHA-256, which is its name."""
        return self._native.snapshot(session_id).wait()

    def restore(self, snapshot: bytes, session_id: str = "") -> SessionInfo:
        """Makes a session from a snapshot."""
        return SessionInfo(*self._native.restore(snapshot, session_id).wait())

    def fork(self, session_id: str, fork_id: str = "") -> SessionInfo:
        """Makes a second session that goes on from where one stands."""
        return SessionInfo(*self._native.fork(session_id, fork_id).wait())

    def rewind(self, session_id: str, snapshot: bytes) -> SessionInfo:
        """Takes a session back to a snapshot; its streams end."""
        return SessionInfo(*self._native.rewind(session_id, snapshot).wait())

    def close_session(self, session_id: str) -> None:
        """Ends a session at once, and deletes what lies on disk of it."""
        self._native.close_session(session_id).wait()

    def close(self) -> None:
        """Ends the daemon, if it was started for this client."""
        if self._daemon is not None:
            self._daemon.close()
            self._daemon = None


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

    Without an address it is the one that the environment's SPIKED_ADDRESS names. Where nobody names one, or a folder of
    `networks` is given, one is started for this client (see `Daemon`), and ends with it. `token` defaults to the
    environment's SPIKED_TOKEN; `ca`, `certificate` and `key` are PEM, and no variable names them.

    Raises Disconnected where no daemon answers.
    """
    address = opening.found(address, networks)
    if address is not None:
        pending, credentials = opening.connecting(address, token, ca, certificate, key)
        return Client(pending.wait(), None, credentials)
    daemon = Daemon(networks=networks)
    return Client(_native.Client.connect(daemon.address).wait(), daemon)
