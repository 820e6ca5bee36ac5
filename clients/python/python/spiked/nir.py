"""Networks that a framework trained and wrote as NIR (docs/nir.md), as networks that can be run."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any, Literal

from .network import Network

#: How a file's equations are stepped, which no file says.
Profile = Literal["euler", "snntorch", "snntorch-subtract", "norse", "sinabs", "exact-pulse", "exact-dirac"]
_FILE = "network.nir"


class NirNetwork(Network):
    """A network whose parts stand in a NIR file; see `from_nir`."""

    def __init__(self, name: str, graph: bytes, profile: str, step: str | None) -> None:
        super().__init__(name, tick="")
        keys = {"file": _FILE, "profile": profile}
        self._head = {"name": name, "nir": keys if step is None else {**keys, "step": step}}
        self._graph = graph

    def _part(self, kind: str, name: str, keys: Mapping[str, Any]) -> str:
        raise TypeError(f"no {kind} {name!r} can be added: the parts of {self.name!r} are those of its NIR graph")

    def _files(self) -> dict[str, bytes]:
        return {**super()._files(), _FILE: self._graph}


def from_nir(
    graph: str | os.PathLike[str] | Any,
    *,
    profile: Profile,
    step: str | None = None,
    name: str | None = None,
) -> NirNetwork:
    """The network of a `.nir` file, or of a graph as the package `nir` has it.

    `profile` says how it is stepped, and `step` the length of one ("100 us" unless it is said). The name is the
    file's, unless one is given.

    >>> net = from_nir("trained.nir", profile="norse", step="1 ms")     # doctest: +SKIP
    >>> spiked.run(net, events)                                         # doctest: +SKIP

    Raises OSError for a file that cannot be opened; what is wrong with the graph is said when it is loaded.
    """
    if isinstance(graph, str | os.PathLike):
        path = pathlib.Path(graph)
        return NirNetwork(name or path.stem, path.read_bytes(), profile, step)
    return NirNetwork(name or "nir", _written(graph), profile, step)


def _written(graph: Any) -> bytes:
    try:
        import nir
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("the package nir is needed to write its graphs: pip install nir") from error
    with tempfile.TemporaryDirectory(prefix="spiked-") as folder:
        path = pathlib.Path(folder) / _FILE
        nir.write(path, graph)
        return path.read_bytes()
