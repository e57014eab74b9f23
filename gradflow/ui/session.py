"""The session owns the experiment and the worker, and is the only doorway between the window and the training.

It looks at the worker 60 times a second, or 30 if many views are to be drawn, and never waits for it.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from gradflow.errors import ConfigError, GradflowError
from gradflow.sim import archive, config
from gradflow.sim.config import FIELDS, Experiment
from gradflow.sim.details import Want
from gradflow.sim.finding import Remedy
from gradflow.sim.frame import Captured, Event, Failed, Finished, Frame, Started, State
from gradflow.sim.looking_back import last_steps, replayed
from gradflow.sim.preview import Asked
from gradflow.sim.worker import TrainingWorker
from gradflow.ui.commands import Commands, Document
from gradflow.ui.comparison import Comparison

if TYPE_CHECKING:
    from gradflow.sim.sweep import Chart

TICK_MS, HASTY_TICK_MS = 16, 4


class Session(QObject):
    """One open experiment and its run."""

    experiment_changed = Signal(object)
    """The Experiment as it now is."""

    frame_arrived = Signal(object)
    """A new Frame of the current run."""

    state_changed = Signal(object)
    """The worker's State."""

    notice = Signal(str, str, str)
    """A sentence for the user, the path of the field it is about (or ""), and details for a report (or "")."""

    built = Signal()
    """The experiment as it is now could be built: nothing is wrong with its fields."""

    opened = Signal()
    """Another experiment stands in place of the last one, with all that was typed for that."""

    captured = Signal(object)
    """The Frame that `capture` asked for."""

    finished = Signal(str)
    """The run has ended; how, in words."""

    def __init__(self, experiment: Experiment, path: Path | None = None) -> None:
        super().__init__()
        self.experiment = experiment
        self.path = path
        self.frame: Frame | None = None
        self.latest: Frame | None = None
        self.state = State.PAUSED
        self.commands = Commands(self._put)
        self.comparison = Comparison()
        self._saved: dict[Path | None, Experiment] = {path: experiment}
        self._replayed: int | None = None
        self._wants: frozenset[Want] = frozenset()
        self.chart: Chart | None = None
        self._shown: tuple[object, ...] = ()
        self._build = 0
        self._worker = TrainingWorker()
        self._worker.start()
        self._timer = QTimer(self)
        self._tick_ms = TICK_MS
        # Qt may be late by a twentieth otherwise, and that much fewer frames would be seen.
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()
        self._rebuild(settle=False)

    # What the user asks for.

    def edit(self, path: str, value: object) -> None:
        """Change one field: live where that can be, else with a rebuild at step 0 and the same seed."""
        self.edit_many({path: value})

    def edit_many(self, changes: Mapping[str, Any], words: str = "") -> bool:
        """Change several fields as one edit, which `words` name in the menu; return whether they could be changed."""
        changed = self._edited(changes)
        if changed is not None and changed != self.experiment:
            self.commands.edit(self._document, Document(changed, self.path), words)
        return changed is not None

    def replace(self, experiment: Experiment, path: Path | None = None, words: str = "open") -> None:
        """Open another experiment in place of this one."""
        self._saved[path] = experiment
        self.commands.open(self._document, Document(experiment, path), words)

    def preview(self, remedy: Remedy | None) -> None:
        """Run what a remedy would make of this run in the background, and show it beside; None ends it."""
        self.comparison.end_preview()
        changed = self._edited(remedy.changes) if remedy else None
        if remedy and changed and self.latest:
            running = self.state is State.RUNNING
            self.comparison.preview(Asked(changed, remedy.title, self.latest.snapshot.step, self._wants, running))

    def apply(self, remedy: Remedy) -> None:
        """Take a remedy as one edit; the run as it was stays beside the new one until the next edit."""
        before = self.frame
        if self.edit_many(remedy.changes, remedy.title) and before:
            self.comparison.keep(before, f"before “{remedy.title}”")

    def pin(self) -> None:
        """Compare with what is on screen from now on, or no more."""
        if self.comparison.pinned:
            self.comparison.unpin()
        elif self.frame:
            self.comparison.pin(self.frame)

    def look_at(self, step: int) -> None:
        """Show one of the last steps of a run that has diverged."""
        self._replayed = step

    def open(self, source: str) -> bool:
        """Open an experiment file or a preset; on a mistake say so and keep what is there."""
        try:
            experiment = archive.open_experiment(source)
        except GradflowError as error:
            self.notice.emit(str(error), "", "")
            return False
        file = Path(source)
        self.replace(experiment, file if file.suffix else None, f"open {file.stem}")
        return True

    def save(self, path: Path) -> bool:
        """Save the experiment to a file; on a mistake say so."""
        try:
            archive.save_experiment(self.experiment, path)
        except GradflowError as error:
            self.notice.emit(str(error), "", "")
            return False
        self.path, self._saved[path] = path, self.experiment
        self.experiment_changed.emit(self.experiment)
        return True

    @property
    def unsaved(self) -> bool:
        """Whether the experiment differs from its file."""
        return self.path is not None and self.experiment != self._saved[self.path]

    def toggle(self) -> None:
        """Play or pause."""
        if self.state is State.RUNNING:
            self._worker.pause()
        else:
            self._worker.play()

    def play(self) -> None:
        """Train on."""
        self._worker.play()

    def pause(self) -> None:
        """Stand still."""
        self._worker.pause()

    def step(self) -> None:
        """Take one step."""
        self._worker.step()

    def reinitialise(self) -> None:
        """Go back to step 0 with the same seed."""
        self._rebuild(settle=True)

    def new_seed(self) -> None:
        """Go to step 0 with the next seed."""
        self.edit("seed", (self.experiment.seed + 1) % (int(FIELDS["seed"].says.high) + 1))

    def set_speed(self, steps_per_second: float) -> None:
        """Limit the steps per second; infinity is flat out."""
        self._worker.set_speed(steps_per_second)

    def set_wants(self, wants: frozenset[Want]) -> None:
        """Say which dear measurements the visible views need."""
        self._wants = wants
        self._worker.want(wants)

    def look_every(self, milliseconds: int) -> None:
        """Look at the worker so often."""
        self._tick_ms = milliseconds
        if self._timer.interval() != HASTY_TICK_MS:
            self._timer.setInterval(milliseconds)

    def show_chart(self, chart: Chart) -> None:
        """Show the map of a sweep with every frame from now on."""
        self.chart = chart

    def capture(self) -> None:
        """Ask for the current step's frame with every measurement; it arrives as `captured`."""
        self._worker.capture()

    def shutdown(self) -> bool:
        """End the worker; return whether it has ended."""
        self._timer.stop()
        return self.comparison.stop() and self._worker.stop()

    # What the worker has to say.

    def poll(self) -> None:
        """Hand on events, then the latest frame if it is new."""
        for event in self._worker.events():
            self._handle(event)
        if failure := self.comparison.failure():
            self.notice.emit(failure, "", "")
        latest = self._worker.latest
        # A frame of an older build is shown too: it is what runs while a new network is made, or if it cannot be made.
        if latest is None:
            return
        shown = latest, self.comparison.other, self._replayed, self.chart
        if shown == self._shown:
            if latest.state is State.RUNNING:
                # The next step is a moment late: to wait a whole turn for it would lose a picture.
                self._timer.setInterval(HASTY_TICK_MS)
            return
        if latest.state is not State.DIVERGED:
            self._replayed = None
        self._shown = shown
        self.latest, self.frame = latest, self._composed(latest)
        start = time.perf_counter()
        self._enter(latest.state)
        self.frame_arrived.emit(self.frame)
        if latest.build == self._build:
            spent = round(1e3 * (time.perf_counter() - start))
            self._timer.setInterval(max(self._tick_ms - spent, HASTY_TICK_MS))

    def _composed(self, latest: Frame) -> Frame:
        """Return the frame to show: with second run and map, and of a run that has diverged the last finite state."""
        if latest.state is State.DIVERGED:
            steps = last_steps(latest)
            latest = replayed(latest, steps[-2:][0] if self._replayed is None else self._replayed)
        other = self.comparison.other
        return dataclasses.replace(latest, other=other, chart=self.chart) if other or self.chart else latest

    def _handle(self, event: Event) -> None:
        if isinstance(event, Failed):
            self._timer.setInterval(self._tick_ms)
            self.notice.emit(event.message, event.field, event.details)
        elif isinstance(event, Captured):
            self.captured.emit(self._composed(event.frame) if event.frame else None)
        elif isinstance(event, Started) and event.frame and event.frame.build == self._build:
            self.built.emit()
        elif isinstance(event, Finished) and event.frame:
            self.finished.emit(event.frame.ending)

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)

    @property
    def _document(self) -> Document:
        return Document(self.experiment, self.path)

    def _edited(self, changes: Mapping[str, Any]) -> Experiment | None:
        """Return the experiment with changes; None, and a sentence at the field, if one of them is wrong."""
        try:
            return config.edit(self.experiment, changes)
        except ConfigError as error:
            self.notice.emit(error.reason, error.field, "")
            return None

    def _put(self, document: Document, taken_back: bool, built: bool) -> None:
        """Put another document in place: live where that can be, else with a rebuild at step 0."""
        changed = document.experiment
        paths = config.differing(self.experiment, changed)
        self.experiment, self.path = document
        self.comparison.forget()
        live = all(FIELDS[path].says.live for path in paths)
        # A run that has diverged cannot go on: whatever is changed, it begins anew.
        if built or not live or (paths and self.state is State.DIVERGED):
            self._rebuild(settle=True)
        elif paths:
            self._worker.retune(changed.training)
        if taken_back or built:
            self.opened.emit()
        self.experiment_changed.emit(changed)

    def _rebuild(self, settle: bool) -> None:
        self._build += 1
        self._replayed = None
        self.comparison.end_preview()
        # Somebody is dragging: look often until the new profile is there.
        self._timer.setInterval(HASTY_TICK_MS)
        self._worker.build(self.experiment, self._build, settle)
