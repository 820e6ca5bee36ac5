"""Rates of neurons, filtered: what a motor can follow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import Array


class FilteredRates:
    """The rates [Hz] of a port's neurons, each spike through a filter of first order.

    A spike at time s adds exp(-(t - s) / tau) / tau to the rate at time t: `tau r' = -r`, and 1 / tau more with each.
    Where a neuron fires regularly the rate is, over time, what it fires a second; the larger `tau_us`, the smoother
    and the later. Steps are exact, however long they are.
    """

    def __init__(self, neurons: int, tau_us: float, port: int = 0) -> None:
        """Of so many neurons, those with the addresses 0 to `neurons` - 1 of a port, from time 0 on.

        Raises ValueError where there is no neuron or no time constant.
        """
        if neurons < 1 or not tau_us > 0:
            raise ValueError(f"{neurons} neurons and {tau_us} us: expected more than 0")
        self.rates: npt.NDArray[np.float64] = np.zeros(neurons)
        """At the end of the last step [Hz]."""
        self._tau_us = float(tau_us)
        self._port = port
        self._until_us = 0

    def step(self, spikes: Array, until_us: int) -> npt.NDArray[np.float64]:
        """The rates [Hz] at a time, after further spikes (an array of `SPIKE`), which lie before it.

        Raises ValueError for time that goes back, and for spikes behind it or of neurons that are not there.
        """
        own = spikes[spikes["port"] == self._port]
        if until_us < self._until_us or (own["t"] > until_us).any():
            raise ValueError(f"a step to {until_us} us, with {self._until_us} us behind and spikes that come later")
        if (own["address"] >= len(self.rates)).any():
            raise ValueError(f"a spike of neuron {own['address'].max()}: there are {len(self.rates)}")
        left = np.exp((own["t"] - until_us) / self._tau_us) * own["multiplicity"]
        came = np.bincount(own["address"], left, len(self.rates))
        decay = np.exp((self._until_us - until_us) / self._tau_us)
        self.rates = self.rates * decay + came * (1e6 / self._tau_us)
        self._until_us = until_us
        return self.rates
