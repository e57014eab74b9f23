"""Dropout: how many are left out, by what the others are multiplied, and when the masks are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from engine_kit import Array, Rig, hold, network_of, small_network, source, turn

from gradflow.engine.activations import Tanh
from gradflow.engine.graph import Input, Phase
from gradflow.engine.layers import LayerSpec
from gradflow.engine.nodes import Dropout
from gradflow.engine.precision import PRECISIONS

rates = pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])


def dropped(rate: float, batch: int = 200, units: int = 100, seed: int = 0) -> tuple[Dropout, Rig]:
    """Return a dropout right on the data, which are all ones: its value is its mask."""
    data = Input(units)
    node = Dropout(data, rate, np.random.default_rng(seed))
    rig = Rig(node, batch)
    data.value[:] = 1.0
    return node, rig


@rates
def test_share_of_zeros_is_the_rate_within_five_standard_errors(rate: float) -> None:
    node, rig = dropped(rate)
    rig.graph.forward()
    zeros = np.count_nonzero(node.value == 0.0)
    n = node.value.size
    assert abs(zeros - n * rate) <= 5 * np.sqrt(n * rate * (1 - rate))
    # Each unit and each sample is left out on its own.
    for axis in (0, 1):
        share = (node.value == 0.0).mean(axis=axis)
        assert share.std() == pytest.approx(np.sqrt(rate * (1 - rate) / node.value.shape[axis]), rel=0.3)


@rates
def test_what_is_kept_is_multiplied_so_that_the_mean_stays(rate: float) -> None:
    node, rig = dropped(rate)
    rig.graph.forward()
    kept = node.value[node.value != 0.0]
    np.testing.assert_allclose(kept, 1.0 / (1.0 - rate), rtol=1e-15)
    error = np.sqrt(rate / (1 - rate) / node.value.size)
    assert abs(node.value.mean() - 1.0) <= 5 * error


@rates
def test_evaluation_changes_nothing(rate: float) -> None:
    node, rig = dropped(rate)
    rig.graph.set_phase(Phase.EVALUATE)
    node.inputs[0].value[:] = np.random.default_rng(1).standard_normal(node.value.shape)
    rig.graph.forward()
    np.testing.assert_array_equal(node.value, node.inputs[0].value)


def test_gradient_passes_where_the_signal_passed() -> None:
    below = source(50)
    node = Dropout(below, 0.5, np.random.default_rng(0))
    rig = Rig(node, batch=20)
    rig.turn()
    delta = 2 / 1000 * (node.value - rig.loss.targets)
    np.testing.assert_array_equal(below.grad == 0.0, node.value == 0.0)
    np.testing.assert_allclose(below.grad, delta * 2.0 * (node.value != 0.0), rtol=1e-14)


def test_masks_are_drawn_anew_in_training_and_kept_while_the_graph_holds_still() -> None:
    node, rig = dropped(0.5)
    seen: list[Array] = []
    for phase in (Phase.TRAIN, Phase.TRAIN, Phase.HOLD, Phase.HOLD, Phase.EVALUATE, Phase.HOLD, Phase.TRAIN):
        rig.graph.set_phase(phase)
        rig.graph.forward()
        seen.append(node.value.copy())
    first, second, held, again, _, after_evaluation, last = seen
    assert (first != second).mean() == pytest.approx(0.5, abs=0.05), "two masks differ in half their entries"
    for kept in (held, again, after_evaluation):
        np.testing.assert_array_equal(kept, second)
    assert (last != second).any()


def test_same_noise_gives_the_same_masks_and_another_seed_others() -> None:
    """The weights and the data do not depend on the noise."""

    def losses(noise: int) -> list[float]:
        network = network_of([LayerSpec(5, Tanh(), dropout=0.3)], 3, noise=noise)
        return [turn(network) for _ in range(4)]

    first = losses(noise=1)
    assert first == losses(noise=1)
    assert not set(first) & set(losses(noise=2))
    assert len(set(first)) == 4


def test_before_any_training_pass_a_held_network_has_all_its_units() -> None:
    network, whole = small_network(dropout=0.5), small_network()
    network.graph.set_phase(Phase.HOLD)
    assert network.forward() == whole.forward()


def test_layers_draw_masks_of_their_own() -> None:
    specs = [LayerSpec(40, dropout=0.5), LayerSpec(40, dropout=0.5)]
    network = network_of(specs, 40, batch=40)
    network.forward()
    one, two = (node for node in network.graph.order if isinstance(node, Dropout))
    assert ((one.value == 0) != (two.value == 0)).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_masks_are_drawn_in_any_precision(precision: str) -> None:
    network = network_of([LayerSpec(50, dropout=0.4)], 50, batch=50, precision=PRECISIONS[precision].part())
    turn(network)
    node = next(node for node in network.graph.order if isinstance(node, Dropout))
    assert (node.value == 0.0).mean() == pytest.approx(0.4, abs=0.05)


def test_held_gradient_is_that_of_the_masks_that_were_drawn_last() -> None:
    network = small_network(dropout=0.5, width=20)
    turn(network)
    trained = network.gradients.copy()
    network.graph.set_phase(Phase.HOLD)
    turn(network)
    np.testing.assert_array_equal(network.gradients, trained)
    network.graph.set_phase(Phase.TRAIN)
    hold(network)
    turn(network)
    assert (network.gradients != trained).any()
