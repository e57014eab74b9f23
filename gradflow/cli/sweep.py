"""A grid of experiments over two fields, without a window."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from pathlib import Path

from gradflow.cli.common import FAILED, GOOD, add_experiment, experiment_of, require_qt, say
from gradflow.errors import ConfigError, GradflowError
from gradflow.files import check_writable
from gradflow.sim import sweep as sweeps
from gradflow.sim.config import edit
from gradflow.sim.frame import State
from gradflow.sim.run import Run
from gradflow.sim.sweep import MEASURES, Axis, Chart, Execution, Sweep, Table

SAY_SECONDS = 2.0
MOST_JOBS = 256
ON_A_CLUSTER = 1_000
"""Cells handed to a cluster at once; nobody here knows how large it is."""

PIXELS = 2.0
"""Of the picture, per point."""


def add(parser: argparse.ArgumentParser) -> None:
    """Run a grid of experiments over two fields and write what came of each.

    A sweep that was interrupted goes on where it was when it is started again with the same --out. Beside map.csv
    stands map.sweep.toml, the complete description: given as FILE it runs the same sweep again.

    Example: gradflow sweep digits --x init.scale=0.1:10:21:log --y network.depth=2:100:25 --measure train-loss
             --steps 200 --out map.csv --png map.png
    """
    add_experiment(parser)
    values = "start:stop:count, start:stop:count:log, or a list a,b,c"
    parser.add_argument("--x", metavar="PATH=VALUES", help=f"the field from left to right: {values}")
    parser.add_argument("--y", metavar="PATH=VALUES", help="the field from bottom to top")
    parser.add_argument("--measure", metavar="NAME", help=f"what the map shows: {', '.join(MEASURES)}")
    parser.add_argument("--goal", type=float, metavar="LOSS", help=f"for steps-to-loss (default {Sweep.goal})")
    parser.add_argument("--steps", type=int, metavar="N", help="updates of each cell")
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help="the table of cells; taken up if there")
    parser.add_argument("--png", type=Path, metavar="PNG", help="also the map as a picture")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, metavar="N", help="processes (default: one per core)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster (gradflow[cluster])")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run the cells that are not done yet, keep them as they come, and draw the map if asked to."""
    sweep = _sweep(options)
    if options.out.suffix == ".toml":
        raise GradflowError(f"--out {options.out}: must be a file for a table, such as map.csv")
    check_writable(options.out)
    jobs = _jobs(options.jobs)
    if options.png:
        check_writable(options.png)
        require_qt(window=False)
    table = Table(options.out, sweep)
    size, done = Chart(sweep, {}).size, len(table.results)
    if done:
        say(f"{done} of {size} cells are done already")
    failure = ""
    table.begin()
    if done < size:
        place = sweeps.cluster(options.scheduler) if options.scheduler else sweeps.processes(min(jobs, size - done))
        failure = _execute(table, place, ON_A_CLUSTER if options.scheduler else max(sweeps.IN_FLIGHT, 4 * jobs))
    if options.png:
        _draw(table, options.png)
    say(_summary(table))
    say(f"written to {options.out}")
    if failure:
        say(f"gradflow: {failure}", sys.stderr)
        return FAILED
    return GOOD


def _sweep(options: argparse.Namespace) -> Sweep:
    """Return the sweep that the options describe."""
    if str(options.file).endswith(".sweep.toml"):
        told = [f"--{name}" for name in ("x", "y", "measure", "goal", "steps") if getattr(options, name) is not None]
        told += ["--set"] if options.changes else []
        if told:
            raise GradflowError(f"{options.file} says what is swept; leave out {', '.join(told)}")
        return sweeps.read_description(Path(options.file))
    missing = [f"--{name}" for name in ("x", "y", "measure") if getattr(options, name) is None]
    if missing:
        choices = f"; --measure is one of {', '.join(MEASURES)}" if options.measure is None else ""
        raise GradflowError(f"missing {', '.join(missing)}{choices}; see gradflow sweep --help")
    experiment = experiment_of(options)
    if options.steps is not None:
        experiment = edit(experiment, {"training.steps": options.steps})
    goal = Sweep.goal if options.goal is None else options.goal
    return Sweep(experiment, _axis(options, "x"), _axis(options, "y"), options.measure, goal)


def _axis(options: argparse.Namespace, name: str) -> Axis:
    try:
        return Axis.parse(getattr(options, name))
    except ConfigError as error:
        raise ConfigError(error.field, error.reason, f"--{name}") from error


def _jobs(jobs: int | None) -> int:
    if jobs is None:
        return sweeps.cores()
    if not 1 <= jobs <= MOST_JOBS:
        raise GradflowError(f"--jobs must be a whole number from 1 to {MOST_JOBS}, not {jobs}")
    return jobs


def _execute(table: Table, place: AbstractContextManager[Executor], in_flight: int) -> str:
    """Run what is missing, with a line now and then; return what kept it from going on."""
    start = said_at = time.monotonic()
    size, before = Chart(table.sweep, {}).size, len(table.results)
    try:
        with place as executor:
            execution = Execution(table.sweep, executor, table.results, in_flight)
            while not execution.finished:
                table.add(execution.wait(0.5))
                now = time.monotonic()
                if now - said_at >= SAY_SECONDS or (len(table.results) > before and said_at == start):
                    said_at = now
                    say(_progress(len(table.results), before, size, now - start))
    finally:
        # Whatever ended it, also Ctrl+C: what is done is kept.
        table.flush()
    return execution.failure


def _progress(done: int, before: int, size: int, seconds: float) -> str:
    rest = f"  about {seconds * (size - done) / (done - before):.0f} s left" if done > before else ""
    return f"{done:>5} of {size} cells  {seconds:.0f} s{rest}"


def _summary(table: Table) -> str:
    diverged, failed = Chart(table.sweep, table.results).marked()
    words = f"{len(table.results)} cells, of which {len(diverged)} diverged"
    if not failed:
        return f"{words}."
    first = table.results[min(failed)]
    return f"{words} and {len(failed)} could not be run: {first.message}"


def _draw(table: Table, path: Path) -> None:
    from gradflow.sim.sweep.curves import theory_curves
    from gradflow.ui.export import prepare, write_picture
    from gradflow.ui.picture_sheet import Look
    from gradflow.ui.theme import LIGHT

    sweep = table.sweep
    frame = Run(edit(sweep.experiment, {"training.steps": 0})).frame(State.PAUSED)
    chart = Chart(sweep, table.results, theory_curves(sweep))
    prepare()
    frame = dataclasses.replace(frame, experiment=sweep.experiment, chart=chart)
    write_picture(frame, "map", path, Look(LIGHT, {"map": sweep.measure}), PIXELS)
