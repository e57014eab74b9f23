"""The training loop: what a snapshot means, batches and epochs, live edits, divergence, reproducibility."""

from __future__ import annotations

import dataclasses
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_kit import SMALL, small, take, trainer

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.sim.config import edit
from gradflow.sim.datasets import DATASETS
from gradflow.sim.probe import Probe
from gradflow.sim.snapshot import Norm, Snapshot
from gradflow.sim.trainer import Batches, Trainer


def bits(snapshots: list[Snapshot], without_validation: bool = False) -> list[bytes]:
    """Return everything measured at each step, as bytes."""
    hidden = {"validation_loss": 0.0, "validation_accuracy": 0.0} if without_validation else {}
    return [
        np.array(
            [
                v
                for v in dataclasses.astuple(dataclasses.replace(s, divergence=None, **hidden))
                if isinstance(v, int | float)
            ]
        ).tobytes()
        + s.norms.tobytes()
        for s in snapshots
    ]


# Reproducibility


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_same_experiment_and_seed_give_the_same_history_bit_for_bit(optimizer: str) -> None:
    changes = {"training.optimizer": optimizer, "training.momentum": 0.9, "network.skip_every": 1}
    first = bits(take(trainer(changes), 40))
    assert bits(take(trainer(changes), 40)) == first
    assert bits(take(trainer(changes | {"seed": 1}), 40)) != first


def test_looking_at_the_network_does_not_change_the_run() -> None:
    """Validation at every step, measurements and previews in between leave no trace in the training."""
    plain, watched = trainer(), trainer()
    watched.preview()
    watched.validate_every = 1
    seen = []
    for snapshot in watched.steps():
        watched.probe.units()
        watched.probe.delta_magnitudes()
        watched.evaluator.outputs(watched.split.x_validation)
        seen.append(snapshot)
        if len(seen) == 20:
            break
    assert bits(seen, without_validation=True) == bits(take(plain, 20), without_validation=True)


# The meaning of step k


def test_snapshot_k_is_taken_at_the_parameters_after_k_updates_on_the_batch_of_update_k_plus_1() -> None:
    run = trainer({"training.learning_rate": 0.3})
    expected = run.network.parameters.copy()
    for k, snapshot in enumerate(run.steps()):
        assert snapshot.step == k
        np.testing.assert_array_equal(run.network.parameters, expected)
        twin = run.network.twin()
        twin.allocate(run.network.graph.samples)
        twin.input.value[:], twin.loss.targets[:] = run.network.input.value, run.network.loss.targets
        assert twin.forward() == snapshot.train_loss
        twin.backward()
        expected = expected - 0.3 * twin.gradients
        for layer, W_grad_norm in zip(twin.layers, snapshot.norm(Norm.WEIGHT_GRAD), strict=True):
            assert math.isclose(np.linalg.norm(layer.dense.W_grad), W_grad_norm, rel_tol=1e-12)
        if k == 7:
            return


def test_step_zero_is_the_initialisation_and_equals_the_preview() -> None:
    run = trainer()
    weights = run.network.parameters.copy()
    preview = run.preview()
    first = next(run.steps())
    assert first.step == 0 == first.epoch
    assert first.norms is preview.norms
    np.testing.assert_array_equal(run.network.parameters, weights)


