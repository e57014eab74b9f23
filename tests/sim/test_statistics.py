"""The dearer statistics: each against independent code on the network's arrays, and what each is for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sim_kit import bits, take, trainer

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.graph import Phase
from gradflow.engine.network import Layer
from gradflow.sim import statistics
from gradflow.sim.details import Want
from gradflow.sim.run import Run
from gradflow.sim.statistics import SIZES, STATISTICS
from gradflow.sim.subject import Subject
from gradflow.sim.trainer import Trainer

Array = NDArray[Any]

ROWS: list[dict[str, Any]] = [{"kind": "conv", "units": 4, "padding": "same", "activation": "relu"}, {"units": 7}]
NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {},
    "sigmoid": {"network.activation": "sigmoid", "network.depth": 5, "data.name": "iris"},
    "relu": {"network.activation": "relu", "init.bias_scale": 0.5, "network.norm": "layer-norm"},
    "convolution": {"data.name": "digits", "network.layers": ROWS},
    "pre-activation": {"network.skip_every": 1, "network.residual": "pre-activation"},
}


def subject(run: Trainer) -> Subject:
    """Return what the statistics look at."""
    run.preview()
    return Subject(run.network, lambda: run.evaluator.gradient(*run.training_set))


def measured(changes: dict[str, Any] | None = None) -> tuple[Trainer, dict[str, Array]]:
    """Return a run at step 0 with its statistics."""
    run = trainer(changes)
    return run, statistics.take(subject(run))


def most_alike(layer: Layer) -> float:
    """Return the largest |cosine| between two columns of [W; b], pair by pair."""
    incoming = np.vstack([layer.linear.W, layer.linear.b]).astype(float)
    units = incoming.shape[1]
    pairs = [(incoming[:, i], incoming[:, j]) for i in range(units) for j in range(i)]
    return max((abs(u @ v) / (np.linalg.norm(u) * np.linalg.norm(v)) for u, v in pairs), default=math.nan)


def slope_square(layer: Layer) -> float:
    """Return the mean of φ′², with φ′ from central differences of φ."""
    if layer.activate is None:
        return math.nan
    z, h = layer.activate.inputs[0].value.astype(float), 1e-6
    up, down, scratch = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    layer.activate.function.value(z + h, up, scratch)
    layer.activate.function.value(z - h, down, scratch)
    return float(np.mean(((up - down) / (2 * h)) ** 2))


def offset(values: Array) -> float:
    """Return the mean over the root mean square."""
    return float(np.mean(values) / np.sqrt(np.mean(values**2)))


def correlation(z: Array) -> float:
    """Return the mean cosine between two samples, pair by pair."""
    z = z[:64]
    pairs = [(z[i], z[j]) for i in range(len(z)) for j in range(i)]
    return float(np.mean([u @ v / (np.linalg.norm(u) * np.linalg.norm(v)) for u, v in pairs]))


BY_LAYER: dict[str, Callable[[Layer], float]] = {
    "z_mean": lambda layer: np.mean(layer.linear.value),
    "z_variance": lambda layer: np.var(layer.linear.value),
    "a_variance": lambda layer: np.var(layer.output.value),
    "gradient_mean": lambda layer: np.mean(layer.linear.W_grad),
    "gradient_rms": lambda layer: np.sqrt(np.mean(layer.linear.W_grad**2)),
    "gradient_mean_size": lambda layer: np.abs(layer.linear.W_grad).mean(),
    "gradient_max": lambda layer: np.abs(layer.linear.W_grad).max(),
    "delta_mean_size": lambda layer: np.abs(layer.linear.grad).mean(),
    "delta_max": lambda layer: np.abs(layer.linear.grad).max(),
    "delta_rms": lambda layer: np.sqrt(np.mean(layer.linear.grad**2)),
    "zero_share": lambda layer: np.mean(layer.linear.grad == 0.0),
    "slope_square": slope_square,
    "similarity": most_alike,
    "z_length": lambda layer: np.mean(layer.linear.value.astype(float) ** 2),
    "a_length": lambda layer: np.mean(layer.output.value.astype(float) ** 2),
    "z_offset": lambda layer: offset(layer.linear.value.astype(float)),
    "a_offset": lambda layer: offset(layer.output.value.astype(float)),
    "correlation": lambda layer: correlation(layer.linear.value.astype(float)),
}
SCALED = ("gradient_mean", *SIZES)


def by_hand(run: Trainer) -> dict[str, Array]:
    """Return every statistic, computed plainly."""
    layers = run.network.layers
    found = {name: np.array([of(layer) for layer in layers], float) for name, of in BY_LAYER.items()}
    delta = np.array([np.linalg.norm(layer.linear.grad) for layer in layers])
    found["delta_factor"] = np.append(delta[:-1] / delta[1:], np.nan)
    found |= {name: found[name] / run.network.loss_scale for name in SCALED}
    # All samples in one batch of a second network on the same weights, where nothing is drawn.
    whole = run.network.twin()
    x, targets = run.training_set
    whole.allocate(len(x))
    whole.input.value[:], whole.loss.targets[:] = x, targets
    whole.forward()
    whole.backward()
    pairs = [
        (one.linear.W_grad.ravel() / run.network.loss_scale, all_of_them.linear.W_grad.ravel())
        for one, all_of_them in zip(layers, whole.layers, strict=True)
    ]
    found["noise_ratio"] = np.array([np.linalg.norm(g) / np.linalg.norm(G) for g, G in pairs])
    cosines = [np.clip(g @ G / (np.linalg.norm(g) * np.linalg.norm(G)), -1, 1) for g, G in pairs]
    found["noise_angle"] = np.degrees(np.arccos(cosines))
    each = gradients_of_samples(run)
    found["noise_scale"] = np.array([noise_scale([g[span(layer)] for g in each]) for layer in layers])
    return found


def span(layer: Layer) -> slice:
    """Return where a layer's weights lie in the flat vectors."""
    start = layer.linear.span.start
    return slice(start, start + layer.linear.W.size)


