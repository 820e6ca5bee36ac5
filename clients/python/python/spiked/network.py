"""Networks built in Python: populations, projections, ports, as the text form has them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


class Network:
    """A network that is described part by part, with the keys of docs/networks.md.

    >>> net = Network("relay", tick="1 ms")
    >>> skin = net.input("skin", channels=64)
    >>> cells = net.population("cells", shape=[64], neuron={"accumulator": {"threshold": 0.5}})
    >>> _ = net.project(skin, cells, one_to_one={"weight": 1.0, "delay": "2 ms"})

    Quantities are texts with units ("2 ms", "1 mV"); NumPy arrays may stand wherever the text form takes the name
    of a `.npy` file. What is wrong with a network is said when it is loaded: see `Client.load`.
    """

    def __init__(self, name: str, *, tick: str, description: str = "") -> None:
        head: dict[str, Any] = {"name": name, "tick": tick}
        if description:
            head["description"] = description
        self.name = name
        self._head = head
        self._parts: dict[tuple[str, str], dict[str, Any]] = {}

    def input(self, name: str, **keys: Any) -> str:
        """An input port: `channels`, `shape`, `sensor` ("any" or "640x480") or `frames`; gives its name."""
        return self._part("input", name, keys)

    def population(self, name: str, **keys: Any) -> str:
        """A population: `shape`, `neuron` and what else belongs there; gives its name."""
        return self._part("population", name, keys)

    def project(self, source: str, target: str, *, name: str | None = None, **keys: Any) -> str:
        """A projection from an input port or population onto a population; gives its name.

        Which synapses there are is said by one of the text form's keys: `one_to_one`, `dense`, `synapses`, `random`,
        `convolution`, …
        """
        name = name or f"{source}-{target}"
        return self._part("projection", name, {"from": source, "to": target, **keys})

    def readout(self, name: str, source: str, **keys: Any) -> str:
        """A readout of a population: `vote` or `confidence`; gives its name."""
        return self._part("readout", name, {"from": source, **keys})

    def output(self, name: str, source: str | list[str]) -> str:
        """An output port of populations or a readout; without any, all of them are."""
        return self._part("output", name, {"from": source})

    def _part(self, kind: str, name: str, keys: Mapping[str, Any]) -> str:
        if (kind, name) in self._parts:
            raise ValueError(f"there is a {kind} {name!r} already")
        self._parts[kind, name] = dict(keys)
        return name

    def text(self) -> str:
        """The network as text; arrays stand in it by the names of their files."""
        return self._files()["network.toml"].decode()

    @property
    def version(self) -> str:
        """What it is called where none is given: by its content, so that two of one name never meet."""
        digest = hashlib.sha256()
        for name, data in sorted(self._files().items()):
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        return f"sha-{digest.hexdigest()[:16]}"

    def save(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Writes `network.toml` and its arrays into a folder, which `spiked run` and `spiked check` take."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self._files().items():
            (folder / name).write_bytes(data)
        return folder

    def _files(self) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        lines = [f"{_key(key)} = {_value(value, key, files)}" for key, value in self._head.items()]
        for (kind, name), keys in self._parts.items():
            lines += ["", f"[{kind}.{_key(name)}]"]
            stem = f"{kind}-{name}"
            lines += [f"{_key(key)} = {_value(value, stem, files)}" for key, value in keys.items()]
        files["network.toml"] = ("\n".join(lines) + "\n").encode()
        return files


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for the one that needs none there.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any, stem: str, files: dict[str, bytes]) -> str:
    """A value as TOML; an array becomes a file."""
    if isinstance(value, np.ndarray):
        name = f"{re.sub(r'[^A-Za-z0-9_-]', '_', stem)}-{len(files)}.npy"
        data = io.BytesIO()
        np.save(data, value, allow_pickle=False)
        files[name] = data.getvalue()
        return _text(name)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        pairs = [f"{_key(key)} = {_value(one, stem, files)}" for key, one in value.items()]
        return "{ " + ", ".join(pairs) + " }" if pairs else "{}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(_value(one, stem, files) for one in value) + "]"
    raise TypeError(f"{value!r} of type {type(value).__name__} has no place in a network")
