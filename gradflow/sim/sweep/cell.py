"""One cell of a sweep, executed: an experiment in, a small result out, whatever happens inside."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from threadpoolctl import ThreadpoolController

from gradflow.errors import GradflowError
from gradflow.sim.config import Experiment
from gradflow.sim.run import Run
from gradflow.sim.sweep.measures import MEASURES, follow


@dataclass(frozen=True)
class CellResult:
    """What came of one cell: every measure by its name, the last step, and a sentence where something went wrong.

    A run that diverged and one that could not be built are results like any other; of the second there is no number.
    """

    values: Mapping[str, float]
    step: int
    diverged: bool
    seconds: float = 0.0
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether there was no run at all."""
        return not self.values


def run_cell(experiment: Experiment, goal: float, trains: bool) -> CellResult:
    """Run one experiment and measure it, to its end or at step 0 only; whatever happens is a result."""
    start = time.perf_counter()
    try:
        # Threads of OpenBLAS that compete for the cores of the other cells cost more than they bring.
        with _pools().limit(limits=1):
            course = follow(Run(experiment), goal, trains)
    except MemoryError:
        return _failure("There is not enough memory for this network.", start)
    except GradflowError as error:
        return _failure(str(error), start)
    except Exception as error:  # noqa: BLE001 - one cell must not end the sweep
        return _failure(f"Something went wrong inside gradflow ({type(error).__name__}: {error}).", start)
    divergence = course.last.divergence
    return CellResult(
        values={name: entry.part().of(course) for name, entry in MEASURES.items()},
        step=course.last.step,
        diverged=divergence is not None,
        seconds=time.perf_counter() - start,
        message=f"Diverged: {divergence}." if divergence else "",
    )


def _failure(message: str, start: float) -> CellResult:
    return CellResult({}, 0, False, time.perf_counter() - start, " ".join(message.split()))


@cache
def _pools() -> ThreadpoolController:
    """Return the thread pools of this process; looking for them takes longer than a small cell."""
    return ThreadpoolController()
