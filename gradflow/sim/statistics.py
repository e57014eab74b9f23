"""The dearer statistics of every layer, each a function from a network to one number per layer.

They look at a network whose batch has run forwards and backwards, and cost from one pass over the activations to a
gradient of the whole training set; each says so. They are taken when somebody looks, as often as a budget allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer, Network
from gradflow.engine.nodes import Linear
from gradflow.registry import Registry

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """What is looked at: a network after its backward pass, and how to get the gradient of the whole training set.

    `full_gradient` is asked only by those that compare with it; it takes as long as an epoch without updates.
    """

    network: Network
    full_gradient: Callable[[], Array]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The parameter layers."""
        return self.network.layers

    @property
    def scale(self) -> float:
        """The loss scale, which every gradient in the network carries."""
        return self.network.loss_scale


Statistic = Callable[[Subject], Array]
STATISTICS: Registry[Statistic] = Registry("statistic")
statistic = STATISTICS.register


SIZES = ("delta_rms", "delta_mean_size", "delta_max", "gradient_rms", "gradient_mean_size", "gradient_max")
"""How large single entries of δ and of ∂L/∂W are."""


def take(subject: Subject, names: Iterable[str] = STATISTICS) -> dict[str, Array]:
    """Return these statistics of a network, by name; each has one number per layer, nan where it has no meaning."""
    with np.errstate(all="ignore"):
        measured = {name: np.asarray(STATISTICS[name].part(subject), float) for name in names}
    for values in measured.values():
        values.setflags(write=False)
    return measured


def _per_layer(subject: Subject, of: Callable[[Layer], float]) -> Array:
    return np.array([of(layer) for layer in subject.layers])


@statistic("z_mean", "mean z")
def z_mean(subject: Subject) -> Array:
    """The mean of the pre-activations z over batch and units.

    Cost: one pass over z.
    """
    return _per_layer(subject, lambda layer: float(layer.linear.value.mean(dtype=float)))


@statistic("z_variance", "var z")
def z_variance(subject: Subject) -> Array:
    """The variance of the pre-activations z over batch and units: what an initialisation keeps or loses.

    Cost: three passes over z.
    """
    return _per_layer(subject, lambda layer: float(layer.linear.value.var(dtype=float)))


@statistic("a_variance", "var a")
def a_variance(subject: Subject) -> Array:
    """The variance of the activations a = φ(z) over batch and units.

    Cost: three passes over a.
    """
    return _per_layer(subject, lambda layer: float(layer.output.value.var(dtype=float)))


@statistic("gradient_mean", "mean ∂W")
def gradient_mean(subject: Subject) -> Array:
    """The mean of the entries of ∂L/∂W.

    Cost: one pass over the gradient.
    """
    return _per_layer(subject, lambda layer: float(layer.linear.W_grad.mean(dtype=float))) / subject.scale


@statistic("gradient_rms", "RMS ∂W")
def gradient_rms(subject: Subject) -> Array:
    """The root mean square of the entries of ∂L/∂W: its norm, comparable between layers of different size.

    Cost: two passes over the gradient.
    """
    return _per_layer(subject, lambda layer: _rms(layer.linear.W_grad)) / subject.scale


@statistic("gradient_mean_size", "mean |∂W|")
def gradient_mean_size(subject: Subject) -> Array:
    """The mean magnitude of the entries of ∂L/∂W.

    Cost: two passes over the gradient.
    """
    return _per_layer(subject, lambda layer: float(np.abs(layer.linear.W_grad).mean(dtype=float))) / subject.scale


@statistic("gradient_max", "max |∂W|")
def gradient_max(subject: Subject) -> Array:
    """The largest magnitude in ∂L/∂W.

    Cost: two passes over the gradient.
    """
    return _per_layer(subject, lambda layer: _largest(layer.linear.W_grad)) / subject.scale


@statistic("delta_rms", "RMS δ")
def delta_rms(subject: Subject) -> Array:
    """The root mean square of the entries of δ = ∂L/∂z.

    Cost: two passes over δ.
    """
    return _per_layer(subject, lambda layer: _rms(layer.linear.grad)) / subject.scale


@statistic("delta_mean_size", "mean |δ|")
def delta_mean_size(subject: Subject) -> Array:
    """The mean magnitude of the entries of δ = ∂L/∂z.

    Cost: two passes over δ.
    """
    return _per_layer(subject, lambda layer: float(np.abs(layer.linear.grad).mean(dtype=float))) / subject.scale


@statistic("delta_max", "max |δ|")
def delta_max(subject: Subject) -> Array:
    """The largest magnitude in δ = ∂L/∂z.

    Cost: two passes over δ.
    """
    return _per_layer(subject, lambda layer: _largest(layer.linear.grad)) / subject.scale


