"""What theory predicts that a probe will measure in a network at its initialisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Graph as Nodes
from gradflow.engine.graph import Input, Node
from gradflow.engine.losses import Loss
from gradflow.engine.network import Network
from gradflow.sim.band import UNKNOWN, Levels, first_order, over_networks, over_walks, simulated
from gradflow.sim.picture import Picture, convolves
from gradflow.sim.prediction import Prediction, predicting
from gradflow.theory.propagation import OutputGradient, logs_of_squares, output_gradient, pair_weights
from gradflow.theory.steps import NoFormula, NotCovered, Signal

Array = NDArray[Any]

GROUPS = 4
"""By so many typical samples the quick prediction stands for a batch."""

FOLLOWED = 128
"""All pairs of at most so many samples are followed; they stand for the others of a larger batch."""

DRAWS = 400
"""How many outputs are drawn for what the loss sends back."""

ALIGNED = 0.1
"""Outputs · layers / width from which δ is not independent of the weights, as formulas assume, if it contains z."""

WILD = 2.0
"""The standard deviation of ln‖δ‖² from which one network says little about another."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What is predicted: a network at its initialisation, the inputs of its batch, and its loss.

    `delta` maps outputs (draws, samples, units) of the samples called `rows` to their ∂L/∂z.
    """

    network: Network
    inputs: Array
    targets: Array
    make_loss: Callable[[Node], Loss]
    loss_name: str

    def delta(self, rows: Array) -> Callable[[Array], Array]:
        """Return the map from outputs (draws, len(rows), units) to ∂L/∂z of the mean loss over the whole batch."""
        targets = self.targets[rows]

        def back(outputs: Array) -> Array:
            flat = outputs.reshape(-1, outputs.shape[-1])
            source = _Outputs(outputs.shape[-1])
            loss = self.make_loss(source)
            graph = Nodes(loss)
            graph.allocate(len(flat))
            source.value[:] = flat
            loss.targets[:] = np.tile(targets, (len(outputs), 1))
            with np.errstate(all="ignore"):
                graph.forward()
                graph.backward()
            scaled: Array = source.grad.reshape(outputs.shape) * (len(flat) / len(self.inputs))
            return scaled

        return back


class _Outputs(Input):
    """Outputs that somebody wants the gradient of."""

    wants_grad = True


def quickly(subject: Subject) -> Prediction:
    """Return the prediction of signal and δ from a few typical samples; ‖∂L/∂W‖ has to wait for the pairs.

    So has the band of a batch: until then it is that of one sample, which is the wider one.
    Raises NotCovered with the reason where theory has none.
    """
    lengths = np.square(subject.inputs).sum(axis=1)
    groups = [group for group in np.array_split(np.argsort(lengths, kind="stable"), GROUPS) if len(group)]
    typical = np.array([group[len(group) // 2] for group in groups])
    sizes = np.array([len(group) for group in groups], float)
    return _Propagation(subject, typical, sizes, paired=False).run()


def thoroughly(subject: Subject, watch: Callable[[], Any] = lambda: None) -> Prediction:
    """Return the prediction of everything from all pairs of samples; raises NotCovered, and whatever `watch` raises."""
    batch = len(subject.inputs)
    rows = np.unique(np.linspace(0, batch - 1, min(batch, FOLLOWED)).round().astype(int))
    paired = not convolves(subject.network)
    return _Propagation(subject, rows, np.full(len(rows), batch / len(rows)), paired).run(watch)


class _Propagation:
    """One walk forwards and backwards through the theory's picture; `weights` says how many samples each stands for."""

    def __init__(self, subject: Subject, rows: Array, weights: Array, paired: bool) -> None:
        self._subject, self._rows, self._weights, self._paired = subject, rows, weights, paired
        self._samples = subject.inputs[rows].reshape(len(rows), -1)
        self._picture = Picture(subject.network, self._samples, paired)
        self._batch = round(weights.sum())

    def run(self, watch: Callable[[], Any] = lambda: None) -> Prediction:
        """Walk, and condense."""
        try:
            found = self._by_formula(watch)
        except NoFormula:
            if not self._paired:
                raise
            found = self._by_networks(watch)
        delta, gradient = np.exp(0.5 * found.logs)
        delta_spread, gradient_spread = 0.5 * found.spread
        factor = np.full(len(delta), np.nan)
        np.divide(delta[:-1], delta[1:], out=factor[:-1], where=delta[1:] > 0)
        sizes = np.array([layer.output.units for layer in self._subject.network.layers])
        return predicting(
            0,
            len(delta),
            self._note(found),
            delta_norm=delta,
            weight_grad_norm=gradient,
            activation_norm=np.sqrt(found.a_length * sizes * self._batch),
            z_length=found.z_length,
            a_length=found.a_length,
            correlation=found.correlation,
            factor=factor,
            delta_spread=delta_spread,
            weight_grad_spread=gradient_spread,
        )

    def _by_networks(self, watch: Callable[[], Any]) -> Levels:
        try:
            return simulated(self._picture, self._samples, self._batch, self._delta(), watch)
        except np.linalg.LinAlgError:
            raise NotCovered("its numbers leave floating point") from None

    def _by_formula(self, watch: Callable[[], Any]) -> Levels:
        picture = self._picture
        signals = picture.graph.forward(watch)
        sent = output_gradient(signals[-1], self._delta(), DRAWS, np.random.default_rng(0))
        logs, spread, followed = self._squares(signals, sent, watch)
        z, a = ([signals[i] for i in places] for places in (picture.linear, picture.output))
        correlation = np.array([_correlation(signal) for signal in z])
        return Levels(logs, spread, self._means(z), self._means(a), correlation, followed)

    def _squares(
        self, signals: list[Signal], sent: OutputGradient, watch: Callable[[], Any]
    ) -> tuple[Array, Array, bool]:
        """Return the typical ln‖δ‖² and ln‖∂L/∂W‖² of every layer, and their spread from network to network.

        And whether δ knows the weights in them. ‖δ‖² = Σ_α G_αα and ‖∂L/∂W‖² = Σ_αβ G_αβ·K_αβ, with the Gram matrices G
        of δ, which is that of the output times a factor, entry by entry, and K of the layer's input.
        """
        picture, count, paired = self._picture, self._batch, self._paired
        inputs = [signals[picture.graph.inputs[i][0]] for i in picture.linear]
        backward = picture.graph.backward(signals, np.ones_like(sent.gram), watch)
        factors = np.array([_whole(backward[i], np.sum) for i in picture.linear])
        own = np.diag(self._weights) if paired else self._weights
        terms = [factors * own]
        if paired or (count == 1 and not picture.images):
            whole = pair_weights(len(own), count) if paired else 1.0
            grams = np.array([source.units * source.covariance for source in inputs])
            terms.append(factors * grams * whole)
        if paired and not (count == 1 and picture.chain):
            wide = factors * sent.gram, grams
            band = over_networks(picture, self._samples, count, self._delta, wide, watch)
            if band:
                middle = logs_of_squares(np.sum(np.array(terms) * sent.gram, axis=(2, 3)))
                return middle + band.shift, band.spread, True
        middle, spread = np.full((2, 2, len(factors)), np.nan)
        for i, term in enumerate(terms):
            middle[i], spread[i] = sent.log_sums(term)
        below = self._means(inputs)
        if paired:
            band = over_walks(picture, float(below[0]))
        else:
            band = first_order(picture, self._means([signals[i] for i in picture.linear]), below)
        shift, width = band or UNKNOWN
        return middle + np.nan_to_num(shift), np.hypot(spread, width), False

    def _delta(self, rows: Array | slice = slice(None)) -> Callable[[Array], Array]:
        return self._subject.delta(self._rows[rows])

    def _means(self, signals: Sequence[Signal]) -> Array:
        """Return the mean squares per unit, over the batch that the samples stand for."""
        means: Array = (
            np.array([_whole(signal.lengths, np.mean) for signal in signals]) @ self._weights / self._weights.sum()
        )
        return means

    def _note(self, found: Levels) -> str:
        layers = self._subject.network.layers
        widths = [layer.linear.units for layer in layers[:-1]]
        outputs = layers[-1].linear.units
        if np.nanmax(found.spread[0], initial=0.0) > WILD:
            return "too narrow for its depth: such networks differ wildly from one to the next"
        # A squared error's δ contains z itself, a cross-entropy's as soon as z is large.
        follows_z = self._subject.loss_name == "mean-squared-error" or found.z_length[-1] > 1.0
        if widths and follows_z and not found.followed and outputs * len(widths) / min(widths) > ALIGNED:
            return "approximate: the loss's δ is aligned with the weights"
        return ""


def _whole(image: Array, reduce: Callable[..., Array]) -> Array:
    """Return the sum or the mean over the positions of images; what is none stays."""
    return reduce(image, axis=(1, 2)) if image.ndim == 3 else image


def _correlation(signal: Signal) -> float:
    if not signal.paired or len(signal.covariance) < 2:
        return float("nan")
    root = np.sqrt(signal.lengths)
    cosines = signal.covariance / np.maximum(np.multiply.outer(root, root), 1e-300)
    count = len(root)
    return float((cosines.sum() - np.trace(cosines)) / (count * (count - 1)))