@pytest.mark.parametrize("turns", [2, 3, 4])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_norms_are_those_of_the_arrays_and_the_update_is_the_step_really_taken(momentum: float, turns: int) -> None:
    """On a full batch, on the short one, and on the full one after it."""
    run = trainer({"training.momentum": momentum, "training.learning_rate": 0.2})
    steps = run.steps()
    for _ in range(turns):
        snapshot = next(steps)
    assert run.network.graph.samples == (8 if turns == 3 else 16)
    before = [layer.dense.W.copy() for layer in run.network.layers]
    norms: dict[Norm, list[float]] = {
        Norm.WEIGHT: [np.linalg.norm(layer.dense.W) for layer in run.network.layers],
        Norm.WEIGHT_GRAD: [np.linalg.norm(layer.dense.W_grad) for layer in run.network.layers],
        Norm.BIAS_GRAD: [np.linalg.norm(layer.dense.b_grad) for layer in run.network.layers],
        Norm.DELTA: [np.linalg.norm(layer.dense.grad) for layer in run.network.layers],
        Norm.ACTIVATION: [np.linalg.norm(layer.output.value) for layer in run.network.layers],
    }
    gradient_norm = np.linalg.norm(run.network.gradients)
    next(steps)
    norms[Norm.UPDATE] = [
        np.linalg.norm(layer.dense.W - W) for layer, W in zip(run.network.layers, before, strict=True)
    ]
    assert set(norms) == set(Norm)
    for norm, expected in norms.items():
        np.testing.assert_allclose(snapshot.norm(norm), expected, rtol=1e-10, err_msg=norm)
    np.testing.assert_allclose(snapshot.update_ratio, np.divide(norms[Norm.UPDATE], norms[Norm.WEIGHT]), rtol=1e-10)
    assert math.isclose(snapshot.grad_norm, gradient_norm, rel_tol=1e-12)


def test_snapshots_are_frozen_and_their_arrays_read_only() -> None:
    snapshot = trainer().preview()
    assert not snapshot.norms.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.step = 1  # type: ignore[misc]


def test_earlier_snapshots_do_not_change_when_training_goes_on() -> None:
    run = trainer()
    steps = run.steps()
    first = next(steps)
    kept = first.norms.copy()
    for _ in range(5):
        next(steps)
    np.testing.assert_array_equal(first.norms, kept)


# Batches and epochs


@pytest.mark.parametrize("size", [1, 7, 16, 20, 39, 40, 41, 100_000, "all"])
def test_an_epoch_is_n_over_b_updates_rounded_up(size: int | str) -> None:
    run = trainer({"training.batch_size": size})
    samples = len(run.split.x_train)
    updates = math.ceil(samples / min(samples if size == "all" else size, samples))
    snapshots = take(run, 2 * updates + 1)
    assert snapshots[updates].epoch == 1.0
    assert snapshots[2 * updates].epoch == 2.0
    assert all(s.epoch < 1.0 for s in snapshots[:updates])
    assert all(s.finite for s in snapshots)


