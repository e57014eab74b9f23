"""Residual networks at initialisation: x + α·V·φ(W·x), block after block.

Yang & Schoenholz 2017: the gradient grows like exp(Θ(√L)) with tanh and like exp(Θ(L)) with ReLU. Zhang et al. 2019
(Fixup): with V = 0 every block begins as the identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from literature_kit import draws, init
from recursion_kit import blocks

from gradflow.engine.activations import make_activation
from gradflow.engine.network import Init, LayerSpec, Network

LECUN, HE = init("lecun-normal"), init("he-normal")
WIDTH = 500


def residual(
    activation: str, depth: int, W: Init, V: Init, alpha: float = 1.0, width: int = WIDTH, count: int = 1
) -> Iterator[Network]:
    """Yield draws of blocks behind one layer that is the identity, each after its backward pass."""
    specs = [LayerSpec(width, init=init("identity"))]
    for block in range(depth):
        specs.append(LayerSpec(width, make_activation(activation), init=W))
        specs.append(LayerSpec(width, init=V, skip_from=2 * block + 1, branch_scale=alpha))
    for network in draws(count, width, specs, LECUN):
        network.forward()
        network.backward()
        yield network


def growth(networks: Iterable[Network]) -> float:
    """Return the decades that the gradient gains from the output to the input, averaged over draws."""
    gains = [
        np.log10(np.linalg.norm(network.layers[0].linear.grad) / np.linalg.norm(network.loss.targets))
        for network in networks
    ]
    return float(np.mean(gains))


def test_twenty_blocks_of_relu_gain_a_factor_of_a_thousand() -> None:
    """A17. √2 per block: 20·log₁₀ √2 = 3.01 decades."""
    found = growth(residual("relu", 20, HE, LECUN, count=3))
    assert found == pytest.approx(3.01, abs=0.1)


def test_he_on_both_layers_of_a_block_gains_root_three_each() -> None:
    found = growth(residual("relu", 20, HE, HE, count=3))
    assert found == pytest.approx(blocks("relu", 20, 2.0, 2.0).decades, abs=0.1)


@pytest.mark.slow
def test_a_hundred_blocks_of_tanh_gain_as_little_as_fifteen_of_relu() -> None:
    """A17. exp(Θ(√L)): tanh saturates while the sum grows, and the later blocks multiply by less and less."""
    assert growth(residual("tanh", 100, LECUN, LECUN)) == pytest.approx(2.29, abs=0.2)


@pytest.mark.parametrize("count", [16, 64])
def test_tanh_grows_with_the_root_of_the_depth(count: int) -> None:
    """As theory has it for any number of blocks."""
    found = growth(residual("tanh", count, LECUN, LECUN, width=200, count=3))
    assert found == pytest.approx(blocks("tanh", count, 1.0, 1.0).decades, abs=0.1)


def test_branches_scaled_by_one_over_the_root_of_the_depth_keep_the_gradient() -> None:
    """α = 1/√L: (1 + 1/L)^(L/2) → √e = 1.65 in all, 0.215 decades."""
    alpha = 50**-0.5
    found = growth(residual("relu", 50, HE, LECUN, alpha, width=100, count=40))
    assert found == pytest.approx(blocks("relu", 50, 2.0, 1.0, alpha).decades, abs=0.02)


# Blocks that begin as the identity


@pytest.mark.parametrize("depth", [1, 7, 50])
@pytest.mark.parametrize(("V", "alpha"), [(init("zeros"), 1.0), (LECUN, 0.0)], ids=["V=0", "alpha=0"])
def test_empty_branches_make_every_block_the_identity(V: Init, alpha: float, depth: int) -> None:
    """The signal comes out as it went in and so does the gradient, bit for bit."""
    network = next(residual("relu", depth, HE, V, alpha, width=40))
    out = network.loss.inputs[0]
    np.testing.assert_array_equal(out.value, network.input.value)
    np.testing.assert_array_equal(network.layers[0].linear.grad, network.loss.targets)
    assert growth([network]) == 0.0


def test_only_the_last_layers_of_the_branches_learn_at_first_with_fixup() -> None:
    """∂L/∂W = 0 exactly, behind V = 0: not a vanishing gradient, since ∂L/∂V of every block is the same size."""
    network = next(residual("relu", 10, HE, init("zeros"), width=40))
    W_layers, V_layers = network.layers[1::2], network.layers[2::2]
    assert not any(layer.linear.W_grad.any() for layer in W_layers)
    for layer in V_layers:
        np.testing.assert_array_equal(layer.linear.grad, network.loss.targets)
        branch = np.linalg.norm(layer.linear.inputs[0].value)
        expected = branch * np.linalg.norm(network.loss.targets)
        assert np.linalg.norm(layer.linear.W_grad) == pytest.approx(expected, rel=1e-12)
