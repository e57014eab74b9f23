"""The gradient check: backpropagation against central differences, layer by layer.

(L(w+h) − L(w−h)) / 2h has a truncation error of order h² and a round-off error of order ε·|L|/h, so with the step
used here it resolves derivatives down to about 1e-10·|L|. A layer whose gradient is smaller is reported as unresolved,
not as right. Where a kink of φ lies between w−h and w+h the difference means nothing; such entries are counted and
left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer, Network

Array = NDArray[np.float64]
STEP = 1e-5
TOLERANCE = 1e-6


@dataclass(frozen=True)
class LayerCheck:
    """The check of one layer's parameters.

    `relative_error` is ‖a − n‖/(‖a‖ + ‖n‖) over the checked entries of backprop (a) and differences (n); it is None
    when nothing could be compared. `difference` is ‖a − n‖, of which the differences bring
    about `round_off` themselves.
    """

    layer: int
    checked: int
    at_kinks: int
    gradient_norm: float
    difference: float
    relative_error: float | None
    round_off: float

    @property
    def resolved(self) -> bool:
        """Whether either gradient stands out of the differences' round-off, so that the two can be compared."""
        larger = max(self.gradient_norm, self.difference)
        return self.relative_error is not None and not larger <= 10.0 * self.round_off

    @property
    def verdict(self) -> str:
        """Say it in a word."""
        return _verdict(self)

    @property
    def passed(self) -> bool:
        """Whether backprop and differences agree, to TOLERANCE and as far as round-off lets one see."""
        if self.relative_error is None or not self.resolved:
            return True
        return self.relative_error <= TOLERANCE or self.difference <= 3.0 * self.round_off


def _verdict(result: LayerCheck) -> str:
    if not result.checked:
        return "only kinks" if result.at_kinks else "nothing to compare"
    if not result.resolved:
        return "below round-off"
    if not result.passed:
        return "WRONG"
    # The differences' own error is then all there is to see.
    return "good" if (result.relative_error or 0.0) <= TOLERANCE else "good to round-off"


def check(network: Network, rng: np.random.Generator, per_layer: int = 60, step: float = STEP) -> Iterator[LayerCheck]:
    """Yield the check of each layer on the batch that is loaded; leaves the parameters as they were.

    `per_layer` entries are drawn from each layer (all of them where there are fewer).
    """
    network.forward()
    network.backward()
    exact = network.gradients.copy()
    start = 0
    for layer in network.layers:
        stop = start + layer.dense.parameter_count
        entries = np.arange(start, stop)
        if len(entries) > per_layer:
            entries = np.sort(rng.choice(entries, per_layer, replace=False))
        yield _check_layer(network, layer, entries, exact, step)
        start = stop
    network.forward()
    network.backward()


def _check_layer(network: Network, layer: Layer, entries: NDArray[np.intp], exact: Array, step: float) -> LayerCheck:
    analytic, numeric, at_kinks = [], [], 0
    for entry in entries:
        difference, kink = _central_difference(network, int(entry), step)
        if kink:
            at_kinks += 1
        else:
            analytic.append(exact[entry])
            numeric.append(difference)
    a, n = np.array(analytic), np.array(numeric)
    size = float(np.linalg.norm(a) + np.linalg.norm(n))
    # One difference carries a round-off of about ε/h times the largest number that went into the loss.
    largest = max(abs(network.loss.loss), float(np.abs(network.layers[-1].output.value).max()))
    round_off = float(np.finfo(float).eps * largest / step * np.sqrt(max(len(a), 1)))
    difference = float(np.linalg.norm(a - n))
    error = difference / size if size != 0.0 else None
    return LayerCheck(layer.number, len(a), at_kinks, float(np.linalg.norm(a)), difference, error, round_off)


def _central_difference(network: Network, entry: int, step: float) -> tuple[float, bool]:
    """Return (L(w+h) − L(w−h))/2h for one parameter, and whether a unit crossed its kink in between."""
    parameters = network.parameters
    kept = parameters[entry]
    parameters[entry] = kept + step
    above, signs_above = network.forward(), _kink_sides(network)
    parameters[entry] = kept - step
    below, signs_below = network.forward(), _kink_sides(network)
    parameters[entry] = kept
    kink = any(not np.array_equal(p, q) for p, q in zip(signs_above, signs_below, strict=True))
    return (above - below) / (2.0 * step), kink


def _kink_sides(network: Network) -> list[Array]:
    """Return, for every layer with a kinked φ, on which side of it each pre-activation lies."""
    return [np.sign(layer.dense.value) for layer in network.layers if layer.activate and layer.activate.function.kinked]
