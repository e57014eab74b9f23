"""Training without a window."""

from __future__ import annotations

import argparse
import math
import sys
from contextlib import nullcontext
from pathlib import Path

from threadpoolctl import threadpool_limits

from gradflow.cli.common import FAILED, GOOD, add_experiment, experiment_of, require_qt, say
from gradflow.errors import GradflowError
from gradflow.sim.config import edit
from gradflow.sim.frame import State
from gradflow.sim.report import Report
from gradflow.sim.run import Run


def add(parser: argparse.ArgumentParser) -> None:
    """Train without a window and write the numbers and pictures.

    Example: gradflow train digits --set network.depth=20 --steps 200 --out out/
    """
    add_experiment(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="updates; 0 gives the profile at initialisation")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for experiment, CSV files, weights and PNGs")
    parser.add_argument(
        "--scale", type=float, default=2.0, metavar="S", help="pixels per point of the PNGs (default 2)"
    )
    parser.add_argument("--no-png", dest="png", action="store_false", help="leave out the pictures (and Qt)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Train, write what was asked for, and say the verdict."""
    experiment = experiment_of(options)
    if options.steps is not None:
        experiment = edit(experiment, {"training.steps": options.steps})
    if not 0.25 <= options.scale <= 8.0:
        raise GradflowError(f"--scale must be a number from 0.25 to 8, not {options.scale:g}")
    pictures = options.out is not None and options.png
    if pictures:
        require_qt(window=False)
    # One thread, as in the window: the order of a sum must not depend on the machine's load.
    with threadpool_limits(1):
        driven = Run(experiment)
        with Report(options.out, driven) if options.out else nullcontext() as report:
            _drive(driven, report)
        if pictures:
            driven.complete()
        frame = driven.frame(State.FINISHED if driven.snapshot.finite else State.DIVERGED)
    if driven.trainer.best_step is not None and driven.finished:
        say(driven.ending)
    say(f"{frame.finding.title}. {frame.finding.evidence}")
    if pictures:
        from gradflow.ui.export import write_pictures

        write_pictures(frame, options.out, options.scale)
    if options.out:
        say(f"written to {options.out}")
    if driven.snapshot.divergence:
        say(f"gradflow: diverged: {driven.snapshot.divergence}", sys.stderr)
        return FAILED
    return GOOD


def _drive(run: Run, report: Report | None) -> None:
    """Take all steps, with a line every tenth of the way."""
    tenth = max(1, run.experiment.training.steps // 10)
    while True:
        snapshot = run.advance()
        if report:
            report.record(snapshot)
        over = run.finished or not snapshot.finite
        if over or snapshot.step % tenth == 0:
            accuracy = "" if math.isnan(snapshot.train_accuracy) else f"  accuracy {snapshot.train_accuracy:.3f}"
            loss, gradient = f"loss {snapshot.train_loss:.6g}", f"|gradient| {snapshot.grad_norm:.3g}"
            say(f"step {snapshot.step:>6}  {loss}{accuracy}  {gradient}")
        if over:
            return
