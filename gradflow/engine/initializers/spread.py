"""What a scheme is asked (`Fans`) and what it answers (`Spread`), and the one sentence behind most of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gradflow.registry import Registry

Mode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["constant", "normal", "uniform", "truncated-normal", "identity", "orthogonal", "sparse", "saved"]


@dataclass(frozen=True)
class Fans:
    """What a scheme may look at: the layer's size, which fan n counts, and φ's negative slope and gain.

    `inputs` and `outputs` are units, for a convolution channels; `kernel` is (height, width), (1, 1) for a dense layer.
    """

    inputs: int
    outputs: int
    mode: Mode = "fan_in"
    negative_slope: float = 0.0
    kernel: tuple[int, int] = (1, 1)
    gain: float = 1.0

    @property
    def positions(self) -> int:
        """How many positions the kernel has."""
        return self.kernel[0] * self.kernel[1]

    @property
    def fan_in(self) -> int:
        """How many weights enter one output: k²·c for a convolution (He et al. 2015)."""
        return self.positions * self.inputs

    @property
    def fan_out(self) -> int:
        """How many weights leave one input."""
        return self.positions * self.outputs

    @property
    def fan_avg(self) -> float:
        """The mean of the two fans."""
        return (self.fan_in + self.fan_out) / 2

    @property
    def n(self) -> float:
        """The fan chosen by `mode`."""
        return {"fan_in": self.fan_in, "fan_out": self.fan_out, "fan_avg": self.fan_avg}[self.mode]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of W: one row per (kernel row, kernel column, input), one column per output."""
        return self.fan_in, self.outputs


@dataclass(frozen=True)
class Spread:
    """A scheme's answer for one layer: the distribution, its standard deviation σ = gain/√n, and that gain and n.

    What is not random has σ = 0 and its value in `gain`; where no n is involved, `n` is None. With `data_driven` the
    draw is only the start: the layer is then rescaled by what the data make of it.
    """

    distribution: Distribution
    std: float
    gain: float
    n: float | None = None
    data_driven: bool = False


Scheme = Callable[[Fans], Spread]
INITIALIZERS: Registry[Scheme] = Registry("init scheme")
initializer = INITIALIZERS.register


def variance_scaling(gain: float, n: float, distribution: Distribution) -> Spread:
    """Return the spread with Var W = gain²/n."""
    return Spread(distribution, gain / np.sqrt(n), gain, n)


def rectifier_gain(negative_slope: float) -> float:
    """Return √(2/(1+α²)), which keeps the variance through a rectifier (He et al. 2015, eq. 15)."""
    return float(np.sqrt(2.0 / (1.0 + negative_slope**2)))
