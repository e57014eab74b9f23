"""Forward mode: the tangents of all values along one direction of the parameters, in one pass from the input on.

If the parameters move as θ + t·h, every node's value moves with the velocity ẏ = dy/dt at t = 0. Each kind of node has
its own rule to get it from the velocities of its inputs: exact, as backprop is, and without any step size. At the loss
it is the directional derivative ∇L·h, a Jacobian–vector product.
"""

from __future__ import annotations

from functools import singledispatch
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node, ParameterNode, split
from gradflow.engine.losses import Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import (
    Activate,
    Add,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    LearnableActivate,
    Norm,
)
from gradflow.engine.nodes.norm import EPSILON, BatchNorm, RMSNorm
from gradflow.engine.nodes.pool import AveragePool, GlobalAverage, MaxPool

Array = NDArray[Any]
Tangents = list[Array]
Parts = dict[str, Array]


def tangents(network: Network, direction: Array) -> dict[Node, Array]:
    """Return the velocity of every node's value, the loss's as an array of one number, along a flat direction.

    For the batch that is loaded, whose own statistics batch norm always takes; the network must hold still. Runs it
    once forwards.
    """
    network.forward()
    moving: dict[Node, Array] = {network.input: np.zeros_like(network.input.value)}
    for node in network.graph.order:
        if node is not network.input:
            parts = split(direction[node.span], node.parameter_shapes) if isinstance(node, ParameterNode) else {}
            moving[node] = _velocity(node, [moving[source] for source in node.inputs], parts)
    return moving


@singledispatch
def _velocity(node: Node, inputs: Tangents, parts: Parts) -> Array:
    """Return the velocity of a node's value from those of its inputs and of its parameters."""
    raise NotImplementedError(f"forward mode does not know {type(node).__name__}")


@_velocity.register
def _(node: Loss, inputs: Tangents, parts: Parts) -> Array:
    # The way back through the loss alone: ∂L/∂z · ż.
    node.backward()
    return np.array([float(np.vdot(node.inputs[0].grad, inputs[0]))])


@_velocity.register
def _(node: Dense, inputs: Tangents, parts: Parts) -> Array:
    moved: Array = inputs[0] @ node.W + node.inputs[0].value @ parts["W"]
    return moved + parts["b"] if "b" in parts else moved


@_velocity.register
def _(node: Conv, inputs: Tangents, parts: Parts) -> Array:
    # The same windows and products with ẋ and W, then with x and Ẇ.
    source, W, b = node.inputs[0], node.W.copy(), node.b.copy()
    x, value = source.value.copy(), node.value.copy()
    source.value[:] = inputs[0]
    node.b.fill(0.0)
    node.forward()
    moved = node.value.copy()
    source.value[:] = x
    node.W[:] = parts["W"]
    if "b" in parts:
        node.b[:] = parts["b"]
    node.forward()
    moved += node.value
    node.W[:], node.b[:], node.value[:] = W, b, value
    return moved


@_velocity.register
def _(node: Activate, inputs: Tangents, parts: Parts) -> Array:
    slope = np.empty_like(node.value)
    node.write_slope(slope)
    return slope * inputs[0]


@_velocity.register
def _(node: LearnableActivate, inputs: Tangents, parts: Parts) -> Array:
    slope = np.empty_like(node.value)
    node.write_slope(slope)
    below = np.minimum(node.inputs[0].value, 0.0).reshape(-1, node.shape[-1])
    moved: Array = slope * inputs[0] + (below * parts["a"]).reshape(slope.shape)
    return moved


@_velocity.register
def _(node: Norm, inputs: Tangents, parts: Parts) -> Array:
    over_batch = isinstance(node, BatchNorm)
    rows = (-1, node.shape[-1]) if over_batch else (-1, node.units)
    axis = 0 if over_batch else 1
    x, moving = node.inputs[0].value.reshape(rows), inputs[0].reshape(rows)
    if not isinstance(node, RMSNorm):
        x, moving = x - x.mean(axis, keepdims=True), moving - moving.mean(axis, keepdims=True)
    inverse = 1.0 / np.sqrt(np.mean(x * x, axis=axis, keepdims=True) + EPSILON)
    normed = x * inverse
    # ẋ̂ = (ẋ − x̂·mean(x̂·ẋ))/√(σ² + ε), both without their means.
    moved = inverse * (moving - normed * np.mean(normed * moving, axis=axis, keepdims=True))
    out: Array = moved * node.gamma + normed * parts["gamma"]
    return (out + parts["beta"] if "beta" in parts else out).reshape(node.value.shape)


@_velocity.register
def _(node: Dropout, inputs: Tangents, parts: Parts) -> Array:
    return inputs[0] * node.mask


@_velocity.register
def _(node: Flatten, inputs: Tangents, parts: Parts) -> Array:
    return inputs[0]


@_velocity.register
def _(node: Add, inputs: Tangents, parts: Parts) -> Array:
    return inputs[0] + node.scale * inputs[1]


@_velocity.register
def _(node: Concatenate, inputs: Tangents, parts: Parts) -> Array:
    places = prod(node.shape[:-1])
    pieces = [part.reshape(len(part), places, -1) for part in inputs]
    return np.concatenate(pieces, axis=2).reshape(node.value.shape)


@_velocity.register(AveragePool)
@_velocity.register(GlobalAverage)
def _(node: Node, inputs: Tangents, parts: Parts) -> Array:
    # Linear: what it does to values it does to velocities.
    source = node.inputs[0]
    x, value = source.value.copy(), node.value.copy()
    source.value[:] = inputs[0]
    node.forward()
    moved = node.value.copy()
    source.value[:], node.value[:] = x, value
    return moved


@_velocity.register
def _(node: MaxPool, inputs: Tangents, parts: Parts) -> Array:
    (largest,) = node.kink_sides()
    image = inputs[0].reshape(-1, *node.inputs[0].shape)
    candidates = np.stack(list(node.offsets(image)))
    moved: Array = np.take_along_axis(candidates, largest[None], axis=0)[0]
    return moved.reshape(node.value.shape)
