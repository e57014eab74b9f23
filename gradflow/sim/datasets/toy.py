"""Toy sets: points drawn from a formula, mostly in the plane, where a decision boundary can be seen.

Positions are drawn before the noise and the noise is scaled afterwards, so with the same seed a change of `noise`
moves every point along a straight line instead of dealing new points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gradflow.sim.datasets.base import Dataset, dataset

Floats = npt.NDArray[np.float64]

DEFAULT_SAMPLES = 500


@dataset("two-moons", "Two moons")
def two_moons(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Two interleaving half circles: (cos t, sin t) and (1 - cos t, ½ - sin t), t uniform in [0, π].

    Not linearly separable, yet a small network bends its boundary in seconds.
    The set to start with; known from scikit-learn's make_moons.
    """
    label = _labels(samples, 2)
    t = rng.uniform(0, np.pi, label.size)
    upper = np.column_stack([np.cos(t), np.sin(t)])
    lower = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
    return _planar(np.where(label[:, None] == 0, upper, lower), label, ("upper moon", "lower moon"), noise, rng)


@dataset("circles", "Circles")
def circles(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Two concentric circles of radius 1 and ½: r·(cos t, sin t), t uniform in [0, 2π].

    No straight line helps: at least three hidden units are needed to enclose the inner circle.
    Use it to watch a closed boundary form; known from scikit-learn's make_circles.
    """
    label = _labels(samples, 2)
    t = rng.uniform(0, 2 * np.pi, label.size)
    return _planar(_polar(np.where(label == 0, 1.0, 0.5), t), label, ("outer", "inner"), noise, rng)


@dataset("spirals", "Spirals")
def spirals(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Two intertwined Archimedean spirals r = t/π, t in [π/2, 4π], half a turn and so one unit of length apart.

    Hard for shallow or badly initialised networks: use it to compare depth, activations and vanishing gradients.
    After Lang and Witbrock, Learning to tell two spirals apart, 1988 (theirs make three turns).
    """
    label = _labels(samples, 2)
    # Arc length grows like t², so t² uniform spreads the points evenly along the curve.
    t = np.sqrt(rng.uniform((np.pi / 2) ** 2, (4 * np.pi) ** 2, label.size))
    return _planar(_polar(t / np.pi, t + np.pi * label), label, ("first arm", "second arm"), noise, rng)


@dataset("xor", "XOR")
def xor(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Points uniform in the square [-1, 1]²; the class is whether the signs of x₁ and x₂ differ.

    The classic example of what a network without a hidden layer cannot learn (Minsky and Papert, Perceptrons, 1969).
    Use it to see symmetry break, or not, under different initialisations.
    """
    label = _labels(samples, 2)
    size = rng.uniform(0, 1, (label.size, 2))
    sign = rng.choice([-1.0, 1.0], label.size)
    signs = np.column_stack([sign, np.where(label == 0, sign, -sign)])
    return _planar(signs * size, label, ("same sign", "different sign"), noise, rng)


@dataset("blobs", "Blobs")
def blobs(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Three Gaussian clusters N(cⱼ, noise²·I), the centres cⱼ evenly spaced on the unit circle.

    Three classes in the plane, linearly separable for small noise: use it to see softmax and its gradients.
    Noise 0 puts each class on its centre.
    """
    label = _labels(samples, 3)
    centres = _polar(np.ones(3), np.pi / 2 + 2 * np.pi * np.arange(3) / 3)
    return _planar(centres[label], label, ("top", "left", "right"), noise, rng)


@dataset("sine", "Sine")
def sine(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Regression in one dimension: y = sin x + Gaussian noise, x uniform in [-2π, 2π].

    Two periods of a smooth curve: use it to see how activation and width shape a fitted function,
    and how noise is overfitted.
    """
    x = rng.uniform(-2 * np.pi, 2 * np.pi, (_size(samples), 1))
    return Dataset(x, np.sin(x) + noise * rng.standard_normal(x.shape), ("x",), ())


@dataset("chebyshev", "Chebyshev T₄")
def chebyshev(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Regression in one dimension: y = T₄(x) = 8x⁴ − 8x² + 1 + Gaussian noise, x evenly spaced in [-1, 1].

    With 20 samples, all of them in a batch, and tanh it is the toy on which Cohen et al. 2021 show the edge of
    stability: so small that the sharpness costs nothing.
    """
    x = np.linspace(-1.0, 1.0, _size(samples))[:, None]
    return Dataset(x, 8 * x**4 - 8 * x**2 + 1 + noise * rng.standard_normal(x.shape), ("x",), ())


def _size(samples: int | None) -> int:
    return DEFAULT_SAMPLES if samples is None else samples


def _labels(samples: int | None, classes: int) -> npt.NDArray[np.int64]:
    """Return labels 0, 1, .., 0, 1, ..: class sizes differ by at most one."""
    return np.arange(_size(samples), dtype=np.int64) % classes


def _polar(radius: Floats, angle: Floats) -> Floats:
    """Return the points (n, 2) at these polar coordinates."""
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _planar(
    points: Floats, label: npt.NDArray[np.int64], classes: tuple[str, ...], noise: float, rng: np.random.Generator
) -> Dataset:
    """Return the points (n, 2) with Gaussian noise added, as a data set."""
    return Dataset(points + noise * rng.standard_normal(points.shape), label, ("x₁", "x₂"), classes)
