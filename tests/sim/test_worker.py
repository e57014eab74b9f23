"""The training thread: commands in, frames and events out, and nothing that a command gets wrong ends it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest

from gradflow.sim import measurements
from gradflow.sim import run as run_module
from gradflow.sim.config import Experiment
from gradflow.sim.details import EVERYTHING, PARTS, Want
from gradflow.sim.forecast import Forecast
from gradflow.sim.frame import Diverged, Event, Failed, Finished, Frame, Paused, Resumed, Started, State
from gradflow.sim.history import History
from gradflow.sim.measurements import Look
from gradflow.sim.run import Run
from gradflow.sim.trainer import Trainer
from gradflow.sim.worker import TrainingWorker

PATIENCE = 5.0
MISFIT = {"training.loss": "softmax-cross-entropy", "data.name": "diabetes"}
EXPLODING = {"network.activation": "identity", "data.name": "diabetes", "training.learning_rate": 1e5}


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)
    return found


def await_event(worker: TrainingWorker, kind: type[Event]) -> Any:
    """Wait for an event of a kind; those before it are forgotten."""
    return until(lambda: next((event for event in worker.events() if isinstance(event, kind)), None))


def run_to(worker: TrainingWorker, experiment: Experiment, number: int = 1) -> Frame:
    """Build and train flat out to the end; return the last frame."""
    worker.build(experiment, number, settle=False)
    worker.play()
    return await_event(worker, Finished).frame


def arrays(thing: Any) -> Iterator[np.ndarray]:
    """Yield every array in a frozen object, however deep."""
    if isinstance(thing, np.ndarray):
        yield thing
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from arrays(getattr(thing, field.name))
    elif isinstance(thing, tuple | Mapping):
        for part in thing.values() if isinstance(thing, Mapping) else thing:
            yield from arrays(part)


def test_a_build_shows_step_0_and_trains_only_when_told(worker, fast):
    worker.build(fast(), 7)
    frame = await_event(worker, Started).frame
    assert (frame.build, frame.snapshot.step, frame.state) == (7, 0, State.PAUSED)
    time.sleep(0.05)
    assert worker.latest.snapshot.step == 0


def test_play_trains_and_pause_stands_still(worker, fast):
    worker.build(fast(), 1, settle=False)
    worker.play()
    await_event(worker, Resumed)
    until(lambda: worker.latest.snapshot.step > 20)
    worker.pause()
    paused = await_event(worker, Paused).frame
    time.sleep(0.05)
    assert worker.latest.snapshot.step == paused.snapshot.step
    assert worker.latest.state is State.PAUSED


def test_pause_of_a_paused_run_is_no_event(worker, fast):
    worker.build(fast(), 1)
    await_event(worker, Started)
    worker.pause()
    worker.step()
    until(lambda: worker.latest.snapshot.step == 1)
    assert [type(event) for event in until(worker.events)] == [Paused]


def test_each_step_command_takes_one_step(worker, fast):
    worker.build(fast(), 1)
    for _ in range(3):
        worker.step()
    until(lambda: worker.latest and worker.latest.snapshot.step == 3)
    time.sleep(0.05)
    assert worker.latest.snapshot.step == 3
    assert worker.latest.history.column("step").tolist() == [0, 1, 2, 3]


def test_a_step_while_training_stands_still_after_it(worker, fast):
    worker.build(fast(), 1, settle=False)
    worker.play()
    until(lambda: worker.latest and worker.latest.snapshot.step > 5)
    worker.step()
    assert await_event(worker, Paused).frame.state is State.PAUSED


def test_commands_before_the_first_build_wait_for_it(worker, fast):
    worker.play()
    worker.set_speed(1e4)
    worker.retune(fast().training)
    worker.step()
    worker.play()
    worker.build(fast(), 1, settle=False)
    until(lambda: worker.latest and worker.latest.snapshot.step > 3)


def test_a_build_while_training_trains_on_from_step_0(worker, fast):
    worker.build(fast(), 1, settle=False)
    worker.play()
    until(lambda: worker.latest and worker.latest.snapshot.step > 5)
    worker.events()
    worker.build(fast({"network.depth": 3}), 2, settle=False)
    frame = await_event(worker, Started).frame
    assert (frame.build, frame.snapshot.step, frame.state, len(frame.topology.layers)) == (2, 0, State.RUNNING, 4)
    until(lambda: worker.latest.build == 2 and worker.latest.snapshot.step > 5)


def test_with_settle_a_rebuilt_run_stands_at_step_0_for_a_moment(worker, fast):
    worker.build(fast(), 1)
    worker.play()
    await_event(worker, Resumed)
    started = time.perf_counter()
    worker.build(fast(), 2, settle=True)
    until(lambda: worker.latest and worker.latest.build == 2 and worker.latest.snapshot.step > 0)
    assert time.perf_counter() - started >= 0.5


def test_a_newer_build_replaces_one_that_has_not_begun(fast):
    worker = TrainingWorker()
    for number in range(1, 50):
        worker.build(fast({"network.depth": number}), number)
    worker.start()
    until(lambda: worker.latest and worker.latest.build == 49)
    assert [event.frame.build for event in worker.events()] == [49]
    assert len(worker.latest.topology.layers) == 50
    assert worker.stop()


def test_speed_limits_the_steps(worker, fast):
    """At ten steps a second the third step cannot come before 0.2 s; flat out there are many more."""
    worker.set_speed(10.0)
    worker.build(fast(), 1, settle=False)
    started = time.perf_counter()
    worker.play()
    until(lambda: worker.latest and worker.latest.snapshot.step >= 3)
    assert time.perf_counter() - started > 0.2
    worker.set_speed(float("inf"))
    until(lambda: worker.latest.snapshot.step > 200)


def test_the_frame_tells_the_speed_while_running_only(worker, fast):
    worker.build(fast({"training.steps": 10_000_000}), 1, settle=False)
    worker.play()
    until(lambda: worker.latest and worker.latest.steps_per_second > 0)
    worker.pause()
    assert await_event(worker, Paused).frame.steps_per_second == 0


@pytest.mark.parametrize("speed", [1e-3, 0.5, float("inf")])
def test_stop_is_obeyed_at_any_speed(fast, speed):
    worker = TrainingWorker()
    worker.start()
    worker.set_speed(speed)
    worker.want(EVERYTHING)
    worker.build(fast(), 1, settle=False)
    worker.play()
    until(lambda: worker.latest)
    time.sleep(0.05)
    assert worker.stop(timeout=5.0)


@pytest.mark.parametrize("at_first", [True, False], ids=["first-profile", "later"])
def test_stop_is_obeyed_in_the_middle_of_a_step_and_leaves_the_last_whole_one(fast, monkeypatch, at_first):
    """Between two layers: a step of a large network takes seconds. What is left is what the last frame says."""
    at, go_on, passed = threading.Event(), threading.Event(), []
    trainers: list[Trainer] = []
    load = Trainer._load_batch

    def load_and_wait(trainer: Trainer) -> None:
        load(trainer)
        if trainer in trainers or (at_first and not trainers):
            network = trainer.network
            network.graph.tap({network.layers[2].linear: wait, network.layers[0].linear: lambda: passed.append(1)})
        trainers.append(trainer)

    def wait() -> None:
        passed.clear()
        at.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(Trainer, "_load_batch", load_and_wait)
    worker = TrainingWorker()
    worker.start()
    worker.build(fast({"network.depth": 5}), 1, settle=False)
    worker.play()
    assert at.wait(PATIENCE)
    trainer, before = trainers[0], trainers[0].network.master.copy()
    threading.Timer(0.05, go_on.set).start()
    assert worker.stop(timeout=PATIENCE)
    assert not passed
    assert (trainer.network.master == before).all()
    assert not any(isinstance(event, Failed) for event in worker.events())
    if worker.latest:
        assert worker.latest.history.column("step").tolist() == [0.0][: len(worker.latest.history)]


def test_stop_of_a_worker_that_never_started_or_has_stopped():
    worker = TrainingWorker()
    assert worker.stop()
    worker = TrainingWorker()
    worker.start()
    assert worker.stop() and worker.stop()


def test_arrays_that_reach_the_window_are_read_only(worker, fast):
    worker.want(EVERYTHING)
    worker.build(fast(), 1)
    worker.step()
    frame = until(lambda: (f := worker.latest) and f.snapshot.step == 1 and f.details.step == 1 and f)
    writeable = [f"{a.shape}" for a in arrays((frame.snapshot, frame.history)) if a.flags.writeable]
    assert writeable == []
    assert len(list(arrays(frame.details))) > 10


def test_measured_arrays_are_read_only_too(fast):
    run = Run(fast())
    assert not any(array.flags.writeable for array in arrays(run.measure(EVERYTHING)))


def test_a_long_measurement_is_given_up_for_a_command(worker, fast, monkeypatch):
    """A surface of four million points takes far longer than the test waits; stopping must not wait for it either."""
    monkeypatch.setattr("gradflow.sim.surface.GRID", 2000)
    worker.want(frozenset({Want.SURFACE}))
    worker.build(fast({"network.depth": 40}), 1)
    await_event(worker, Started)
    for step in (1, 2):
        time.sleep(0.4)
        worker.step()
        until(lambda step=step: worker.latest.snapshot.step == step)
    assert worker.latest.details.surface is None


def test_nothing_dear_is_measured_unasked(worker, fast):
    worker.build(fast(), 1)
    worker.step()
    frame = until(lambda: (f := worker.latest) and f.snapshot.step == 1 and f)
    time.sleep(0.3)
    assert worker.latest.details == frame.details and frame.details.step == -1


@pytest.mark.parametrize(
    ("want", "measured"),
    [
        *(({want}, set(parts)) for want, parts in PARTS.items()),
        (EVERYTHING, {name for parts in PARTS.values() for name in parts}),
    ],
)
def test_when_paused_what_is_wanted_is_measured_at_the_step_shown(worker, fast, want, measured):
    worker.want(frozenset(want))
    worker.build(fast(), 1)
    for step in (1, 2):
        worker.step()
        frame = until(lambda step=step: (f := worker.latest) and f.details.step == step and f)
        assert frame.snapshot.step == step
        assert {name for parts in PARTS.values() for name in parts if getattr(frame.details, name)} == measured
        assert frame.details.steps == dict.fromkeys(want, step)


def test_a_want_that_comes_later_is_measured_without_another_step(worker, fast):
    worker.want(frozenset({Want.MAGNITUDES}))
    worker.build(fast(), 1)
    until(lambda: worker.latest and worker.latest.details.deltas)
    worker.want(EVERYTHING)
    until(lambda: worker.latest.details.surface)
    assert worker.latest.snapshot.step == worker.latest.details.step == 0


def test_while_training_measurements_follow(worker, fast):
    worker.want(frozenset((Want.MAGNITUDES, Want.STATISTICS, Want.SURFACE)))
    worker.build(fast({"training.steps": 10_000_000}), 1, settle=False)
    worker.play()
    measured = 0
    for _ in range(3):
        frame = until(lambda measured=measured: (f := worker.latest) and f.details.step > measured and f)
        measured = frame.details.step
        assert measured <= frame.snapshot.step


class Clock:
    """A clock that stands still unless the test moves it, in the place of the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_while_training_each_want_has_its_own_turn(fast, monkeypatch):
    """On a clock of the test, without the thread: a dear measurement keeps no cheap one waiting, and the other way."""
    clock, take, taken = Clock(), measurements.take, []
    costs = {Want.MAGNITUDES: 0.001, Want.STATISTICS: 0.02, Want.SURFACE: 0.2}

    def timed(want: Want, look: Look) -> Any:
        found = take(want, look)
        clock.now += costs[want]
        taken.append(want)
        return found

    monkeypatch.setattr(measurements, "take", timed)
    monkeypatch.setattr(Forecast, "begin", lambda self, ready: False)
    for module in ("worker", "attention", "run", "pace"):
        monkeypatch.setattr(f"gradflow.sim.{module}.time", clock)
    worker = TrainingWorker()
    worker.want(frozenset(costs))
    worker.build(fast({"training.steps": 10_000_000}), 1, settle=False)
    worker.play()
    worker._wake.clear()
    worker._obey()
    for _ in range(1200):
        worker._work()
        clock.now += 0.01
    counts = {want: taken.count(want) for want in costs}
    # At most ten a second; a fifth of a second among three that share a tenth waits six seconds, a fiftieth 0.6.
    intervals = {Want.MAGNITUDES: 0.1, Want.STATISTICS: 0.6, Want.SURFACE: 6.0}
    for want, interval in intervals.items():
        assert clock.now / interval / 1.5 < counts[want] <= clock.now / interval + 1
    assert sum(costs[want] * (counts[want] - 1) for want in costs) < 0.1 * clock.now
    steps = worker.latest.details.steps
    assert steps[Want.SURFACE] < steps[Want.MAGNITUDES] <= worker.latest.snapshot.step


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        (MISFIT, "training.loss", "does not fit 'diabetes'"),
        ({"network.depth": 5000, "network.width": 8192}, "network.width", "GB"),
    ],
)
def test_a_build_that_cannot_be_made_names_its_field_and_the_old_run_stays(worker, fast, changes, field, words):
    worker.build(fast(), 1)
    worker.step()
    until(lambda: worker.latest and worker.latest.snapshot.step == 1)
    worker.build(fast(changes), 2)
    failed = await_event(worker, Failed)
    assert failed.field == field and words in failed.message and failed.details == ""
    worker.step()
    until(lambda: worker.latest.snapshot.step == 2)
    assert worker.latest.build == 1
    worker.build(fast(), 3)
    until(lambda: worker.latest.build == 3)


