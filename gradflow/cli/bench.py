"""Timing the engine and the window."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from gradflow.cli.common import GOOD, require_qt, say
from gradflow.errors import GradflowError
from gradflow.files import check_writable, write_atomically
from gradflow.sim import bench
from gradflow.system import has_screen


def add(parser: argparse.ArgumentParser) -> None:
    """Time the training step beside its bare matrix products and installed peers, and the window's answers.

    Example: gradflow bench --against torch --json bench.json
    """
    parser.add_argument(
        "--against",
        default="",
        metavar="NAMES",
        help=f"peers to time in the same run, of {', '.join(bench.PEERS)} (default: those installed; none for none)",
    )
    parser.add_argument("--json", metavar="FILE", nargs="?", const="-", help="the numbers as JSON, on FILE or instead")
    parser.add_argument("--no-window", dest="window", action="store_false", help="leave out what needs a window")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the tables as they are measured."""
    if options.json and options.json != "-":
        check_writable(Path(options.json))
    rows: list[bench.Row] = []
    for line in bench.lines(_kept(bench.bench(_peers(options.against)), rows)):
        if options.json != "-":
            say(line)
    text = json.dumps(rows, indent=1)
    if options.json == "-":
        say(text)
        return GOOD
    if options.json:
        write_atomically(Path(options.json), f"{text}\n".encode())
        say(f"written to {options.json}")
    if options.window:
        # A real window where there is a screen: painting there is what a person waits for.
        require_qt(window=has_screen())
        from gradflow.ui.bench import window_lines

        for line in window_lines():
            say(line)
    return GOOD


def _kept(measured: Iterator[bench.Row], rows: list[bench.Row]) -> Iterator[bench.Row]:
    for row in measured:
        rows.append(row)
        yield row


def _peers(text: str) -> list[str]:
    if not text:
        return [name for name in bench.PEERS if bench.installed(name)]
    names = [name.strip() for name in text.split(",") if name.strip() not in ("", "none")]
    for name in names:
        if name not in bench.PEERS:
            raise GradflowError(f"--against {name}: choose from {', '.join(bench.PEERS)}, or none")
        if not bench.installed(name):
            raise GradflowError(f"--against {name}: is not installed; pip install {name}")
    return names
