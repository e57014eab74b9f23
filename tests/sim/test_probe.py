"""What is measured at every step: each statistic against a plain computation on the network's arrays."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sim_kit import take, trainer

from gradflow.engine.activations import ACTIVATIONS, make_activation
from gradflow.engine.network import Layer
from gradflow.engine.nodes import NORMS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.sim.details import EVERYTHING
from gradflow.sim.probe import FIRST_OCTAVE, LAST_OCTAVE, magnitudes, norm
from gradflow.sim.run import Run
from gradflow.sim.snapshot import NORMS as NORM_ROWS
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.trainer import Trainer

Array = NDArray[Any]

any_float = st.floats(allow_nan=True, allow_infinity=True)

CONVOLUTIONS: dict[str, Any] = {
    "data.name": "digits",
    "network.layers": [
        {"kind": "conv", "units": 4, "padding": "same"},
        {"kind": "average-pool"},
        {"kind": "conv", "units": 6, "skip_from": 2, "residual": "post-activation", "padding": "same"},
        {"units": 7},
    ],
}
NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {},
    "relu": {"network.activation": "relu", "init.bias_scale": 1.0},
    "softmax": {"data.name": "iris", "network.activation": "hard-sigmoid", "init.scale": 4.0},
    "regression": {"data.name": "diabetes", "network.activation": "prelu-per-unit", "training.huber_delta": 2.0},
    "skips": {"network.depth": 6, "network.skip_every": 2, "network.branch_scale": 0.5},
    "pre-activation": {"network.depth": 5, "network.skip_every": 1, "network.residual": "pre-activation"},
    "batch norm": {"network.norm": "batch-norm", "network.dropout": 0.2},
    "layer norm": {"network.norm": "layer-norm", "init.scale": 2.0},
    "convolutions": CONVOLUTIONS,
    "convolutions, relu": CONVOLUTIONS | {"network.activation": "relu", "network.norm": "batch-norm"},
}
EXACT = {"float64": 1e-12, "float32": 2e-5, "float16": 2e-5, "bfloat16": 2e-5}
"""How exact a norm can be in the precision that its squares are added up in."""


def hypotenuse(values: Array) -> float:
    """Return the norm, which math.hypot scales by the largest entry and gets right to the last digits."""
    return math.hypot(*values.astype(float).ravel())


def slopes(layer: Layer) -> Array:
    """Return φ′ of every sample (and place) of a layer by rows, one column for each unit (channel)."""
    assert layer.activate is not None
    slope = np.empty_like(layer.activate.value)
    layer.activate.write_slope(slope)
    return slope.reshape(-1, layer.activate.shape[-1])


def dead(layer: Layer) -> float:
    """Return the share of units without any slope; a linear layer has none that could be 0."""
    return float(np.mean(~slopes(layer).any(axis=0))) if layer.activate else math.nan


def saturated(layer: Layer) -> float:
    """Return the share of activations on the plateau, nan where φ has none."""
    if layer.activate is None or not layer.activate.function.saturation:
        return math.nan
    z, a = layer.activate.inputs[0].value, layer.activate.value
    mask = np.empty(a.shape, bool)
    layer.activate.function.saturated(z, a, mask, np.empty_like(a))
    return float(mask.mean())


def plain(run: Trainer) -> dict[Stat, Array]:
    """Return the statistics of the last turn, computed from the network's arrays."""
    scale, layers = run.network.loss_scale, run.network.layers
    outputs = [layer.output.value.astype(float) for layer in layers]
    return {
        Stat.WEIGHT: np.array([hypotenuse(layer.linear.W) for layer in layers]),
        Stat.WEIGHT_GRAD: np.array([hypotenuse(layer.linear.W_grad) / scale for layer in layers]),
        Stat.BIAS_GRAD: np.array([hypotenuse(layer.linear.b_grad) / scale for layer in layers]),
        Stat.DELTA: np.array([hypotenuse(layer.linear.grad) / scale for layer in layers]),
        Stat.ACTIVATION: np.array([hypotenuse(a) for a in outputs]),
        Stat.ACTIVATION_MEAN: np.array([a.mean() for a in outputs]),
        Stat.ACTIVATION_STD: np.array([a.std() for a in outputs]),
        Stat.DEAD: np.array([dead(layer) for layer in layers]),
        Stat.SATURATED: np.array([saturated(layer) for layer in layers]),
    }