def test_a_build_that_cannot_be_made_does_not_stop_the_old_run(worker, fast):
    worker.build(fast({"training.steps": 10_000_000}), 1, settle=False)
    worker.play()
    until(lambda: worker.latest and worker.latest.snapshot.step > 5)
    worker.build(fast(MISFIT), 2)
    await_event(worker, Failed)
    here = worker.latest.snapshot.step
    until(lambda: worker.latest.snapshot.step > here + 20)
    assert worker.latest.state is State.RUNNING


def test_a_command_posted_with_a_build_that_cannot_be_made_is_obeyed(fast):
    worker = TrainingWorker()
    worker.build(fast(MISFIT), 1)
    worker.set_speed(1e4)
    worker.want(EVERYTHING)
    worker.play()
    worker.start()
    try:
        events: list[Event] = []
        until(lambda: events.extend(worker.events()) or any(isinstance(event, Resumed) for event in events))
    finally:
        assert worker.stop()


def test_a_broken_data_set_is_a_sentence_without_a_traceback(worker, fast):
    worker.build(fast({"data.samples": 1, "data.name": "sine"}), 1)
    event = until(lambda: next(iter(worker.events()), None))
    assert isinstance(event, Started) or not event.details


def test_divergence_is_an_event_with_its_place_and_the_state_stays(worker, fast):
    worker.build(fast(EXPLODING), 1, settle=False)
    worker.play()
    frame = await_event(worker, Diverged).frame
    assert frame.state is State.DIVERGED
    divergence = frame.snapshot.divergence
    assert divergence.step == frame.snapshot.step == frame.history.column("step")[-1]
    assert divergence.direction in ("forward", "backward") and str(divergence.step) in str(divergence)
    worker.play()
    told = await_event(worker, Failed)
    assert "diverged" in told.message and "re-initialise" in told.message
    worker.step()
    assert await_event(worker, Failed).message == told.message
    assert worker.latest.snapshot.step == divergence.step and worker.latest.state is State.DIVERGED


