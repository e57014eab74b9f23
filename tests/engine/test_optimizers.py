"""Optimisers and the step: exactly W − ηg, whatever the size of the network."""

from __future__ import annotations

import numpy as np
import pytest
from engine_kit import small_network, turn

from gradflow.engine.optimizers import OPTIMIZERS, SGD, Step

every = pytest.mark.parametrize("name", OPTIMIZERS)


def test_one_step_of_sgd_moves_every_weight_and_every_bias_exactly_once() -> None:
    """W − ηg and b − ηg_b bit for bit; a bias is not moved once per incoming weight."""
    network = small_network(width=6)
    turn(network)
    before = [(layer.dense.W.copy(), layer.dense.b.copy()) for layer in network.layers]
    Step(network.parameters).take(SGD(network.parameters.size).direction(network.gradients, 0.0), 0.3)
    for layer, (W, b) in zip(network.layers, before, strict=True):
        np.testing.assert_array_equal(layer.dense.W, W - 0.3 * layer.dense.W_grad)
        np.testing.assert_array_equal(layer.dense.b, b - 0.3 * layer.dense.b_grad)
        assert (layer.dense.b != b).any()


@pytest.mark.parametrize("size", [1, Step.PIECE - 1, Step.PIECE, Step.PIECE + 1, 3 * Step.PIECE + 5])
def test_pieces_of_a_step_add_up_to_the_whole(size: int) -> None:
    rng = np.random.default_rng(0)
    parameters, direction = rng.standard_normal((2, size))
    expected = parameters - 0.1 * direction
    Step(parameters).take(direction, 0.1)
    np.testing.assert_array_equal(parameters, expected)


def test_first_ten_steps_of_momentum_equal_a_hand_reference() -> None:
    """v ← μ·v + g from v = 0, W ← W − η·v."""
    optimizer, rng = SGD(3), np.random.default_rng(0)
    ours, w, v = np.ones(3), np.ones(3), np.zeros(3)
    step = Step(ours)
    for _ in range(10):
        g = rng.standard_normal(3)
        step.take(optimizer.direction(g, 0.9), 0.1)
        v = 0.9 * v + g
        w = w - 0.1 * v
        np.testing.assert_allclose(ours, w, rtol=1e-14)


def test_momentum_switched_off_and_on_again_starts_from_rest() -> None:
    optimizer, g = SGD(2), np.ones(2)
    optimizer.direction(g, 0.9)
    assert optimizer.direction(g, 0.9)[0] == 1.9
    assert optimizer.direction(g, 0.0) is g
    assert optimizer.direction(g, 0.9)[0] == 1.0


@every
def test_direction_does_not_change_the_gradient_it_is_given(name: str) -> None:
    optimizer = OPTIMIZERS[name].part(4)
    for momentum in (0.0, 0.9, 0.9):
        gradient = np.array([1.0, -2.0, 3e-200, 0.0])
        optimizer.direction(gradient, momentum)
        np.testing.assert_array_equal(gradient, [1.0, -2.0, 3e-200, 0.0])


@every
def test_every_optimiser_walks_downhill_on_a_bowl(name: str) -> None:
    """L = ½‖w‖²: after enough small steps the loss has fallen at least a hundredfold."""
    w = np.array([3.0, -2.0])
    optimizer, step = OPTIMIZERS[name].part(2), Step(w)
    for _ in range(300):
        step.take(optimizer.direction(w.copy(), 0.5), 0.05)
    assert w @ w < 13 / 100


@pytest.mark.parametrize(("rate", "grows"), [(1.99, False), (2.01, True)])
def test_plain_descent_on_a_parabola_diverges_beyond_two_over_the_curvature(rate: float, grows: bool) -> None:
    """θ ← (1 − ηλ)θ is stable for η < 2/λ only."""
    w = np.ones(1)
    optimizer, step = SGD(1), Step(w)
    for _ in range(500):
        step.take(optimizer.direction(w.copy(), 0.0), rate)
    assert (abs(w[0]) > 1) == grows
