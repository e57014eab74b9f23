"""Signed histograms: nothing is lost, bins mean what they say, and the presets show Glorot & Bengio's figures."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gradflow.engine.activations import ACTIVATIONS, make_activation
from gradflow.sim import archive
from gradflow.sim.config import edit
from gradflow.sim.details import Want
from gradflow.sim.distributions import BINS, histogram
from gradflow.sim.plateaus import find_plateaus
from gradflow.sim.ridgelines import MOST_RIDGES, Scale, chosen, ends_of, ridge, saturated_intervals
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat

Array = NDArray[np.float64]
AWKWARD = st.floats() | st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7e308])
ROWS = st.lists(st.lists(AWKWARD, min_size=1, max_size=30), min_size=1, max_size=4)


# Counting.


@given(ROWS)
def test_every_number_is_counted_once(rows: list[list[float]]) -> None:
    """NumPy's warnings are errors here: no number may overflow on the way."""
    found = histogram([np.array(row) for row in rows])
    assert found.size.tolist() == [len(row) for row in rows]
    assert found.zero.tolist() == [sum(v == 0.0 for v in row) for row in rows]
    assert found.non_finite.tolist() == [sum(not math.isfinite(v) for v in row) for row in rows]
    assert (found.counts >= 0).all() and found.counts.shape == (len(rows), BINS)
    assert not found.counts.flags.writeable


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda v: v == 0.0 or abs(v) > 1e-200), min_size=1, max_size=60))
def test_a_bin_holds_the_numbers_between_its_edges(values: list[float]) -> None:
    array = np.array(values)
    found = histogram([array])
    reach = found.reach[0]
    assert math.log2(reach) == round(math.log2(reach))
    edges = np.linspace(-reach, reach, BINS + 1)
    inside = array[(array != 0.0) & (np.abs(array) <= reach)]
    # A rounding may put a number that lies on an edge to either side of it.
    clear = np.abs(inside / reach * BINS / 2 - np.round(inside / reach * BINS / 2)) > 1e-9
    expected = np.histogram(inside[clear], edges)[0]
    assert (found.counts[0] >= expected).all()
    assert found.counts[0].sum() == len(inside)
    assert found.beyond[0].tolist() == [(array < -reach).sum(), (array > reach).sum()]


def test_moments_are_those_of_the_numbers_and_not_of_the_bins() -> None:
    values = np.random.default_rng(0).standard_normal(1000) * 1e-160 + 3e-160
    found = histogram([np.append(values, [math.nan, math.inf])])
    assert found.mean[0] == pytest.approx(values.mean(), rel=1e-12)
    assert found.deviation[0] == pytest.approx(values.std() or (values * 1e160).std() * 1e-160, rel=1e-9)


def test_a_few_outliers_leave_the_bulk_in_many_bins() -> None:
    values = np.append(np.random.default_rng(0).standard_normal(100_000), [50.0, -60.0, 70.0])
    found = histogram([values])
    assert found.beyond[0].tolist() == [1, 2]
    assert np.count_nonzero(found.counts) > 20


def test_a_loss_scale_is_divided_out_of_a_histogram() -> None:
    values = np.random.default_rng(1).standard_normal(500)
    once, scaled = histogram([values]), histogram([values * 1024.0], 1024.0)
    assert np.array_equal(once.counts, scaled.counts) and np.array_equal(once.deviation, scaled.deviation)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training.optimizer": "adam", "training.weight_decay": 0.1, "training.clip_norm": 0.01},
        {"training.precision": "float16", "training.loss_scale": 1024.0},
        {"network.norm": "batch-norm", "network.activation": "relu"},
        {"data.name": "digits", "network.activation": "gelu", "network.skip_every": 2},
    ],
)
def test_histograms_are_of_what_the_statistics_are_of(fast, changes) -> None:  # type: ignore[no-untyped-def]
    """‖v‖² = N·(mean² + σ²) for the activations, gradients, weights and the optimiser's actual update."""
    run = Run(fast(changes))
    for _ in range(4):
        run.advance()
    found = run.measure({Want.HISTOGRAMS, Want.MAGNITUDES})
    for name, stat in (
        ("activations", Stat.ACTIVATION),
        ("deltas", Stat.DELTA),
        ("weights", Stat.WEIGHT),
        ("weight_grads", Stat.WEIGHT_GRAD),
        ("updates", Stat.UPDATE),
    ):
        of = found.histograms[name]
        norms = np.sqrt(of.size * (of.mean**2 + of.deviation**2))
        np.testing.assert_allclose(norms, run.snapshot.stat(stat), rtol=1e-5)
        assert np.array_equal(of.size, getattr(found, name).size)
    assert found.pre_activations is not None
    assert np.array_equal(found.histograms["pre_activations"].size, found.pre_activations.size)