def gradients_of_samples(run: Trainer) -> list[Array]:
    """Return the gradient of every training sample alone, one after the other through a network of its own."""
    single = run.network.twin()
    single.allocate(1)
    single.graph.set_phase(Phase.HOLD)
    found = []
    for x, target in zip(*run.training_set, strict=True):
        single.input.value[:], single.loss.targets[:] = x, target
        single.forward()
        single.backward()
        found.append(single.gradients.astype(float))
    return found


def noise_scale(gradients: list[Array]) -> float:
    """Return the trace of the covariance matrix of some gradients over the square of their mean."""
    return float(np.trace(np.atleast_2d(np.cov(np.array(gradients).T))) / np.sum(np.mean(gradients, axis=0) ** 2))


@pytest.mark.parametrize(
    ("extra", "exact"),
    [({}, 1e-9), ({"training.loss_scale": 256.0}, 1e-9), ({"training.precision": "float32"}, 2e-3)],
    ids=["float64", "loss scale", "float32"],
)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_statistic_is_that_of_a_plain_computation(network: str, extra: dict[str, Any], exact: float) -> None:
    run, found = measured(NETWORKS[network] | extra)
    expected = by_hand(run)
    assert set(found) == set(STATISTICS) == set(expected)
    for name, values in expected.items():
        # A mean near 0 is exact to the size of what is averaged, and a difference quotient to half its digits.
        slack = exact * (1.0 if name == "z_mean" else np.nanmax(np.abs(values)))
        loose = 1e-5 if name == "slope_square" else exact
        np.testing.assert_allclose(found[name], values, rtol=loose, atol=slack, err_msg=name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_statistic_has_a_number_for_every_layer_or_none(activation: str) -> None:
    _, found = measured({"network.activation": activation, "data.name": "iris"})
    for name, values in found.items():
        assert values.shape == (4,), name
        assert not values.flags.writeable
        missing = {"delta_factor": [3], "slope_square": [3]}.get(name, [])
        assert np.flatnonzero(np.isnan(values)).tolist() == missing, name


@pytest.mark.parametrize("entry", STATISTICS.values(), ids=list(STATISTICS))
def test_every_statistic_says_what_it_costs(entry: Any) -> None:
    assert "Cost:" in entry.doc


# Symmetry


@pytest.mark.parametrize("scheme", ["constant", "zeros"])
def test_units_that_start_equal_are_told_and_stay_equal(scheme: str) -> None:
    """With one random number for all units of a layer nothing would ever tell them apart."""
    run, found = measured({"init.scheme": scheme, "init.scale": 0.2, "data.name": "blobs"})
    np.testing.assert_allclose(found["similarity"], 1.0, rtol=1e-12)
    take(run, 10)
    later = statistics.take(subject(run))["similarity"][:-1]
    np.testing.assert_allclose(later, 1.0, rtol=1e-9)


@pytest.mark.parametrize("scheme", ["xavier-normal", "uniform", "orthogonal", "sparse", "standard-uniform"])
def test_randomly_drawn_units_are_not_alike(scheme: str) -> None:
    run, found = measured({"init.scheme": scheme, "init.bias_scale": 0.5, "network.width": 12, "data.name": "digits"})
    assert (found["similarity"] < 0.999).all()
    for layer in run.network.layers:
        assert len(np.unique(layer.linear.W, axis=1).T) == layer.linear.units


def test_two_units_that_are_each_others_negative_are_alike_too() -> None:
    run = trainer({"data.name": "digits"})
    run.network.layers[1].linear.W[:, 2] = -3.0 * run.network.layers[1].linear.W[:, 4]
    found = statistics.take(subject(run))["similarity"]
    assert found[1] == pytest.approx(1.0, rel=1e-12)
    assert found[0] < 0.999


def test_layer_of_a_single_unit_has_none_that_it_could_be_like() -> None:
    assert math.isnan(measured()[1]["similarity"][-1])


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_similarity_and_root_mean_squares_survive_numbers_whose_squares_do_not(size: float) -> None:
    run = trainer({"data.name": "digits", "network.activation": "identity", "network.depth": 2})
    plain = statistics.take(subject(run))
    changed = trainer({"data.name": "digits", "network.activation": "identity", "network.depth": 2})
    changed.network.layers[0].linear.W[:] *= size
    changed.network.layers[1].linear.W[:] /= size
    found = statistics.take(subject(changed))
    np.testing.assert_allclose(found["similarity"], plain["similarity"], rtol=1e-9)
    # δ₁ = δ₂·W₂ᵀ and ∂L/∂W₂ = a₁ᵀ·δ₂.
    assert found["delta_rms"][0] == pytest.approx(plain["delta_rms"][0] / size, rel=1e-9)
    assert found["gradient_rms"][1] == pytest.approx(plain["gradient_rms"][1] * size, rel=1e-9)
    assert found["gradient_max"][1] == pytest.approx(plain["gradient_max"][1] * size, rel=1e-9)
    assert found["delta_factor"][0] == pytest.approx(plain["delta_factor"][0] / size, rel=1e-9)


# Noise


@pytest.mark.parametrize("data", ["two-moons", "digits", "diabetes"])
def test_batch_of_all_samples_has_no_noise(data: str) -> None:
    _, found = measured({"data.name": data, "data.samples": "all", "training.batch_size": "all"})
    np.testing.assert_allclose(found["noise_ratio"], 1.0, rtol=1e-9)
    np.testing.assert_allclose(found["noise_angle"], 0.0, atol=1e-5)


def test_small_batches_are_noisier_than_large_ones() -> None:
    angles = [
        np.mean(
            [
                measured({"training.batch_size": size, "data.samples": 300, "seed": s})[1]["noise_angle"]
                for s in range(5)
            ]
        )
        for size in (2, 20, 200)
    ]
    assert angles[0] > 2 * angles[1] > 4 * angles[2] > 0


def test_noise_of_a_gradient_that_is_zero_has_no_meaning() -> None:
    """Behind weights of 0 nothing passes: there is no direction to compare."""
    _, found = measured({"init.scheme": "zeros", "network.depth": 2})
    assert np.isnan(found["noise_ratio"][0])
    assert np.isnan(found["noise_angle"][0])


def test_the_full_gradient_is_computed_once_for_all_statistics_and_leaves_no_trace() -> None:
    """Looking at every step, at the price of an epoch each time, changes no number of the training."""
    looked_at = trainer({"network.dropout": 0.3, "network.norm": "batch-norm"})
    seen = []
    for snapshot in looked_at.steps():
        statistics.take(subject(looked_at))
        seen.append(snapshot)
        if len(seen) == 6:
            break
    assert bits(seen) == bits(take(trainer({"network.dropout": 0.3, "network.norm": "batch-norm"}), 6))


def test_a_run_asks_for_the_full_gradient_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = Run(trainer().experiment), []
    full = run.trainer.evaluator.gradient
    monkeypatch.setattr(run.trainer.evaluator, "gradient", lambda *data: calls.append(1) or full(*data))
    details = run.measure({Want.STATISTICS})
    assert set(details.statistics) == set(STATISTICS)
    assert len(calls) == 1


# Zeros and factors


def test_zeros_of_delta_are_those_of_the_slopes() -> None:
    """ReLU: δ is 0 exactly where z ≤ 0."""
    run, found = measured({"network.activation": "relu", "data.name": "digits", "network.width": 30})
    for i, layer in enumerate(run.network.layers[:-1]):
        assert found["zero_share"][i] == pytest.approx(np.mean(layer.linear.value <= 0.0), rel=1e-12)
    assert found["zero_share"][-1] == 0.0


def test_factors_of_delta_multiply_up_to_what_is_lost_over_all_layers() -> None:
    run, found = measured({"network.activation": "sigmoid", "network.depth": 12})
    delta = [np.linalg.norm(layer.linear.grad) for layer in run.network.layers]
    assert np.prod(found["delta_factor"][:-1]) == pytest.approx(delta[0] / delta[-1], rel=1e-9)


def test_statistics_of_a_run_that_has_blown_up_are_told_without_a_warning() -> None:
    run = trainer({"network.activation": "identity"})
    run.network.layers[1].linear.W[:] = np.inf
    with np.errstate(all="ignore"):
        found = statistics.take(subject(run))
    assert not np.isfinite(found["z_mean"]).all()
