"""Draws the weights and biases of one layer: one function per distribution, and `sample` to choose among them.

A random matrix has deviation `spread.std`; one that is not random is `spread.gain` times its pattern.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.initializers.spread import Distribution, Fans, Spread

Array = NDArray[np.float64]

CUT = 2.0
"""Where the truncated normal distribution ends, in deviations of the whole one."""

TRUNCATED_STD = math.sqrt(
    1.0 - CUT * math.sqrt(2.0 / math.pi) * math.exp(-(CUT**2) / 2.0) / math.erf(CUT / math.sqrt(2.0))
)
"""σ of N(0, 1) cut off at ±c: σ² = 1 − 2c·φ(c)/P(|x| < c) with the density φ; 0.8796… for c = 2."""

CONNECTIONS = 15
"""How many incoming weights of a unit are not zero in sparse initialisation (Martens 2010)."""


def sample(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    """Draw a weight matrix of shape `fans.shape`; raises ValueError for weights that are not drawn."""
    return _DRAWS[spread.distribution](spread, fans, rng)


def sample_bias(units: int, rng: np.random.Generator, std: float = 0.0, constant: float = 0.0) -> Array:
    """Draw biases from N(constant, std²); with σ = 0 they are the constant and `rng` is left as it was."""
    if std == 0.0:
        return np.full(units, constant, float)
    return rng.standard_normal(units) * std + constant


def _constant(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    return np.full(fans.shape, spread.gain)


def _normal(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    return rng.standard_normal(fans.shape) * spread.std


def _uniform(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    limit = float(np.sqrt(3.0)) * spread.std
    return rng.uniform(-limit, limit, fans.shape)


def _truncated_normal(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    """Draw again, until none is left, whatever lies beyond the cut: one draw in 22."""
    W = rng.standard_normal(fans.shape)
    beyond = np.abs(W) > CUT
    while count := np.count_nonzero(beyond):
        W[beyond] = rng.standard_normal(count)
        beyond = np.abs(W) > CUT
    return W * (spread.std / TRUNCATED_STD)


def _identity(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    """Connect output i to input i at the centre of the kernel, as far as there are both."""
    W = np.zeros(fans.shape)
    height, width = fans.kernel
    centre = (height // 2) * width + width // 2
    channels = np.arange(min(fans.inputs, fans.outputs))
    W[centre * fans.inputs + channels, channels] = spread.gain
    return W


def _orthogonal(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    """Return Q of a normal matrix A = Q·R, with the signs that make R's diagonal positive.

    Only with these signs every orthogonal matrix is equally likely (Mezzadri 2007): QR by itself prefers some.
    """
    rows, columns = fans.shape
    Q, R = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    Q *= np.copysign(spread.gain, np.diagonal(R))
    return Q if rows >= columns else Q.T


def _sparse(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    """Give every output a few inputs of its own choice; they carry all the variance of its column."""
    rows, columns = fans.shape
    connections = min(CONNECTIONS, rows)
    W = np.zeros(fans.shape)
    chosen = np.stack([rng.choice(rows, connections, replace=False, shuffle=False) for _ in range(columns)], axis=1)
    weights = rng.standard_normal(chosen.shape) * (spread.std * np.sqrt(rows / connections))
    np.put_along_axis(W, chosen, weights, axis=0)
    return W


def _saved(spread: Spread, fans: Fans, rng: np.random.Generator) -> Array:
    raise ValueError("saved weights are not drawn: they are read from the file of a saved run")


_DRAWS: dict[Distribution, Callable[[Spread, Fans, np.random.Generator], Array]] = {
    "constant": _constant,
    "normal": _normal,
    "uniform": _uniform,
    "truncated-normal": _truncated_normal,
    "identity": _identity,
    "orthogonal": _orthogonal,
    "sparse": _sparse,
    "saved": _saved,
}