def test_the_next_update_is_what_the_parameters_then_move_by(fast) -> None:  # type: ignore[no-untyped-def]
    run = Run(fast({"training.optimizer": "adam"}))
    run.advance()
    run.advance()
    before = run.trainer.network.master.copy()
    update = run.trainer.next_update(run.snapshot.learning_rate)
    run.advance()
    np.testing.assert_allclose(run.trainer.network.master - before, update, rtol=1e-9, atol=1e-17)


def test_a_step_that_is_left_out_has_no_update(fast) -> None:  # type: ignore[no-untyped-def]
    run = Run(fast({"training.precision": "float16", "training.loss_scale": "dynamic", "init.scale": 2.0}))
    run.trainer._skipped = True
    found = run.measure({Want.HISTOGRAMS}).histograms["updates"]
    assert np.array_equal(found.zero, found.size)


# The plateaus of φ.


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_plateaus_are_where_the_activation_calls_itself_saturated(name: str) -> None:
    function = make_activation(name)
    found = find_plateaus(function)
    z = np.concatenate([np.linspace(-40.0, 40.0, 3331), np.array([-500.0, 500.0])])
    a, scratch = np.empty_like(z), np.empty_like(z)
    function.value(z, a, scratch)
    if function.saturation:
        expected = np.empty(z.shape, bool)
        function.saturated(z, a, expected, scratch)
    else:
        expected = (a == 0.0) & function.silent_when_zero
    inside = np.zeros(z.shape, bool)
    for low, high in found.z:
        inside |= (z > low) & (z < high)
    away = np.array([all(abs(at - end) > 1e-9 for ends in found.z for end in ends) for at in z])
    assert np.array_equal(inside[away], expected[away])
    for low, high in found.a:
        assert low < high and any(low <= value <= high for value in a[expected])


def test_the_plateaus_of_tanh_begin_where_it_is_0_97() -> None:
    found = find_plateaus(make_activation("tanh"))
    assert found.z[1] == (pytest.approx(math.atanh(0.97), abs=1e-10), math.inf)
    assert found.a[1] == (pytest.approx(0.97), pytest.approx(1.0))
    assert find_plateaus(make_activation("relu")).z == ((-math.inf, 0.0),)
    assert find_plateaus(make_activation("gelu")).z == ()


# Ridges.


def test_a_ridge_shows_all_numbers_and_the_axis_leaves_the_output_out(fast) -> None:  # type: ignore[no-untyped-def]
    run = Run(fast({"init.scale": 0.5, "network.activation": "relu"}))
    measured = run.measure({Want.HISTOGRAMS}).histograms["deltas"]
    ends = ends_of(measured, Scale.LINEAR, "deltas")
    for layer in range(1, 8):
        found = ridge(measured, layer, Scale.LINEAR, ends)
        rest = found.zero + found.below + found.above + found.non_finite
        assert found.shares.sum() + rest == pytest.approx(1.0)
        assert layer == 7 or found.below == found.above == 0.0
    output = ridge(measured, 7, Scale.LINEAR, ends)
    assert output.below + output.above > 0.5
    assert ends_of(measured, Scale.STANDARD, "deltas")[1] > ends_of(measured, Scale.LINEAR, "deltas")[1]


def test_ridges_of_constant_and_broken_layers_are_empty() -> None:
    measured = histogram([np.full(5, 2.0), np.full(5, math.nan), np.zeros(5)])
    for scale in (Scale.LINEAR, Scale.STANDARD):
        ends = ends_of(measured, scale, "weights")
        assert ends[0] < ends[1] and all(map(math.isfinite, ends))
        shares = [ridge(measured, layer, scale, ends) for layer in (1, 2, 3)]
        assert [found.non_finite for found in shares] == [0.0, 1.0, 0.0]
        assert [found.zero for found in shares] == [0.0, 0.0, 1.0]
        assert np.isfinite(shares[0].edges).all() and not shares[1].shares.any()


