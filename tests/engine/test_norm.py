"""Normalisations: what they make of a signal, running statistics, and the lengths they forget."""

from __future__ import annotations

import numpy as np
import pytest
from engine_kit import (
    Rig,
    distance,
    hold,
    load_random_batch,
    network_of,
    small_network,
    source,
    stir,
    turn,
    worst_error,
)

from gradflow.engine.activations import ReLU, Tanh
from gradflow.engine.graph import Phase
from gradflow.engine.layers import LayerSpec
from gradflow.engine.nodes import NORMS
from gradflow.engine.nodes.norm import EPSILON, Norm

every = pytest.mark.parametrize("name", NORMS)
shapes = pytest.mark.parametrize("shape", [5, (3, 2, 4)], ids=["row", "image"])


def norm_of(name: str, shape, batch: int = 6, seed: int = 0) -> tuple[Norm, Rig]:
    node = NORMS[name].part(source(shape))
    return node, Rig(node, batch, seed)


def axes_and_rows(name: str, node: Norm) -> tuple[int, tuple[int, ...]]:
    """Return over which axis of which matrix the norm averages: channels by everything else, or samples by units."""
    return (0, (-1, node.shape[-1])) if name == "batch-norm" else (1, (len(node.value), node.units))


@every
@shapes
def test_signal_is_normalised_then_scaled_and_shifted(name: str, shape) -> None:
    node, rig = norm_of(name, shape)
    rig.graph.forward()
    axis, rows = axes_and_rows(name, node)
    x = node.inputs[0].value.reshape(rows)
    mean = 0.0 if name == "rms-norm" else x.mean(axis, keepdims=True)
    expected = (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis, keepdims=True) + 1e-5)
    expected = expected * node.gamma + node.parameter_views.get("beta", 0.0)
    assert distance(node.value, expected.reshape(node.value.shape)) <= 1e-13
    assert EPSILON == 1e-5


@every
def test_norm_begins_plain(name: str) -> None:
    """γ = 1, β = 0: mean 0 and mean square 1 come out, whatever goes in."""
    network = network_of([LayerSpec(50, norm=name)], 4, batch=200)
    node = network.layers[0].norm
    assert node is not None
    network.input.value[:] = 100.0 * network.input.value + 7.0
    network.forward()
    axis, rows = axes_and_rows(name, node)
    out = node.value.reshape(rows)
    np.testing.assert_allclose((out**2).mean(axis), 1.0, rtol=1e-3)
    if name != "rms-norm":
        np.testing.assert_allclose(out.mean(axis), 0.0, atol=1e-9)


@every
@pytest.mark.parametrize("factor", [1e-1, 10.0])
def test_norm_forgets_the_length_of_the_weights_below_and_the_gradient_is_at_right_angles(
    name: str, factor: float
) -> None:
    """L(c·W) = L(W), so ∂L/∂W·W = 0 and ∂L/∂(c·W) = ∂L/∂W/c: the larger the weights, the smaller the gradient."""
    specs = [LayerSpec(8, Tanh(), norm=name)]
    network = network_of(specs, 200, batch=40)
    linear = network.layers[0].linear
    linear.b.fill(0.0)
    linear.W *= 50.0  # so that ε has no say
    loss = turn(network)
    before = linear.W_grad.copy()
    assert abs(np.vdot(before, linear.W)) <= 1e-6 * np.linalg.norm(before) * np.linalg.norm(linear.W)
    linear.W *= factor
    assert turn(network) == pytest.approx(loss, rel=1e-5)
    assert distance(linear.W_grad * factor, before) <= 1e-3


@every
@shapes
def test_gradients_of_gain_and_shift_are_sums_over_what_shares_them(name: str, shape) -> None:
    node, rig = norm_of(name, shape)
    rig.turn()
    columns = node.gamma.size
    delta = 2 / node.value.size * (node.value - rig.loss.targets)
    beta = node.parameter_views.get("beta", np.zeros(columns))
    normed = (node.value.reshape(-1, columns) - beta) / node.gamma
    assert distance(node.gamma_grad, (delta.reshape(-1, columns) * normed).sum(axis=0)) <= 1e-13
    if name != "rms-norm":
        assert distance(node.gradient_views["beta"], delta.reshape(-1, columns).sum(axis=0)) <= 1e-13


@every
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_gain_belongs_to_a_channel_for_batch_norm_and_to_a_unit_for_the_others(name: str, kind: str) -> None:
    network = network_of([LayerSpec(6, norm=name, kind=kind)], (5, 4, 2) if kind == "conv" else 3)
    node = network.layers[0].norm
    assert node is not None
    assert node.gamma.size == (6 if name == "batch-norm" else node.units)


# Batch norm and its running statistics


