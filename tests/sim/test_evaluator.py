"""Evaluation in pieces is evaluation of the whole, and leaves the training's buffers alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sim_kit import trainer

from gradflow.sim import build
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
    np.testing.assert_allclose(run.evaluator.outputs(x), whole.layers[-1].dense.value, rtol=1e-12, atol=1e-14)


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
