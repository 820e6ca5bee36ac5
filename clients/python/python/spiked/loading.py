"""Networks on their way into a daemon, by the program `spiked`, which reads every form of them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
from collections.abc import Mapping

from ._native import SpikedError
from .daemon import program
from .network import Network

#: What the program takes from its environment: the token itself, the others as names of files.
_VARIABLES = {"ca": "SPIKED_CA", "certificate": "SPIKED_CERTIFICATE", "key": "SPIKED_KEY"}


def load(
    address: str,
    credentials: Mapping[str, bytes],
    network: Network | str | os.PathLike[str],
    version: str | None,
    profile: str | None,
    step: str | None,
) -> tuple[str, str]:
    """See `Client.load`."""
    with tempfile.TemporaryDirectory(prefix="spiked-") as folder:
        place = pathlib.Path(folder)
        if isinstance(network, Network):
            path = network.save(place / "network")
            version = version or network.version
        else:
            path = pathlib.Path(network).absolute()
        environment = dict(os.environ)
        for name, value in credentials.items():
            if name == "token":
                environment["SPIKED_TOKEN"] = value.decode()
                continue
            file = place / f"{name}.pem"
            file.touch(0o600)
            file.write_bytes(value)
            environment[_VARIABLES[name]] = str(file)
        command = [program(), "networks", "load", str(path), "--address", address]
        for option, given in (("--as", version), ("--profile", profile), ("--step", step)):
            if given is not None:
                command += [option, given]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    if done.returncode != 0:
        raise SpikedError(done.stderr.strip().removeprefix("error: "))
    name, _, loaded = done.stdout.strip().partition(" ")
    return name, loaded
