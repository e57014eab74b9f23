"""The spectrum of a run: what is kept of the singular values, what is expected of them, and what is left out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sim_kit import small

from gradflow.sim.archive import open_experiment
from gradflow.sim.details import Want
from gradflow.sim.jacobian import Jacobians
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.run import Run
from gradflow.sim.spectrum import Spectrum, Strip

Array = NDArray[np.float64]


def spectrum_of(run: Run) -> Spectrum:
    found = run.measure({Want.SPECTRUM}).spectrum
    assert found is not None
    return found


def spectrum(changes: dict[str, Any], steps: int = 0) -> Spectrum:
    """Return the spectrum of a small run after some steps."""
    run = Run(small(changes))
    if steps:
        for _ in range(steps + 1):
            run.advance()
    return spectrum_of(run)


WIDE = {"data.name": "digits", "data.samples": 100, "network.width": 64, "network.depth": 4}


def test_the_strips_are_quantiles_of_the_singular_values() -> None:
    run = Run(small(WIDE))
    found = spectrum_of(run)
    pairs = list(Jacobians(run.trainer.network).pairs(run.trainer.training_set[0][0]))
    for pair in pairs:
        for strip, matrix, decades in ((found.own, pair.own, 0.0), (found.path, pair.path, pair.decades)):
            logs = np.log10(np.linalg.svd(matrix, compute_uv=False)) + decades
            np.testing.assert_allclose(strip.bands[:, pair.layer], np.quantile(logs, (0, 0.25, 0.5, 0.75, 1)))
            assert strip.largest[pair.layer] == pytest.approx(logs.max())
            assert strip.zero[pair.layer] == 0.0
            assert strip.log_condition(pair.layer) == pytest.approx(logs.max() - logs.min())
    # Hidden layer 4 is the deepest with 64 singular values; the output has ten.
    assert (found.shown, found.note) == (3, "")


def test_a_histogram_adds_up_to_what_is_not_zero() -> None:
    found = spectrum({**WIDE, "network.activation": "relu", "init.scheme": "he-normal"})
    for strip in (found.own, found.path):
        for layer, histogram in strip.histograms.items():
            total = float((histogram.heights * np.diff(histogram.edges)).sum())
            assert total == pytest.approx(1 - strip.zero[layer])
    # Half of the rectifiers pass nothing, and two layers of them are not better than one.
    assert found.own.zero[1:4] == pytest.approx(0.5, abs=0.2)
    assert (found.path.zero[1:4] >= found.own.zero[1:4] - 1e-9).all()
    assert math.isinf(found.path.log_condition(3))


def test_a_linear_orthogonal_network_is_an_isometry() -> None:
    found = spectrum({**WIDE, "network.activation": "identity", "init.scheme": "orthogonal", "network.depth": 30})
    np.testing.assert_allclose(found.path.bands, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.path.expected_largest, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.path.expected_rms, 0.0, atol=1e-12)
    assert (found.path.histograms[29].curve_x.size, found.expected_note) == (0, "")


@pytest.mark.parametrize(
    ("activation", "scheme"),
    [
        ("relu", "orthogonal"),
        *(
            pytest.param(activation, scheme, marks=pytest.mark.slow)
            for activation in ("tanh", "relu", "gelu", "sigmoid")
            for scheme in ("lecun-normal", "xavier-uniform", "he-normal", "orthogonal")
        ),
    ],
)
def test_the_expected_numbers_are_those_of_random_networks(activation: str, scheme: str) -> None:
    """The mean square and the largest singular value over six seeds, of each layer and of all up to it.

    The largest lies a little below the edge of infinitely wide layers.
    """
    found = []
    changes = {**WIDE, "network.width": 128, "network.activation": activation, "init.scheme": scheme}
    for seed in range(6):
        found.append(spectrum({**changes, "seed": seed, "init.bias_scale": 0.1}))
    assert found[0].expected_note == ""
    for part in ("own", "path"):
        strips: list[Strip] = [getattr(one, part) for one in found]
        largest = np.mean([strip.largest - strip.expected_largest for strip in strips], axis=0)
        assert (np.abs(largest[:-1]) < 0.08).all(), (part, largest)
        squares = np.mean([_rms(strip) - strip.expected_rms for strip in strips], axis=0)
        assert (np.abs(squares) < 0.06).all(), (part, squares)


def _rms(strip: Strip) -> Array:
    """Return log₁₀ of the root mean square of the singular values, from their histograms' middles."""
    logs = []
    for histogram in strip.histograms.values():
        middles = (histogram.edges[1:] + histogram.edges[:-1]) / 2
        shares = histogram.heights * np.diff(histogram.edges)
        logs.append(0.5 * math.log10(float((shares * 100.0**middles).sum())))
    return np.array(logs)


