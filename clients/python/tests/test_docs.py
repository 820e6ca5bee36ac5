"""The code in docs/python.md and in README.md runs, block after block, against a daemon."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import spiked
from spiked.arrays import Array
from spiked.daemon import program

ROOT = pathlib.Path(__file__).parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[int, str]]:
    text = (ROOT / page).read_text()
    return [(text[: found.start()].count("\n") + 2, found[1]) for found in BLOCK.finditer(text)]


PLACES = [(page, line, code) for page in ("README.md", "docs/python.md") for line, code in blocks(page)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the recordings that the pages name."""
    folder = tmp_path_factory.mktemp("recordings")
    generate = [program(), "generate", "dvs", "street.es", "--size", "320x240", "--for", "20ms"]
    convert = [program(), "convert", "street.es", "street.raw"]
    touch = [program(), "generate", "whiskers", "sweep.npz"]
    for command in (generate, convert, touch):
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    shutil.copy(ROOT / "clients/recordings/tests/data/shd_tables.h5", folder / "shd_train.h5")
    return folder


def test_there_are_examples() -> None:
    assert len(PLACES) >= 8


@pytest.mark.parametrize(("page", "line", "code"), PLACES, ids=[f"{page}:{line}" for page, line, _ in PLACES])
def test_it_runs(
    page: str,
    line: int,
    code: str,
    daemon: spiked.Daemon,
    client: spiked.Client,
    touches: Array,
    recordings: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(recordings)
    monkeypatch.setattr(plt, "show", lambda: None)
    here: dict[str, Any] = {"spiked": spiked, "np": np, "plt": plt, "client": client, "touches": touches}
    source = "\n" * (line - 1) + code.replace("robot:7411", daemon.address)
    exec(compile(source, page, "exec"), here)
    plt.close("all")
