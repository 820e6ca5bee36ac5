"""A daemon of one's own, as a child process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import weakref

from ._native import SpikedError
from .context import Closing


def program() -> str:
    """The program: PYSPIKED_PROGRAM, or `spiked` on the path."""
    named = os.environ.get("PYSPIKED_PROGRAM")
    found = named or shutil.which("spiked")
    if not found:
        raise SpikedError(
            "no program `spiked` on the path: install it (cargo install --path clients/cli), or name it by "
            "PYSPIKED_PROGRAM"
        )
    return found


class Daemon(Closing):
    """A running `spiked serve`, which ends with this object."""

    def __init__(
        self,
        *,
        networks: str | os.PathLike[str] | None = None,
        data: str | os.PathLike[str] | None = None,
        listen: str | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        """Starts one and waits until it listens; `options` are further ones of `spiked serve`.

        It listens on a Unix socket in a folder of its own, unless `listen` says where.

        Raises SpikedError where there is no program, or it does not start.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="spiked-")
        command = [program(), "serve", "--listen", listen or f"unix:{self._folder.name}/socket"]
        for option, value in (("--networks", networks), ("--data", data)):
            if value is not None:
                command += [option, os.fspath(value)]
        # Who ends it is done with it, so that nobody is waited for.
        command += ["--set", "log.filter=warn", "--set", "limits.shutdown_grace=0s"]
        # What it has to say goes where this program's errors go. In a process group of its own it doesn't hear a Ctrl-C
        # that is meant for this program; and it ends with this program, however that ends.
        self._process = subprocess.Popen(
            [*command, "--until-stdin-ends", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self._finalizer = weakref.finalize(self, _end, self._process, self._folder)
        atexit.register(self._finalizer)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        prefix = "spiked listens on "
        if not line.startswith(prefix):
            self.close()
            raise SpikedError("the daemon did not start; what it said stands above")
        #: Where it listens, for `connect`.
        self.address = line.removeprefix(prefix)

    @property
    def pid(self) -> int:
        """The number of its process, for `/proc` and signals; it has none any more once it is closed."""
        if not self._finalizer.alive:
            raise SpikedError(f"the daemon of {self.address} is closed")
        return self._process.pid

    def close(self) -> None:
        """Ends it."""
        self._finalizer()


def _end(process: subprocess.Popen[str], folder: tempfile.TemporaryDirectory[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    folder.cleanup()