def test_after_divergence_a_new_build_runs_as_the_old_one_did(worker, fast):
    worker.build(fast(EXPLODING), 1, settle=False)
    worker.play()
    await_event(worker, Diverged)
    worker.build(fast(), 2, settle=False)
    assert await_event(worker, Started).frame.state is State.RUNNING
    until(lambda: worker.latest.snapshot.step > 5)


@pytest.mark.parametrize("again", [TrainingWorker.play, TrainingWorker.step])
def test_after_the_last_step_play_and_step_say_so(worker, fast, again):
    assert run_to(worker, fast({"training.steps": 12})).snapshot.step == 12
    assert worker.latest.state is State.FINISHED
    again(worker)
    told = await_event(worker, Failed)
    assert told.message.startswith("All 12 steps are taken") and not told.details
    assert worker.latest.snapshot.step == 12


def test_more_steps_let_a_finished_run_go_on(worker, fast):
    experiment = fast({"training.steps": 12})
    run_to(worker, experiment)
    worker.retune(dataclasses.replace(experiment.training, steps=20))
    worker.play()
    frame = await_event(worker, Finished).frame
    assert frame.snapshot.step == 20
    assert frame.edits == ()


def test_steps_0_finishes_at_the_initialisation(worker, fast):
    assert run_to(worker, fast({"training.steps": 0})).snapshot.step == 0