@given(samples=st.integers(1, 60), size=st.integers(1, 70), seed=st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_every_epoch_deals_every_sample_exactly_once(samples: int, size: int, seed: int) -> None:
    batches = Batches(samples, np.random.default_rng(seed))
    for epoch in range(2):
        dealt = [batches.deal(size) for _ in range(math.ceil(samples / size))]
        assert sorted(np.concatenate(dealt)) == list(range(samples))
        assert {len(batch) for batch in dealt[:-1]} <= {size}
        assert batches.epoch == epoch + 1


def test_every_epoch_has_an_order_of_its_own() -> None:
    batches = Batches(30, np.random.default_rng(0))
    assert not np.array_equal(batches.deal(30), batches.deal(30))


def test_short_last_batch_updates_with_its_own_mean() -> None:
    """40 samples by 16: the third batch has 8, and its loss and gradient are means over 8."""
    run = trainer()
    steps = run.steps()
    last = [next(steps) for _ in range(3)][-1]
    network = run.network
    assert network.graph.samples == 8
    before, gradient = network.parameters.copy(), network.gradients.copy()
    outputs = network.layers[-1].dense.value[:, 0]
    y = network.loss.targets[:, 0]
    by_hand = np.mean([math.log1p(math.exp(-abs(z))) + max(z, 0) - z * t for z, t in zip(outputs, y, strict=True)])
    assert last.train_loss == pytest.approx(by_hand, rel=1e-12)
    assert last.train_accuracy == np.mean((outputs > 0) == (y > 0.5))
    output_delta = (1 / (1 + np.exp(-outputs)) - y) / 8
    assert network.layers[-1].dense.b_grad[0] == pytest.approx(output_delta.sum(), rel=1e-10)
    assert next(steps).step == 3
    np.testing.assert_array_equal(network.parameters, before - run.experiment.training.learning_rate * gradient)


# Small and strange networks


@pytest.mark.parametrize(
    "changes",
    [
        {"network.depth": 1},
        {"network.width": 1},
        {"network.depth": 1, "network.width": 1, "training.batch_size": 1},
        {"network.depth": 60, "network.width": 1},
        {"data.samples": 2},
        {"data.validation_fraction": 0.0},
        {"data.noise": 0.0},
        {"training.learning_rate": 0.0},
    ],
    ids=str,
)
def test_smallest_settings_train(changes: dict[str, Any]) -> None:
    snapshots = take(trainer(changes), 6)
    assert len(snapshots) == 6
    assert all(math.isfinite(s.train_loss) for s in snapshots)


@pytest.mark.parametrize("data", DATASETS)
def test_a_single_sample_of_a_single_class_trains(data: str) -> None:
    run = trainer({"data.name": data, "data.samples": 1})
    snapshots = take(run, 4)
    assert run.topology.training_samples == 1
    assert all(s.finite for s in snapshots)
    assert math.isnan(snapshots[0].validation_loss), "there is nothing to validate on"


@pytest.mark.parametrize("scheme", INITIALIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_trains_from_every_initialisation(activation: str, scheme: str) -> None:
    snapshots = take(
        trainer({"network.activation": activation, "init.scheme": scheme, "training.learning_rate": 1e-3}), 5
    )
    assert len(snapshots) == 5
    assert all(s.finite for s in snapshots)


@pytest.mark.parametrize("data", DATASETS)
def test_every_data_set_is_learned(data: str) -> None:
    """A hundred steps of a healthy small network lower the loss of every set."""
    changes = {"data.name": data, "data.samples": "all", "network.width": 16, "training.momentum": 0.9}
    losses = [s.train_loss for s in take(trainer(changes | {"training.batch_size": "all"}), 101)]
    assert losses[-1] < 0.9 * losses[0]


def test_learning_rate_zero_changes_nothing() -> None:
    run = trainer({"training.learning_rate": 0.0})
    before = run.network.parameters.copy()
    assert not take(run, 5)[-1].norm(Norm.UPDATE).any()
    np.testing.assert_array_equal(run.network.parameters, before)


# Validation


def test_validation_is_measured_on_its_turns_and_nan_between() -> None:
    run = trainer()
    run.validate_every = 4
    for snapshot in take(run, 9):
        assert math.isnan(snapshot.validation_loss) == bool(snapshot.step % 4)
        assert math.isnan(snapshot.validation_accuracy) == bool(snapshot.step % 4)


@pytest.mark.parametrize("size", [1, 16, "all"])
def test_validation_costs_about_a_tenth_of_training_and_falls_on_powers_of_two(size: int | str) -> None:
    run = trainer({"data.samples": 500, "training.batch_size": size})
    run.preview()
    every, batch = run.validate_every, run.network.graph.capacity
    assert every & (every - 1) == 0
    # A validation pass is a third of a step per sample.
    assert len(run.split.x_validation) / (3 * batch * every) <= 0.1 or every == 1
    assert every == 1 or len(run.split.x_validation) / (3 * batch * every / 2) > 0.1


# Live edits


def test_learning_rate_and_momentum_reach_the_running_training() -> None:
    run = trainer({"training.learning_rate": 0.1})
    steps = run.steps()
    assert next(steps).learning_rate == 0.1
    announced = run.network.parameters - 0.1 * run.network.gradients
    run.retune(edit(run.experiment, {"training.learning_rate": 0.5, "training.momentum": 0.9}).training)
    second = next(steps)
    assert second.learning_rate == 0.5
    np.testing.assert_array_equal(run.network.parameters, announced, "the step already announced is taken as it was")
    before, first_gradient = run.network.parameters.copy(), run.network.gradients.copy()
    next(steps)
    np.testing.assert_array_equal(run.network.parameters, before - 0.5 * first_gradient)
    before, velocity = run.network.parameters.copy(), 0.9 * first_gradient + run.network.gradients
    next(steps)
    np.testing.assert_allclose(run.network.parameters, before - 0.5 * velocity, rtol=1e-14)


def test_batch_size_changes_from_the_next_batch_on_without_losing_a_sample() -> None:
    run = trainer()
    steps = run.steps()
    sizes = []
    for size in (16, 5, "all", 1):
        run.retune(edit(run.experiment, {"training.batch_size": size}).training)
        snapshot = next(steps)
        assert snapshot.finite
        sizes.append(run.network.graph.samples)
    assert sizes == [16, 5, 19, 1]
    assert next(steps).epoch == 1 + 1 / 40


def test_a_retuned_run_is_the_run_that_had_those_settings_all_along_when_nothing_was_taken_yet() -> None:
    late = trainer()
    changed = edit(late.experiment, {"training.learning_rate": 0.4, "training.batch_size": 8})
    late.retune(changed.training)
    assert bits(take(late, 10)) == bits(take(Trainer(changed), 10))


# Divergence


def test_forward_divergence_names_step_layer_and_direction_and_ends_the_run() -> None:
    snapshots = take(
        trainer({"data.name": "sine", "network.activation": "identity", "training.learning_rate": 100.0}), 1000
    )
    last = snapshots[-1]
    assert len(snapshots) < 1000
    assert all(s.finite for s in snapshots[:-1])
    assert last.divergence is not None
    assert (last.divergence.step, last.divergence.direction) == (last.step, "forward")
    assert f"step {last.step}" in str(last.divergence)
    assert "forward pass" in str(last.divergence)
    assert (f"layer {last.divergence.layer}" if last.divergence.layer else "the loss") in str(last.divergence)


def prepared(gains: list[float]) -> Trainer:
    """Return a linear softmax network of three hidden layers whose weights have these sizes, and random signs."""
    run = trainer({"data.name": "blobs", "network.activation": "identity", "network.width": 4})
    rng = np.random.default_rng(0)
    for layer, gain in zip(run.network.layers, gains, strict=True):
        layer.dense.W[:] = gain * rng.standard_normal(layer.dense.W.shape)
    return run


@pytest.mark.parametrize(
    ("gains", "layer", "direction", "quantity"),
    [
        ([1e200, 1e200, 1.0, 1.0], 2, "forward", "z"),
        ([1.0, 1e200, 1.0, 1e200], 4, "forward", "z"),
        ([1.0, np.nan, 1.0, 1.0], 2, "forward", "W"),
        ([1.0, 1.0, 1.0, np.inf], 4, "forward", "W"),
        ([1e-200, 1.0, 1e200, 1e200], 2, "backward", "δ = ∂L/∂z"),
        ([1e-200, 1e200, 1.0, 1e200], 1, "backward", "δ = ∂L/∂z"),
    ],
    ids=str,
)
def test_the_first_number_that_blew_up_is_named(gains: list[float], layer: int, direction: str, quantity: str) -> None:
    """In the order of computation: layer by layer forwards, the loss, then layer by layer backwards."""
    snapshots = take(prepared(gains), 5)
    assert len(snapshots) == 1
    divergence = snapshots[0].divergence
    assert divergence is not None
    assert (divergence.layer, divergence.direction, divergence.quantity) == (layer, direction, quantity)
    for part in ("step 0", f"layer {layer}", f"{direction} pass", f"{quantity} in layer {layer} is no longer finite"):
        assert part in str(divergence)


def test_a_loss_beyond_float64_is_named_as_the_loss() -> None:
    run = trainer({"data.name": "sine", "network.activation": "identity"})
    run.network.layers[-1].dense.W[:] = 1e170
    snapshot = take(run, 2)[-1]
    assert (snapshot.step, snapshot.divergence.layer, snapshot.divergence.direction) == (0, None, "forward")
    assert "the loss is no longer finite" in str(snapshot.divergence)


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1e100])
def test_tiny_and_huge_gradients_are_results_not_divergence(size: float) -> None:
    """A gradient of 1e-200 is reported as 1e-200."""
    run = prepared([1e-100, 1.0, 1.0, size])
    snapshot = take(run, 1)[0]
    assert snapshot.finite
    expected = [math.hypot(*layer.dense.grad.ravel()) for layer in run.network.layers]
    np.testing.assert_allclose(snapshot.norm(Norm.DELTA), expected, rtol=1e-12)
    assert 0.01 < snapshot.norm(Norm.DELTA)[2] / size < 100


