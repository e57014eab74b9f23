"""The dearer statistics of every layer, each a function from a network to one number per layer.

They look at a network whose batch has run forwards and backwards, and cost from one pass over the activations to a
gradient of the whole training set; each says so. They are taken when somebody looks, as often as a budget allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer
from gradflow.engine.nodes import Linear
from gradflow.registry import Registry
from gradflow.sim import noise
from gradflow.sim.condense import largest, mean_cosine, most_alike, offset, rms
from gradflow.sim.subject import Subject

Array = NDArray[Any]


Statistic = Callable[[Subject], Array]
STATISTICS: Registry[Statistic] = Registry("statistic")
statistic = STATISTICS.register

MOST_SAMPLES = 64
"""How many samples of a batch are compared with each other."""

SIZES = ("delta_rms", "delta_mean_size", "delta_max", "gradient_rms", "gradient_mean_size", "gradient_max")
"""How large single entries of δ and of ∂L/∂W are."""

SIGNAL = (
    "z_mean",
    "z_variance",
    "a_variance",
    "z_length",
    "a_length",
    "z_offset",
    "a_offset",
    "correlation",
    "zero_share",
    "delta_rms",
)
"""Those of the signal on its way forwards and back that cost no more than a look at the arrays."""


def take(subject: Subject, names: Iterable[str] = STATISTICS) -> dict[str, Array]:
    """Return these statistics of a network, by name; each has one number per layer, nan where it has no meaning."""
    with np.errstate(all="ignore"):
        measured = {name: np.asarray(STATISTICS[name].part(subject), float) for name in names}
    for values in measured.values():
        values.setflags(write=False)
    return measured


def _per_layer(subject: Subject, of: Callable[[Layer], float]) -> Array:
    found = []
    for layer in subject.layers:
        subject.give_way()
        found.append(of(layer))
    return np.array(found)


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
    return _per_layer(subject, lambda layer: rms(layer.linear.W_grad)) / subject.scale


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
    return _per_layer(subject, lambda layer: largest(layer.linear.W_grad)) / subject.scale


@statistic("delta_rms", "RMS δ")
def delta_rms(subject: Subject) -> Array:
    """The root mean square of the entries of δ = ∂L/∂z.

    Cost: two passes over δ.
    """
    return _per_layer(subject, lambda layer: rms(layer.linear.grad)) / subject.scale


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
    return _per_layer(subject, lambda layer: largest(layer.linear.grad)) / subject.scale


@statistic("delta_factor", "δ factor")
def delta_factor(subject: Subject) -> Array:
    """The factor ‖δₗ‖/‖δₗ₊₁‖ by which layer l+1 passes the gradient on; below 1 it vanishes towards the input.

    The output layer has none. In theory √χ = σ_w·√(E φ′²). Cost: two passes over δ.
    """
    norms = _per_layer(subject, lambda layer: rms(layer.linear.grad) * np.sqrt(layer.linear.grad.size))
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
    Cost: half a matrix product of units x inputs x units.
    """
    return _per_layer(subject, lambda layer: most_alike(incoming(layer.linear), subject.give_way))


@statistic("noise_ratio", "noise ratio")
def noise_ratio(subject: Subject) -> Array:
    """The norm of the mini-batch's ∂L/∂W over that of the gradient of all training samples: 1 means no noise.

    All samples are run without dropout, whose noise counts.
    Cost: the gradient of the whole training set, shared with the angle.
    """
    return _per_layer(subject, lambda layer: noise.of_layer(subject.network, subject.full_gradient(), layer)[0])


@statistic("noise_angle", "noise angle")
def noise_angle(subject: Subject) -> Array:
    """The angle in degrees between the mini-batch's ∂L/∂W and the gradient of all training samples: 90 is all noise.

    All samples are run without dropout, whose noise counts.
    Cost: the gradient of the whole training set, shared with the ratio.
    """
    return _per_layer(subject, lambda layer: noise.of_layer(subject.network, subject.full_gradient(), layer)[1])


@statistic("noise_scale", "noise scale")
def noise_scale(subject: Subject) -> Array:
    """The simple noise scale ℬ = tr Σ/|G|² of ∂L/∂W: the batch size at which noise and gradient are equally large.

    G is the gradient of all training samples and Σ the covariance of the gradients of single ones (McCandlish et al.
    2018); with batch norm, which ties samples together, Σ is estimated from batches. Cost: shared with the noise angle.
    """
    return noise.scales(subject.network, subject.full_gradient())


@statistic("z_length", "mean z²")
def z_length(subject: Subject) -> Array:
    """The mean square of the pre-activations z over batch and units: the length q of mean-field theory.

    Cost: three passes over z.
    """
    return _per_layer(subject, lambda layer: float(np.square(rms(layer.linear.value))))


@statistic("a_length", "mean a²")
def a_length(subject: Subject) -> Array:
    """The mean square of the activations a = φ(z) over batch and units.

    Cost: three passes over a.
    """
    return _per_layer(subject, lambda layer: float(np.square(rms(layer.output.value))))


@statistic("z_offset", "offset of z")
def z_offset(subject: Subject) -> Array:
    """The mean of z over its root mean square: 0 is centred, ±1 means that all numbers are the same.

    The variance is the share 1 − offset² of the mean square. Cost: three passes over z.
    """
    return _per_layer(subject, lambda layer: offset(layer.linear.value))


@statistic("a_offset", "offset of a")
def a_offset(subject: Subject) -> Array:
    """The mean of a over its root mean square: 0 is centred, ±1 means that all numbers are the same.

    Cost: three passes over a.
    """
    return _per_layer(subject, lambda layer: offset(layer.output.value))


@statistic("correlation", "correlation")
def correlation(subject: Subject) -> Array:
    """The mean cosine between the pre-activations z of two different samples: 1 means that the layer takes all inputs
    for the same, 0 that they have nothing in common.

    Over all pairs of the batch's first 64 samples; a sample whose z is zero has no direction. Cost: two passes over z.
    """
    return _per_layer(subject, lambda layer: mean_cosine(layer.linear.value[:MOST_SAMPLES]))


def incoming(node: Linear) -> Array:
    """Return what enters the units, a column for each: weights and bias.

    The bias belongs to it: with few inputs, weights alone are often parallel by chance.
    """
    return np.vstack([node.W, node.b[None, :]]) if node.b.size else node.W
