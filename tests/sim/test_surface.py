"""The picture of what a network computes: planes, lines, and the plane of the principal components."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sim_kit import small, trainer

from gradflow.sim import build, surface
from gradflow.sim.config import Data
from gradflow.sim.datasets import DATASETS
from gradflow.sim.details import Surface

Outputs = Callable[[np.ndarray], np.ndarray]


def picture(data: str, outputs: Outputs, loss: str, samples: int | str = 60) -> tuple[Surface, Data]:
    chosen = small({"data.name": data, "data.samples": samples}).data
    return surface.measure(outputs, chosen, 0, loss), chosen


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_a_surface(name: str) -> None:
    run = trainer({"data.name": name})
    result = surface.measure(run.evaluator.outputs, run.experiment.data, run.experiment.seed, run.loss_name)
    assert np.isfinite(result.outputs).all()
    assert result.margin.shape == result.outputs.shape
    assert ((result.margin >= 0) & (result.margin <= 1)).all()
    assert result.points.shape == (len(run.split.x_train), 2)
    assert len(result.labels) == len(result.points)
    assert 0 < result.explained <= 1 + 1e-12
    if run.split.dataset.classes:
        assert set(np.unique(result.outputs)) <= set(range(len(run.split.dataset.classes)))
    for values, coordinate in ((result.x, result.points[:, 0]), (result.y, result.points[:, 1])):
        if values.size:
            assert values.min() < coordinate.min() <= coordinate.max() < values.max(), "all points are in the picture"


def test_rows_are_the_second_coordinate_and_columns_the_first() -> None:
    """A network that says yes where x₁ > 0.3: the picture must be split by a vertical line there."""
    result, _ = picture("two-moons", lambda x: 8 * (x[:, :1] - 0.3), "binary-cross-entropy")
    assert result.outputs.shape == (len(result.y), len(result.x))
    np.testing.assert_array_equal(result.outputs, np.tile((result.x > 0.3).astype(float), (len(result.y), 1)))
    np.testing.assert_allclose(result.margin[5], np.abs(2 / (1 + np.exp(-8 * (result.x - 0.3))) - 1), atol=1e-12)


def test_planar_data_is_shown_as_it_is() -> None:
    result, data = picture("spirals", lambda x: x[:, :1], "binary-cross-entropy")
    split = build.load_data(data, 0)
    np.testing.assert_array_equal(result.points, split.x_train)
    np.testing.assert_array_equal(result.labels, split.y_train)
    assert result.explained == 1.0
    assert result.axes == ("x₁ (standardised)", "x₂ (standardised)")


def test_one_input_is_shown_as_a_line_over_it() -> None:
    result, data = picture("sine", lambda x: 3 * x + 1, "mean-squared-error")
    split = build.load_data(data, 0)
    np.testing.assert_allclose(result.outputs, 3 * result.x + 1, rtol=1e-14)
    assert result.y.size == 0
    np.testing.assert_array_equal(result.points, np.hstack([split.x_train, split.y_train]))


def test_many_inputs_are_shown_on_their_principal_plane() -> None:
    asked: list[np.ndarray] = []

    def outputs(x: np.ndarray) -> np.ndarray:
        asked.append(x.copy())
        return np.zeros((len(x), 3))

    result, data = picture("iris", outputs, "softmax-cross-entropy", "all")
    x = build.load_data(data, 0).x_train
    centred = x - x.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    assert result.explained == pytest.approx((singular[:2] ** 2).sum() / (singular**2).sum(), rel=1e-10)
    np.testing.assert_allclose(np.linalg.norm(result.points, axis=0), singular[:2], rtol=1e-10)
    # The grid lies in a plane through the mean, and keeps distances: one step in x is one step in input space.
    grid = asked[0].reshape(len(result.y), len(result.x), 4)
    assert np.linalg.matrix_rank(asked[0] - x.mean(axis=0), tol=1e-8) == 2
    np.testing.assert_allclose(np.linalg.norm(grid[0, 1] - grid[0, 0]), result.x[1] - result.x[0], rtol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(grid[1, 0] - grid[0, 0]), result.y[1] - result.y[0], rtol=1e-10)


def test_winning_class_and_margin_of_a_softmax() -> None:
    """p = (⅔, ¼, 1/12): class 0 wins by 5/12."""
    p = np.array([2 / 3, 1 / 4, 1 / 12])
    result, _ = picture("blobs", lambda x: np.tile(np.log(p) + 700.0, (len(x), 1)), "softmax-cross-entropy")
    assert (result.outputs == 0).all()
    np.testing.assert_allclose(result.margin, 5 / 12, rtol=1e-10)


def test_squared_error_on_classes_is_read_as_targets_of_zero_and_one() -> None:
    result, _ = picture("two-moons", lambda x: np.full((len(x), 1), 0.75), "mean-squared-error")
    assert (result.outputs == 1).all()
    np.testing.assert_allclose(result.margin, 0.5)
    result, _ = picture("blobs", lambda x: np.tile([0.1, 0.9, 0.3], (len(x), 1)), "mean-squared-error")
    assert (result.outputs == 1).all()
    np.testing.assert_allclose(result.margin, 0.6)


def test_a_network_that_has_blown_up_still_has_a_picture() -> None:
    for value in (np.nan, np.inf, -np.inf, 1e308):
        result, _ = picture("blobs", lambda x, value=value: np.full((len(x), 3), value), "softmax-cross-entropy")
        assert result.outputs.shape == (len(result.y), len(result.x))
