"""Networks with learned delays, from the checkpoints of the framework that trained them (DCLS: Hammouamri,
Khalfaoui-Hassani and Masquelier, ICLR 2024).

One step at inference, with the delay d of each synapse from its learned position P in a kernel of m = `max_delay`
steps (left padding m - 1, cross-correlation; no Gaussian any more):

    d = (m - 1) / 2 - round(P)
    I[t] = sum w S[t - d],  batch normalisation folded into w and a bias
    H[t] = V[t-1] - V[t-1] / tau + I[t],  S[t] = H[t] >= threshold,  V[t] = H[t] (1 - S[t])

The last layer never fires; a sample's class has the largest sum over time of softmax(V).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import checkpoints
from .arrays import Array
from .network import Network

_PARTS = ("weight", "bias", "P", "SIG", "running_mean", "running_var", "num_batches_tracked", "w")


def from_dcls(
    checkpoint: str | os.PathLike[str] | Mapping[str, Any],
    *,
    max_delay: int,
    name: str = "dcls",
    step: str = "10 ms",
    tau_steps: float = 1.005,
    threshold: float = 1.0,
    output_threshold: float | None = None,
    max_events_per_step: int = 255,
    eps: float = 1e-5,
) -> Network:
    """The network of a checkpoint: tensors by name, or a `.pt` or `.npz` file of them (PyTorch is not needed).

    Names are those that the paper's public code saves, whose modules are numbered in one sequence:

    | name | shape | |
    |---|---|---|
    | `model.N.weight`, `model.N.P` | [out, in, kernel_count], [1, out, in, kernel_count] | a `Dcls1d` layer |
    | `model.N.bias` | [out] | where it has one |
    | `model.N.weight`, `.bias`, `.running_mean`, `.running_var` | [out] | the `BatchNorm1d` behind it |
    | `model.N.w` | [] | the `ParametricLIFNode` behind it: tau = 1 / sigmoid(w) |

    The prefix before N may be another, or none; `.SIG` and `.num_batches_tracked` say nothing at inference.

    `max_delay` is the kernel's length m in steps (25 for SHD, 31 for SSC and GSC); `step` the length of one;
    `tau_steps` the time constant of neurons that don't have their own [steps]; `eps` that of batch normalisation.
    The last layer is an integrator, unless `output_threshold` says where it fires. `max_events_per_step` is the most
    that a channel may count: the less, the finer the first layer's weights, 2^-22 of the largest at best. With 255 they
    are 2^-17 of it in a network for SHD, which turns one spike in ten thousand.

    The network has the input port `in` (events in a step count), populations `layer-1`, … and `output`, and tells all
    spikes. What a framework computes is the same up to step T + (m - 1) / 2 of a sample of T steps, from a
    session's begin; there it cuts off its first layer.

    Raises OSError for a file that cannot be opened, ValueError that names the tensor that is missing, unknown, of
    another shape, or holds what cannot be.
    """
    if max_delay < 1 or max_delay % 2 == 0:
        raise ValueError(f"max_delay of {max_delay} steps, expected an odd number")
    tensors = checkpoint if isinstance(checkpoint, Mapping) else checkpoints.read(checkpoint)
    layers = _layers(tensors)
    net = Network(name, tick=step, description="Learned delays, from a checkpoint of DCLS.")
    source = net.input("in", channels=layers[0].weight.shape[1], max_events_per_tick=max_events_per_step)
    populations: list[str] = []
    for number, layer in enumerate(layers, 1):
        last = number == len(layers)
        neuron: dict[str, Any] = {"membrane": "leak", "tau_steps": layer.tau_steps(tau_steps)}
        if last and output_threshold is None:
            neuron["silent"] = True
        else:
            neuron["threshold"] = threshold if not last or output_threshold is None else output_threshold
        gain, bias = layer.normalisation(eps)
        target = net.population(
            "output" if last else f"layer-{number}",
            shape=len(bias),
            neuron={"discrete": neuron},
            vary={"bias": bias},
        )
        net.project(source, target, synapses=layer.synapses(gain, max_delay, step))
        populations.append(target)
        source = target
    net.output("spikes", populations)
    return net


@dataclass
class _Layer:
    """One `Dcls1d` and what follows it."""

    place: str
    parts: dict[str, Array]
    #: Of the batch normalisation, by their last names.
    norm: dict[str, Array] = field(default_factory=dict)
    w: float | None = None

    @property
    def weight(self) -> Array:
        return self.parts["weight"]

    def tau_steps(self, otherwise: float) -> float:
        return otherwise if self.w is None else float(1 + np.exp(-self.w))

    def normalisation(self, eps: float) -> tuple[Array, Array]:
        """What batch normalisation does to each neuron's sum: a factor, and what is added."""
        out = self.weight.shape[0]
        bias = self.parts.get("bias", np.zeros(out))
        if not self.norm:
            return np.ones(out), bias
        gain = self.norm["weight"] / np.sqrt(self.norm["running_var"] + eps)
        return gain, self.norm["bias"] + (bias - self.norm["running_mean"]) * gain

    def synapses(self, gain: Array, max_delay: int, step: str) -> dict[str, Any]:
        """Those that are not 0, as the text form takes them."""
        reach = (max_delay - 1) // 2
        positions = np.rint(self.parts["P"][0])
        far = np.argwhere(np.abs(positions) > reach)
        if far.size:
            at = (0, *map(int, far[0]))
            raise ValueError(
                f"{self.place}.P{list(at)} is {self.parts['P'][at]:g}, beyond the {reach} steps on either side that a "
                f"max_delay of {max_delay} has"
            )
        weights = self.weight * gain[:, None, None]
        targets, sources, taps = np.nonzero(weights)
        return {
            "sources": sources.astype(np.uint32),
            "targets": targets.astype(np.uint32),
            "weights": weights[targets, sources, taps],
            "delays": (reach - positions[targets, sources, taps]).astype(np.uint32),
            "delay_unit": step,
        }


