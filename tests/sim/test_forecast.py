"""The prediction of a run: quick at once, thorough in the background, and an isotropic one once training has begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.forecast import Forecast
from gradflow.sim.frame import State
from gradflow.sim.isotropic import isotropic
from gradflow.sim.prediction import Prediction
from gradflow.sim.profile import Measure, agreement, curves
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat

DEEP: dict[str, Any] = {
    "data.name": "digits",
    "network.depth": 8,
    "network.width": 128,
    "network.activation": "tanh",
    "init.scheme": "xavier-normal",
    "init.scale": 1.0,
    "training.batch_size": 32,
}


def built(changes: dict[str, Any] | None = None) -> Run:
    return Run(edit(Experiment(), DEEP | (changes or {})))


def test_the_quick_prediction_comes_at_once_and_the_thorough_one_when_it_is_ready() -> None:
    forecast, ready = built().forecast, threading.Event()
    assert forecast.latest is None
    assert forecast.begin(ready.set)
    assert forecast.latest is not None and np.isfinite(forecast.latest.delta_norm).all()
    assert ready.wait(20)
    assert np.isfinite(forecast.latest.weight_grad_norm).all()
    assert not forecast.begin(ready.set)


def test_what_nobody_waits_for_is_given_up() -> None:
    forecast, ready = built({"network.depth": 100}).forecast, threading.Event()
    forecast.begin(ready.set)
    forecast.cancel()
    quick = forecast.finish()
    assert np.isnan(quick.weight_grad_norm).all() and not ready.is_set()


def test_what_is_replaced_is_given_up_and_its_thread_ended_by_the_last_one() -> None:
    first = built({"network.depth": 100})
    first.forecast.begin(lambda: None)
    second = Run(first.experiment, replaced=first)
    third = Run(first.experiment, replaced=second)
    third.forecast.stop()
    assert not any(thread.name == "gradflow-forecast" for thread in threading.enumerate())
    assert np.isnan(first.forecast.finish().weight_grad_norm).all()


def test_without_a_window_the_whole_prediction_is_waited_for() -> None:
    run = built()
    run.complete()
    frame = run.frame(State.PAUSED)
    assert frame.prediction is not None and np.isfinite(frame.prediction.weight_grad_norm).all()


def test_where_there_is_no_theory_the_reason_stands_in_its_place() -> None:
    run = built({"network.width": 4})
    run.complete()
    frame = run.frame(State.PAUSED)
    assert frame.prediction is not None and not frame.prediction.exists
    assert agreement(frame.prediction, frame.snapshot).startswith("Theory is silent: it is about wide layers")


def test_at_the_start_isotropic_gradients_are_the_theory() -> None:
    """THEORY 1.7: the residual is within 0.03 of log₁₀ per layer at step 0."""
    run = built()
    found = isotropic(run.trainer.network, run.snapshot)
    delta = run.snapshot.stat(Stat.DELTA)
    assert np.abs(np.log10(delta[:-1] / found.delta_norm[:-1])).max() < 0.06
    assert abs(float(np.log10(delta[:-1] / found.delta_norm[:-1]).mean())) < 0.03


def test_training_aligns_the_gradient_with_the_weights() -> None:
    """THEORY 1.7: after some steps the measured factor exceeds the isotropic one by several per cent."""
    run = built({"training.learning_rate": 0.1})
    for _ in range(101):
        run.advance()
    run.measure({Want.PREDICTION})
    frame = run.frame(State.RUNNING)
    assert frame.prediction is not None and frame.prediction.step == 100
    delta = frame.snapshot.stat(Stat.DELTA)
    gain = np.log10(delta[:-1] / delta[1:] / frame.prediction.factor[:-1])
    assert 0.03 < gain.mean() < 0.3
    assert "Alignment gain ×1." in agreement(frame.prediction, frame.snapshot)


@pytest.mark.parametrize("changes", [{"network.norm": "layer-norm"}, {"network.skip_every": 2}])
def test_a_trained_network_with_norms_or_skips_has_no_prediction(changes: dict[str, Any]) -> None:
    run = built(changes)
    found = isotropic(run.trainer.network, run.snapshot)
    assert not found.exists and "No prediction for a trained network" in found.note


# The profile's curves.


def test_the_curves_are_what_was_measured_and_predicted() -> None:
    run = built()
    run.complete()
    frame = run.frame(State.PAUSED)
    assert frame.prediction is not None
    delta, weight = curves(frame, Measure.NORM)
    assert delta.measured.tolist() == frame.snapshot.stat(Stat.DELTA).tolist()
    assert weight.predicted.tolist() == frame.prediction.weight_grad_norm.tolist()
    assert np.isnan(delta.least).all()
    rms, _ = curves(frame, Measure.RMS)
    size = np.sqrt(32 * np.array([layer.units for layer in frame.topology.layers]))
    np.testing.assert_allclose(rms.measured, delta.measured / size)
    np.testing.assert_allclose(rms.predicted, delta.predicted / size)
    largest, mean = (curves(frame, measure)[1].measured for measure in (Measure.MAX, Measure.MEAN_SIZE))
    assert (largest > curves(frame, Measure.RMS)[1].measured).all() and (largest > mean).all()


def test_factors_multiply_to_the_product_so_far() -> None:
    run = built()
    run.complete()
    product, factor = curves(run.frame(State.PAUSED), Measure.FACTOR)
    np.testing.assert_allclose(np.cumprod(factor.measured[-2::-1])[::-1], product.measured[:-1])
    np.testing.assert_allclose(np.cumprod(factor.predicted[-2::-1])[::-1], product.predicted[:-1])


def test_the_band_is_the_range_of_the_last_steps() -> None:
    run = built()
    for _ in range(5):
        run.advance()
    delta, _ = curves(run.frame(State.RUNNING), Measure.NORM)
    recorded = run.history.view().stat(Stat.DELTA)
    assert delta.least.tolist() == recorded.min(axis=0).tolist()
    assert (delta.least <= delta.measured).all() and (delta.measured <= delta.most).all()


def test_a_gap_is_said_in_per_cent_with_what_is_to_be_expected() -> None:
    run = built()
    run.complete()
    frame = run.frame(State.PAUSED)
    assert agreement(frame.prediction, frame.snapshot).startswith("Theory (line): gap ±")
    assert agreement(None, frame.snapshot) == ""
    assert Forecast(run.trainer).latest is None


def test_what_takes_the_pairs_of_samples_is_worked_out_behind_a_word() -> None:
    """Batch norm couples the samples: there is no quick prediction, and theory is not silent."""
    forecast, ready = built({"network.norm": "batch-norm", "network.depth": 3}).forecast, threading.Event()
    assert forecast.begin(ready.set)
    assert ready.wait(20) and forecast.latest is not None and forecast.latest.exists


def test_where_theory_is_silent_the_thread_says_so_at_once() -> None:
    forecast, ready = built({"network.width": 4}).forecast, threading.Event()
    assert forecast.begin(ready.set)
    assert ready.wait(20) and forecast.latest is not None
    assert forecast.latest.note.startswith("Theory is silent: ")


def test_while_it_rests_nothing_more_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, passed, ready = (threading.Event() for _ in range(3))
    forecast = built().forecast
    prediction = built().forecast.finish()

    def thoroughly(_: object, watch: Callable[[], None]) -> Prediction:
        begun.set()
        watch()
        passed.set()
        return prediction

    monkeypatch.setattr("gradflow.sim.mean_field.thoroughly", thoroughly)
    with forecast.resting():
        assert forecast.begin(ready.set)
        assert begun.wait(20) and not passed.wait(0.05)
    assert passed.wait(20) and ready.wait(20)
