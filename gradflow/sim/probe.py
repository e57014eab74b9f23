"""The probe reads a network's values and gradients and condenses them to a few numbers per layer.

The norms are taken at every step, so they cost one dot product each; the rest is taken when somebody looks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network
from gradflow.sim.snapshot import Magnitudes, Norm, Units

Array = NDArray[np.float64]

# Outside this range a sum of squares has lost digits to overflow or underflow, and the norm is taken again, scaled.
SAFE_LOW, SAFE_HIGH = 1e-280, 1e300

# All of float64, from the smallest subnormal to the largest number.
FIRST_OCTAVE, LAST_OCTAVE = -1074, 1024


class Probe:
    """Reads one network. The views of its buffers are taken anew when the batch or the step's direction changes."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._samples = -1
        self._direction: Array | None = None
        self._views: list[list[Array]] = []

    def norms(self, direction: Array, learning_rate: float) -> Array:
        """Return the norms (len(Norm), layers); the update's is that of learning_rate · direction."""
        self._refresh(direction)
        squares = np.array([[view.dot(view) for view in row] for row in self._views])
        norms = np.empty((len(Norm), squares.shape[1]))
        measured = norms[: len(squares)]
        np.sqrt(squares, out=measured)
        self._mend(measured, squares)
        # Plain gradient descent walks along the gradient, whose norms are known already: nothing is read twice.
        walked = norms[Norm.WEIGHT_GRAD.row] if direction is self._network.gradients else norms[Norm.UPDATE.row]
        np.multiply(walked, learning_rate, out=norms[Norm.UPDATE.row])
        return norms

    def units(self) -> Units:
        """Return the state of each layer's units on the batch that was run."""
        with np.errstate(all="ignore"):
            return self._units()

    def _units(self) -> Units:
        layers = self._network.layers
        mean, std, dead, saturated = np.full((4, len(layers)), np.nan)
        for i, layer in enumerate(layers):
            a = layer.output.value
            mean[i] = a.mean()
            std[i] = _standard_deviation(a)
            if layer.activate:
                function = layer.activate.function
                slope = np.empty_like(a)
                function.slope(layer.dense.value, a, slope)
                dead[i] = 1.0 - np.count_nonzero(slope.any(axis=0)) / a.shape[1]
                if function.saturation:
                    saturated[i] = np.count_nonzero(function.saturated(a)) / a.size
        return Units(mean, std, dead, saturated)

    def activation_magnitudes(self) -> Magnitudes:
        """Return the magnitudes of a in every layer."""
        return magnitudes([layer.output.value for layer in self._network.layers])

    def delta_magnitudes(self) -> Magnitudes:
        """Return the magnitudes of δ = ∂L/∂z in every layer."""
        return magnitudes([layer.dense.grad for layer in self._network.layers])

    def _refresh(self, direction: Array) -> None:
        network = self._network
        if network.graph.samples == self._samples and direction is self._direction:
            return
        self._samples, self._direction = network.graph.samples, direction
        dense = [layer.dense for layer in network.layers]
        arrays = {
            Norm.WEIGHT: [d.W for d in dense],
            Norm.WEIGHT_GRAD: [d.W_grad for d in dense],
            Norm.BIAS_GRAD: [d.b_grad for d in dense],
            Norm.DELTA: [d.grad for d in dense],
            Norm.ACTIVATION: [layer.output.value for layer in network.layers],
        }
        if direction is not network.gradients:
            arrays[Norm.UPDATE] = self._weight_parts(direction)
        self._views = [[array.reshape(-1) for array in row] for row in arrays.values()]

    def _weight_parts(self, direction: Array) -> list[Array]:
        """Return the parts of a flat vector that belong to the layers' weights."""
        parts, start = [], 0
        for layer in self._network.layers:
            parts.append(direction[start : start + layer.dense.W.size])
            start += layer.dense.parameter_count
        return parts

    def _mend(self, norms: Array, squares: Array) -> None:
        """Take the norms again, scaled by the largest entry, where the squares left the safe range."""
        unsafe = ~((squares > SAFE_LOW) & (squares < SAFE_HIGH))
        if not unsafe.any():
            return
        for row, column in np.argwhere(unsafe):
            norms[row, column] = _scaled_norm(self._views[row][column])


def _standard_deviation(values: Array) -> float:
    """Return the standard deviation, scaled where the squares would overflow or underflow."""
    largest = float(np.abs(values).max())
    if 1e-140 < largest < 1e150 or not 0.0 < largest < np.inf:
        return float(values.std())
    return largest * float((values / largest).std())


def _scaled_norm(vector: Array) -> float:
    """Return ‖v‖ = m·‖v/m‖ with m = max|v|, which neither overflows nor underflows."""
    if not vector.any():
        return 0.0
    largest = float(np.abs(vector).max())
    if not np.isfinite(largest):
        return largest
    scaled = vector / largest
    return largest * float(np.sqrt(scaled.dot(scaled)))


def magnitudes(arrays: list[Array]) -> Magnitudes:
    """Count |v| by octave for each array; zeros and what is not finite count apart."""
    octaves = LAST_OCTAVE - FIRST_OCTAVE
    counts = np.zeros((len(arrays), octaves), np.int64)
    zero, non_finite = np.zeros((2, len(arrays)), np.int64)
    for i, array in enumerate(arrays):
        flat = array.reshape(-1)
        finite = flat[np.isfinite(flat)]
        nonzero = finite[finite != 0.0]
        non_finite[i], zero[i] = flat.size - finite.size, finite.size - nonzero.size
        # v = m·2^e with ½ ≤ |m| < 1, so that |v| lies in the octave of 2^(e−1).
        counts[i] = np.bincount(np.frexp(nonzero)[1] - 1 - FIRST_OCTAVE, minlength=octaves)
    return Magnitudes(FIRST_OCTAVE, counts, zero, non_finite)
