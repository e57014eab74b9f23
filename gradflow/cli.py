"""The command line. Exit 0: good; 1: what was asked failed; 2: bad input, with one clear line on standard error.

Qt is imported only where a window or a picture is asked for.
"""

from __future__ import annotations

import argparse
import inspect
import math
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn, TextIO

from gradflow import __version__
from gradflow.errors import ConfigError, GradflowError, suggestion
from gradflow.sim.config import Experiment
from gradflow.sim.report import Report
from gradflow.sim.run import Run

GOOD, FAILED, BAD_INPUT = 0, 1, 2
INTERRUPTED = 130

EPILOG = """FILE is an experiment (.toml) or the name of a preset; every data set's name is a preset too.
Run `gradflow COMMAND --help` for a command's options and an example."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise GradflowError(f"{message}; see {self.prog} --help")


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` ask for and return the exit status."""
    try:
        options = _parse(arguments)
        status: int = options.command(options)
        return status
    except GradflowError as error:
        _say(f"gradflow: {error}", sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has gone: nothing more to say, and no traceback at exit either.
        sys.stdout = None
        return FAILED


def _say(line: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    if stream is not None:
        stream.write(f"{line}\n")
        stream.flush()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="gradflow", description="An oscilloscope for gradients.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"gradflow {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for name, add in COMMANDS.items():
        # The first line of the docstring is the help, the whole of it the description.
        text = inspect.getdoc(add) or ""
        add(
            commands.add_parser(
                name,
                help=text.splitlines()[0],
                description=text,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    words = list(arguments)
    # `gradflow`, `gradflow FILE` and `gradflow --smoke` open the window without saying so.
    if not words or (words[0] not in COMMANDS and words[0] not in ("-h", "--help", "--version")):
        _check_word(words)
        words.insert(0, "window")
    return parser.parse_args(words)


def _check_word(words: Sequence[str]) -> None:
    """Raise GradflowError if the first word is neither an option nor something that can be opened."""
    from gradflow.sim.archive import exists, presets

    word = words[0] if words else ""
    if word and not word.startswith("-") and not exists(word):
        near = suggestion(word, [*COMMANDS, *presets()])
        raise GradflowError(f"{word}: no such command, no such file and no such preset; {near}")


def _add_window(parser: argparse.ArgumentParser) -> None:
    """Open the window, on FILE if one is given (this is the default command).

    Example: gradflow exploding
    """
    parser.add_argument("file", nargs="?", metavar="FILE", help="an experiment or a preset")
    parser.add_argument("--smoke", action="store_true", help="open, draw one frame, and exit 0")
    parser.set_defaults(command=_window)


def _add_experiment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="an experiment (.toml) or a preset")
    parser.add_argument(
        "--set",
        dest="changes",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="change one field, e.g. network.depth=50; may be given again",
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    """Train without a window and write the numbers and pictures.

    Example: gradflow train digits --set network.depth=20 --steps 200 --out out/
    """
    _add_experiment(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="updates; 0 gives the profile at initialisation")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for experiment, CSV files, weights and PNGs")
    parser.add_argument(
        "--scale", type=float, default=2.0, metavar="S", help="pixels per point of the PNGs (default 2)"
    )
    parser.add_argument("--no-png", dest="png", action="store_false", help="leave out the pictures (and Qt)")
    parser.set_defaults(command=_train)


def _add_check(parser: argparse.ArgumentParser) -> None:
    """Compare backprop with central differences, layer by layer.

    Example: gradflow check digits --set network.activation=relu
    """
    _add_experiment(parser)
    parser.add_argument("--entries", type=int, default=60, metavar="N", help="parameters per layer (default 60)")
    parser.set_defaults(command=_check)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    """Time the training step beside its bare matrix products, and the window's answers.

    Example: gradflow bench
    """
    parser.add_argument("--no-window", dest="window", action="store_false", help="leave out what needs a window")
    parser.set_defaults(command=_bench)


COMMANDS = {"window": _add_window, "train": _add_train, "check": _add_check, "bench": _add_bench}


def _window(options: argparse.Namespace) -> int:
    from gradflow.sim.archive import open_experiment

    experiment = open_experiment(options.file) if options.file else None
    if experiment:
        _check_buildable(experiment, options.file)
    _require_qt(window=True)
    from gradflow.app import main

    return main(experiment, options.file or "", smoke=options.smoke)


def _train(options: argparse.Namespace) -> int:
    from threadpoolctl import threadpool_limits

    from gradflow.sim.config import edit
    from gradflow.sim.frame import State
    from gradflow.sim.run import EVERYTHING

    experiment = _experiment(options)
    if options.steps is not None:
        experiment = edit(experiment, {"training.steps": options.steps})
    if not 0.25 <= options.scale <= 8.0:
        raise GradflowError(f"--scale must be a number from 0.25 to 8, not {options.scale:g}")
    pictures = options.out is not None and options.png
    if pictures:
        _require_qt(window=False)
    # One thread, as in the window: the order of a sum must not depend on the machine's load.
    with threadpool_limits(1):
        run = Run(experiment)
        with Report(options.out, run) if options.out else nullcontext() as report:
            _drive(run, report)
        run.measure(EVERYTHING)
        frame = run.frame(State.FINISHED if run.snapshot.finite else State.DIVERGED)
    _say(f"{frame.finding.title}. {frame.finding.evidence}")
    if pictures:
        from gradflow.ui.export import write_pictures

        write_pictures(frame, options.out, options.scale)
    if options.out:
        _say(f"written to {options.out}")
    if run.snapshot.divergence:
        _say(f"gradflow: diverged: {run.snapshot.divergence}", sys.stderr)
        return FAILED
    return GOOD


def _drive(run: Run, report: Report | None) -> None:
    """Take all steps, with a line every tenth of the way."""
    tenth = max(1, run.experiment.training.steps // 10)
    while True:
        snapshot = run.advance()
        if report:
            report.record(snapshot, run.trainer.probe.units())
        over = run.finished or not snapshot.finite
        if over or snapshot.step % tenth == 0:
            accuracy = "" if math.isnan(snapshot.train_accuracy) else f"  accuracy {snapshot.train_accuracy:.3f}"
            loss, gradient = f"loss {snapshot.train_loss:.6g}", f"|gradient| {snapshot.grad_norm:.3g}"
            _say(f"step {snapshot.step:>6}  {loss}{accuracy}  {gradient}")
        if over:
            return


def _check(options: argparse.Namespace) -> int:
    from gradflow.engine.gradcheck import TOLERANCE, check
    from gradflow.sim.build import CHECK_STREAM, stream

    if options.entries < 1:
        raise GradflowError(f"--entries must be a whole number from 1, not {options.entries}")
    experiment = _experiment(options)
    run = Run(experiment)
    if run.snapshot.divergence:
        _say(f"gradflow: nothing to check: {run.snapshot.divergence}", sys.stderr)
        return FAILED
    failed = 0
    _say("layer       entries  at kinks  |gradient|  relative error  verdict")
    for result in check(run.trainer.network, stream(experiment, CHECK_STREAM), options.entries):
        name = run.trainer.topology.layers[result.layer - 1].name
        error = "" if result.relative_error is None else f"{result.relative_error:.2e}"
        failed += not result.passed
        counts = f"{result.checked:>7}  {result.at_kinks:>8}"
        _say(f"{name:<11} {counts}  {result.gradient_norm:>10.3g}  {error:>14}  {result.verdict}")
    if failed:
        _say(f"gradflow: {failed} layers differ by more than {TOLERANCE:g}", sys.stderr)
        return FAILED
    return GOOD


def _bench(options: argparse.Namespace) -> int:
    from gradflow.sim.bench import engine_lines
    from gradflow.system import has_screen

    for line in engine_lines():
        _say(line)
    if options.window:
        # A real window where there is a screen: painting there is what a person waits for.
        _require_qt(window=has_screen())
        from gradflow.ui.bench import window_lines

        for line in window_lines():
            _say(line)
    return GOOD


def _check_buildable(experiment: Experiment, source: str) -> None:
    """Raise ConfigError, with the file, if the experiment's fields do not go together."""
    from gradflow.sim.build import check

    try:
        check(experiment)
    except ConfigError as error:
        raise ConfigError(error.field, error.reason, source) from error


def _experiment(options: argparse.Namespace) -> Experiment:
    from gradflow.sim.archive import open_experiment
    from gradflow.sim.config import FIELDS, edit, parse_value

    experiment = open_experiment(options.file)
    for change in options.changes:
        path, equals, text = (part.strip() for part in change.partition("="))
        if not equals:
            raise GradflowError(f"--set {change}: write PATH=VALUE; {suggestion(path, FIELDS)}")
        try:
            experiment = edit(experiment, {path: parse_value(path, text)})
        except ConfigError as error:
            raise ConfigError(error.field, error.reason, f"--set {change}") from error
    _check_buildable(experiment, options.file)
    return experiment


def _require_qt(window: bool) -> None:
    """Raise GradflowError with the command that mends it if Qt cannot start here."""
    from gradflow.system import offscreen, qt_obstacle

    if not window:
        offscreen()
    obstacle = qt_obstacle()
    if obstacle:
        raise GradflowError(obstacle)
