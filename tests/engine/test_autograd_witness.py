"""The tape of `gradflow.autograd` as a witness of its own: the engine's static graph must give the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from engine_kit import distance, small_network, turn

from gradflow import autograd
from gradflow.autograd import Variable, grad

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "sigmoid": autograd.sigmoid,
    "tanh": autograd.tanh,
    "relu": autograd.relu,
    "leaky-relu": lambda z: autograd.leaky_relu(z, 0.2),
    "softplus": autograd.softplus,
    "silu": lambda z: z * autograd.sigmoid(z),
    "erf": autograd.erf,
    "sine": autograd.sin,
}


def cross_entropy(z: Any, y: Any) -> Any:
    return -(y * autograd.log_softmax(z)).sum() / len(y)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mean-squared-error": lambda z, y: ((z - y) ** 2).mean(),
    "softmax-cross-entropy": cross_entropy,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_engine_and_tape_agree_on_every_gradient(activation: str, loss: str) -> None:
    network = small_network(activation, loss=loss, batch=6)
    value = turn(network)
    parameters = [
        tuple(Variable(layer.linear.parameter_views[name], requires_grad=True) for name in ("W", "b"))
        for layer in network.layers
    ]
    outputs: list[Any] = [Variable(network.input.value)]
    z_of_layers = []
    for layer, (W, b) in zip(network.layers, parameters, strict=True):
        z = outputs[-1] @ W + b
        z_of_layers.append(z)
        a = FUNCTIONS[activation](z) if layer is not network.layers[-1] else z
        skip = {3: 1, 4: 1}.get(len(outputs))
        outputs.append(a if skip is None else a + outputs[skip])
    total = LOSSES[loss](outputs[-1], network.loss.targets)
    assert total.item() == pytest.approx(value, rel=1e-12)

    wanted = [part for pair in parameters for part in pair]
    found = grad(total, [*wanted, *z_of_layers])
    theirs = [layer.linear.gradient_views[name] for layer in network.layers for name in ("W", "b")]
    theirs += [layer.linear.grad for layer in network.layers]
    for mine, other in zip(found, theirs, strict=True):
        assert mine is not None
        assert distance(mine.data, other) < 1e-12