STOPPED = {"training.optimizer": "lion", "training.learning_rate": 0.3, "training.patience": 8}
"""Steps far too large: the validation loss soon finds no new least."""


def test_a_run_that_is_stopped_early_is_finished_and_stands_still(worker, fast):
    frame = run_to(worker, fast(STOPPED))
    assert frame.state is State.FINISHED
    assert 8 <= frame.snapshot.step < frame.experiment.training.steps
    assert frame.history.column("step")[-1] == frame.snapshot.step
    time.sleep(0.05)
    assert worker.latest.snapshot.step == frame.snapshot.step


@pytest.mark.parametrize("again", [TrainingWorker.play, TrainingWorker.step])
def test_after_an_early_stop_play_and_step_say_why_nothing_moves(worker, fast, again):
    frame = run_to(worker, fast(STOPPED))
    again(worker)
    told = await_event(worker, Failed).message
    assert told.startswith(f"Stopped early at step {frame.snapshot.step}. The weights of step ")
    assert "raise Early stopping" in told
    assert worker.latest.snapshot.step == frame.snapshot.step


def test_more_patience_lets_a_stopped_run_go_on(worker, fast):
    experiment = fast(STOPPED)
    stopped = run_to(worker, experiment)
    worker.retune(dataclasses.replace(experiment.training, patience=0))
    worker.play()
    until(lambda: worker.latest.snapshot.step > stopped.snapshot.step + 20)
    assert worker.latest.state is State.RUNNING


