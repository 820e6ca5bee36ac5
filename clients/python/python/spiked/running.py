"""A recording or an array through a network, in one call."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from .arrays import Array, packed
from .client import Client, connect
from .network import Network
from .recordings import Recording
from .result import Result


def run(
    network: str | Network,
    events: str | os.PathLike[str] | Array | Iterable[Array],
    *,
    client: Client | None = None,
    size: tuple[int, int] | None = None,
    port: str | None = None,
    networks: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Result:
    """Sends a recording (by its path), an array, or portions of one through a network, to its end.

    The network is named, or a `Network`, which is loaded first.

    `size` is (columns, rows) of the sensor, where a recording doesn't tell. Without a client, a daemon is
    started for it. Further options are those of `Client.open`.
    """
    portions: Iterable[Array]
    if isinstance(events, str | os.PathLike):
        portions = recording = Recording(events, size=size)
        size = size or recording.size
    elif isinstance(events, np.ndarray):
        portions = [packed(events)]
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
                session.send(portion, port=port)
            return session.finish()
    finally:
        if own:
            client.close()
