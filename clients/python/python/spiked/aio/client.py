"""Connections on an event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Unpack

from .. import _native, loading, options as opening
from ..daemon import Daemon
from ..network import Network
from ..options import UNREAD_MAX, LoopOptions, OpenOptions
from ..tables import SessionInfo
from ..watching import Probe, asked
from .bridge import Closing, Opening, done
from .session import Loop, OpeningWatch, Session, Watch


class Client(Closing):
    """A connection to a daemon; see `connect`. Its calls are those of `spiked.Client`.

    A call that was cancelled may have been made all the same; a session that it opened is closed again.
    """

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
    ) -> Opening[Session]:
        """Opens a session of a network; options are those of `spiked.Client.open`."""
        given: OpenOptions = {"patience": 15.0, **options}

        async def open() -> Session:
            return Session(await done(self._native.open(opening.native(network, **given), unread_max)))

        return Opening(open)

    def open_loop(self, network: str, **options: Unpack[LoopOptions]) -> Opening[Loop]:
        """Opens a session that runs step by step; options are those of `spiked.Client.open_loop`."""
        given: LoopOptions = {"origin_us": 0, **options}

        async def open() -> Loop:
            return Loop(await done(self._native.open_steps(opening.native(network, **given))))

        return Opening(open)

    def watch(
        self,
        session_id: str,
        *,
        output: bool | None = None,
        decisions: bool = False,
        input: bool = False,
        probe: Probe | None = None,
        from_position: int | None = None,
    ) -> OpeningWatch:
        """Reads along in a session, as `spiked.Client.watch` does."""
        wanted = asked(session_id, output, decisions, input, probe, from_position)

        async def open() -> Watch:
            return Watch(await done(self._native.watch(wanted)), probe)

        return OpeningWatch(open)

    async def load(
        self,
        network: Network | str | os.PathLike[str],
        *,
        version: str | None = None,
        profile: str | None = None,
        step: str | None = None,
    ) -> tuple[str, str]:
        """Makes a network available in the daemon, as `spiked.Client.load` does."""
        return await asyncio.to_thread(
            loading.load, self.address, self._credentials, network, version, profile, step
        )

    async def networks(self) -> list[tuple[str, str]]:
        """Name and version of each network."""
        return await done(self._native.networks())

    async def sessions(self) -> list[SessionInfo]:
        """All sessions, ordered by id; those at rest on disk too."""
        return [SessionInfo(*listed) for listed in await done(self._native.sessions())]

    async def snapshot(self, session_id: str) -> bytes:
        """Takes a snapshot of a session; its SHA-256, which is its name."""
        return await done(self._native.snapshot(session_id))

    async def restore(self, snapshot: bytes, session_id: str = "") -> SessionInfo:
        """Makes a session from a snapshot."""
        return SessionInfo(*await done(self._native.restore(snapshot, session_id)))

    async def fork(self, session_id: str, fork_id: str = "") -> SessionInfo:
        """Makes a second session that goes on from where one stands."""
        return SessionInfo(*await done(self._native.fork(session_id, fork_id)))

    async def rewind(self, session_id: str, snapshot: bytes) -> SessionInfo:
        """Takes a session back to a snapshot; its streams end."""
        return SessionInfo(*await done(self._native.rewind(session_id, snapshot)))

    async def close_session(self, session_id: str) -> None:
        """Ends a session at once, and deletes what lies on disk of it."""
        await done(self._native.close_session(session_id))

    async def close(self) -> None:
        """Ends the daemon, if it was started for this client."""
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            await asyncio.to_thread(daemon.close)


def connect(
    address: str | None = None,
    *,
    token: str | None = None,
    ca: bytes | None = None,
    certificate: bytes | None = None,
    key: bytes | None = None,
    networks: str | os.PathLike[str] | None = None,
) -> Opening[Client]:
    """Connects to a daemon, or starts one for this client; see `spiked.connect`."""

    async def open() -> Client:
        found = opening.found(address, networks)
        if found is not None:
            pending, credentials = opening.connecting(found, token, ca, certificate, key)
            return Client(await done(pending), None, credentials)
        daemon = await asyncio.to_thread(Daemon, networks=networks)
        return Client(await done(_native.Client.connect(daemon.address)), daemon)

    return Opening(open)
