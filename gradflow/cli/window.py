"""The default command: the window."""

from __future__ import annotations

import argparse
import gc

from gradflow.cli.common import check_buildable, require_qt
from gradflow.sim.archive import open_experiment


def add(parser: argparse.ArgumentParser) -> None:
    """Open the window, on FILE if one is given (this is the default command).

    Example: gradflow exploding
    """
    parser.add_argument("file", nargs="?", metavar="FILE", help="an experiment or a preset")
    parser.add_argument("--smoke", action="store_true", help="open, draw one frame, and exit 0")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Open the window and return when it is closed."""
    # What a start makes is there to stay; looking through it for garbage takes a tenth of the time. The window collects
    # in its own way afterwards.
    gc.disable()
    experiment = open_experiment(options.file) if options.file else None
    if experiment:
        check_buildable(experiment, options.file)
    require_qt(window=True)
    from gradflow.app import main

    return main(experiment, options.file or "", smoke=options.smoke)
