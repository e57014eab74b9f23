"""How networks differ for a batch: as for one sample where all samples are the same, less where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from gradflow.theory.batch_scatter import scatter_of_batch

from gradflow.engine.activations import make_activation
from gradflow.theory.moments import moments_of
from gradflow.theory.recursion import RandomLayer, follow

SAMPLES = 6


def chain(activation: str, square: float, depth: int = 8, width: int = 60) -> list[RandomLayer]:
    moments = moments_of(make_activation(activation))
    return [*[RandomLayer(width, square, 0.0, moments)] * depth, RandomLayer(10, square, 0.0, moments_of(None))]


def spreads(kernel: np.ndarray, gram: np.ndarray, layers: list[RandomLayer]) -> np.ndarray:
    """Return the standard deviation of ln‖δ‖² and ln‖∂L/∂W‖² in every layer."""
    logs = scatter_of_batch(kernel, gram, layers, np.random.default_rng(1), lambda: None)
    assert all(np.isfinite(found).all() for found in logs)
    return np.array([found.std(axis=1) for found in logs])


@pytest.mark.parametrize(("activation", "square"), [("tanh", 1.0), ("relu", 2.0), ("identity", 1.0), ("selu", 1.0)])
def test_samples_that_are_all_the_same_scatter_as_one(activation: str, square: float) -> None:
    layers, same = chain(activation, square), np.ones((SAMPLES, SAMPLES))
    one = follow(1.0, 60, layers)
    delta, gradient = spreads(same, same, layers)
    # 96 networks know their spread to 7 %.
    assert delta == pytest.approx(np.sqrt(one.delta_variance), rel=0.25, abs=1e-9)
    assert gradient == pytest.approx(np.sqrt(one.weight_grad_variance), rel=0.25)


@pytest.mark.parametrize(("activation", "square"), [("tanh", 1.0), ("identity", 1.0)])
def test_samples_with_nothing_in_common_average_their_deviations_out(activation: str, square: float) -> None:
    """δ of m unrelated samples deviates by the m-th part of one sample's variance."""
    layers, apart = chain(activation, square), np.eye(SAMPLES)
    alone = np.sqrt(follow(1.0, 60, layers).delta_variance)
    found = spreads(apart, apart, layers)[0]
    assert found[:-1] == pytest.approx(alone[:-1] / np.sqrt(SAMPLES), rel=0.3)
    assert found[-1] < 1e-9


def test_the_mean_over_networks_is_what_wide_layers_have() -> None:
    """E G_l of linear layers is G at the output, and E K the data's kernel, whatever the width."""
    layers, same = chain("identity", 1.0, width=400), np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    delta, gradient = scatter_of_batch(same, same, layers, np.random.default_rng(0), lambda: None)
    assert np.log(np.exp(delta).mean(axis=1)) == pytest.approx(np.log(3.0), abs=0.05)
    assert np.log(np.exp(gradient).mean(axis=1)) == pytest.approx(np.log(np.sum(same * same)), abs=0.1)


def test_small_gradients_do_not_underflow_and_deep_networks_can_be_given_up() -> None:
    layers, same = chain("identity", 1e-4, depth=60), np.ones((2, 2))
    delta, _ = scatter_of_batch(same, 1e-200 * same, layers, np.random.default_rng(0), lambda: None)
    assert np.isfinite(delta).all() and delta[0].max() < -1000.0

    def enough() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        scatter_of_batch(same, same, layers, np.random.default_rng(0), enough)
