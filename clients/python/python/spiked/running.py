"""A recording or an array through a network, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from .arrays import Array, packed
from .client import Client, connect
from .network import Network
from .opening import open
from .result import Result
from .samples import Samples
from .session import Session
from .touch import Touch, TouchRecording


def run(
    network: str | Network,
    events: str | os.PathLike[str] | Array | Touch | Iterable[Array | Touch],
    *,
    client: Client | None = None,
    size: tuple[int, int] | None = None,
    port: str | None = None,
    networks: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Result:
    """Sends a recording of events or touch (by its path), an array, or portions of one through a network, to its end.

    The network is named, or a `Network`, which is loaded first. Whiskers of a recording of touch go to those of the
    port that have their names.

    `size` is (columns, rows) of the sensor, where a recording doesn't tell. Without a client, a daemon is
    started for it. Further options are those of `Client.open`.
    """
    portions: Iterable[Array | Touch]
    if isinstance(events, str | os.PathLike):
        recording = open(events, size=size)
        if isinstance(recording, Samples):
            raise TypeError(f"{os.fspath(events)} holds samples: run the spikes of one, or of one after the other")
        portions = recording
        size = size or (None if isinstance(recording, TouchRecording) else recording.size)
    elif isinstance(events, np.ndarray):
        portions = [packed(events)]
    elif isinstance(events, Touch):
        portions = [events]
    else:
        portions = events
    own = client is None
    client = client or connect(networks=networks)
    try:
        if port is not None:
            options["port"] = port
        if isinstance(network, Network):
            network, options["version"] = client.load(network)
        with client.open(network, size=size, **options) as session:
            for portion in portions:
                _send(session, portion, port)
            return session.finish()
    finally:
        if own:
            client.close()


def _send(session: Session, portion: Array | Touch, port: str | None) -> None:
    if not isinstance(portion, Touch):
        session.send(portion, port=port)
        return
    whiskers, _ = session.whiskers(port) or (None, [])
    session.send(portion.frames(whiskers), port=port)