@pytest.mark.parametrize("go_on", [TrainingWorker.play, TrainingWorker.step])
def test_fewer_steps_than_are_taken_end_the_run_where_it_is(worker, fast, go_on):
    experiment = fast()
    worker.build(experiment, 1)
    for _ in range(5):
        worker.step()
    until(lambda: worker.latest and worker.latest.snapshot.step == 5)
    worker.retune(dataclasses.replace(experiment.training, steps=3))
    go_on(worker)
    until(lambda: worker.latest.state is State.FINISHED or any(isinstance(e, Failed) for e in worker.events()))
    assert worker.latest.snapshot.step == 5


def test_a_live_edit_reaches_the_run_and_is_remembered(worker, fast):
    experiment = fast()
    worker.build(experiment, 1)
    worker.step()
    worker.retune(dataclasses.replace(experiment.training, learning_rate=0.5, batch_size=8))
    worker.step()
    frame = until(lambda: (f := worker.latest) and f.snapshot.step == 2 and f)
    assert frame.build == 1
    assert frame.experiment.training.learning_rate == frame.snapshot.learning_rate == 0.5
    assert [str(edit) for edit in frame.edits] == [
        "training.learning_rate = 0.5 from step 2",
        "training.batch_size = 8 from step 2",
    ]


@pytest.mark.parametrize("change", [{"learning_rate": 0.5}, {"batch_size": 8}, {"momentum": 0.9}])
def test_a_live_edit_at_step_0_makes_the_run_of_the_edited_experiment_or_is_remembered(worker, fast, change):
    """A picture of it says how to repeat it: by its experiment alone, or with its list of edits."""
    experiment = fast({"training.steps": 6})
    worker.build(experiment, 1)
    await_event(worker, Started)
    worker.retune(dataclasses.replace(experiment.training, **change))
    worker.play()
    frame = await_event(worker, Finished).frame
    again = Run(frame.experiment)
    for _ in range(7):
        again.advance()
    same = frame.history.stats.tobytes() == again.history.view().stats.tobytes()
    assert same != bool(frame.edits)


