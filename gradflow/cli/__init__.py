"""The command line. Exit 0: good; 1: what was asked failed; 2: bad input, with one clear line on standard error.

Qt is imported only where a window or a picture is asked for.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Sequence
from typing import NoReturn

from gradflow import __version__
from gradflow.cli.common import BAD_INPUT, FAILED, INTERRUPTED, say
from gradflow.errors import GradflowError, suggestion

COMMANDS = ("window", "train", "diagnose", "theory", "sweep", "check", "bench")
"""Each is the module of its name in here, and only the one that is asked for is imported."""

HELP = ("-h", "--help")

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
        # One line, also where a name has several.
        say(f"gradflow: {' '.join(str(error).splitlines())}", sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        say("gradflow: interrupted; what was recorded is kept", sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has gone: nothing more to say, and no traceback at exit either.
        sys.stdout = None
        return FAILED


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    words = list(arguments)
    # `gradflow`, `gradflow FILE` and `gradflow --smoke` open the window without saying so.
    if not words or (words[0] not in COMMANDS and words[0] not in (*HELP, "--version")):
        _check_word(words)
        words.insert(0, "window")
    parser = _Parser(prog="gradflow", description="An oscilloscope for gradients.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"gradflow {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for name in COMMANDS if words[0] in HELP else [name for name in COMMANDS if name == words[0]]:
        add = importlib.import_module(f"{__name__}.{name}").add
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
    return parser.parse_args(words)


def _check_word(words: Sequence[str]) -> None:
    """Raise GradflowError if the first word is neither an option nor something that can be opened."""
    from gradflow.sim.archive import exists, presets

    word = words[0] if words else ""
    if word and not word.startswith("-") and not exists(word):
        near = suggestion(word, [*COMMANDS, *presets()])
        raise GradflowError(f"{word}: no such command, no such file and no such preset; {near}")
