"""What several commands share: speaking, reading the experiment, and asking for Qt."""

from __future__ import annotations

import argparse
import sys
from typing import TextIO

from gradflow.errors import ConfigError, GradflowError, suggestion
from gradflow.sim.archive import open_experiment
from gradflow.sim.build import check
from gradflow.sim.config import FIELDS, Experiment, edit, parse_value

GOOD, FAILED, BAD_INPUT = 0, 1, 2
INTERRUPTED = 130


def say(line: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    if stream is not None:
        stream.write(f"{line}\n")
        stream.flush()


def add_experiment(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?" if optional else None, help="an experiment (.toml) or a preset"
    )
    parser.add_argument(
        "--set",
        dest="changes",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="change one field, e.g. network.depth=50; may be given again",
    )


def experiment_of(options: argparse.Namespace) -> Experiment:
    """Return the experiment that FILE and the ``--set`` options describe; raises what says why it cannot be built."""
    experiment = open_experiment(options.file)
    for change in options.changes:
        path, equals, text = (part.strip() for part in change.partition("="))
        if not equals:
            raise GradflowError(f"--set {change}: write PATH=VALUE; {suggestion(path, FIELDS)}")
        try:
            experiment = edit(experiment, {path: parse_value(path, text)})
        except ConfigError as error:
            raise ConfigError(error.field, error.reason, f"--set {change}") from error
    check_buildable(experiment, options.file)
    return experiment


def check_buildable(experiment: Experiment, source: str) -> None:
    """Raise ConfigError, with the file, if the experiment's fields do not go together."""
    try:
        check(experiment)
    except ConfigError as error:
        raise ConfigError(error.field, error.reason, source) from error


def require_qt(window: bool) -> None:
    """Raise GradflowError with the command that mends it if Qt cannot start here."""
    from gradflow.system import offscreen, qt_obstacle

    if not window:
        offscreen()
    obstacle = qt_obstacle()
    if obstacle:
        raise GradflowError(obstacle)