# Norms that neither overflow nor underflow


@pytest.mark.parametrize(
    "scale", [1e-320, 1e-300, 1e-200, 1e-161, 1e-158, 1e-154, 1e-140, 1.0, 1e140, 1e155, 1e200, 1e300]
)
def test_norms_are_robust_at_every_scale(scale: float) -> None:
    """Against math.hypot, which scales by the largest entry and is right to the last digit."""
    run = trainer()
    run.preview()
    values = scale * np.random.default_rng(0).standard_normal(run.network.parameters.size)
    with np.errstate(all="ignore"):
        for vector in (run.network.parameters, run.network.gradients):
            vector[:] = values
        norms = Probe(run.network).norms(2.0 * values, 0.25)
    for i, layer in enumerate(run.network.layers):
        W = math.hypot(*layer.dense.W.ravel())
        assert math.isclose(norms[Norm.WEIGHT.row, i], W, rel_tol=1e-13)
        assert math.isclose(norms[Norm.WEIGHT_GRAD.row, i], W, rel_tol=1e-13)
        assert math.isclose(norms[Norm.BIAS_GRAD.row, i], math.hypot(*layer.dense.b_grad), rel_tol=1e-13)
        assert math.isclose(norms[Norm.UPDATE.row, i], 0.5 * W, rel_tol=1e-13 if scale > 1e-300 else 1e-2)


