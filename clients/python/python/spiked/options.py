"""Options of a session, as both kinds of clients take them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TypedDict

from . import _native

Durability = Literal["none", "never", "interval", "each"]
Overload = Literal["block", "drop_oldest", "drop_newest", "fail"]
#: Spikes and decisions that a session keeps unread, unless told otherwise.
UNREAD_MAX = 1 << 24


class LoopOptions(TypedDict, total=False):
    """What `open_loop` takes besides the network's name; see there."""

    version: str
    session_id: str
    size: tuple[int, int] | None
    port: str
    sizes: Mapping[str, tuple[int, int]] | None
    origin_us: int | None
    seed: int | None
    workers: int
    durability: Durability


class OpenOptions(LoopOptions, total=False):
    """What `open` takes besides the network's name; see there."""

    live: bool
    lateness_us: int
    lag_max_us: int
    overload: Overload | None
    patience: float | None
    run_on_us: int | None


def native(
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
    lag_max_us: int = 0,
    overload: Overload | None = None,
    patience: float | None = None,
    run_on_us: int | None = None,
) -> _native._Options:
    """The same for the native half."""
    sensors = dict(sizes or {})
    if size is not None:
        sensors[port] = size
    return {
        "network": network,
        "version": version,
        "session_id": session_id,
        "sensors": [(name, columns, rows) for name, (columns, rows) in sensors.items()],
        "origin_us": origin_us,
        "seed": seed,
        "workers": workers,
        "durability": durability,
        "lateness_us": lateness_us if live else None,
        "lag_max_us": lag_max_us if live else 0,
        "overload": overload,
        "patience_s": patience,
        "run_on_us": run_on_us,
    }


def found(address: str | None, networks: str | os.PathLike[str] | None) -> str | None:
    """Where a daemon is, as the caller or the environment says; None where one is to be started.

    A folder of networks is for a daemon of one's own.
    """
    if address is not None or networks is not None:
        return address
    return os.environ.get("SPIKED_ADDRESS") or None


def connecting(
    address: str,
    token: str | None,
    ca: bytes | None,
    certificate: bytes | None,
    key: bytes | None,
) -> tuple[_native.Pending[_native.Client], dict[str, bytes]]:
    """The way to a daemon, and the credentials that go with it."""
    token = token or os.environ.get("SPIKED_TOKEN") or None
    given = {"token": token and token.encode(), "ca": ca, "certificate": certificate, "key": key}
    credentials = {name: value for name, value in given.items() if value}
    return _native.Client.connect(address, token, ca, certificate, key), credentials
