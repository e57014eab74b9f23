"""The probe reads a network's values and gradients and condenses them to a few numbers per layer, at every step.

It looks at each layer right after its turn in the backward pass, while its numbers are still in the processor's cache:
a norm is then one dot product. What is dearer is in `statistics` and taken when somebody looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.engine.network import Layer, Network
from gradflow.engine.nodes import Activate
from gradflow.engine.nodes.norm import SampleNorm
from gradflow.sim.details import Magnitudes
from gradflow.sim.snapshot import Stat

Array = NDArray[Any]

# All of float64, from the smallest subnormal to the largest number.
FIRST_OCTAVE, LAST_OCTAVE = -1074, 1024

MEASURED = (Stat.WEIGHT, Stat.WEIGHT_GRAD, Stat.BIAS_GRAD, Stat.DELTA, Stat.ACTIVATION)
"""The norms that are taken at every step, in the order of the probe's squares."""

SCALED = (Stat.WEIGHT_GRAD, Stat.BIAS_GRAD, Stat.DELTA)
"""Those that carry the loss scale."""


class Probe:
    """Reads one network, from its next backward pass on."""

    def __init__(self, network: Network) -> None:
        self._network = network
        layers = network.layers
        self._squares = np.zeros((len(MEASURED), len(layers)))
        self._counts = np.zeros(len(layers))
        self._channels = np.array([layer.output.shape[-1] for layer in layers])
        self._starts = np.cumsum(self._channels) - self._channels
        # The sums of a over samples (and places of an image), for each unit (channel) of each layer.
        self._sums = np.zeros(int(self._channels.sum()), network.precision.dtype)
        # Where the biases' gradients lie in the flat vector: short pieces, which are cheaper to read all at once.
        ends = [layer.linear.span.start + layer.linear.parameter_count for layer in layers]
        biases = [np.arange(end - layer.linear.b.size, end) for end, layer in zip(ends, layers, strict=True)]
        self._bias_places = np.concatenate(biases)
        bias_counts = np.array([len(places) for places in biases])
        self._bias_starts = np.cumsum(bias_counts) - bias_counts
        self._bias_grads = np.zeros(len(self._bias_places), network.precision.dtype)
        self._bias_squares = np.zeros_like(self._bias_grads)
        self._units_alive, self._saturated = np.zeros((2, len(layers)))
        self._units_row = np.zeros(int(self._channels.max()), bool)
        functions = [layer.activate.function if layer.activate else None for layer in layers]
        # 1 where a share exists and nan where it has no meaning, to multiply with.
        self._bends = np.array([1.0 if function else np.nan for function in functions])
        self._plateaus = np.array([1.0 if function and function.saturation else np.nan for function in functions])
        self._on_the_way = _on_the_way(network) if network.rounding else []
        silent = np.array([bool(function and function.silent_when_zero) for function in functions])
        self._doubtful = np.array([bool(function) for function in functions]) & ~silent
        # A norm over the units mixes their gradients, and where φ stands in front of z or sees more than z (a skip
        # beside it) there is no bias for each unit: nothing witnesses there.
        mixes = np.array([isinstance(layer.norm, SampleNorm) or layer.pre_activated for layer in layers])
        self._unwitnessed = self._doubtful & (mixes | (bias_counts != self._channels))
        self._some_silent, self._some_doubtful = bool(silent.any()), bool(self._doubtful.any())
        self._some_plateaus = not np.isnan(self._plateaus).all()
        self._trainable = np.array([layer.trainable for layer in layers])
        self._all_trainable = bool(self._trainable.all())
        self._others = [
            network.gradients[node.span]
            for layer, node in network.learning
            if layer.trainable and node is not layer.linear
        ]
        info = np.finfo(network.precision.dtype)
        # Outside this range a sum of squares has lost digits to overflow or underflow, and the norm is taken again.
        self._safe_low, self._safe_high = float(info.tiny) * 1e28, float(info.max) * 1e-8
        self._cancelled = float(info.eps) ** 0.25
        self._all_safe = True
        self._samples = -1
        # By the size of the batch: a short last batch comes back every epoch.
        self._readings: dict[int, tuple[list[tuple[Array, ...]], dict[Node, Callable[[], None]]]] = {}
        self._views: list[tuple[Array, ...]] = []

    def follow(self) -> None:
        """Read the buffers that are in use; called whenever the batch may have another size."""
        samples = self._network.graph.samples
        if samples == self._samples:
            return
        self._samples = samples
        if samples not in self._readings:
            if len(self._readings) > 1:
                self._readings.clear()
            self._readings[samples] = self._take_views()
        self._views, taps = self._readings[samples]
        self._counts[:] = [views[-1].size for views in self._views]
        self._network.graph.tap(taps)

    def _take_views(self) -> tuple[list[tuple[Array, ...]], dict[Node, Callable[[], None]]]:
        views: list[tuple[Array, ...]] = []
        taps: dict[Node, Callable[[], None]] = {}
        for i, layer in enumerate(self._network.layers):
            node, a = layer.linear, layer.output.value
            rows = a.reshape(-1, layer.output.shape[-1])
            ones = np.ones(len(rows), a.dtype)
            arrays: tuple[Array, ...] = (node.W, node.W_grad, node.b_grad, node.grad, a)
            flat = tuple(array.reshape(-1) for array in arrays)
            views.append(flat)
            sums = self._sums[self._starts[i] : self._starts[i] + self._channels[i]]
            taps[node] = self._reading(i, layer, flat, ones, rows, sums)
        return views, taps

    def norms(self) -> Array:
        """Return the statistics (len(Stat), layers) of the last turn with the norms that need no update filled in."""
        np.take(self._network.gradients, self._bias_places, out=self._bias_grads, mode="clip")
        np.multiply(self._bias_grads, self._bias_grads, out=self._bias_squares)
        np.add.reduceat(self._bias_squares, self._bias_starts, out=self._squares[2])
        stats = np.full((len(Stat), len(self._counts)), np.nan)
        np.sqrt(self._squares, out=stats[: len(MEASURED)])
        self._all_safe = bool(self._safe_low < self._squares.min() and self._squares.max() < self._safe_high)
        if not self._all_safe:
            self._mend(stats)
        scale = self._network.loss_scale
        if scale != 1.0:
            for stat in SCALED:
                stats[stat.row] /= scale
        return stats

    def complete(self, stats: Array, direction: Array, learning_rate: float) -> Array:
        """Fill in the other statistics of the last turn, whose update is learning_rate · direction."""
        self._measure_update(stats, direction, learning_rate)
        self._measure_activations(stats)
        self._count_alive()
        stats[Stat.DEAD.row] = (1.0 - self._units_alive / self._channels) * self._bends
        if self._some_plateaus:
            stats[Stat.SATURATED.row] = self._saturated / self._counts * self._plateaus
        if rounding := self._network.rounding:
            # An entry may be lost more than once where a norm mixes them or paths meet.
            stats[Stat.UNDERFLOW.row] = [
                min(1.0, sum(rounding.lost[id(node)] / node.grad.size for node in nodes)) for nodes in self._on_the_way
            ]
        return stats

    def gradient_norm(self, stats: Array) -> float:
        """Return the norm of the gradient of all trainable parameters, from the layers' statistics."""
        squares = self._squares[1:3] if self._all_trainable else self._squares[1:3, self._trainable]
        total = float(np.add.reduce(squares, axis=None)) + sum(float(other.dot(other)) for other in self._others)
        scale = self._network.loss_scale
        if self._safe_low < total < self._safe_high:
            return math.sqrt(total) / scale
        # Some square has left the range: from the norms, which have been mended.
        parts = stats[[Stat.WEIGHT_GRAD.row, Stat.BIAS_GRAD.row]][:, self._trainable].reshape(-1)
        return norm(np.concatenate([parts, [norm(other) / scale for other in self._others]]))

    def _reading(
        self, i: int, layer: Layer, flat: tuple[Array, ...], ones: Array, rows: Array, sums: Array
    ) -> Callable[[], None]:
        """Return the function that reads one layer."""
        squares = self._squares[:, i]
        W, W_grad, _, delta, a = flat
        count_saturated = self._counting(i, layer.activate)

        def read() -> None:
            squares[0] = W.dot(W)
            squares[1] = W_grad.dot(W_grad)
            squares[3] = delta.dot(delta)
            squares[4] = a.dot(a)
            ones.dot(rows, sums)
            if count_saturated:
                count_saturated()

        return read

    def _count_alive(self) -> None:
        """Count the units with a φ′ other than 0 on some sample.

        Where φ = 0 exactly where φ′ = 0 and φ ≥ 0, a unit is dead exactly if its activations add up to 0. Elsewhere a
        dead unit's bias has no gradient, and only where there are such units (or no such witness) are the slopes
        looked at.
        """
        alive = self._units_alive
        if self._some_silent:
            np.add.reduceat(self._sums != 0.0, self._starts, dtype=float, out=alive)
        if self._some_doubtful:
            with_gradient = np.add.reduceat(self._bias_grads != 0.0, self._bias_starts, dtype=float)
            with_gradient[self._unwitnessed] = 0.0
            np.copyto(alive, with_gradient, where=self._doubtful)
            for i in np.flatnonzero(self._doubtful & (alive < self._channels)):
                self._look_at_slopes(int(i))

    def _look_at_slopes(self, i: int) -> None:
        activate = self._network.layers[i].activate
        assert activate is not None
        workspace, shape = self._network.graph.workspace, (self._samples, activate.units)
        slope, mask = workspace.room(0, *shape), workspace.mask(*shape)
        activate.write_slope(slope)
        np.not_equal(slope, 0.0, mask)
        row = self._units_row[: activate.shape[-1]]
        np.logical_or.reduce(mask.reshape(-1, len(row)), axis=0, out=row)
        self._units_alive[i] = np.count_nonzero(row)

    def _counting(self, i: int, activate: Activate | None) -> Callable[[], None] | None:
        """Return the function that counts the saturated entries of one layer, None where φ has no plateau."""
        if activate is None or not activate.function.saturation:
            return None
        saturated, z, a = activate.function.saturated, activate.inputs[0].value, activate.value
        workspace, counts = self._network.graph.workspace, self._saturated
        mask, scratch = workspace.mask(*a.shape), workspace.room(0, *a.shape)

        def count() -> None:
            saturated(z, a, mask, scratch)
            counts[i] = np.count_nonzero(mask)

        return count

    def _measure_update(self, stats: Array, direction: Array, learning_rate: float) -> None:
        network = self._network
        # Plain gradient descent walks along the gradient, whose norms are known already: nothing is read twice.
        if direction is network.gradients:
            np.multiply(stats[Stat.WEIGHT_GRAD.row], learning_rate, out=stats[Stat.UPDATE.row])
            return
        for i, layer in enumerate(network.layers):
            start = layer.linear.span.start
            part = direction[start : start + layer.linear.W.size]
            square = float(part.dot(part))
            safe = self._safe_low < square < self._safe_high
            stats[Stat.UPDATE.row, i] = learning_rate * (np.sqrt(square) if safe else norm(part))

    def _measure_activations(self, stats: Array) -> None:
        """Mean and standard deviation, from the sums and squares where these keep enough digits."""
        mean = np.add.reduceat(self._sums, self._starts, dtype=float) / self._counts
        variance = stats[Stat.ACTIVATION.row] ** 2 / self._counts - mean**2
        deviation = np.sqrt(variance)
        # False for nan too. An infinite variance can only come from squares beyond the safe range.
        kept = variance > self._cancelled * mean**2
        if not self._all_safe:
            kept &= variance < np.inf
        for i in np.flatnonzero(~kept) if not kept.all() else ():
            a = self._network.layers[i].output.value
            deviation[i] = _standard_deviation(a, float(mean[i]), self._network.graph.workspace.room(0, *a.shape))
        stats[Stat.ACTIVATION_MEAN.row] = mean
        stats[Stat.ACTIVATION_STD.row] = deviation

    def _mend(self, stats: Array) -> None:
        """Take the norms again, scaled by the largest entry, where the squares left the safe range."""
        unsafe = ~((self._squares > self._safe_low) & (self._squares < self._safe_high))
        for row, column in np.argwhere(unsafe):
            stats[row, column] = norm(self._views[column][row])


