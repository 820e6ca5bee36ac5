"""The examples run as they stand: notebooks in a kernel of their own, programs as processes of their own."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import nbclient
import nbformat
import numpy as np
import pytest

import spiked
from spiked.daemon import program

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
#: What a notebook has to come to, besides running.
SAYS = {"first_raster": ["[('S', 316)]"], "closed_loop": ["off by 0.0"]}


def tell(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {"first_raster", "closed_loop", "network_builder"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A notebook draws into itself.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs == [], "outputs are stripped"
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for wanted in SAYS.get(path.stem, []):
        assert wanted in nbformat.writes(notebook), wanted
    shown = [kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})]
    assert "image/png" in shown, "something is drawn"


def test_spikes_balance_the_pole() -> None:
    told = tell("cartpole.py", "--episodes", "2")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "mean " in told.stdout


def test_a_whisker_follows_what_it_touches() -> None:
    told = tell("whisker_follow.py", "--seconds", "2")
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("loop", [("whisker_follow.py", "--seconds", "2"), ("cartpole.py", "--episodes", "1")])
def test_a_motor_with_the_wrong_sign_is_noticed(loop: tuple[str, ...]) -> None:
    told = tell(*loop, "--reverse")
    assert told.returncode == 1 and told.stderr == "", told.stdout + told.stderr


@pytest.mark.parametrize("direction", [45, 270])
def test_whiskers_of_a_simulator_tell_which_way_a_bar_goes(direction: int) -> None:
    told = tell("whisker_mujoco.py", "--direction", str(direction))
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.split()[0] == f"{direction}°"


def test_a_folder_of_whiskit_is_played_as_the_command_line_plays_it(tmp_path: pathlib.Path) -> None:
    generate = [program(), "generate", "whiskers", "sweep.npz", "--direction", "135", "--for", "600ms"]
    subprocess.run(generate, check=True, capture_output=True, cwd=tmp_path)
    with np.load(tmp_path / "sweep.npz") as sweep:
        (values,) = [sweep[name] for name in sweep.files if sweep[name].ndim == 3]
    names = [f"R{row}{column}" for row in "ABCDE" for column in range(7)]
    (tmp_path / "folder" / "dynamics").mkdir(parents=True)
    (tmp_path / "folder" / "whisker_ID.csv").write_text(",".join(names) + "\n")
    for component, name in enumerate(("Fx", "Fy", "Fz", "Mx", "My", "Mz")):
        lines = ["".join(f"{value:.9g}," for value in frame) for frame in values[:, :, component]]
        (tmp_path / "folder" / "dynamics" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    told = tell("whiskit.py", str(tmp_path / "folder"))
    assert told.returncode == 0, told.stdout + told.stderr
    run = [program(), "run", "swept-edge", str(tmp_path / "folder")]
    figures = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    told_there = {line.split()[0]: "".join(line.split()[1:]) for line in figures.splitlines()}
    spikes, decisions = told_there["spikes"], told_there["decisions"]
    assert told.stdout.startswith(f"{spikes} spikes, {decisions} decisions\n 135°"), told.stdout + figures
