"""The units of every layer: which are dead, saturated or alike, what chance predicts, and one of them close up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sim_kit import small

from gradflow.engine.activations import ACTIVATIONS
from gradflow.sim.details import Want
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.sim.twins import ALIKE, parallel
from gradflow.sim.unit_curve import portray
from gradflow.sim.units import MOST_NUMBERS, Units, UnitState, measure


def measured(changes: dict[str, Any] | None = None, steps: int = 0) -> tuple[Run, Units]:
    run = Run(small(changes))
    for _ in range(steps + 1):
        run.advance()
    units = run.measure({Want.UNITS}).units
    assert units is not None
    return run, units


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_dead_and_saturated_shares_are_those_of_every_step(name: str) -> None:
    """The probe counts by sums and biases, this looks at φ′ itself: two ways to one number."""
    run, units = measured({"network.activation": name, "network.depth": 6, "init.scale": 3.0}, steps=2)
    for layer in range(len(run.trainer.topology.layers)):
        span, stats = units.span(layer), run.snapshot
        dead, saturated = stats.stat(Stat.DEAD)[layer], stats.stat(Stat.SATURATED)[layer]
        zero = np.mean(units.zero[span] == 1.0) if units.curve_of[layer] >= 0 else np.nan
        np.testing.assert_allclose(zero, dead, atol=1e-12)
        np.testing.assert_allclose(units.saturated[span].mean(), saturated, atol=1e-12)


def test_mean_and_deviation_are_those_of_what_the_unit_receives() -> None:
    run, units = measured({"network.norm": "batch-norm"})
    layer = run.trainer.network.layers[1]
    assert layer.activate is not None
    z = layer.activate.inputs[0].value
    np.testing.assert_allclose(units.mean[units.span(1)], z.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(units.std[units.span(1)], z.std(axis=0))
    np.testing.assert_array_equal(units.z[1], z)
    np.testing.assert_array_equal(units.a[1], layer.activate.value)


def test_activity_is_one_for_a_linear_unit_and_falls_with_saturation() -> None:
    _, linear = measured({"network.activation": "identity"})
    np.testing.assert_allclose(linear.activity[: linear.starts[-2]], 1.0)
    assert np.isnan(linear.activity[linear.span(3)]).all()
    quiet, loud = (measured({"init.scale": scale})[1].activity[:18].mean() for scale in (0.01, 5.0))
    assert quiet > 0.99 and loud < 0.5


def test_a_unit_on_the_plateau_most_of_the_time_is_saturated_and_one_without_slope_is_dead() -> None:
    run, _ = measured()
    layer = run.trainer.network.layers[0]
    layer.linear.b[1] = -100.0
    layer.linear.W[:, 2] *= 10.0
    run.trainer.network.forward()
    units = measure(run.trainer.network)
    assert units.state[0] == UnitState.HEALTHY
    assert units.state[1] == UnitState.DEAD
    assert units.state[2] == UnitState.SATURATED and 0.5 < units.saturated[2] <= 1.0 > units.zero[2]


@pytest.mark.parametrize("precision", ["float64", "float32", "float16"])
def test_units_of_equal_weights_are_alike_in_any_precision(precision: str) -> None:
    _, units = measured({"init.scheme": "constant", "training.precision": precision, "data.name": "digits"}, steps=2)
    assert units.counts()[UnitState.ALIKE] >= 18
    first = units.twin[units.span(0)]
    assert (first >= 0).all() and (first != np.arange(6)).all()
    _, drawn = measured({"training.precision": precision, "data.name": "digits"}, steps=2)
    assert drawn.counts()[UnitState.ALIKE] == 0


def test_twins_are_found_wherever_they_are_and_whatever_their_sign_and_length(columns: int = 300) -> None:
    """Against the comparison of every column with every other."""
    rng = np.random.default_rng(5)
    for rows in (2, 20, 200):
        matrix = rng.normal(size=(rows, columns))
        for one, other, factor in ((3, 250, 2.0), (17, 18, -1e-8), (40, 41, 1e6), (41, 299, -1.0)):
            matrix[:, other] = factor * matrix[:, one]
        matrix[:, [100, 200]] = 0.0
        matrix[:, 60] = matrix[:, 61] * (1 + 1e-4 * rng.normal(size=rows))
        matrix[0, 70] = np.nan
        lengths = np.linalg.norm(matrix, axis=0)
        cosines = np.abs(matrix.T @ matrix) / np.outer(lengths, lengths).clip(1e-300)
        np.fill_diagonal(cosines, 0.0)
        cosines[100, 200] = cosines[200, 100] = 1.0
        expected = (cosines > ALIKE).any(axis=1)
        found = parallel(matrix)
        np.testing.assert_array_equal(found >= 0, expected)
        assert (cosines[np.flatnonzero(expected), found[expected]] > ALIKE).all()
        assert expected[[3, 17, 18, 40, 41, 100, 200, 250, 299]].all() and not expected[70]
        # Weights that are only similar are two; with two inputs some pair is parallel by chance.
        assert rows == 2 or not expected[60]


def test_with_one_input_only_units_whose_outgoing_weights_agree_too_are_alike() -> None:
    """Without biases all units of one input are parallel; training tells them apart, because their outputs differ."""
    one_input = {"data.name": "sine", "init.bias_scale": 0.0}
    _, drawn = measured(one_input)
    assert drawn.counts()[UnitState.ALIKE] == 0
    _, equal = measured(one_input | {"init.scheme": "constant"})
    assert (equal.state[equal.span(0)] == UnitState.ALIKE).all()


def test_where_phi_stands_before_the_weights_likeness_is_not_told() -> None:
    run, units = measured({"network.skip_every": 1, "network.residual": "pre-activation", "init.scheme": "constant"})
    pre = np.array([layer.pre_activated for layer in run.trainer.network.layers])
    assert pre.any() and not units.compared[pre].any() and units.compared[~pre].all()


def test_channels_are_the_units_of_a_convolution_and_places_its_samples() -> None:
    rows = (LayerRow(kind="conv", units=5, padding="same"), LayerRow(kind="max-pool"), LayerRow(units=7))
    run, units = measured({"data.name": "digits", "network.layers": rows, "network.activation": "relu"})
    assert np.diff(units.starts).tolist() == [5, 7, 10]
    assert units.samples.tolist() == [16 * 64, 16, 16]
    assert units.z[0].shape == (64, 5) and units.z[1].shape == (16, 7)
    dead = [units.share(layer, UnitState.DEAD) for layer in range(2)]
    np.testing.assert_allclose(dead, run.snapshot.stat(Stat.DEAD)[:2])


def test_as_many_relu_units_are_dead_as_chance_predicts_from_the_measured_correlation() -> None:
    """Wide random He networks: the mean over layers and seeds within a few standard errors."""
    gaps = []
    for seed in range(6):
        changes = {"network.activation": "relu", "init.scheme": "he-normal", "network.depth": 12, "network.width": 256}
        _, units = measured(changes | {"data.name": "digits", "seed": seed})
        gaps.append([units.share(layer, UnitState.DEAD) - units.chance[layer] for layer in range(12)])
    spread = np.std(gaps, axis=0, ddof=1) / np.sqrt(len(gaps))
    assert (np.abs(np.mean(gaps, axis=0)) < 4 * spread + 0.01).all()


def test_chance_is_told_for_relu_only_and_for_the_whole_network_where_all_are_relu() -> None:
    _, relu = measured({"network.activation": "relu"})
    _, tanh = measured()
    assert np.isfinite(relu.chance[:3]).all() and np.isnan(relu.chance[3]) and np.isnan(tanh.chance).all()
    assert relu.total_chance == pytest.approx(relu.chance[:3].mean()) and np.isnan(tanh.total_chance)
    assert relu.total_dead == np.mean(relu.state[:18] == UnitState.DEAD)


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_likeness_and_chance_survive_numbers_whose_squares_do_not(scale: float) -> None:
    run, plain = measured({"network.activation": "relu", "network.depth": 1})
    run.trainer.network.layers[0].linear.W[...] *= scale
    run.trainer.network.forward()
    found = measure(run.trainer.network)
    np.testing.assert_array_equal(found.twin[:6], plain.twin[:6])
    np.testing.assert_allclose(found.chance[0], plain.chance[0], rtol=1e-6)


def test_what_is_kept_of_z_is_bounded_and_evenly_thinned() -> None:
    run, units = measured({"network.width": 200, "network.depth": 40, "data.samples": 120, "training.batch_size": 80})
    total = sum(one.size for one in units.z)
    assert 0.8 * MOST_NUMBERS < total <= MOST_NUMBERS
    z = run.trainer.network.layers[0].linear.value
    np.testing.assert_array_equal(units.z[0][[0, -1]], z[[0, -1]])


def test_a_diverged_network_is_measured_too() -> None:
    run, _ = measured({"network.activation": "identity", "training.learning_rate": 1e6})
    while run.snapshot.finite and run.snapshot.step < 50:
        run.advance()
    assert not run.snapshot.finite
    units = run.measure({Want.UNITS}).units
    assert units is not None
    for layer in range(len(units.z)):
        assert np.isfinite(portray(units, layer, 0).counts).all()


# One unit close up.


def test_samples_lie_on_the_curve_of_phi() -> None:
    for name in ACTIVATIONS:
        run, units = measured({"network.activation": name, "init.scale": 2.0}, steps=3)
        for unit in (0, 5):
            found = portray(units, 1, unit)
            on_curve = np.interp(found.z, found.curve_z, found.curve_a)
            near_jump = name == "step"
            assert len(found.z) == run.trainer.network.graph.samples
            assert near_jump or np.abs(on_curve - found.a).max() < 3e-3 * max(1.0, np.abs(found.a).max()), name
            assert found.counts.sum() == len(found.z) and np.abs(found.z).max() <= found.reach


def test_the_flat_stretches_are_where_phi_is_saturated() -> None:
    flat = portray(measured()[1], 0, 0).flat
    edge = np.arctanh(0.97)
    assert flat[0][0] < -2.9 and flat[1][1] > 2.9
    np.testing.assert_allclose([flat[0][1], flat[1][0]], [-edge, edge], atol=0.15)
    ((low, high),) = portray(measured({"network.activation": "relu"})[1], 0, 0).flat
    assert low < -2.9 and abs(high) < 1e-6
    assert portray(measured({"network.activation": "identity"})[1], 0, 0).flat == ()


def test_a_layer_without_phi_is_drawn_on_the_identity() -> None:
    found = portray(measured()[1], 3, 0)
    np.testing.assert_array_equal(found.curve_z, found.curve_a)
    np.testing.assert_array_equal(found.z, found.a)