def _on_the_way(network: Network) -> list[list[Node]]:
    """Return, for each layer, the nodes whose gradients are rounded between the next layer's z and its own."""
    linear = {layer.linear for layer in network.layers}
    ways: list[list[Node]] = []
    for node in network.graph.order:
        if node in linear:
            ways.append([])
        if ways and node.wants_grad:
            ways[-1].append(node)
    return ways


def _standard_deviation(values: Array, mean: float, scratch: Array) -> float:
    """Return √ mean (v − mean)², which loses nothing where the values differ little from each other."""
    np.subtract(values, mean, out=scratch)
    return norm(scratch.reshape(-1)) / float(np.sqrt(values.size))


def norm(vector: Array) -> float:
    """Return ‖v‖ = m·‖v/m‖ with m = max|v|, which neither overflows nor underflows."""
    if not vector.any():
        return 0.0
    largest = max(float(vector.max()), -float(vector.min()))
    if not np.isfinite(largest):
        return largest
    scaled = vector / largest
    return largest * float(np.sqrt(scaled.dot(scaled)))


def magnitudes(arrays: list[Array], scale: float = 1.0, give_way: Callable[[], None] = lambda: None) -> Magnitudes:
    """Count |v|/scale by octave for each array, giving way before each; zeros and what is not finite count apart."""
    octaves = LAST_OCTAVE - FIRST_OCTAVE
    counts = np.zeros((len(arrays), octaves), np.int64)
    zero, non_finite = np.zeros((2, len(arrays)), np.int64)
    for i, array in enumerate(arrays):
        give_way()
        flat = array.reshape(-1) if scale == 1.0 else array.reshape(-1) / scale
        finite = flat[np.isfinite(flat)]
        nonzero = finite[finite != 0.0]
        non_finite[i], zero[i] = flat.size - finite.size, finite.size - nonzero.size
        # v = m·2^e with ½ ≤ |m| < 1, so that |v| lies in the octave of 2^(e−1).
        counts[i] = np.bincount(np.frexp(nonzero)[1] - 1 - FIRST_OCTAVE, minlength=octaves)
    return Magnitudes(FIRST_OCTAVE, counts, zero, non_finite)