def test_an_unforeseen_exception_is_told_with_its_traceback_and_the_thread_lives_on(worker, fast, monkeypatch):
    worker.build(fast(), 1, settle=False)
    await_event(worker, Started)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_turn", lambda self, step: 1 / 0)
        worker.play()
        failed = await_event(worker, Failed)
    assert "ZeroDivisionError" in failed.message and "Traceback" in failed.details and "_turn" in failed.details
    worker.build(fast(), 2, settle=False)
    worker.play()
    until(lambda: worker.latest.build == 2 and worker.latest.snapshot.step > 5)


def test_after_an_unforeseen_exception_the_window_is_told_that_nothing_runs(worker, fast, monkeypatch):
    worker.build(fast(), 1, settle=False)
    worker.play()
    until(lambda: worker.latest and worker.latest.snapshot.step > 2)
    monkeypatch.setattr(Trainer, "_turn", lambda self, step: 1 / 0)
    await_event(worker, Failed)
    until(lambda: worker.latest.state is State.PAUSED)


def test_too_little_memory_is_a_sentence(worker, fast, monkeypatch):
    def refuse(self: Trainer, *_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Trainer, "__init__", refuse)
    worker.build(fast(), 1)
    failed = await_event(worker, Failed)
    assert "memory" in failed.message and not failed.details


@pytest.mark.parametrize("budget_bytes", [64_000_000, 1])
def test_a_reader_keeps_the_history_it_was_given_while_training_goes_on(worker, fast, monkeypatch, budget_bytes):
    """The bits of a view must survive the growing and, with a small budget, the thinning of the record."""
    monkeypatch.setattr(run_module, "History", partial(History, budget_bytes=budget_bytes))
    worker.build(fast({"training.steps": 3000, "network.depth": 2}), 1, settle=False)
    worker.play()
    seen = []
    while not any(isinstance(event, Finished) for event in worker.events()):
        if worker.latest and (not seen or worker.latest.history is not seen[-1][0]):
            view = worker.latest.history
            seen.append((view, view.scalars.tobytes(), view.stats.tobytes()))
        time.sleep(0.002)
    assert len(seen) > 5
    assert len(worker.latest.history) == (3001 if budget_bytes > 1 else pytest.approx(190, abs=67))
    for view, scalars, norms in seen:
        assert view.scalars.tobytes() == scalars and view.stats.tobytes() == norms
        assert np.all(np.diff(view.column("step")) > 0)


@pytest.mark.parametrize(
    "changes", [{}, {"data.name": "diabetes", "training.momentum": 0.9}, {"network.skip_every": 2}]
)
def test_the_worker_and_a_run_without_it_give_the_same_bits(worker, fast, changes):
    experiment = fast(changes | {"training.steps": 150})
    worker.want(EVERYTHING)
    frame = run_to(worker, experiment)
    run = Run(experiment)
    while not run.finished or not run.begun:
        run.advance()
    expected = run.history.view()
    assert frame.history.scalars.tobytes() == expected.scalars.tobytes()
    assert frame.history.stats.tobytes() == expected.stats.tobytes()


def test_pausing_stepping_and_changing_the_speed_do_not_change_the_numbers(worker, fast):
    experiment = fast({"training.steps": 60})
    worker.set_speed(500.0)
    worker.build(experiment, 1, settle=False)
    worker.play()
    until(lambda: worker.latest and worker.latest.snapshot.step > 10)
    worker.pause()
    worker.step()
    worker.want(EVERYTHING)
    worker.set_speed(float("inf"))
    worker.play()
    disturbed = await_event(worker, Finished).frame.history
    undisturbed = run_to(worker, experiment, 2).history
    assert disturbed.scalars.tobytes() == undisturbed.scalars.tobytes()
    assert disturbed.stats.tobytes() == undisturbed.stats.tobytes()
