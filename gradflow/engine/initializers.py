"""Weight initialisers: how far the first weights spread.

Nearly all famous schemes are one sentence, `variance_scaling`: the standard deviation is gain/√n, and the schemes
differ in the gain and in what n counts. Each registered scheme only says how wide it spreads; `sample` draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradflow.registry import Registry

Mode = Literal["fan_in", "fan_out"]
Distribution = Literal["constant", "normal", "uniform"]


@dataclass(frozen=True)
class Fans:
    """What a scheme may look at: a layer's inputs and outputs, which of them n counts, and φ's negative slope."""

    inputs: int
    outputs: int
    mode: Mode = "fan_in"
    negative_slope: float = 0.0

    @property
    def n(self) -> int:
        """The fan chosen by `mode`."""
        return self.inputs if self.mode == "fan_in" else self.outputs


@dataclass(frozen=True)
class Spread:
    """A scheme's answer for one layer: the distribution, its standard deviation σ = gain/√n, and that gain and n.

    A constant has σ = 0 and its value in `gain`; where no n is involved, `n` is None.
    """

    distribution: Distribution
    std: float
    gain: float
    n: float | None = None


Scheme = Callable[[Fans], Spread]
INITIALIZERS: Registry[Scheme] = Registry("init scheme")
initializer = INITIALIZERS.register


def variance_scaling(gain: float, n: float, distribution: Distribution) -> Spread:
    """Return the spread with Var W = gain²/n."""
    return Spread(distribution, gain / np.sqrt(n), gain, n)


def rectifier_gain(negative_slope: float) -> float:
    """Return √(2/(1+a²)), which keeps the variance through a rectifier (He et al. 2015, eq. 15)."""
    return float(np.sqrt(2.0 / (1.0 + negative_slope**2)))


def sample(spread: Spread, fans: Fans, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a weight matrix of shape (inputs, outputs)."""
    shape = fans.inputs, fans.outputs
    if spread.distribution == "constant":
        return np.full(shape, spread.gain)
    if spread.distribution == "normal":
        return rng.standard_normal(shape) * spread.std
    limit = float(np.sqrt(3.0)) * spread.std
    return rng.uniform(-limit, limit, shape)


@initializer("zeros", "Zeros")
def zeros(fans: Fans) -> Spread:
    """W = 0.

    All units of a layer stay equal and no gradient passes below the output layer: nothing is learnt.
    """
    return Spread("constant", 0.0, 0.0)


@initializer("constant", "Constant")
def constant(fans: Fans) -> Spread:
    """W = 1, times the init scale.

    All units of a layer compute the same and receive the same gradient: symmetry is never broken.
    """
    return Spread("constant", 0.0, 1.0)


@initializer("normal", "Normal N(0, 1)")
def normal(fans: Fans) -> Spread:
    """W ~ N(0, 1), times the init scale: the scale is σ itself.

    Blind to the width, so the signal grows by about σ√n per layer.
    """
    return Spread("normal", 1.0, 1.0)


@initializer("uniform", "Uniform U(−1, 1)")
def uniform(fans: Fans) -> Spread:
    """W ~ U(−1, 1), times the init scale; σ = 1/√3.

    Blind to the width, like the normal scheme.
    """
    return Spread("uniform", 1.0 / np.sqrt(3.0), 1.0 / np.sqrt(3.0))


@initializer("standard-uniform", "Standard U(±1/√n)")
def standard_uniform(fans: Fans) -> Spread:
    """W ~ U(−1/√n, 1/√n), σ = 1/√(3n) with n = inputs.

    The "standard" of Glorot & Bengio 2010 (eq. 1), and the default of PyTorch's nn.Linear. Too small at depth:
    n·Var W = 1/3.
    """
    return variance_scaling(1.0 / np.sqrt(3.0), fans.inputs, "uniform")


@initializer("lecun-normal", "LeCun normal")
def lecun_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = 1/√n.

    Keeps the variance of a linear layer (LeCun et al. 1998, Efficient BackProp).
    """
    return variance_scaling(1.0, fans.n, "normal")


@initializer("lecun-uniform", "LeCun uniform")
def lecun_uniform(fans: Fans) -> Spread:
    """W ~ U(±√(3/n)), σ = 1/√n (LeCun et al. 1998)."""
    return variance_scaling(1.0, fans.n, "uniform")


@initializer("xavier-normal", "Xavier normal")
def xavier_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = √(2/(inputs + outputs)).

    The compromise between keeping the variance of activations and of gradients (Glorot & Bengio 2010, eq. 12).
    """
    return variance_scaling(1.0, (fans.inputs + fans.outputs) / 2, "normal")


@initializer("xavier-uniform", "Xavier uniform")
def xavier_uniform(fans: Fans) -> Spread:
    """W ~ U(±√(6/(inputs + outputs))), the same σ as Xavier normal (Glorot & Bengio 2010, eq. 16)."""
    return variance_scaling(1.0, (fans.inputs + fans.outputs) / 2, "uniform")


@initializer("he-normal", "He normal")
def he_normal(fans: Fans) -> Spread:
    """W ~ N(0, σ²), σ = √(2/((1+a²)·n)), a = the negative slope of a leaky ReLU, else 0.

    Keeps the variance through rectifiers (He et al. 2015, eqs. 10, 14, 15; "Kaiming" in PyTorch).
    """
    return variance_scaling(rectifier_gain(fans.negative_slope), fans.n, "normal")


@initializer("he-uniform", "He uniform")
def he_uniform(fans: Fans) -> Spread:
    """W ~ U(±√3·σ) with He's σ = √(2/((1+a²)·n)) (He et al. 2015)."""
    return variance_scaling(rectifier_gain(fans.negative_slope), fans.n, "uniform")
