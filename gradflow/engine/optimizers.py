"""Optimisers: from the gradient to the direction of the step, a few lines each.

The step itself is always parameters −= learning_rate · direction, so the size of a layer's update can be read off the
direction before it is taken. What happens to the gradient before (clipping, weight decay) and to the parameters after
is in `update`. Every number is torch.optim's: the same hyperparameters take the same steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gradflow.registry import Registry

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Hyper:
    """The numbers of a step that may change while training; None is the optimiser's own default.

    `weight_decay` is λ, the pull of ½λ‖W‖²; `l1` that of l1·‖W‖₁. Every parameter is decayed, as torch does.
    """

    momentum: float = 0.0
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    weight_decay: float = 0.0
    l1: float = 0.0


class Optimizer:
    """The contract of an optimiser: a rule that works on pieces of the flat vectors and allocates nothing.

    The class attributes are the optimiser's own numbers (nan: it has none); `begin` replaces them for one step.
    """

    states: ClassVar[int] = 0
    """How many vectors it remembers from step to step."""

    decoupled: ClassVar[bool] = False
    """Whether weight decay joins the direction instead of the gradient (Loshchilov & Hutter 2019)."""

    momentum: float = math.nan
    beta1: float = math.nan
    beta2: float = math.nan
    epsilon: float = math.nan

    def __init__(self, size: int, dtype: DTypeLike = np.float64) -> None:
        """Start at rest; `dtype` is that of the parameters, float64 or float32."""
        self.memory: Array = np.zeros((self.states, size), dtype)
        self.step = 0

    def begin(self, hyper: Hyper) -> None:
        """Count the step and settle its numbers; called once, before the pieces."""
        own = type(self)
        self.step += 1
        self.momentum = hyper.momentum
        self.beta1 = own.beta1 if hyper.beta1 is None else hyper.beta1
        self.beta2 = own.beta2 if hyper.beta2 is None else hyper.beta2
        self.epsilon = own.epsilon if hyper.epsilon is None else hyper.epsilon

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        """Return the direction to walk against: `out`, filled, or `g` itself where that is the direction.

        All are pieces of one length and overlap nowhere; `memory` has a row per state, and `g` is only read.
        """
        raise NotImplementedError


OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer")
optimizer = OPTIMIZERS.register


def _average(mean: Array, x: Array, beta: float, scratch: Array) -> None:
    """Move an exponential moving average on: mean ← β·mean + (1−β)·x; `scratch` may be `x`."""
    np.multiply(x, 1.0 - beta, out=scratch)
    np.multiply(mean, beta, out=mean)
    np.add(mean, scratch, out=mean)


@optimizer("sgd", "SGD")
class SGD(Optimizer):
    """W ← W − η·v with v ← μ·v + ∂L/∂W (Polyak 1964; μ = momentum, 0 is plain gradient descent).

    The form of torch.optim.SGD. The update shrinks with the gradient: a layer whose gradient vanishes stands still.
    """

    states = 1
    momentum = 0.0

    def begin(self, hyper: Hyper) -> None:
        super().begin(hyper)
        if not hyper.momentum:
            self.step = 0  # so that momentum switched on again starts from rest

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        if not self.momentum:
            return g
        self._accelerate(g, memory[0])
        np.copyto(out, memory[0])
        return out

    def _accelerate(self, g: Array, v: Array) -> None:
        """v ← μ·v + g, from v = g at the first step."""
        if self.step == 1:
            np.copyto(v, g)
        else:
            np.multiply(v, self.momentum, out=v)
            np.add(v, g, out=v)


@optimizer("nesterov", "SGD, Nesterov momentum")
class Nesterov(SGD):
    """W ← W − η·(∂L/∂W + μ·v) with v ← μ·v + ∂L/∂W (Nesterov 1983; Sutskever et al. 2013).

    Looks one step of momentum ahead, which damps its swinging. torch.optim.SGD(nesterov=True); μ = 0 is plain SGD.
    """

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        if not self.momentum:
            return g
        self._accelerate(g, memory[0])
        np.multiply(memory[0], self.momentum, out=out)
        np.add(out, g, out=out)
        return out


@optimizer("rmsprop", "RMSProp")
class RMSProp(Optimizer):
    """W ← W − η·g/(√v+ε) with v ← β₂·v + (1−β₂)·g², g = ∂L/∂W (Tieleman & Hinton 2012, lecture 6.5).

    Each weight is divided by the size of its recent gradients. β₂ = 0.99, ε = 10⁻⁸ as torch.optim.RMSprop.
    """

    states = 1
    beta2 = 0.99
    epsilon = 1e-8

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        v = memory[0]
        np.square(g, out=scratch)
        _average(v, scratch, self.beta2, scratch)
        np.sqrt(v, out=out)
        np.add(out, self.epsilon, out=out)
        return np.divide(g, out, out=out)


@optimizer("adagrad", "Adagrad")
class Adagrad(Optimizer):
    """W ← W − η·g/(√v+ε) with v ← v + g², g = ∂L/∂W (Duchi, Hazan & Singer 2011).

    Each weight is divided by the size of all its gradients so far, so the steps only shrink. ε = 10⁻¹⁰ as
    torch.optim.Adagrad.
    """

    states = 1
    epsilon = 1e-10

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        v = memory[0]
        np.square(g, out=scratch)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=out)
        np.add(out, self.epsilon, out=out)
        return np.divide(g, out, out=out)


@optimizer("adam", "Adam")
class Adam(Optimizer):
    """W ← W − η·m̂/(√v̂+ε), m and v the moving averages of g and g² with β₁, β₂ (Kingma & Ba 2015, algorithm 1).

    m̂ = m/(1−β₁ᵏ) and v̂ = v/(1−β₂ᵏ) undo the start from 0. Every weight moves by about η however small its gradient:
    a vanishing gradient is hidden until it meets ε. β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸. Weight decay joins the gradient.
    """

    states = 2
    beta1 = 0.9
    beta2 = 0.999
    epsilon = 1e-8

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        m, v = memory
        _average(m, g, self.beta1, scratch)
        np.square(g, out=scratch)
        _average(v, scratch, self.beta2, scratch)
        np.sqrt(v, out=out)
        np.multiply(out, 1.0 / math.sqrt(1.0 - self.beta2**self.step), out=out)
        np.add(out, self.epsilon, out=out)
        np.divide(m, out, out=out)
        return np.multiply(out, 1.0 / (1.0 - self.beta1**self.step), out=out)


@optimizer("adamw", "AdamW")
class AdamW(Adam):
    """W ← W − η·(m̂/(√v̂+ε) + λ·W): Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    The decay λ is not divided by √v̂, so it pulls on every weight alike. The default choice for transformers.
    """

    decoupled = True


@optimizer("lion", "Lion")
class Lion(Optimizer):
    """W ← W − η·(sign(β₁·m + (1−β₁)·g) + λ·W), then m ← β₂·m + (1−β₂)·g, g = ∂L/∂W (Chen et al. 2023).

    Only the sign counts: every weight moves by exactly η, however small its gradient. Wants an η three to ten times
    smaller than Adam's. β₁ = 0.9, β₂ = 0.99; weight decay λ is decoupled.
    """

    states = 1
    decoupled = True
    beta1 = 0.9
    beta2 = 0.99

    def direction(self, g: Array, out: Array, memory: Array, scratch: Array) -> Array:
        m = memory[0]
        np.multiply(m, self.beta1, out=scratch)
        np.multiply(g, 1.0 - self.beta1, out=out)
        np.add(scratch, out, out=scratch)
        np.sign(scratch, out=out)  # in place numpy's sign takes five times as long
        _average(m, g, self.beta2, scratch)
        return out
