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
from gradflow.sim.band import UNKNOWN, first_order, over_networks, over_walks
from gradflow.sim.picture import Picture, convolves
from gradflow.sim.prediction import Prediction, predicting
from gradflow.theory.propagation import OutputGradient, logs_of_squares, output_gradient, pair_weights
from gradflow.theory.steps import Signal

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

    def run(self, watch: Callable[[], Any] = lambda: None) -> Prediction:
        """Walk, and condense."""
        picture = self._picture
        signals = picture.graph.forward(watch)
        sent = output_gradient(signals[-1], self._delta(), DRAWS, np.random.default_rng(0))
        (delta, gradient), (delta_spread, gradient_spread), aligned = self._squares(signals, sent, watch)
        count = self._weights.sum()
        a_length = self._means([signals[i] for i in picture.output])
        units = np.array([signals[i].size for i in picture.output])
        norm = np.exp(0.5 * delta)
        factor = np.full(len(norm), np.nan)
        np.divide(norm[:-1], norm[1:], out=factor[:-1], where=norm[1:] > 0)
        return predicting(
            0,
            len(norm),
            self._note(delta_spread, aligned, float(self._means(signals[-1:])[0])),
            delta_norm=norm,
            weight_grad_norm=np.exp(0.5 * gradient),
            activation_norm=np.sqrt(a_length * units * count),
            z_length=self._means([signals[i] for i in picture.linear]),
            a_length=a_length,
            correlation=np.array([_correlation(signals[i]) for i in picture.linear]),
            factor=factor,
            delta_spread=0.5 * delta_spread,
            weight_grad_spread=0.5 * gradient_spread,
        )

    def _squares(
        self, signals: list[Signal], sent: OutputGradient, watch: Callable[[], Any]
    ) -> tuple[Array, Array, bool]:
        """Return the typical ln‖δ‖² and ln‖∂L/∂W‖² of every layer, and their spread from network to network.

        And whether δ knows the weights in them. ‖δ‖² = Σ_α G_αα and ‖∂L/∂W‖² = N·Σ_αβ G_αβ·K_αβ, with G of the layer's
        z and K of its input's N units.
        """
        picture, count, paired = self._picture, round(self._weights.sum()), self._paired
        inputs = [signals[picture.graph.inputs[i][0]] for i in picture.linear]
        entrywise = picture.graph.entrywise
        backward = picture.graph.backward(signals, np.ones_like(sent.gram) if entrywise else sent.gram, watch)
        grams = np.array([_whole(backward[i], np.sum) for i in picture.linear])
        own = np.diag(self._weights) if paired else self._weights
        terms = [grams * own]
        if paired or (count == 1 and not picture.images):
            whole = pair_weights(len(own), count) if paired else 1.0
            terms.append(grams * np.array([source.units * source.covariance for source in inputs]) * whole)
        if paired and not (count == 1 and picture.chain):
            mean = sent.gram if entrywise else 1.0
            wide = grams * mean, np.array([source.covariance for source in inputs])
            band = over_networks(picture, self._samples, count, self._delta, wide, watch)
            if band or not entrywise:
                middle = logs_of_squares(np.sum(np.array(terms) * mean, axis=(2, 3)))
                shift, width = band or UNKNOWN
                return middle + shift, np.hypot(np.zeros_like(middle), width), band is not None
        middle, spread = np.full((2, 2, len(grams)), np.nan)
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

    def _note(self, spread: Array, aligned: bool, output_square: float) -> str:
        layers = self._subject.network.layers
        widths = [layer.linear.units for layer in layers[:-1]]
        outputs = layers[-1].linear.units
        if np.nanmax(spread, initial=0.0) > WILD:
            return "too narrow for its depth: such networks differ wildly from one to the next"
        # A squared error's δ contains z itself, a cross-entropy's as soon as z is large.
        follows_z = self._subject.loss_name == "mean-squared-error" or output_square > 1.0
        if widths and follows_z and not aligned and outputs * len(widths) / min(widths) > ALIGNED:
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
