"""After an explosion: the last steps are there to be looked at again, and the last finite state to be measured."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from sim_kit import snapshot

from gradflow.sim.details import EVERYTHING, Want
from gradflow.sim.frame import State
from gradflow.sim.history import TAIL, History
from gradflow.sim.interruption import Interrupted
from gradflow.sim.looking_back import last_steps, replayed
from gradflow.sim.run import Run
from gradflow.sim.snapshot import NORMS

EXPLODING = {
    "data.name": "diabetes",
    "network.activation": "identity",
    "training.learning_rate": 0.02,
    "training.momentum": 0.9,
}


def exploded(fast, changes=None, retune=None) -> Run:
    """Drive a run until it blows up, with a live edit on the way."""
    run = Run(fast(EXPLODING | (changes or {})))
    for _ in range(3):
        run.advance()
    training = run.experiment.training
    run.retune(dataclasses.replace(training, learning_rate=retune or 30.0, batch_size=24))
    while run.snapshot.finite:
        run.advance()
    return run


def test_the_last_twenty_steps_are_kept_however_thin_the_record_is():
    history = History(3, 1)
    for step in range(1000):
        history.append(snapshot(step))
    view = history.view()
    assert history.stride > 1 and len(view) <= history.most
    assert [one.step for one in view.tail] == list(range(1000 - TAIL, 1000))
    history.append(snapshot(1001))
    assert view.tail[-1].step == 999, "what is published stays"


def test_a_frame_can_be_looked_at_as_it_stood_at_each_of_the_last_steps(fast):
    run = exploded(fast)
    frame = run.frame(State.DIVERGED)
    steps = last_steps(frame)
    assert steps == tuple(range(steps[0], run.snapshot.step + 1)) and len(steps) <= TAIL
    assert replayed(frame, steps[-1]) is frame
    for step in steps[:-1]:
        then = replayed(frame, step)
        assert then.snapshot.step == step and then.snapshot.finite
        assert np.isfinite(then.snapshot.stats[: len(NORMS)]).all()
        assert then.history.column("step")[-1] == step and last_steps(then)[-1] == step
        assert then.findings == frame.findings
    assert replayed(frame, 10**6) is frame


def test_the_last_finite_state_comes_back_bit_for_bit_and_is_measured(fast):
    run = exploded(fast)
    assert run.exploded
    details = run.look(EVERYTHING)
    last = run.snapshot.step - 1
    assert details.step == last and run.unmeasured(EVERYTHING) == frozenset() and not run.exploded
    # The live edit and the batches are those of the first time.
    before = run.history.view().tail[-2]
    assert run._before.snapshot.stats.tobytes() == before.stats.tobytes()
    assert details.deltas.non_finite.sum() == 0 and details.activations.non_finite.sum() == 0
    assert replayed(run.frame(State.DIVERGED), last).complete


@pytest.mark.parametrize(
    "changes", [{"network.dropout": 0.3}, {"network.norm": "batch-norm", "training.optimizer": "adam"}], ids=str
)
def test_it_comes_back_with_its_dropout_and_its_running_means(fast, changes):
    run = Run(fast(changes))
    for _ in range(8):
        run.advance()
    reference = run.snapshot
    run.advance()
    run.snapshot = dataclasses.replace(run.snapshot, divergence=exploded(fast).snapshot.divergence)
    run.look(frozenset())
    assert run._before.snapshot.stats.tobytes() == reference.stats.tobytes()


@pytest.mark.parametrize("changes", [{}, {"training.precision": "float16"}, {"training.loss": "huber"}], ids=str)
def test_the_divergence_tells_how_large_what_broke_was_before(fast, changes):
    run = exploded(fast, changes)
    assert math.isnan(run.snapshot.divergence.largest_before)
    assert "magnitude" not in str(run.snapshot.divergence)
    run.look(frozenset())
    divergence, network = run.snapshot.divergence, run._before.trainer.network
    if divergence.layer is None:
        broken = np.array(network.loss.loss)
    else:
        layer = network.layers[divergence.layer - 1]
        broken = {
            "W": layer.linear.W,
            "z": layer.linear.value,
            "a = φ(z)": layer.output.value,
            "δ = ∂L/∂z": layer.linear.grad,
            "∂L/∂W": layer.linear.W_grad,
        }[divergence.quantity]
    assert divergence.largest_before == np.abs(broken).max() > 0.0
    assert math.isfinite(divergence.largest_before)
    assert "(one step before, its largest magnitude was " in str(divergence)
    assert str(divergence)[1:] in run.frame(State.DIVERGED).finding.evidence


def test_bringing_it_back_gives_way_and_goes_on_where_it_was(fast):
    run = exploded(fast)
    polite = iter([False, False, True])
    with pytest.raises(Interrupted):
        run.look(EVERYTHING, lambda: next(polite))
    assert run.exploded and run._rerun._run.snapshot.step == 1
    run.look(frozenset((Want.STATISTICS,)))
    assert not run.exploded


def test_what_is_broken_from_the_first_step_on_is_measured_as_it_is(fast):
    run = Run(fast({"training.precision": "float16", "init.scheme": "normal", "init.scale": 1e6}))
    assert not run.snapshot.finite and run.snapshot.step == 0 and not run.exploded
    assert run.look(frozenset((Want.MAGNITUDES,))).steps == {Want.MAGNITUDES: 0}
    assert last_steps(run.frame(State.DIVERGED)) == (0,)


def test_what_cannot_be_brought_back_is_tried_once(fast, monkeypatch):
    run = exploded(fast)

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("gradflow.sim.run.Rerun", fail)
    with pytest.raises(MemoryError):
        run.look(EVERYTHING)
    assert not run.exploded
    assert run.look(frozenset((Want.MAGNITUDES,))).steps == {Want.MAGNITUDES: run.snapshot.step}


def test_a_run_without_a_window_is_measured_where_it_stands(fast):
    """What a headless run writes is of the step it names."""
    run = exploded(fast)
    details = run.measure(frozenset((Want.STATISTICS,)))
    assert details.steps == {Want.STATISTICS: run.snapshot.step}
