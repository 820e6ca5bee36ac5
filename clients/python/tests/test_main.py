"""`python -m spiked`."""

import os
import pathlib
import subprocess
import sys

import spiked


def tell(*arguments: str, program: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if program is not None:
        environment["PYSPIKED_PROGRAM"] = program
    command = [sys.executable, "-m", "spiked", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_it_tells_what_is_installed() -> None:
    told = tell()
    assert told.returncode == 0, told.stderr
    assert f"spiked   {spiked.__version__}" in told.stdout
    assert f"program  {os.environ['PYSPIKED_PROGRAM']}, spiked " in told.stdout
    assert tell("--version").stdout == f"spiked {spiked.__version__}\n"


def test_it_tries_what_is_installed() -> None:
    told = tell("check")
    assert told.returncode == 0, told.stderr
    assert "1 000 events gave their 1 000 spikes" in told.stdout


def test_it_says_what_is_missing(tmp_path: pathlib.Path) -> None:
    told = tell("check", program=str(tmp_path / "missing"))
    assert told.returncode == 1 and "cannot be run" in told.stderr
    told = tell(program="/bin/false")
    assert told.returncode == 1 and "/bin/false is no program of spiked" in told.stderr
    told = tell("dance")
    assert told.returncode == 2 and "invalid choice: 'dance'" in told.stderr
