"""Sweeps in the background of the window: its own processes, looked at twenty times a second and never waited for."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial

from PySide6.QtCore import QObject, QTimer

from gradflow.errors import ConfigError
from gradflow.sim.config import edit, parse_value
from gradflow.sim.sweep import (
    IN_FLIGHT,
    Axis,
    Cell,
    CellResult,
    Chart,
    Curve,
    Execution,
    Processes,
    Sweep,
    cores,
)
from gradflow.ui.session import Session
from gradflow.ui.view import View

TICK_MS = 50
SHOW_SECONDS = 0.2
"""The map is shown anew so often: every view is offered the frame that carries it."""


class Mapping(QObject):
    """Starts and stops the sweeps that the map asks for, and hands their charts to the session."""

    def __init__(self, session: Session, view: View) -> None:
        super().__init__()
        self._session = session
        self.make_executor: Callable[[], Executor] = partial(Processes, cores(), polite=True)
        self._executor: Executor | None = None
        self._execution: Execution | None = None
        self._results: dict[Cell, CellResult] = {}
        self._shown_at = 0.0
        # What takes a fraction of a second is too long for the window: starting processes, and theory.
        self._aside = ThreadPoolExecutor(1, "gradflow-map")
        self._starting: Future[Executor] | None = None
        self._curves: Future[tuple[Curve, ...]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._look)
        view.sweep_wanted.connect(self.start)  # type: ignore[attr-defined]
        view.stop_wanted.connect(self.stop)  # type: ignore[attr-defined]
        view.chosen.connect(lambda changes: session.edit_many(changes, "load a cell"))  # type: ignore[attr-defined]

    def start(self, x: str, y: str, steps: str, measure: str) -> None:
        """Begin a sweep of the experiment as it is now; on a mistake say so. What is done of the same sweep is kept."""
        self.stop()
        try:
            experiment = edit(self._session.experiment, {"training.steps": parse_value("training.steps", steps)})
            sweep = Sweep(experiment, Axis.parse(x), Axis.parse(y), measure)
        except ConfigError as error:
            self._session.notice.emit(f"The map cannot be made: {error}.", "", "")
            return
        before = self._session.chart
        sweep, self._results = _continued(before, sweep) if before else (sweep, {})
        kept = before is not None and before.sweep.essence == sweep.essence
        chart = Chart(sweep, dict(self._results), before.curves if before and kept else ())
        if len(self._results) < chart.size:
            self._starting = self._aside.submit(self.make_executor)
        self._curves = None if chart.curves else self._aside.submit(_theory, sweep)
        self._session.show_chart(dataclasses.replace(chart, running=self._starting is not None))
        self._timer.start()

    def stop(self) -> None:
        """End the sweep at once; what is done stays on the map."""
        starting, self._starting = self._starting, None
        if starting:
            starting.add_done_callback(_end_once_started)
        if self._execution:
            self._results.update(self._execution.poll())
            self._execution.abandon()
        if starting or self._execution:
            self._finish("")

    def _look(self) -> None:
        chart = self._session.chart
        if chart is None:
            return
        if self._starting and self._starting.done():
            self._begin(chart.sweep, self._starting)
        if self._curves and self._curves.done():
            curves, self._curves = self._curves, None
            self._show(chart, curves=curves.result())
        elif self._execution:
            self._results.update(self._execution.poll())
            if self._execution.finished:
                self._finish(self._execution.failure)
            elif len(self._results) > len(chart.results) and time.perf_counter() - self._shown_at >= SHOW_SECONDS:
                self._show(chart)
        elif not (self._curves or self._starting):
            self._timer.stop()

    def _begin(self, sweep: Sweep, started: Future[Executor]) -> None:
        """Hand the first cells to the processes that have been started."""
        self._starting = None
        try:
            self._executor = started.result()
        except OSError as error:
            self._finish(f"The processes of the map cannot be started ({error}).")
            return
        self._execution = Execution(sweep, self._executor, self._results, max(IN_FLIGHT, 4 * cores()))

    def _show(self, chart: Chart, **changes: object) -> None:
        self._shown_at = time.perf_counter()
        self._session.show_chart(dataclasses.replace(chart, results=dict(self._results), **changes))  # type: ignore[arg-type]

    def _finish(self, failure: str) -> None:
        if self._executor:
            _end(self._executor)
        self._execution = self._executor = None
        if self._session.chart:
            self._show(self._session.chart, running=False, note=failure)
        if failure:
            self._session.notice.emit(failure, "", "")

    def shutdown(self) -> None:
        """End the sweep and what prepares the next one, and wait for what is under way."""
        self.stop()
        self._timer.stop()
        self._aside.shutdown(cancel_futures=True)


def _theory(sweep: Sweep) -> tuple[Curve, ...]:
    # Only the window draws it: the processes start without theory.
    from gradflow.sim.sweep.curves import theory_curves

    return theory_curves(sweep)


def _end(executor: Executor) -> None:
    """End what the window has started itself."""
    if isinstance(executor, Processes):
        executor.stop()


def _end_once_started(started: Future[Executor]) -> None:
    """End what was still being started when nobody wanted it any more."""
    if not started.cancelled() and started.exception() is None:
        _end(started.result())


def _continued(before: Chart, sweep: Sweep) -> tuple[Sweep, dict[Cell, CellResult]]:
    """Return the sweep to run, and what of it is done: cells that were trained know every measure."""
    kept = dataclasses.replace(before.sweep, measure=sweep.measure).essence == sweep.essence
    if not kept or before.sweep.trains < sweep.trains:
        return sweep, {}
    return dataclasses.replace(sweep, measure=before.sweep.measure), dict(before.results)
