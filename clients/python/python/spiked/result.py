"""What came out of a session, for looking at."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import files
from .arrays import DECISION, SPIKE, Array

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from .tables import Output, Position, Tables


@dataclass(frozen=True)
class Result:
    """All output of a session."""

    spikes: Array
    """Array of `SPIKE`, in order."""
    decisions: Array
    """Array of `DECISION`, in order."""
    position: Position | None
    """Where the session stood at its end."""
    network: str
    tick_us: float
    ports: list[str] = field(default_factory=list)
    """Names of the output ports."""
    labels: list[list[str]] = field(default_factory=list)
    """Labels of each port's classes."""
    ranges: list[list[tuple[str, int, tuple[int, ...]]]] = field(default_factory=list)
    """Population, first address and shape of each range of each port."""

    @classmethod
    def of(cls, session: Tables, outputs: Sequence[Output]) -> Result:
        """Puts together what a session gave."""
        positions = [output.position for output in outputs if output.position is not None]
        return cls(
            spikes=_joined([output.spikes for output in outputs], SPIKE),
            decisions=_joined([output.decisions for output in outputs], DECISION),
            position=positions[-1] if positions else None,
            network=session.network,
            tick_us=session.tick_us,
            ports=list(session.outputs),
            labels=list(session.outputs.values()),
            ranges=[session.ranges(port) for port in range(len(session.outputs))],
        )

    def decided(self) -> list[str]:
        """The labels of the decisions, or their classes' numbers where they have none."""
        names = []
        for decision in self.decisions:
            labels = self.labels[decision["port"]]
            number = int(decision["class"])
            names.append(labels[number] if number < len(labels) else str(number))
        return names

    def to_pandas(self) -> pandas.DataFrame:
        """The spikes as a DataFrame."""
        import pandas as pd

        return pd.DataFrame({name: self.spikes[name] for name in SPIKE.names or ()})

    def to_sonata(
        self,
        path: str | os.PathLike[str],
        *,
        population: str | Sequence[str] | None = None,
    ) -> None:
        """Writes the spikes as a SONATA spike file: `/spikes/POPULATION/{timestamps [ms], node_ids}`, in order of time.

        Each population of the network is one of the file, unless `population` names those that are wanted; its nodes
        are its neurons, by their row-major index. A threshold that was crossed twice in a tick gives two rows.

        Needs h5py (`pip install "spiked[sonata]"`). Raises ValueError for a population that gave no spikes out.
        """
        files.to_sonata(self, path, population)

    def to_nwb(
        self,
        path: str | os.PathLike[str],
        *,
        population: str | Sequence[str] | None = None,
        session_start: datetime.datetime | None = None,
        silent: bool = False,
        **details: Any,
    ) -> None:
        """Writes spikes and decisions as NWB: a unit for each neuron that fired (with `silent`, for each), with columns
        for its population and its index in there, and a time series of classes for each port that decided.

        `session_start`, with its time zone, is when t = 0 was; without one, now. Further details (`experimenter`,
        `lab`, `subject`, `keywords`, …) are those of `pynwb.NWBFile`.

        Needs pynwb (`pip install "spiked[nwb]"`). Raises ValueError for a population that gave no spikes out.
        """
        files.to_nwb(self, path, population, session_start, silent, details)

    def rates(self, window_us: int = 10_000) -> tuple[Array, Array]:
        """Spikes a second of all neurons together: the middles of windows [µs], and rates [1/s]."""
        if not self.spikes.size:
            return np.empty(0), np.empty(0)
        t = self.spikes["t"]
        edges = np.arange(t.min(), t.max() + window_us + 1, window_us)
        counts, _ = np.histogram(t, edges, weights=self.spikes["multiplicity"])
        return (edges[:-1] + edges[1:]) / 2, counts * 1e6 / window_us

    def raster(self, axes: Axes | None = None, **style: Any) -> Axes:
        """Draws a dot for each spike: time across, address up."""
        axes = axes or _axes()
        style = {"s": 2, "marker": ".", "linewidths": 0, **style}
        axes.scatter(self.spikes["t"] / 1e6, self.spikes["address"], **style)
        axes.set(xlabel="time [s]", ylabel="address", title=self.network)
        return axes

    def plot_rates(self, window_us: int = 10_000, axes: Axes | None = None, **style: Any) -> Axes:
        """Draws `rates`."""
        axes = axes or _axes()
        t, rates = self.rates(window_us)
        axes.plot(t / 1e6, rates, **style)
        axes.set(xlabel="time [s]", ylabel="spikes/s", title=self.network)
        return axes


def _joined(arrays: list[Array], dtype: np.dtype[Any]) -> Array:
    arrays = [array for array in arrays if array.size]
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)


def _axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots()[1]