@given(count=st.integers(1, 3000), selected=st.none() | st.integers(1, 3000))
def test_at_most_so_many_ridges_with_the_last_and_the_selected_layer(count: int, selected: int | None) -> None:
    shown = chosen(count, -(-count // MOST_RIDGES), selected)
    assert len(shown) <= MOST_RIDGES and shown == sorted(set(shown)) and shown[0] >= 1 and shown[-1] <= count
    assert selected is None or selected > count or selected in shown
    assert selected is not None or shown[-1] == count


def test_the_axis_of_magnitudes_is_shaded_only_where_both_signs_are_saturated(fast) -> None:  # type: ignore[no-untyped-def]
    tanh, elu = (Run(fast({"network.activation": name})).trainer.topology for name in ("tanh", "elu"))
    assert saturated_intervals(tanh, 1, "pre_activations", Scale.LOG) == [
        (pytest.approx(math.log10(math.atanh(0.97))), math.inf)
    ]
    assert saturated_intervals(elu, 1, "pre_activations", Scale.LOG) == []
    assert len(saturated_intervals(elu, 1, "pre_activations", Scale.LINEAR)) == 1
    assert saturated_intervals(tanh, 7, "pre_activations", Scale.LINEAR) == []
    assert saturated_intervals(tanh, 1, "weights", Scale.LINEAR) == []


# Glorot & Bengio 2010, figs. 6 and 7.

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def over_normal(function, q: Array) -> Array:  # type: ignore[no-untyped-def]
    """Return E f(√q·x), x ~ N(0, 1), for every q; smooth f and moderate q, so that 120 nodes are exact."""
    values: Array = function(np.sqrt(q)[:, None] * NODES) @ WEIGHTS
    return values


@cache
def glorot(name: str) -> tuple[Array, Array, Array, Array]:
    """Return the measured deviations of a and δ in the hidden layers of a preset, and those of the theory."""
    run = Run(archive.open_experiment(name))
    found = run.measure({Want.HISTOGRAMS}).histograms
    layers = run.trainer.network.layers
    q = np.square(run.trainer.network.input.value).sum(axis=1) * layers[0].linear.W.var()
    lengths, a = [], []
    for layer in layers[:-1]:
        lengths.append(q)
        k = over_normal(lambda z: np.tanh(z) ** 2, q)
        a.append(math.sqrt(k.mean()))
        q = layers[layer.number].linear.W.shape[0] * layers[layer.number].linear.W.var() * k
    p, delta = np.square(layers[-1].linear.grad).sum(axis=1), []
    for layer, length in zip(reversed(layers[:-1]), reversed(lengths), strict=True):
        square = p * layers[layer.number].linear.W.var() * over_normal(lambda z: np.cosh(z) ** -4.0, length)
        delta.append(math.sqrt(square.mean()))
        p = square * layer.linear.W.shape[1]
    theory = np.array(a), np.array(delta[::-1])
    return found["activations"].deviation[:-1], found["deltas"].deviation[:-1], *theory


PRESETS = pytest.mark.parametrize("name", ["glorot-standard", "glorot-normalised"])


@PRESETS
def test_figures_6_and_7_of_glorot_and_bengio_have_the_deviations_of_the_theory(name: str) -> None:
    a, delta, a_theory, delta_theory = glorot(name)
    assert len(a) == 5
    np.testing.assert_allclose(a, a_theory, rtol=0.02)
    np.testing.assert_allclose(delta, delta_theory, rtol=0.04)


def test_the_standard_initialisation_shrinks_both_and_the_normalised_keeps_them() -> None:
    """Fig. 6: a by ten over five layers against less than two; fig. 7: δ by ten against less than two."""
    (a, delta, *_), (a_normalised, delta_normalised, *_) = glorot("glorot-standard"), glorot("glorot-normalised")
    assert a[0] / a[-1] > 7.0 and delta[-1] / delta[0] > 7.0
    assert a_normalised[0] / a_normalised[-1] < 2.0 and delta_normalised[-1] / delta_normalised[0] < 2.0


@PRESETS
def test_the_presets_are_the_network_of_the_paper(name: str) -> None:
    shape = archive.open_experiment(name).network
    assert (shape.depth, shape.width, shape.activation) == (5, 1000, "tanh")
    assert edit(archive.open_experiment(name), {"init.scheme": "he-normal"}) == edit(
        archive.open_experiment("glorot-standard"), {"init.scheme": "he-normal"}
    )
