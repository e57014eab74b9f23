"""A sweep on an executor: cells go in a few at a time, coarse to fine, and results come out as they are ready."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future

from gradflow.sim.sweep.cell import CellResult, run_cell
from gradflow.sim.sweep.grid import Cell, Sweep

IN_FLIGHT = 64
"""Cells handed to the executor at once: enough for its workers never to wait, few enough to be withdrawn at once."""


class Execution:
    """Runs the cells of a sweep that are not done yet. Whoever drives it calls `poll` or `wait` again and again."""

    def __init__(
        self, sweep: Sweep, executor: Executor, done: Mapping[Cell, CellResult], in_flight: int = IN_FLIGHT
    ) -> None:
        self.sweep = sweep
        self.failure = ""
        self._executor, self._in_flight = executor, in_flight
        self._ahead: Iterator[Cell] = (cell for cell in sweep.cells() if cell not in done)
        self._running: dict[Future[CellResult], Cell] = {}
        # Futures end on threads of the executor's.
        self._ended: queue.SimpleQueue[Future[CellResult]] = queue.SimpleQueue()
        self._fill()

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return not self._running

    def poll(self) -> dict[Cell, CellResult]:
        """Return the cells that have ended since the last call, and hand on new ones."""
        found: dict[Cell, CellResult] = {}
        while not self._ended.empty():
            future = self._ended.get()
            cell = self._running.pop(future, None)
            if cell is not None:
                found.update(self._taken(cell, future))
        self._fill()
        return found

    def wait(self, seconds: float) -> dict[Cell, CellResult]:
        """Return as `poll` does, as soon as there is something, at the latest after so many seconds."""
        until = time.perf_counter() + seconds
        while not (found := self.poll()) and not self.finished and (left := until - time.perf_counter()) > 0:
            try:
                self._ended.put(self._ended.get(timeout=left))
            except queue.Empty:
                break
        return found

    def abandon(self) -> None:
        """Expect nothing more: hand nothing on, and forget what is under way, which is its executor's to end."""
        # Futures are not cancelled: an executor that is breaking would meet them half-way, and its thread fail.
        self._running, self._ahead = {}, iter(())

    def _fill(self) -> None:
        while len(self._running) < self._in_flight and (cell := next(self._ahead, None)) is not None:
            try:
                experiment = self.sweep.experiment_at(cell)
                future = self._executor.submit(run_cell, experiment, self.sweep.goal, self.sweep.trains)
            except (BrokenExecutor, RuntimeError, OSError) as error:
                self._give_up(error)
                return
            self._running[future] = cell
            future.add_done_callback(self._ended.put)

    def _taken(self, cell: Cell, future: Future[CellResult]) -> Iterator[tuple[Cell, CellResult]]:
        try:
            yield cell, future.result()
        except CancelledError:
            self._give_up(CancelledError("the executor has withdrawn a cell"))
        except Exception as error:  # noqa: BLE001 - whatever an executor says, the cells that are done stay
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        self.abandon()
        if self.failure:
            return
        if isinstance(error, BrokenExecutor):
            self.failure = (
                "A process of the sweep has died (was there enough memory?); the cells that are done are kept: "
                "start again to go on, with fewer processes or smaller networks."
            )
        else:
            words = " ".join(str(error).split()) or type(error).__name__
            self.failure = f"The sweep cannot go on ({words}); the cells that are done are kept."