def test_running_statistics_approach_those_of_the_batches_by_a_tenth_each_time() -> None:
    """With the unbiased variance, as in PyTorch."""
    network = small_network("tanh", norm="batch-norm", skips=[None], batch=8)
    node = network.layers[0].norm
    assert node is not None
    mean, variance = np.zeros(5), np.ones(5)
    for seed in range(5):
        load_random_batch(network, np.random.default_rng(seed))
        network.forward()
        z = network.layers[0].linear.value
        mean = 0.9 * mean + 0.1 * z.mean(axis=0)
        variance = 0.9 * variance + 0.1 * z.var(axis=0, ddof=1)
        assert distance(node.state_views["running_mean"], mean) <= 1e-14
        assert distance(node.state_views["running_variance"], variance) <= 1e-14


@pytest.mark.parametrize("phase", [Phase.HOLD, Phase.EVALUATE])
def test_running_statistics_stand_still_outside_training(phase: Phase) -> None:
    network = small_network("tanh", norm="batch-norm")
    network.forward()
    state = network.state.copy()
    network.graph.set_phase(phase)
    turn(network)
    np.testing.assert_array_equal(network.state, state)


def test_held_batch_norm_uses_the_batch_and_evaluating_one_the_running_statistics() -> None:
    network = small_network("tanh", norm="batch-norm", batch=8)
    training = network.forward()
    network.graph.set_phase(Phase.HOLD)
    assert network.forward() == training
    network.graph.set_phase(Phase.EVALUATE)
    assert network.forward() != training
    node, z = network.layers[0].norm, network.layers[0].linear.value
    assert node is not None
    expected = (z - node.state_views["running_mean"]) / np.sqrt(node.state_views["running_variance"] + 1e-5)
    assert distance(node.value, expected) <= 1e-14


def test_gradient_in_evaluation_is_that_of_the_running_statistics() -> None:
    """They do not depend on the batch, so there is no way back through them; and nothing is left out."""
    network = stir(small_network("tanh", norm="batch-norm", dropout=0.4, batch=8))
    for _ in range(3):
        network.forward()
    worst = worst_error(network, np.random.default_rng(0), Phase.EVALUATE)
    assert worst is not None and worst <= 1.0


def test_evaluation_treats_each_sample_alone_and_training_does_not() -> None:
    network = small_network("tanh", norm="batch-norm", batch=4)
    network.forward()
    network.graph.set_phase(Phase.EVALUATE)
    network.forward()
    together, x = network.layers[-1].linear.value.copy(), network.input.value.copy()
    network.resize(1)
    for i in range(4):
        network.input.value[:] = x[i]
        network.forward()
        np.testing.assert_allclose(network.layers[-1].linear.value[0], together[i], rtol=1e-12)
    network.graph.set_phase(Phase.HOLD)
    network.forward()
    assert not network.layers[0].norm.value.any(), "a batch of one is its own mean"


@pytest.mark.parametrize("name", sorted(set(NORMS) - {"batch-norm"}))
def test_norms_over_a_sample_are_the_same_in_every_phase_and_batch_size(name: str) -> None:
    network = small_network("tanh", norm=name, batch=4)
    assert network.state.size == 0
    hold(network)
    network.forward()
    together, x = network.layers[-1].linear.value.copy(), network.input.value.copy()
    for phase in Phase:
        network.graph.set_phase(phase)
        for samples in (4, 1):
            network.resize(samples)
            network.input.value[:] = x[:samples]
            network.forward()
            np.testing.assert_allclose(network.layers[-1].linear.value, together[:samples], rtol=1e-12)


def test_running_variance_of_a_batch_of_one_is_a_number() -> None:
    network = small_network("tanh", norm="batch-norm", batch=1)
    turn(network)
    assert np.isfinite(network.state).all() and np.isfinite(network.gradients).all()


def test_constant_signal_is_normalised_to_zero_and_not_to_nan() -> None:
    for name in NORMS:
        network = small_network("relu", "zeros", norm=name, bias_scale=0.0)
        turn(network)
        assert np.isfinite(network.gradients).all()
        assert not network.layers[0].norm.value.any()


def test_batch_norm_with_relu_makes_the_gradient_grow_by_the_published_factor() -> None:
    """√(π/(π−1)) = 1.211 per layer at initialisation (Yang et al. 2019)."""
    factors = []
    for seed in range(4):
        specs = [LayerSpec(256, ReLU(), norm="batch-norm") for _ in range(12)]
        network = network_of(specs, 256, batch=256, seed=seed)
        turn(network)
        delta = [np.linalg.norm(layer.linear.grad) for layer in network.layers[:-1]]
        factors.append((delta[1] / delta[-1]) ** (1 / 10))
    assert np.mean(factors) == pytest.approx(np.sqrt(np.pi / (np.pi - 1)), rel=0.02)
