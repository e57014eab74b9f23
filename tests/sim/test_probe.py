"""The dear measurements: dead and saturated units, and magnitudes by octave with nothing left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_kit import trainer

from gradflow.engine.activations import ACTIVATIONS, make_activation
from gradflow.sim.probe import FIRST_OCTAVE, LAST_OCTAVE, magnitudes
from gradflow.sim.run import EVERYTHING, Run
from gradflow.sim.snapshot import Units
from gradflow.sim.trainer import Trainer

any_float = st.floats(allow_nan=True, allow_infinity=True)


def measured(run: Trainer) -> Units:
    """Run the first batch forwards with the weights as they are now."""
    run.preview()
    with np.errstate(all="ignore"):
        run.network.forward()
        return run.probe.units()


def with_biases(activation: str, biases: list[float]) -> Trainer:
    """Return a run whose first layer has weights 0 and these biases, so that z = b on every sample."""
    run = trainer({"network.activation": activation, "network.width": len(biases)})
    run.network.layers[0].dense.W[:] = 0.0
    run.network.layers[0].dense.b[:] = biases
    return run


# Units


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_statistics_are_those_of_the_activations(activation: str) -> None:
    run = trainer({"network.activation": activation})
    units = measured(run)
    for i, layer in enumerate(run.network.layers):
        assert units.activation_mean[i] == pytest.approx(np.mean(layer.output.value), rel=1e-12)
        assert units.activation_std[i] == pytest.approx(np.std(layer.output.value), rel=1e-12)
        if layer.activate and make_activation(activation).saturation:
            assert 0.0 <= units.saturated[i] <= 1.0
        else:
            assert math.isnan(units.saturated[i]), "what does not exist is nan, not 0"
    assert math.isnan(units.dead[-1]), "a linear layer has no slope that could be 0"


def test_dead_units_are_those_that_are_off_on_every_sample() -> None:
    units = measured(with_biases("relu", [-1.0, -1.0, 1.0, 1.0]))
    assert units.dead[0] == 0.5


def test_small_is_not_dead() -> None:
    """A unit that outputs 1e-300 still receives a gradient; one that outputs 0 does not (φ′(0) = 0)."""
    assert measured(with_biases("relu", [1e-300, 1e-300, 0.0, -1e-300])).dead[0] == 0.5
    assert measured(with_biases("leaky-relu", [-1.0, -1e-300, 0.0, 1.0])).dead[0] == 0.0
    assert measured(with_biases("sigmoid", [-30.0, -10.0, 0.0, 10.0])).dead[0] == 0.0


def test_unit_that_is_on_for_a_single_sample_is_alive() -> None:
    run = trainer({"network.activation": "relu", "network.width": 1})
    run.preview()
    x = run.network.input.value[:, 0]
    run.network.layers[0].dense.W[:] = [[1.0], [0.0]]
    run.network.layers[0].dense.b[:] = -np.sort(x)[-2:].mean()
    units = measured(run)
    assert np.count_nonzero(run.network.layers[0].output.value) == 1
    assert units.dead[0] == 0.0


def test_dead_units_receive_no_gradient_and_the_others_do() -> None:
    run = with_biases("relu", [-1.0, 1.0, -2.0, 0.5, 3.0])
    run.preview()
    received = run.network.layers[0].dense.b_grad != 0.0
    np.testing.assert_array_equal(received, [False, True, False, True, True])


@pytest.mark.parametrize(("activation", "edge"), [("tanh", math.atanh(0.97)), ("sigmoid", 2 * math.atanh(0.97))])
def test_saturated_means_on_the_plateau_on_either_side(activation: str, edge: float) -> None:
    biases = [-edge - 0.01, -edge + 0.01, 0.0, edge - 0.01, edge + 0.01]
    assert measured(with_biases(activation, biases)).saturated[0] == pytest.approx(2 / 5)


# Magnitudes


@given(st.lists(st.lists(any_float, max_size=12), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_every_number_is_counted_exactly_once(rows: list[list[float]]) -> None:
    result = magnitudes([np.array(row, float) for row in rows])
    np.testing.assert_array_equal(result.size, [len(row) for row in rows])
    np.testing.assert_array_equal(result.zero, [row.count(0.0) for row in rows])
    np.testing.assert_array_equal(result.non_finite, [sum(not math.isfinite(v) for v in row) for row in rows])
    assert result.counts.min() >= 0


@given(st.floats(allow_nan=False, allow_infinity=False).filter(bool))
@settings(max_examples=300, deadline=None)
def test_a_number_lies_in_the_octave_whose_edges_enclose_it(value: float) -> None:
    result = magnitudes([np.array([value])])
    exponent = result.first + int(result.counts[0].argmax())
    # ldexp by halves: 2¹⁰²⁴ itself is no float64.
    assert math.ldexp(0.5, exponent) <= abs(value) / 2 < math.ldexp(0.5, exponent + 1) or abs(value) == 5e-324


@given(st.integers(FIRST_OCTAVE, LAST_OCTAVE - 2), st.sampled_from([1.0, -1.0]))
@settings(max_examples=100, deadline=None)
def test_octave_contains_its_lower_edge_and_not_its_upper_one(octave: int, sign: float) -> None:
    edges = [2.0**octave, math.nextafter(2.0 ** (octave + 1), 0.0)]
    assert magnitudes([sign * np.array(edges)]).counts[0, octave - FIRST_OCTAVE] == 2
    assert magnitudes([sign * np.array([2.0 ** (octave + 1)])]).counts[0, octave - FIRST_OCTAVE] == 0


def test_network_magnitudes_cover_every_activation_and_every_delta() -> None:
    run = trainer()
    run.preview()
    sizes = [16 * 6] * 3 + [16]
    np.testing.assert_array_equal(run.probe.activation_magnitudes().size, sizes)
    deltas = run.probe.delta_magnitudes()
    np.testing.assert_array_equal(deltas.size, sizes)
    assert not deltas.zero.any()


def test_vanished_gradients_are_counted_not_dropped() -> None:
    """Sixty sigmoid layers: the first gradients are near 10⁻⁴⁰ and none of them counts as zero."""
    run = trainer({"network.activation": "sigmoid", "network.depth": 60})
    run.preview()
    deltas = run.probe.delta_magnitudes()
    assert deltas.counts[0].sum() == deltas.size[0]
    assert deltas.first + deltas.counts[0].argmax() < -100


# What crosses to another thread


def test_measurements_are_read_only_like_everything_that_crosses_threads() -> None:
    run = Run(trainer().experiment)
    details = run.measure(EVERYTHING)
    parts = (details.units, details.activations, details.deltas, details.surface)
    arrays = [
        (type(part).__name__, name, v) for part in parts for name, v in vars(part).items() if isinstance(v, np.ndarray)
    ]
    assert [f"{part}.{name}" for part, name, array in arrays if array.flags.writeable] == []