def test_the_preset_is_nearly_isometric_and_a_gaussian_network_is_not() -> None:
    """From layer 2 to layer 16 no direction is stretched by much more than 1.2 (Pennington et al. 2017)."""
    isometric = spectrum_of(Run(open_experiment("dynamical-isometry")))
    assert isometric.expected_note == ""
    gain = isometric.path.largest[:16] - isometric.path.largest[0]
    assert 10 ** gain.max() < 1.25
    assert isometric.path.log_condition(15) < 1.0
    np.testing.assert_allclose(isometric.path.largest[:16], isometric.path.expected_largest[:16], atol=0.02)
    gaussian = spectrum({**WIDE, "network.depth": 16, "data.samples": "all"})
    assert gaussian.path.log_condition(9) > 6.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network.norm": "batch-norm"}, "normalised"),
        ({"network.skip_every": 2}, "skip"),
        ({"network.layers": (LayerRow(units=4), LayerRow(units=4, skip_from=0, join="concat"))}, "side by side"),
        ({"init.scheme": "identity"}, "identity weights"),
        ({"init.scheme": "sparse"}, "sparse weights"),
        ({"init.scheme": "lsuv"}, "data"),
        ({"init.bias": 0.1}, "biases"),
        ({"data.name": "digits", "network.layers": (LayerRow(kind="conv", units=2),)}, "convolutions"),
    ],
)
def test_it_says_why_nothing_is_expected(changes: dict[str, Any], words: str) -> None:
    found = spectrum(changes)
    assert found.expected_note.startswith("no prediction for") and words in found.expected_note
    assert np.isnan(found.path.expected_largest).all()
    assert np.isfinite(found.path.largest).all()


def test_it_says_what_became_of_batch_norm() -> None:
    assert spectrum({"network.norm": "batch-norm"}).note == "batch norm held at the statistics of the training batch"
    assert spectrum({"network.norm": "layer-norm"}).note == ""


def test_trained_weights_have_no_prediction() -> None:
    found = spectrum({}, steps=1)
    assert "trained" in found.expected_note
    assert np.isnan(found.path.expected_largest).all()


def test_a_network_too_deep_for_its_width_is_said_to_be_roughly_predicted() -> None:
    assert "rough" in spectrum({"network.depth": 20, "network.width": 16}).expected_note
    assert "rough" not in spectrum({**WIDE, "network.width": 256}).expected_note


def test_a_deep_network_is_decomposed_at_a_hundred_layers() -> None:
    found = spectrum({"network.depth": 250})
    shown = np.flatnonzero(~np.isnan(found.own.largest))
    assert len(shown) == len(found.path.histograms) == 100
    assert (shown[0], shown[-1]) == (0, 250)
    assert found.note == "100 of 251 layers, evenly spread"


def test_of_a_very_wide_network_only_the_largest_is_known() -> None:
    run = Run(small({"network.width": 600, "network.depth": 2}))
    found = spectrum_of(run)
    weights = [layer.linear.W for layer in run.trainer.network.layers]
    assert "too large" in found.note and list(found.path.histograms) == [2]
    assert np.isfinite(found.own.largest).all() and np.isnan(found.own.bands).all()
    assert 10 ** found.own.largest[0] == pytest.approx(np.linalg.norm(weights[0], 2), rel=1e-3)
    np.testing.assert_allclose(found.own.largest, found.own.expected_largest, atol=0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"network.depth": 1, "network.width": 1},
        {"init.scale": 1e-6, "network.depth": 80},
        {"init.scale": 1e6, "network.depth": 80},
        {"init.scale": 1e6, "network.depth": 80, "network.activation": "relu"},
        {"init.scheme": "zeros"},
        {"network.activation": "step"},
        {"network.width": 1, "network.depth": 30, "network.activation": "relu"},
        {"training.precision": "float16", "init.scale": 1e4, "network.activation": "relu"},
        {"training.learning_rate": 1e6, "network.activation": "relu"},
    ],
)
@pytest.mark.parametrize("steps", [0, 3])
def test_awkward_networks_have_a_spectrum_too(changes: dict[str, Any], steps: int) -> None:
    """Nothing raises, and what is drawn is a number, nan for "not there", or −∞ and ∞ for zero and overflow."""
    run = Run(small(changes))
    for _ in range(steps):
        if run.snapshot.finite and not run.finished:
            run.advance()
    found = spectrum_of(run)
    for strip in (found.own, found.path):
        assert not np.isnan(strip.largest).any()
        assert len(strip.histograms) + np.isposinf(strip.largest).sum() == len(strip.largest)


def test_a_layer_that_passes_nothing_is_all_zero() -> None:
    found = spectrum({"init.scheme": "zeros"})
    assert np.isneginf(found.path.largest).all() and (found.path.zero == 1.0).all()
    assert found.path.histograms[0].heights.sum() == 0.0
