"""Evaluation in pieces is evaluation of the whole, and leaves the training's buffers alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sim_kit import take, trainer

from gradflow.sim import build, evaluator
from gradflow.sim.evaluator import Evaluator

PIECE = Evaluator.PIECE


@pytest.mark.parametrize("data", ["two-moons", "blobs", "sine"])
@pytest.mark.parametrize("samples", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 60])
def test_score_and_outputs_in_pieces_equal_one_pass(data: str, samples: int) -> None:
    run = trainer({"data.name": data, "data.samples": samples, "data.validation_fraction": 0.0})
    x = run.split.x_train
    targets = build.encode_targets(run.split.y_train, run.split, run.loss_name)
    whole = run.network.twin()
    whole.allocate(samples, backward=False)
    whole.input.value[:], whole.loss.targets[:] = x, targets
    direct = whole.forward()
    loss, accuracy = run.evaluator.score(x, targets)
    assert math.isclose(loss, direct, rel_tol=1e-12)
    correct = whole.loss.correct()
    assert math.isnan(accuracy) if data == "sine" else accuracy == correct / samples
    np.testing.assert_allclose(run.evaluator.outputs(x), whole.layers[-1].linear.value, rtol=1e-12, atol=1e-14)


def test_nothing_to_score_is_nan() -> None:
    run = trainer()
    loss, accuracy = run.evaluator.score(np.empty((0, 2)), np.empty((0, 1)))
    assert math.isnan(loss)
    assert math.isnan(accuracy)


def test_scoring_leaves_values_and_gradients_of_the_training_alone() -> None:
    run = trainer()
    run.preview()
    kept = [(node.value.copy(), node.grad.copy()) for node in run.network.graph.order]
    gradients = run.network.gradients.copy()
    run.evaluator.outputs(np.ones((300, 2)))
    for node, (value, grad) in zip(run.network.graph.order, kept, strict=True):
        np.testing.assert_array_equal(node.value, value)
        np.testing.assert_array_equal(node.grad, grad)
    np.testing.assert_array_equal(run.network.gradients, gradients)


def test_outputs_follow_the_parameters_and_are_the_callers_own() -> None:
    run = trainer()
    x = np.ones((3, 2))
    before = run.evaluator.outputs(x)
    kept = before.copy()
    run.network.parameters[-1] += 1.0
    np.testing.assert_allclose(run.evaluator.outputs(x), kept + 1.0, rtol=1e-14)
    np.testing.assert_array_equal(before, kept)


NOISY: dict[str, Any] = {"network.norm": "batch-norm", "network.dropout": 0.5}


@pytest.mark.parametrize("samples", [40, 2 * PIECE + 60])
@pytest.mark.parametrize("changes", [{}, {"network.dropout": 0.5}, {"network.norm": "layer-norm"}], ids=str)
def test_gradient_in_pieces_is_that_of_the_mean_loss_over_all_samples(changes: dict[str, Any], samples: int) -> None:
    """Nothing is left out of it: what is compared with a mini-batch's gradient has no noise of its own."""
    run = trainer(changes | {"data.samples": samples, "data.validation_fraction": 0.0})
    x, targets = run.training_set
    whole = trainer(changes | {"data.samples": samples, "network.dropout": 0.0}).network
    whole.take_over(run.network.parameters)
    whole.allocate(samples)
    whole.input.value[:], whole.loss.targets[:] = x, targets
    whole.forward()
    whole.backward()
    np.testing.assert_allclose(run.evaluator.gradient(x, targets).flat, whole.gradients, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("samples", [40, 2 * PIECE + 60])
def test_batch_of_all_samples_has_no_noise_with_batch_norm_either(samples: int) -> None:
    """The pieces are as large as the batches, so that both gradients are those of the same loss."""
    changes = {"network.norm": "batch-norm", "training.batch_size": "all", "data.samples": samples}
    run = trainer(changes)
    run.preview()
    gradient = run.evaluator.gradient(*run.training_set).flat
    assert np.linalg.norm(gradient - run.network.gradients) <= 1e-12 * np.linalg.norm(gradient)


def test_pieces_of_a_large_network_are_smaller_and_leave_room_for_what_is_urgent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = trainer({"data.samples": 200})
    whole = run.evaluator.gradient(*run.training_set)
    monkeypatch.setattr(evaluator, "AT_ONCE", 30 * run.network.gradients.size)
    asked: list[None] = []
    found = Evaluator(run.network).gradient(*run.training_set, lambda: asked.append(None))
    assert len(asked) == -(-whole.samples // 30)
    np.testing.assert_allclose(found.flat, whole.flat, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(found.part_rms, whole.part_rms, rtol=1e-10)


def test_gradient_of_all_samples_is_no_step_and_no_statistic_of_the_training() -> None:
    run = trainer(NOISY)
    run.preview()
    kept = [vector.copy() for vector in (run.network.parameters, run.network.gradients, run.network.state)]
    first = run.evaluator.gradient(*run.training_set).flat
    np.testing.assert_array_equal(run.evaluator.gradient(*run.training_set).flat, first)
    for before, after in zip(kept, (run.network.parameters, run.network.gradients, run.network.state), strict=True):
        np.testing.assert_array_equal(after, before)


def test_evaluation_of_a_sample_does_not_depend_on_its_company() -> None:
    """Dropout is off and batch norm uses what it has seen in training: a network in use."""
    run = trainer(NOISY)
    take(run, 10)
    x = run.split.x_validation
    together = run.evaluator.outputs(x)
    alone = np.concatenate([run.evaluator.outputs(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_allclose(alone, together, rtol=1e-12)


def test_running_statistics_are_pytorchs_averages_of_the_batches() -> None:
    """running ← 0.9·running + 0.1·batch, with the unbiased variance."""
    run = trainer({"network.norm": "batch-norm", "network.depth": 1})
    norm = run.network.layers[0].norm
    assert norm is not None
    mean, variance = np.zeros(6), np.ones(6)
    for _ in zip(run.steps(), range(7), strict=False):
        z = run.network.layers[0].linear.value
        mean = 0.9 * mean + 0.1 * z.mean(axis=0)
        variance = 0.9 * variance + 0.1 * z.var(axis=0, ddof=1)
        np.testing.assert_allclose(norm.state_views["running_mean"], mean, rtol=1e-10)
        np.testing.assert_allclose(norm.state_views["running_variance"], variance, rtol=1e-10)