@statistic("delta_factor", "δ factor")
def delta_factor(subject: Subject) -> Array:
    """The factor ‖δ_l‖/‖δ_{l+1}‖ by which layer l+1 passes the gradient on; below 1 it vanishes towards the input.

    The output layer has none. In theory √χ = σ_w·√(E φ′²). Cost: two passes over δ.
    """
    norms = _per_layer(subject, lambda layer: _rms(layer.linear.grad) * np.sqrt(layer.linear.grad.size))
    return np.append(norms[:-1] / norms[1:], np.nan)


@statistic("zero_share", "zeros in δ")
def zero_share(subject: Subject) -> Array:
    """The share of entries of δ that are exactly 0: by a φ′ of 0, or by underflow here or in a later layer.

    Cost: one pass over δ.
    """
    return _per_layer(subject, lambda layer: 1.0 - np.count_nonzero(layer.linear.grad) / layer.linear.grad.size)


@statistic("slope_square", "mean φ′²")
def slope_square(subject: Subject) -> Array:
    """The mean of φ′(z)² over batch and units: the factor on ‖δ‖² that φ is responsible for.

    Cost: one evaluation of φ′.
    """

    def of(layer: Layer) -> float:
        if layer.activate is None:
            return np.nan
        slope = np.empty_like(layer.activate.value)
        layer.activate.write_slope(slope)
        return float(np.square(slope).mean(dtype=float))

    return _per_layer(subject, of)


@statistic("similarity", "alike")
def similarity(subject: Subject) -> Array:
    """The largest |cosine| between the incoming weights (and bias) of two units: 1 means two units are the same.

    Units that start equal receive equal gradients and stay equal: symmetry must be broken by the initialisation.
    Cost: a matrix product of units x inputs x units.
    """
    return _per_layer(subject, _most_alike)


@statistic("noise_ratio", "noise ratio")
def noise_ratio(subject: Subject) -> Array:
    """The norm of the mini-batch's ∂L/∂W over that of the gradient of all training samples: 1 means no noise.

    All samples are run without dropout, whose noise counts.
    Cost: the gradient of the whole training set, shared with the angle.
    """
    return _per_layer(subject, lambda layer: _against_full(subject, layer)[0])


@statistic("noise_angle", "noise angle")
def noise_angle(subject: Subject) -> Array:
    """The angle in degrees between the mini-batch's ∂L/∂W and the gradient of all training samples: 90 is all noise.

    All samples are run without dropout, whose noise counts.
    Cost: the gradient of the whole training set, shared with the ratio.
    """
    return _per_layer(subject, lambda layer: _against_full(subject, layer)[1])


def _largest(values: Array) -> float:
    return float(max(values.max(), -values.min())) if values.size else 0.0


def _rms(values: Array) -> float:
    """Return √ mean v², scaled so that no square leaves the range."""
    largest = _largest(values)
    if not 0.0 < largest < np.inf:
        return largest
    return largest * float(np.sqrt(np.square(values / largest).mean(dtype=float)))


def _most_alike(layer: Layer) -> float:
    node = layer.linear
    if node.channels < 2:
        return np.nan
    directions = unit_columns(incoming(node))
    cosines = np.abs(directions.T @ directions)
    np.fill_diagonal(cosines, 0.0)
    return float(min(cosines.max(), 1.0))


def incoming(node: Linear) -> Array:
    """Return what enters the units, a column for each: weights and bias.

    The bias belongs to it: with few inputs, weights alone are often parallel by chance.
    """
    return np.vstack([node.W, node.b[None, :]]) if node.b.size else node.W


def unit_columns(matrix: Array) -> Array:
    """Return the columns of a matrix at length 1, in float64; those without length are all the same."""
    columns = matrix.astype(float)
    # By the largest entry first: no square leaves the range.
    largest = np.abs(columns).max(axis=0)
    columns /= np.where(largest > 0.0, largest, 1.0)
    lengths = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    directions: Array = np.divide(columns, lengths, out=columns, where=lengths > 0.0)
    directions[0, lengths == 0.0] = 1.0
    return directions


def _against_full(subject: Subject, layer: Layer) -> tuple[float, float]:
    """Return ‖g‖/‖G‖ and the angle in degrees between the gradients of the batch (g) and of all samples (G)."""
    start = layer.linear.span.start
    full = subject.full_gradient()[start : start + layer.linear.W.size]
    batch = layer.linear.W_grad.reshape(-1) / subject.scale
    of_full, of_batch = _largest(full), _largest(batch)
    if not (0.0 < of_full < np.inf and 0.0 < of_batch < np.inf):
        return np.nan, np.nan
    G, g = full / of_full, batch / of_batch
    G_norm, g_norm = float(np.sqrt(G.dot(G))), float(np.sqrt(g.dot(g)))
    # atan2 of the parts across and along: the arc cosine loses half the digits near 0°.
    along = float(g.dot(G)) / (g_norm * G_norm)
    across = float(np.linalg.norm(g / g_norm - along * G / G_norm))
    return (of_batch / of_full) * (g_norm / G_norm), float(np.degrees(np.arctan2(across, along)))
