"""All numbers of a network by layer, and their histograms on a linear axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network
from gradflow.sim.details import Histogram

Array = NDArray[Any]

BINS = 128

SPREADS = 8.0
"""Outliers this many times the root mean square away would leave the bulk in a few bins: they are counted apart."""


def numbers(network: Network, update: Array) -> dict[str, tuple[list[Array], float]]:
    """Return the arrays of every layer, by the name of the measurement, each with the factor that it carries.

    The pre-activations are what φ sees, behind a norm. `update` is that of all parameters, flat.
    """
    layers, scale = network.layers, network.loss_scale
    starts = [layer.linear.span.start for layer in layers]
    return {
        "activations": ([layer.output.value for layer in layers], 1.0),
        "pre_activations": ([(la.activate.inputs[0] if la.activate else la.linear).value for la in layers], 1.0),
        "deltas": ([layer.linear.grad for layer in layers], scale),
        "weights": ([layer.linear.W for layer in layers], 1.0),
        "weight_grads": ([layer.linear.W_grad for layer in layers], scale),
        "updates": ([update[at : at + la.linear.W.size] for at, la in zip(starts, layers, strict=True)], 1.0),
    }


def histogram(arrays: list[Array], scale: float = 1.0, give_way: Callable[[], None] = lambda: None) -> Histogram:
    """Count v/scale in equal bins for each array; exact zeros, outliers and what is not finite count apart.

    `give_way` is called before each array, and may raise.
    """
    layers = len(arrays)
    counts, beyond = np.zeros((layers, BINS), np.int64), np.zeros((layers, 2), np.int64)
    zero, non_finite = np.zeros((2, layers), np.int64)
    reach, mean, deviation = np.ones(layers), np.full(layers, np.nan), np.full(layers, np.nan)
    for i, array in enumerate(arrays):
        give_way()
        flat = array.reshape(-1) if scale == 1.0 else array.reshape(-1) / scale
        finite = np.isfinite(flat)
        values = flat if finite.all() else flat[finite]
        non_finite[i], zero[i] = flat.size - values.size, values.size - np.count_nonzero(values)
        if not values.size:
            continue
        # In units of a power of two above the largest: exact, and no square leaves the range.
        unit = _power_of_two(max(float(values.max()), -float(values.min())))
        scaled = np.asarray(values / unit)
        middle = float(scaled.mean(dtype=float))
        mean[i], deviation[i] = middle * unit, float(np.sqrt(np.square(scaled - middle).mean(dtype=float))) * unit
        rms = float(np.sqrt(np.square(scaled).mean(dtype=float)))
        within = min(1.0, _power_of_two(SPREADS * rms))
        reach[i] = within * unit
        counts[i], beyond[i] = _count(scaled / within)
        counts[i, BINS // 2] -= zero[i]
    return Histogram(reach, counts, beyond, zero, non_finite, mean, deviation)


def _power_of_two(value: float) -> float:
    """Return the least power of two that is not below a value, 1 for 0."""
    if value == 0.0:
        return 1.0
    mantissa, exponent = np.frexp(value)
    # Above 2¹⁰²³ there is none.
    return float(np.ldexp(1.0, min(int(exponent) - (mantissa == 0.5), 1023)))


def _count(values: Array) -> tuple[Array, Array]:
    """Count in equal bins from −1 to 1, and what is below and above them."""
    places = np.floor((values + 1.0) * (BINS / 2)).astype(np.int64)
    below, above = np.count_nonzero(values < -1.0), np.count_nonzero(values > 1.0)
    if below or above:
        places = places[np.abs(values) <= 1.0]
    # 1 itself belongs to the last bin.
    return np.bincount(np.minimum(places, BINS - 1), minlength=BINS), np.array([below, above])
