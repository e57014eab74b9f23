"""Experiments in files: TOML that a person can write, read with a sentence for every mistake, and the presets.

A preset is an experiment in `resources/presets/`; the name of every data set is one too (the defaults on that data).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import tomli_w

from gradflow.assets import resource
from gradflow.errors import ConfigError, FileError, suggestion
from gradflow.files import read_text, write_atomically
from gradflow.sim.config import FIELDS, Experiment, brief, edit, from_mapping, to_mapping
from gradflow.sim.datasets import DATASETS

FIRST = "vanishing"
"""The preset that a first start opens on."""


FIGURE = "Figure:"


def presets() -> dict[str, Path | None]:
    """Return the presets by name, with their files; None for those that are just a data set's name."""
    files = {path.stem: path for path in sorted(resource("presets").glob("*.toml"))}
    return {**files, **{name: None for name in DATASETS if name not in files}}


@dataclass(frozen=True)
class Introduction:
    """What stands at the head of a preset: what it shows, and the view to look at with a choice in it, if any."""

    words: str = ""
    view: str = ""
    choice: str = ""


def introduction(name: str) -> Introduction:
    """Return the introduction of a preset: the comment its file begins with, whose line "Figure:" names a view."""
    path = presets().get(name)
    if path is None:
        return Introduction()
    comment = takewhile(lambda line: line.startswith("#"), read_text(path).splitlines())
    lines = [line.removeprefix("#").strip() for line in comment]
    figure = next((line.removeprefix(FIGURE) for line in lines if line.startswith(FIGURE)), "")
    view, _, choice = figure.strip().partition(" ")
    return Introduction(" ".join(line for line in lines if not line.startswith(FIGURE)), view, choice)


def exists(source: str) -> bool:
    """Return whether `source` names a preset or could be a file: it has an ending, or is there."""
    return source in presets() or Path(source).suffix != "" or _is_file(Path(source))


def open_experiment(source: str) -> Experiment:
    """Return the experiment in a file or of a preset; raises FileError or ConfigError naming the file and the field."""
    path = Path(source)
    # A folder may well be called like a preset: it is where the last run of that preset was written.
    if path.suffix == "" and not _is_file(path):
        return _preset(source)
    return parse(read_text(path), str(path))


def parse(text: str, name: str) -> Experiment:
    """Return the experiment that a TOML text describes; `name` opens the message if it does not."""
    try:
        table = tomllib.loads(text)
    except ValueError as error:
        raise FileError(f"{name}: is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from error
    except RecursionError as error:
        raise FileError(f"{name}: is not TOML: brackets are nested too deeply") from error
    _check_format(table, name)
    try:
        return from_mapping(table)
    except ConfigError as error:
        raise ConfigError(error.field, error.reason, name) from error


def render(experiment: Experiment) -> str:
    """Return the complete experiment as TOML text, which `parse` reads back to an equal one."""
    return tomli_w.dumps(to_mapping(experiment))


def render_rows(rows: Sequence[Any]) -> list[str]:
    """Return each row of a list as one TOML table in braces, with what differs from its defaults."""
    return [_inline(brief(row)) for row in rows]


def _inline(table: Mapping[str, Any]) -> str:
    pairs = (tomli_w.dumps({key: value}).strip() for key, value in table.items())
    return "{" + ", ".join(pairs) + "}"


def save_experiment(experiment: Experiment, path: Path) -> None:
    """Write the experiment to a file, whole or not at all; raises FileError."""
    write_atomically(path, render(experiment).encode())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system
        return False


def _preset(name: str) -> Experiment:
    known = presets()
    if name not in known:
        raise FileError(f"{name}: no such file and no such preset; {suggestion(name, known)}")
    path = known[name]
    return edit(Experiment(), {"data.name": name}) if path is None else parse(read_text(path), str(path))


def _check_format(table: Mapping[str, Any], name: str) -> None:
    version, newest = table.get("format", 1), FIELDS["format"].says.high
    if isinstance(version, int) and version > newest:
        raise ConfigError("format", f"{version} is newer than this gradflow reads ({newest}); update gradflow", name)