def compare(snapshot: Snapshot, expected: dict[Stat, Array], exact: float) -> None:
    """Check that the statistics of a snapshot are the expected ones."""
    size = expected[Stat.ACTIVATION_STD] + abs(expected[Stat.ACTIVATION_MEAN])
    for stat, values in expected.items():
        found = snapshot.stat(stat)
        if stat in (Stat.DEAD, Stat.SATURATED):
            np.testing.assert_allclose(found, values, rtol=0, atol=1e-12, err_msg=stat)
        elif stat is Stat.ACTIVATION_MEAN:
            np.testing.assert_array_less(abs(found - values), exact * size + 1e-300, err_msg=stat)
        elif stat is Stat.ACTIVATION_STD:
            # A deviation knows the mean it is taken from only to the mean's own last digit.
            allowed = exact * values + np.finfo(float).eps * abs(expected[Stat.ACTIVATION_MEAN])
            np.testing.assert_array_less(abs(found - values), allowed + 1e-300, err_msg=stat)
        else:
            np.testing.assert_allclose(found, values, rtol=exact, err_msg=stat)


# Every statistic


@pytest.mark.parametrize(("precision", "loss_scale"), [*((name, 1.0) for name in EXACT), ("float64", 1024.0)])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_statistic_is_that_of_the_arrays(network: str, precision: str, loss_scale: float) -> None:
    """On a full batch, on the short last one of an epoch, and on the full one after it."""
    run = trainer(NETWORKS[network] | {"training.precision": precision, "training.loss_scale": loss_scale})
    sizes = []
    for snapshot in itertools.islice(run.steps(), 4):
        sizes.append(run.network.graph.samples)
        compare(snapshot, plain(run), EXACT[precision])
    assert sizes == [16, 16, 8, 16]


@st.composite
def layer_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw dense layers of different widths, with skips from anywhere that are joined in every way."""

    def row(place: int) -> dict[str, Any]:
        table = {
            "units": draw(st.integers(1, 9)),
            "activation": draw(st.sampled_from(list(ACTIVATIONS))),
            "norm": draw(st.sampled_from(["none", *NORMS])),
            "residual": draw(st.sampled_from(["after-activation", "post-activation", "pre-activation"])),
            "trainable": draw(st.booleans()),
        }
        if draw(st.booleans()):
            table |= {"skip_from": draw(st.integers(0, place - 1)), "join": draw(st.sampled_from(["add", "concat"]))}
        return table

    return [row(place) for place in range(1, draw(st.integers(1, 5)) + 1)]


@settings(max_examples=50)
@given(layer_lists(), st.sampled_from(["diabetes", "two-moons"]))
def test_every_statistic_of_any_layers_is_that_of_the_arrays(rows: list[dict[str, Any]], data: str) -> None:
    """Where φ is wider than z, in front of it, or beside a projection, nothing is read from the neighbour's place."""
    run = trainer({"data.name": data, "network.layers": rows, "init.bias_scale": 0.3})
    snapshot = take(run, 2)[-1]
    compare(snapshot, plain(run), 1e-10)
    learnt = [run.network.gradients[span] for span in run.network.trainable_spans()]
    expected = hypotenuse(np.concatenate(learnt)) if learnt else 0.0
    assert snapshot.grad_norm == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_statistics_of_every_activation_are_those_of_its_values(activation: str) -> None:
    """Wide pre-activations, so that plateaus and dead units occur; what does not exist is nan, not 0."""
    run = trainer({"network.activation": activation, "init.scale": 3.0, "init.bias_scale": 3.0})
    compare(run.preview(), plain(run), 1e-12)
    has_plateau = make_activation(activation).saturation is not None
    assert np.isnan(run.preview().stat(Stat.SATURATED)).tolist() == [not has_plateau] * 3 + [True]
    assert np.isnan(run.preview().stat(Stat.DEAD)).tolist() == [False] * 3 + [True]


