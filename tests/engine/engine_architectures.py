"""Random architectures for hypothesis: rows of units with every kind of joint, and small convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import hypothesis.strategies as st
import numpy as np
from engine_kit import network_of, stir

from gradflow.engine.activations import ACTIVATIONS, make_activation
from gradflow.engine.graph import Input, Shape
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.layers import Init, LayerSpec, chain
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Network
from gradflow.engine.nodes import NORMS
from gradflow.engine.precision import Precision

SLOPE = 0.2
INIT = Init(INITIALIZERS["xavier-normal"].part, bias_scale=0.3)

EXACT = tuple(name for name in ACTIVATIONS if not make_activation(name).surrogate)
"""The activations whose slope is their derivative."""


@dataclass(frozen=True)
class Architecture:
    """Everything that a network is made from."""

    inputs: Shape
    specs: tuple[LayerSpec, ...]
    last: LayerSpec
    loss: str
    batch: int
    seed: int

    def build(self, precision: Precision | None = None) -> Network:
        """Return the network, no parameter at a round number, with a random batch loaded."""
        network = network_of(
            self.specs, self.inputs, self.loss, INIT, self.batch, self.seed, precision=precision, last=self.last
        )
        return stir(network, self.seed)


@st.composite
def rows(
    draw: st.DrawFn,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    norms: Sequence[str] = tuple(NORMS),
    dropout: float = 0.0,
    most: int = 5,
    fewest: int = 1,
    losses: Sequence[str] = tuple(LOSSES),
) -> Architecture:
    """Draw a network of dense layers: skips from anywhere, joined in any style, pre- or post-activated.

    With `fewest` units and samples to average over, no norm divides rounding by rounding.
    """
    inputs = draw(st.integers(fewest, 6))
    specs: list[LayerSpec] = []
    for place in range(1, draw(st.integers(1, most)) + 1):
        spec = _learning(draw, activations, norms, dropout, st.integers(fewest, 6))
        specs.append(replace(spec, skip_from=draw(st.none() | st.integers(0, place - 1))))
    return _finished(draw, (inputs,), specs, activations, norms, fewest, losses)


@st.composite
def images(
    draw: st.DrawFn,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    norms: Sequence[str] = tuple(NORMS),
    dropout: float = 0.0,
    most: int = 4,
    fewest: int = 1,
    losses: Sequence[str] = tuple(LOSSES),
) -> Architecture:
    """Draw a network on small images: convolutions and pooling of any size that fits, flattened sooner or later."""
    inputs = draw(st.integers(3, 8)), draw(st.integers(3, 8)), draw(st.integers(fewest, 3))
    specs: list[LayerSpec] = []
    shapes: list[Shape] = [inputs]
    for place in range(1, draw(st.integers(1, most)) + 1):
        shape = shapes[-1]
        kinds = ["conv", "conv", "conv", "max-pool", "average-pool"] if len(shape) == 3 else ["dense"]
        if len(shape) == 3 and place > 1:
            kinds += ["conv", "flatten", "global-average", "dense"]
        kind = draw(st.sampled_from(kinds))
        smallest = min(shape[:2])
        if kind in ("dense", "conv"):
            spec = replace(_learning(draw, activations, norms, dropout, st.integers(fewest, 4)), kind=kind)
            if kind == "conv":
                padding = draw(st.integers(0, 2))
                kernels = [k for k in (1, 3, 5) if padding < k <= smallest + 2 * padding]
                kernel = draw(st.sampled_from(kernels or [1]))
                padding = min(padding, kernel - 1)
                spec = replace(spec, kernel=kernel, padding=padding, stride=draw(st.integers(1, 3)))
            spec = replace(spec, skip_from=draw(st.none() | st.integers(0, place - 1)))
        else:
            kernel = draw(st.integers(1, min(3, smallest))) if kind.endswith("pool") else 1
            spec = LayerSpec(kind=kind, kernel=kernel, stride=draw(st.integers(1, 3)))
        shape = _shape_after(inputs, [*specs, spec])
        if shape is None:
            spec = replace(spec, skip_from=None)
            shape = _shape_after(inputs, [*specs, spec])
        assert shape is not None
        specs.append(spec)
        shapes.append(shape)
    return _finished(draw, inputs, specs, activations, norms, fewest, losses)


def _learning(
    draw: st.DrawFn, activations: Sequence[str], norms: Sequence[str], dropout: float, units: st.SearchStrategy[int]
) -> LayerSpec:
    name = draw(st.none() | st.sampled_from(activations))
    return LayerSpec(
        units=draw(units),
        activation=make_activation(name, SLOPE) if name else None,
        norm=draw(st.none() | st.sampled_from(norms)) if norms else None,
        dropout=draw(st.sampled_from([0.0, dropout])),
        order=draw(st.sampled_from(["post", "pre"])),
        join=draw(st.sampled_from(["add", "add", "concat"])),
        join_before_activation=draw(st.booleans()),
        branch_scale=draw(st.sampled_from([1.0, 1.0, 0.5, -0.7, 0.0])),
    )


def _finished(
    draw: st.DrawFn,
    inputs: Shape,
    specs: list[LayerSpec],
    activations: Sequence[str],
    norms: Sequence[str],
    fewest: int,
    losses: Sequence[str],
) -> Architecture:
    last = draw(st.sampled_from([LayerSpec(), _learning(draw, activations, norms, 0.0, st.just(0))]))
    return Architecture(
        inputs=inputs,
        specs=tuple(specs),
        # An output layer is linear: what it bends, it bends before.
        last=replace(last, order="pre"),
        loss=draw(st.sampled_from(losses)),
        batch=draw(st.integers(1 + fewest, 4 + fewest)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def _shape_after(inputs: Shape, specs: Sequence[LayerSpec]) -> Shape | None:
    """Return the shape that these layers put out, None where they do not fit each other."""
    try:
        return chain(Input(inputs), specs, INIT, np.random.default_rng(0))[1].shape
    except ValueError:
        return None