# A decade below the largest float64: at the brink math.hypot itself overflows where the true norm does not.
@given(st.lists(st.floats(-1e307, 1e307), min_size=12, max_size=12))
@settings(max_examples=300, deadline=None)
def test_norm_of_any_numbers_is_their_hypotenuse(values: list[float]) -> None:
    run = _ONE
    run.network.layers[0].dense.W.reshape(-1)[:] = values
    with np.errstate(all="ignore"):
        norm = run.probe.norms(run.network.gradients, 0.1)[Norm.WEIGHT.row, 0]
    exact = math.hypot(*values)
    assert math.isclose(norm, exact, rel_tol=1e-13, abs_tol=5e-324)


_ONE = trainer({"network.depth": 1})
_ONE.preview()


def test_norms_with_a_number_that_is_not_finite_say_so() -> None:
    run = trainer()
    run.preview()
    run.network.layers[0].dense.W[0, 0], run.network.layers[1].dense.W[0, 0] = np.nan, -np.inf
    with np.errstate(all="ignore"):
        norms = run.probe.norms(run.network.gradients, 0.1)[Norm.WEIGHT.row]
    assert math.isnan(norms[0])
    assert norms[1] == np.inf
    assert np.isfinite(norms[2:]).all()


# Cost


def test_training_steps_allocate_nothing_that_grows_with_the_network() -> None:
    """Sixty recorded steps of 8 layers × 128 units: one array of a layer would take 128 kB, its weights 131."""
    run = Trainer(small(SMALL | {"network.depth": 8, "network.width": 128, "training.momentum": 0.9}))
    steps = run.steps()
    tracemalloc.start()
    try:
        # Two epochs, so that the views for the full and for the short batch are among what is there before.
        for _ in range(6):
            next(steps)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(60):
            next(steps)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 90_000
    assert after - before < 4_000