@pytest.mark.parametrize("changes", [{}, {"training.weight_decay": 0.3}, {"training.clip_norm": 0.01}], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("turns", [1, 3, 4])
def test_update_is_the_step_really_taken(optimizer: str, turns: int, changes: dict[str, Any]) -> None:
    changes = changes | {"training.optimizer": optimizer, "training.momentum": 0.9, "network.norm": "layer-norm"}
    run = trainer(changes | {"training.learning_rate": 0.02, "training.freeze": 1})
    steps = run.steps()
    for _ in range(turns):
        snapshot = next(steps)
    before = [layer.linear.W.copy() for layer in run.network.layers]
    next(steps)
    taken = [hypotenuse(layer.linear.W - W) for layer, W in zip(run.network.layers, before, strict=True)]
    assert (np.array(taken) > 0).tolist() == [False, True, True, True]
    np.testing.assert_allclose(snapshot.stat(Stat.UPDATE), taken, rtol=1e-10)
    ratio = np.divide(taken, snapshot.stat(Stat.WEIGHT))
    np.testing.assert_allclose(snapshot.update_ratio, ratio, rtol=1e-10)


def test_gradient_norm_is_that_of_everything_that_is_learnt() -> None:
    """Norm gains, learnt slopes and projections of skips count as well as weights and biases."""
    rows = [{"units": 4, "norm": "layer-norm"}, {"units": 5, "skip_from": 1, "activation": "prelu"}, {"units": 4}]
    run = trainer({"network.layers": rows, "training.loss_scale": 64.0})
    for snapshot in take(run, 3):
        assert snapshot.grad_norm > 0
    assert snapshot.grad_norm == pytest.approx(hypotenuse(run.network.gradients) / 64.0, rel=1e-12)


def test_rows_are_in_the_order_of_the_enumeration_and_the_norms_come_first() -> None:
    assert [stat.row for stat in Stat] == list(range(len(Stat)))
    assert tuple(Stat)[: len(NORM_ROWS)] == NORM_ROWS


def test_without_rounding_there_is_no_underflow_to_count() -> None:
    for precision in ("float64", "float32"):
        assert np.isnan(trainer({"training.precision": precision}).preview().stat(Stat.UNDERFLOW)).all()


# Extremes: no norm overflows or underflows


def scaled(loss_scale: float) -> tuple[Trainer, Array]:
    """Return a run whose gradients are as large as if the loss had been so much larger, and its statistics."""
    run = trainer()
    run.preview()
    with np.errstate(all="ignore"):
        run.network.loss_scale = loss_scale
        run.network.forward()
        run.network.backward()
        # The scale is forgotten: to the probe the loss itself is of that size.
        run.network.loss_scale = 1.0
        return run, run.probe.norms()


@pytest.mark.parametrize(
    "scale", [1e-320, 1e-300, 1e-200, 1e-161, 1e-158, 1e-154, 1e-140, 1.0, 1e140, 1e155, 1e200, 1e300]
)
def test_gradients_of_every_size_are_measured_to_the_last_digits(scale: float) -> None:
    run, stats = scaled(scale)
    for i, layer in enumerate(run.network.layers):
        # What is left of a number below 1e-308 has few digits, and any sum of them is exact to one unit.
        exact = {"rel_tol": 1e-13, "abs_tol": 1e-322}
        assert math.isclose(stats[Stat.WEIGHT_GRAD.row, i], hypotenuse(layer.linear.W_grad), **exact)
        assert math.isclose(stats[Stat.BIAS_GRAD.row, i], hypotenuse(layer.linear.b_grad), **exact)
        assert math.isclose(stats[Stat.DELTA.row, i], hypotenuse(layer.linear.grad), **exact)
    assert scale < 1e-310 or (stats[: len(NORM_ROWS) - 1] > 0.0).all()


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1e-20, 1e20, 1e150, 1e200])
def test_activations_of_every_size_are_measured(size: float) -> None:
    """A linear layer on weights of this size: norm, mean and deviation of what comes out."""
    run = trainer({"network.activation": "identity", "network.depth": 1, "data.name": "blobs"})
    run.network.layers[0].linear.W[:] *= size
    run.network.layers[1].linear.W[:] /= size
    snapshot = run.preview()
    assert snapshot.finite
    compare(snapshot, plain_of_scaled(run, size), 1e-10)


