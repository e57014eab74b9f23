"""The noise of a mini-batch: against single samples one by one, against what many batches do, and in words."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from sim_kit import trainer

from gradflow.engine.graph import Phase
from gradflow.sim import noise
from gradflow.sim.details import Want
from gradflow.sim.noise import GradientNoise
from gradflow.sim.run import Run
from gradflow.sim.trainer import Trainer

ROWS: list[dict[str, Any]] = [{"kind": "conv", "units": 4, "padding": "same", "activation": "relu"}, {"units": 7}]


def measured(run: Trainer) -> GradientNoise:
    """Return the noise of a run's first batch."""
    run.preview()
    return noise.of_batch(run.network, run.evaluator.gradient(*run.training_set))


def of_samples(run: Trainer, chosen: slice) -> np.ndarray:
    """Return the gradient of every training sample with respect to a range of the parameters (samples, parameters)."""
    single = run.network.twin()
    single.allocate(1)
    single.graph.set_phase(Phase.HOLD)
    found = []
    for x, target in zip(*run.training_set, strict=True):
        single.input.value[:], single.loss.targets[:] = x, target
        single.forward()
        single.backward()
        found.append(single.gradients[chosen].astype(float))
    return np.array(found)


@pytest.mark.parametrize(
    "changes",
    [{}, {"data.name": "digits", "data.samples": 200, "network.layers": ROWS}, {"training.loss_scale": 64.0}],
    ids=["dense", "convolution", "loss scale"],
)
def test_noise_scale_of_the_network_is_that_of_its_samples_gradients(changes: dict[str, Any]) -> None:
    """ℬ = tr Σ/|G|² over all weights and biases, with Σ the covariance of the samples' gradients."""
    run = trainer(changes)
    found = measured(run)
    g = of_samples(run, slice(None))
    assert found.scale == pytest.approx(np.var(g, axis=0, ddof=1).sum() / np.sum(g.mean(axis=0) ** 2), rel=1e-9)
    assert (found.batch, found.samples) == (run.network.graph.samples, len(g))


def test_frozen_layers_do_not_count() -> None:
    run = trainer({"training.freeze": 2})
    found = measured(run)
    g = of_samples(run, slice(run.network.layers[2].linear.span.start, None))
    assert found.scale == pytest.approx(np.var(g, axis=0, ddof=1).sum() / np.sum(g.mean(axis=0) ** 2), rel=1e-9)


def test_noise_scale_of_a_gradient_whose_squares_underflow() -> None:
    """δ₁ = δ₂·W₂ᵀ shrinks with W₂ for every sample alike: the noise stays what it is."""
    found = []
    for size in (1e-9, 1e-170):
        run = trainer({"network.activation": "identity", "network.depth": 1})
        run.network.layers[1].linear.W[:] *= size
        full = run.evaluator.gradient(*run.training_set)
        assert 0.0 < np.abs(full.flat[run.network.layers[0].linear.span]).max() < size
        found.append(noise.scales(run.network, full))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
    assert (found[0] > 0.0).all()


def test_batches_are_as_noisy_on_average_as_the_noise_scale_says() -> None:
    """E‖g‖² = |G|²·(1 + ℬ/B·(1 − B/n)): drawn without replacement, over many batches of one network."""
    run = trainer({"data.samples": 100, "data.validation_fraction": 0.0, "training.batch_size": 4})
    expected = measured(run)
    layer = run.network.layers[1].linear
    span = slice(layer.span.start, layer.span.start + layer.W.size)
    g = of_samples(run, span)
    rng = np.random.default_rng(0)
    squares = [np.sum(g[rng.permutation(100)[:4]].mean(axis=0) ** 2) for _ in range(20_000)]
    ratio = math.sqrt(np.mean(squares) / np.sum(g.mean(axis=0) ** 2))
    assert expected.expected_ratio[1] == pytest.approx(ratio, rel=0.01)
    assert expected.expected_angle[1] == pytest.approx(math.degrees(math.acos(1 / ratio)), rel=0.03)


def test_noise_scale_with_batch_norm_is_estimated_from_batches() -> None:
    """Without a norm both ways of measuring exist and must agree up to the scatter of 32 pieces."""
    changes = {"data.samples": 1024, "data.validation_fraction": 0.0, "training.batch_size": 32, "network.width": 30}
    exact = trainer(changes | {"data.name": "digits"})
    normed = trainer(changes | {"data.name": "digits", "network.norm": "batch-norm"})
    full = measured(exact), measured(normed)
    assert all(math.isfinite(found.scale) and found.scale > 0 for found in full)
    # By hand: the pieces' gradients scatter around their mean by tr Σ/32.
    learner = normed.network.twin()
    learner.graph.set_phase(Phase.HOLD)
    learner.allocate(32)
    pieces = []
    x, targets = normed.training_set
    for start in range(0, 1024, 32):
        learner.input.value[:], learner.loss.targets[:] = x[start : start + 32], targets[start : start + 32]
        learner.forward()
        learner.backward()
        pieces.append(np.concatenate([learner.gradients[layer.linear.span] for layer in learner.layers]))
    trace = 32 * np.var(pieces, axis=0, ddof=1).sum()
    assert full[1].scale == pytest.approx(trace / np.sum(np.mean(pieces, axis=0) ** 2), rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [{"data.samples": 1, "data.validation_fraction": 0.0}, {"data.samples": 20, "network.norm": "batch-norm"}],
    ids=["one sample", "one batch"],
)
def test_what_has_a_single_part_has_no_noise_scale(changes: dict[str, Any]) -> None:
    found = measured(trainer(changes))
    assert math.isnan(found.scale)
    assert np.isnan(found.expected_angle).all() or found.batch == found.samples


def test_a_run_measures_noise_together_with_the_statistics() -> None:
    run = Run(trainer().experiment)
    assert run.measure({Want.STATISTICS}).noise is not None
    run.forget(frozenset())
    assert run.measure(frozenset()).noise is None


NOISE = GradientNoise(64, 1000, 37.0, 1.2, 40.0, np.ones(3), np.zeros(3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ("Noise scale 37:", "batch 64", "63 %", "beyond 37 gain little")),
        ({"batch": 8}, ("18 %", "batch of about 37 would be enough")),
        ({"scale": 1.5}, ("Noise scale 1.5", "98 %", "smaller batch would do")),
        ({"scale": 46_912.0}, ("47\u202f000", "less than 1 %", "even batches of all 1000")),
        ({"scale": math.inf}, ("∞", "less than 1 %")),
        ({"batch": 1000}, ("all 1000 samples", "no noise")),
        ({"scale": math.nan}, ("No noise scale",)),
    ],
)
def test_words_say_what_batch_would_be_enough(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    said = str(dataclasses.replace(NOISE, **changes))
    assert all(part in said for part in words), said