def _layers(tensors: Mapping[str, Any]) -> list[_Layer]:
    """The layers in their order, each checked against the one before."""
    modules: dict[tuple[str, int], dict[str, Array]] = {}
    for name, tensor in tensors.items():
        found = re.fullmatch(r"(?:(.*)\.)?(\d+)\.(\w+)", name)
        if found is None or found[3] not in _PARTS:
            raise ValueError(f"unknown tensor {name!r}: expected 'model.N.P' and others as from_dcls names them")
        modules.setdefault((found[1] or "", int(found[2])), {})[found[3]] = _array(name, tensor)
    if len({prefix for prefix, _ in modules}) > 1:
        raise ValueError(f"tensors of several sequences: {sorted({prefix for prefix, _ in modules})}")
    layers: list[_Layer] = []
    for (prefix, number), parts in sorted(modules.items()):
        place = f"{prefix}.{number}".lstrip(".")
        if "P" in parts:
            layers.append(_Layer(place, parts))
            _check_layer(layers)
        elif not layers:
            raise ValueError(f"{place} comes before the first layer with positions ({place}.P)")
        elif "running_mean" in parts:
            _take_norm(layers[-1], place, parts)
        elif set(parts) == {"w"} and parts["w"].size == 1 and layers[-1].w is None:
            layers[-1].w = _membrane(f"{place}.w", float(parts["w"].reshape(())))
        else:
            raise ValueError(f"{place} with {sorted(parts)} is no layer with delays, normalisation or neuron")
    if not layers:
        raise ValueError("no tensor 'model.N.P': nothing has delays")
    return layers


def _array(name: str, tensor: Any) -> Array:
    """A tensor of NumPy or PyTorch as doubles."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().numpy()
    array = np.asarray(tensor)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} is of type {array.dtype}, expected numbers")
    array = array.astype(float)
    if not np.isfinite(array).all():
        at = [int(index) for index in np.argwhere(~np.isfinite(array))[0]]
        raise ValueError(f"{name}{at} is {array[tuple(at)]}")
    return array


def _expect(name: str, array: Array | None, shape: tuple[int, ...]) -> None:
    if array is None:
        raise ValueError(f"{name} is missing")
    if array.shape != shape:
        raise ValueError(f"{name} of shape {array.shape}, expected {shape}")


def _check_layer(layers: list[_Layer]) -> None:
    layer = layers[-1]
    weight = layer.parts.get("weight")
    if weight is None or weight.ndim != 3:
        shape = "missing" if weight is None else f"of shape {weight.shape}"
        raise ValueError(f"{layer.place}.weight is {shape}, expected [out, in, kernel_count]")
    _expect(f"{layer.place}.P", layer.parts["P"], (1, *weight.shape))
    if "bias" in layer.parts:
        _expect(f"{layer.place}.bias", layer.parts["bias"], weight.shape[:1])
    if len(layers) > 1 and weight.shape[1] != layers[-2].weight.shape[0]:
        before = layers[-2]
        raise ValueError(
            f"{layer.place}.weight takes {weight.shape[1]} neurons, {before.place}.weight gives {before.weight.shape[0]}"
        )


def _membrane(name: str, w: float) -> float:
    # Beyond, a time constant is more steps than anybody has.
    if w < -50:
        raise ValueError(f"{name} is {w:g}: tau = 1 / sigmoid(w) is endless")
    return w


def _take_norm(layer: _Layer, place: str, parts: dict[str, Array]) -> None:
    if layer.norm:
        raise ValueError(f"{place} is a second normalisation of {layer.place}")
    for name in ("weight", "bias", "running_mean", "running_var"):
        _expect(f"{place}.{name}", parts.get(name), layer.weight.shape[:1])
    negative = np.flatnonzero(parts["running_var"] < 0)
    if negative.size:
        raise ValueError(f"{place}.running_var[{negative[0]}] is {parts['running_var'][negative[0]]:g}")
    layer.norm = parts
