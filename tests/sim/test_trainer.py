"""The training loop: what a snapshot means, batches and epochs, live edits, divergence, reproducibility."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_kit import bits, take, trainer, validating

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.sim import statistics
from gradflow.sim.batches import Batches
from gradflow.sim.config import edit
from gradflow.sim.datasets import DATASETS
from gradflow.sim.probe import magnitudes
from gradflow.sim.snapshot import Stat
from gradflow.sim.subject import Subject
from gradflow.sim.trainer import Trainer

# Reproducibility


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_same_experiment_and_seed_give_the_same_history_bit_for_bit(optimizer: str) -> None:
    changes = {"training.optimizer": optimizer, "training.momentum": 0.9, "network.skip_every": 1}
    first = bits(take(trainer(changes), 40))
    assert bits(take(trainer(changes), 40)) == first
    assert bits(take(trainer(changes | {"seed": 1}), 40)) != first


def test_looking_at_the_network_does_not_change_the_run() -> None:
    """Validation at every step, measurements and previews in between leave no trace in the training."""
    plain, watched = trainer(), validating()
    seen = []
    for snapshot in watched.steps():
        statistics.take(Subject(watched.network, lambda: watched.evaluator.gradient(*watched.training_set)))
        magnitudes([layer.linear.grad for layer in watched.network.layers])
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
        for layer, W_grad_norm in zip(twin.layers, snapshot.stat(Stat.WEIGHT_GRAD), strict=True):
            assert math.isclose(np.linalg.norm(layer.linear.W_grad), W_grad_norm, rel_tol=1e-12)
        if k == 7:
            return


def test_step_zero_is_the_initialisation_and_equals_the_preview() -> None:
    run = trainer()
    weights = run.network.parameters.copy()
    preview = run.preview()
    first = next(run.steps())
    assert first.step == 0 == first.epoch
    assert first.stats is preview.stats
    np.testing.assert_array_equal(run.network.parameters, weights)


def test_snapshots_are_frozen_and_their_arrays_read_only() -> None:
    snapshot = trainer().preview()
    assert not snapshot.stats.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.step = 1  # type: ignore[misc]


def test_earlier_snapshots_do_not_change_when_training_goes_on() -> None:
    run = trainer()
    steps = run.steps()
    first = next(steps)
    kept = first.stats.copy()
    for _ in range(5):
        next(steps)
    np.testing.assert_array_equal(first.stats, kept)


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
    outputs = network.layers[-1].linear.value[:, 0]
    y = network.loss.targets[:, 0]
    by_hand = np.mean([math.log1p(math.exp(-abs(z))) + max(z, 0) - z * t for z, t in zip(outputs, y, strict=True)])
    assert last.train_loss == pytest.approx(by_hand, rel=1e-12)
    assert last.train_accuracy == np.mean((outputs > 0) == (y > 0.5))
    output_delta = (1 / (1 + np.exp(-outputs)) - y) / 8
    assert network.layers[-1].linear.b_grad[0] == pytest.approx(output_delta.sum(), rel=1e-10)
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


DRAWN = [name for name in INITIALIZERS if name != "saved"]
PAIRS = {(activation, scheme) for activation in ACTIVATIONS for scheme in ("xavier-normal", "zeros", "lsuv")}
PAIRS |= {(activation, scheme) for activation in ("tanh", "relu") for scheme in DRAWN}


@pytest.mark.parametrize(("activation", "scheme"), sorted(PAIRS))
def test_every_activation_and_every_initialisation_train(activation: str, scheme: str) -> None:
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
    assert not take(run, 5)[-1].stat(Stat.UPDATE).any()
    np.testing.assert_array_equal(run.network.parameters, before)


# Validation


def test_validation_is_measured_on_its_turns_and_nan_between() -> None:
    for snapshot in take(validating(every=2), 9):
        assert math.isnan(snapshot.validation_loss) == bool(snapshot.step % 2)
        assert math.isnan(snapshot.validation_accuracy) == bool(snapshot.step % 2)


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
        layer.linear.W[:] = gain * rng.standard_normal(layer.linear.W.shape)
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
    run.network.layers[-1].linear.W[:] = 1e170
    snapshot = take(run, 2)[-1]
    assert (snapshot.step, snapshot.divergence.layer, snapshot.divergence.direction) == (0, None, "forward")
    assert "the loss is no longer finite" in str(snapshot.divergence)


@pytest.mark.parametrize("size", [1e-200, 1e-150, 1e100])
def test_tiny_and_huge_gradients_are_results_not_divergence(size: float) -> None:
    """A gradient of 1e-200 is reported as 1e-200."""
    run = prepared([1e-100, 1.0, 1.0, size])
    snapshot = take(run, 1)[0]
    assert snapshot.finite
    expected = [math.hypot(*layer.linear.grad.ravel()) for layer in run.network.layers]
    np.testing.assert_allclose(snapshot.stat(Stat.DELTA), expected, rtol=1e-12)
    assert 0.01 < snapshot.stat(Stat.DELTA)[2] / size < 100
