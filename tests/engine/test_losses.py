"""Losses: values by hand, gradients in the tails, extremes, and what counts as correct."""

from __future__ import annotations

import math
import typing

import numpy as np
import pytest
from engine_kit import outputs_of, targets_for
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.graph import Node
from gradflow.engine.losses import LOSSES, Loss, Task, default_loss

every = pytest.mark.parametrize("name", LOSSES)


class Given(Node):
    """A source whose value is set by hand and whose gradient is read."""


def run(name: str, z: np.ndarray, y: np.ndarray) -> tuple[Loss, np.ndarray]:
    """Return the loss after both passes on logits `z` and targets `y`, and ∂L/∂z."""
    source = Given((), z.shape[1])
    loss = LOSSES[name].part(source)
    for node in (source, loss):
        node.allocate(len(z))
        node.resize(len(z))
    source.value[:], loss.targets[:] = z, y
    with np.errstate(all="ignore"):
        loss.forward()
        loss.backward()
    return loss, source.grad


@every
@pytest.mark.parametrize("size", [1000.0, 1e8])
def test_extreme_logits_give_finite_losses_and_gradients(name: str, size: float) -> None:
    outputs = outputs_of(LOSSES[name].part)
    for signs in (1.0, -1.0):
        z = signs * size * np.resize([1.0, -1.0], (4, outputs))
        loss, gradient = run(name, z, targets_for(LOSSES[name].part, 4, outputs, np.random.default_rng(0)))
        assert math.isfinite(loss.loss)
        assert np.isfinite(gradient).all()


@every
def test_numbers_that_are_not_finite_reach_the_loss(name: str) -> None:
    outputs = outputs_of(LOSSES[name].part)
    z = np.zeros((3, outputs))
    z[1, 0] = np.nan
    loss, _ = run(name, z, targets_for(LOSSES[name].part, 3, outputs, np.random.default_rng(0)))
    assert not math.isfinite(loss.loss)


@every
def test_mean_over_the_batch_not_the_sum(name: str) -> None:
    """Every sample twice: the same loss, and half the gradient per row."""
    rng = np.random.default_rng(0)
    outputs = outputs_of(LOSSES[name].part)
    z, y = rng.standard_normal((5, outputs)), targets_for(LOSSES[name].part, 5, outputs, rng)
    (once, gradient), (twice, halves) = run(name, z, y), run(name, np.tile(z, (2, 1)), np.tile(y, (2, 1)))
    assert twice.loss == pytest.approx(once.loss, rel=1e-14)
    np.testing.assert_allclose(np.tile(gradient, (2, 1)), 2 * halves, rtol=1e-13)


@every
def test_backward_leaves_predictions_and_targets_alone(name: str) -> None:
    rng = np.random.default_rng(1)
    outputs = outputs_of(LOSSES[name].part)
    z, y = rng.standard_normal((5, outputs)), targets_for(LOSSES[name].part, 5, outputs, rng)
    loss, _ = run(name, z, y)
    np.testing.assert_array_equal(loss.inputs[0].value, z)
    np.testing.assert_array_equal(loss.targets, y)


def test_mean_squared_error_averages_over_samples_and_outputs() -> None:
    loss, gradient = run("mean-squared-error", np.array([[1.0, 2.0], [3.0, 5.0]]), np.zeros((2, 2)))
    assert loss.loss == (1 + 4 + 9 + 25) / 4
    np.testing.assert_array_equal(gradient, [[0.5, 1.0], [1.5, 2.5]])


def test_untrained_classifier_starts_at_the_logarithm_of_the_number_of_classes() -> None:
    assert run("softmax-cross-entropy", np.zeros((4, 10)), np.eye(10)[:4])[0].loss == pytest.approx(math.log(10))
    assert run("binary-cross-entropy", np.zeros((4, 1)), np.ones((4, 1)))[0].loss == pytest.approx(math.log(2))


@given(z=st.floats(-700, 700), y=st.sampled_from([0.0, 1.0]))
@settings(max_examples=200, deadline=None)
def test_binary_cross_entropys_gradient_keeps_its_digits_in_both_tails(z: float, y: float) -> None:
    """σ(z) − y cancels where σ rounds to y; the exact value is ±σ(∓z), down to 1e-304."""
    _, gradient = run("binary-cross-entropy", np.array([[z]]), np.array([[y]]))
    away = z if y == 0.0 else -z
    exact = 1 / (1 + math.exp(-away)) if away >= 0 else math.exp(away) / (1 + math.exp(away))
    assert math.isclose(gradient[0, 0], exact if y == 0.0 else -exact, rel_tol=1e-13)


@pytest.mark.parametrize(("z", "y"), [(-40.0, 0.0), (40.0, 1.0)])
def test_binary_cross_entropys_loss_keeps_its_digits_where_the_network_is_right(z: float, y: float) -> None:
    """L = log(1 + e⁻⁴⁰) for a confident right answer of either class, as in PyTorch."""
    loss, _ = run("binary-cross-entropy", np.array([[z]]), np.array([[y]]))
    assert math.isclose(loss.loss, math.log1p(math.exp(-40.0)), rel_tol=1e-12)


def test_binary_cross_entropy_of_a_confident_wrong_answer_is_its_logit() -> None:
    assert run("binary-cross-entropy", np.array([[1000.0]]), np.zeros((1, 1)))[0].loss == 1000.0
    assert run("binary-cross-entropy", np.array([[-1000.0]]), np.ones((1, 1)))[0].loss == 1000.0


@given(st.floats(-1e6, 1e6))
@settings(max_examples=50, deadline=None)
def test_softmax_does_not_mind_a_constant_added_to_all_logits(shift: float) -> None:
    z, y = np.array([[0.5, -1.0, 2.0]]), np.array([[0.0, 0.0, 1.0]])
    (plain, gradient), (shifted, same) = run("softmax-cross-entropy", z, y), run("softmax-cross-entropy", z + shift, y)
    assert shifted.loss == pytest.approx(plain.loss, rel=1e-9)
    np.testing.assert_allclose(same, gradient, rtol=1e-8)
    assert abs(gradient.sum()) < 1e-15, "probabilities and targets both add up to 1"


def test_softmax_of_a_confident_wrong_answer_is_the_distance_of_the_logits() -> None:
    loss, gradient = run("softmax-cross-entropy", np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]]))
    assert loss.loss == 2000.0
    np.testing.assert_array_equal(gradient, [[1.0, -1.0]])


def test_correct_counts_the_samples_on_the_right_side() -> None:
    z = np.array([[2.0], [-1.0], [0.5], [-3.0]])
    assert run("binary-cross-entropy", z, np.array([[1.0], [1.0], [0.0], [0.0]]))[0].correct() == 2
    assert run("softmax-cross-entropy", np.hstack([z, -z]), np.eye(2)[[0, 0, 1, 1]])[0].correct() == 2
    assert run("mean-squared-error", z, np.array([[1.0], [1.0], [0.0], [0.0]]))[0].correct() == 3


@pytest.mark.parametrize("task", typing.get_args(Task))
def test_every_kind_of_data_has_a_default_loss_that_fits(task: Task) -> None:
    assert task in LOSSES[default_loss(task)].part.tasks


def test_defaults_are_the_usual_ones() -> None:
    assert [default_loss(task) for task in ("regression", "binary", "multiclass")] == [
        "mean-squared-error",
        "binary-cross-entropy",
        "softmax-cross-entropy",
    ]