def plain_of_scaled(run: Trainer, size: float) -> dict[Stat, Array]:
    """Return the statistics of the activations of layer 1 computed at size 1, where no square leaves the range."""
    a = run.network.layers[0].output.value / size
    output = run.network.layers[1].output.value
    return {
        Stat.ACTIVATION: np.array([hypotenuse(a) * size, hypotenuse(output)]),
        Stat.ACTIVATION_MEAN: np.array([a.mean() * size, output.mean()]),
        Stat.ACTIVATION_STD: np.array([a.std() * size, output.std()]),
    }


@given(st.lists(st.floats(-1e307, 1e307), min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_norm_of_any_numbers_is_their_hypotenuse(numbers: list[float]) -> None:
    # A decade below the largest float64: at the brink math.hypot itself overflows where the true norm does not.
    assert math.isclose(norm(np.array(numbers)), math.hypot(*numbers), rel_tol=1e-13, abs_tol=5e-324)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_norms_with_a_number_that_is_not_finite_say_so(bad: float) -> None:
    run = trainer()
    run.network.layers[1].linear.W[2, 3] = bad
    snapshot = run.preview()
    found = snapshot.stat(Stat.WEIGHT)
    assert math.isnan(found[1]) if math.isnan(bad) else found[1] == np.inf
    assert np.isfinite(np.delete(found, 1)).all()
    assert not snapshot.finite
    assert math.isnan(norm(np.array([1.0, np.nan])))
    assert norm(np.array([1.0, -np.inf])) == np.inf


# Mean and deviation


@pytest.mark.parametrize(("precision", "offset"), [("float64", 1e3), ("float64", 1e7), ("float32", 1e3)])
def test_deviation_survives_a_mean_that_is_far_larger(precision: str, offset: float) -> None:
    """√(mean a² − mean²) would lose every digit here: a deviation of 10⁻³ around 10⁷."""
    changes = {"network.activation": "identity", "network.depth": 1, "training.precision": precision}
    run = trainer(changes)
    run.network.layers[0].linear.W[:] *= 1e-3 if precision == "float64" else 1.0
    run.network.layers[0].linear.b[:] = offset
    snapshot = run.preview()
    a = run.network.layers[0].output.value.astype(float)
    assert snapshot.stat(Stat.ACTIVATION_MEAN)[0] == pytest.approx(a.mean(), rel=1e-6)
    assert snapshot.stat(Stat.ACTIVATION_STD)[0] == pytest.approx(a.std(), rel=1e-4)


def test_layer_that_puts_out_one_number_has_no_deviation() -> None:
    run = trainer({"network.depth": 1})
    run.network.layers[0].linear.W[:] = 0.0
    run.network.layers[0].linear.b[:] = 0.3
    snapshot = run.preview()
    assert snapshot.stat(Stat.ACTIVATION_MEAN)[0] == pytest.approx(math.tanh(0.3), rel=1e-14)
    assert snapshot.stat(Stat.ACTIVATION_STD)[0] == pytest.approx(0.0, abs=1e-15)


# Dead and saturated units


def with_biases(activation: str, biases: list[float]) -> Snapshot:
    """Return step 0 of a run whose first layer has weights 0 and these biases, so that z = b on every sample."""
    run = trainer({"network.activation": activation, "network.width": len(biases)})
    run.network.layers[0].linear.W[:] = 0.0
    run.network.layers[0].linear.b[:] = biases
    return run.preview()


def test_dead_units_are_those_that_are_off_on_every_sample() -> None:
    assert with_biases("relu", [-10.0, -10.0, 1.0, 1.0]).stat(Stat.DEAD)[0] == 0.5


@pytest.mark.parametrize(
    ("activation", "biases", "share"),
    [
        ("relu", [1e-300, 1e-300, 0.0, -1e-300], 0.5),
        ("leaky-relu", [-100.0, -1e-300, 0.0, 1.0], 0.0),
        ("sigmoid", [-30.0, -10.0, 0.0, 10.0], 0.0),
        ("sigmoid", [-800.0, 800.0, 0.0, 10.0], 0.5),
        ("tanh", [-30.0, 30.0, 3.0, 0.0], 0.5),
        ("hard-sigmoid", [-3.0, 3.0, 2.9, -2.9], 0.5),
        ("softplus", [-30.0, -700.0, 30.0, 0.0], 0.0),
        ("identity", [-1e9, 0.0, 1e-300, 1e9], 0.0),
    ],
)
def test_small_is_not_dead_but_a_slope_of_exactly_zero_is(activation: str, biases: list[float], share: float) -> None:
    """A unit that puts out 1e-300 still receives a gradient; a tanh that is rounded to 1 has slope 0 and gets none."""
    assert with_biases(activation, biases).stat(Stat.DEAD)[0] == share


def test_unit_that_is_on_for_a_single_sample_is_alive() -> None:
    run = trainer({"network.activation": "relu", "network.width": 1})
    run.preview()
    x = run.network.input.value[:, 0]
    run.network.layers[0].linear.W[:] = [[1.0], [0.0]]
    run.network.layers[0].linear.b[:] = -np.sort(x)[-2:].mean()
    run.network.forward()
    run.network.backward()
    stats = run.probe.complete(run.probe.norms(), run.network.gradients, 0.1)
    assert np.count_nonzero(run.network.layers[0].output.value) == 1
    assert stats[Stat.DEAD.row, 0] == 0.0


def test_dead_units_receive_no_gradient_and_the_others_do() -> None:
    run = trainer({"network.activation": "relu", "network.width": 5})
    run.network.layers[0].linear.W[:] = 0.0
    run.network.layers[0].linear.b[:] = [-1.0, 1.0, -2.0, 0.5, 3.0]
    assert run.preview().stat(Stat.DEAD)[0] == pytest.approx(2 / 5)
    received = run.network.layers[0].linear.b_grad != 0.0
    np.testing.assert_array_equal(received, [False, True, False, True, True])


def test_channel_of_a_convolution_is_dead_only_if_it_is_off_at_every_place() -> None:
    rows = [{"kind": "conv", "units": 4, "activation": "relu"}]
    run = trainer({"data.name": "digits", "network.layers": rows})
    conv = run.network.layers[0].linear
    conv.W[:] = 0.0
    conv.W[4, 3] = 1.0
    conv.b[:] = [-1.0, 1.0, -1.0, 0.0]
    snapshot = run.preview()
    assert (run.network.layers[0].output.value.reshape(-1, 4)[:, 3] == 0).any()
    assert snapshot.stat(Stat.DEAD)[0] == 0.5


@pytest.mark.parametrize("name", NORMS)
def test_units_that_a_norm_has_pushed_onto_the_plateau_are_dead(name: str) -> None:
    run = trainer({"network.norm": name})
    for layer in run.network.layers[:-1]:
        assert layer.norm is not None
        # A huge gain puts the unit beyond 20 on every sample, where tanh is 1 to the last digit.
        layer.norm.gamma[0] = 1e6
    snapshot = run.preview()
    expected = [dead(layer) for layer in run.network.layers]
    assert expected[0] > 0
    np.testing.assert_allclose(snapshot.stat(Stat.DEAD), expected, atol=1e-12)


def test_units_in_front_of_a_preactivated_layer_can_be_dead() -> None:
    run = trainer({"network.skip_every": 1, "network.residual": "pre-activation"})
    first, second = run.network.layers[:2]
    # h₁ lies on tanh's plateau in unit 1; layer 2 brings that unit of h₂ back to where tanh has a slope.
    first.linear.b[0], second.linear.b[0] = 40.0, -40.0
    snapshot = run.preview()
    assert dead(second) == pytest.approx(1 / 6)
    assert snapshot.stat(Stat.DEAD)[1] == pytest.approx(1 / 6)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("residual", ["after-activation", "post-activation"])
def test_dead_units_are_found_whichever_way_gradients_go_around_them(activation: str, residual: str) -> None:
    """Skips hand a gradient to the layers below a dead unit; the unit itself still has no slope."""
    run = trainer({"network.activation": activation, "network.skip_every": 1, "network.residual": residual})
    for layer in run.network.layers[:-1]:
        layer.linear.b[:2] = -60.0
    snapshot = run.preview()
    np.testing.assert_allclose(snapshot.stat(Stat.DEAD), [dead(layer) for layer in run.network.layers])
    assert snapshot.stat(Stat.DEAD)[0] == pytest.approx(2 / 6)


@pytest.mark.parametrize(("activation", "edge"), [("tanh", math.atanh(0.97)), ("sigmoid", 2 * math.atanh(0.97))])
def test_saturated_means_on_the_plateau_on_either_side(activation: str, edge: float) -> None:
    biases = [-edge - 0.01, -edge + 0.01, 0.0, edge - 0.01, edge + 0.01]
    assert with_biases(activation, biases).stat(Stat.SATURATED)[0] == pytest.approx(2 / 5)


# Magnitudes


@given(st.lists(st.lists(any_float, max_size=12), min_size=1, max_size=4))
@settings(max_examples=80, deadline=None)
def test_every_number_is_counted_exactly_once(rows: list[list[float]]) -> None:
    result = magnitudes([np.array(row, float) for row in rows])
    np.testing.assert_array_equal(result.size, [len(row) for row in rows])
    np.testing.assert_array_equal(result.zero, [row.count(0.0) for row in rows])
    np.testing.assert_array_equal(result.non_finite, [sum(not math.isfinite(v) for v in row) for row in rows])
    assert result.counts.min() >= 0


@given(st.floats(allow_nan=False, allow_infinity=False).filter(bool))
@settings(max_examples=80, deadline=None)
def test_a_number_lies_in_the_octave_whose_edges_enclose_it(value: float) -> None:
    result = magnitudes([np.array([value])])
    exponent = result.first + int(result.counts[0].argmax())
    # ldexp by halves: 2¹⁰²⁴ itself is no float64.
    assert math.ldexp(0.5, exponent) <= abs(value) / 2 < math.ldexp(0.5, exponent + 1) or abs(value) == 5e-324


@given(st.integers(FIRST_OCTAVE, LAST_OCTAVE - 2), st.sampled_from([1.0, -1.0]))
@settings(max_examples=50, deadline=None)
def test_octave_contains_its_lower_edge_and_not_its_upper_one(octave: int, sign: float) -> None:
    edges = [2.0**octave, math.nextafter(2.0 ** (octave + 1), 0.0)]
    assert magnitudes([sign * np.array(edges)]).counts[0, octave - FIRST_OCTAVE] == 2
    assert magnitudes([sign * np.array([2.0 ** (octave + 1)])]).counts[0, octave - FIRST_OCTAVE] == 0


def test_a_loss_scale_is_divided_out_of_the_magnitudes() -> None:
    values = np.array([1.0, 3.0, 0.0, np.inf, -7e-300])
    once, scaled_up = magnitudes([values]), magnitudes([values * 4096.0], 4096.0)
    np.testing.assert_array_equal(once.counts, scaled_up.counts)
    np.testing.assert_array_equal(once.zero, scaled_up.zero)
    np.testing.assert_array_equal(once.non_finite, scaled_up.non_finite)


def test_network_magnitudes_cover_every_activation_and_every_delta() -> None:
    details = Run(trainer().experiment).measure(EVERYTHING)
    sizes = [16 * 6] * 3 + [16]
    assert details.activations is not None and details.deltas is not None
    np.testing.assert_array_equal(details.activations.size, sizes)
    np.testing.assert_array_equal(details.deltas.size, sizes)
    assert not details.deltas.zero.any()


def test_vanished_gradients_are_counted_not_dropped() -> None:
    """Sixty sigmoid layers: the first gradients are near 10⁻⁴⁰ and none of them counts as zero."""
    deltas = Run(trainer({"network.activation": "sigmoid", "network.depth": 60}).experiment).measure(EVERYTHING).deltas
    assert deltas is not None
    assert deltas.counts[0].sum() == deltas.size[0]
    assert deltas.first + deltas.counts[0].argmax() < -100


# What crosses to another thread


def test_measurements_are_read_only_like_everything_that_crosses_threads() -> None:
    details = Run(trainer().experiment).measure(EVERYTHING)
    arrays = [
        (type(part).__name__, name, value)
        for part in (details.activations, details.deltas, details.surface)
        for name, value in vars(part).items()
        if isinstance(value, np.ndarray)
    ]
    arrays += [("statistics", name, value) for name, value in details.statistics.items()]
    assert len(arrays) > 10
    assert [f"{part}.{name}" for part, name, array in arrays if array.flags.writeable] == []
