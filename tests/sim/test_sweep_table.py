"""The files of a sweep: what is read back is what was written, and an interrupted sweep goes on where it was."""

from __future__ import annotations

import csv
import dataclasses
import math
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from executor_kit import InThisThread
from hypothesis import given
from hypothesis import strategies as st
from sim_kit import small

from gradflow.errors import ConfigError, FileError
from gradflow.sim.sweep import MEASURES, Axis, Cell, CellResult, Execution, Sweep, Table, read_description
from gradflow.sim.sweep.table import columns, description_path, parse, render

SWEEP = Sweep(
    small({"training.steps": 3}),
    Axis.parse("init.scale=0.1:10:3:log"),
    Axis.parse("network.activation=tanh,relu"),
    "train-loss",
)
PATH = Path("map.csv")


@st.composite
def results(draw):
    """Any results of any cells, as a run, a diverged run or a cell that could not be run gives them."""
    found = {}
    for cell in draw(st.sets(st.sampled_from(list(SWEEP.cells())))):
        message = draw(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])))
        if draw(st.booleans()):
            values = {name: draw(st.floats()) for name in MEASURES if name != "diverged"}
            diverged = draw(st.booleans())
            found[cell] = CellResult(
                {**values, "diverged": float(diverged)}, draw(st.integers(0, 10**6)), diverged, 0.0, message
            )
        else:
            found[cell] = CellResult({}, 0, False, 0.0, message)
    return found


@given(results())
def test_what_is_read_is_what_was_written(found):
    again = parse(render(SWEEP, found), SWEEP, PATH)
    assert {cell: repr(result) for cell, result in again.items()} == {c: repr(r) for c, r in found.items()}


def executed(path: Path, sweep: Sweep = SWEEP) -> Table:
    table = Table(path, sweep)
    table.begin()
    execution = Execution(sweep, InThisThread(), table.results, in_flight=1)
    while not execution.finished:
        table.add(execution.poll())
    table.flush()
    return table


def test_the_table_has_a_row_per_cell_and_the_description_reproduces_it(tmp_path):
    path = tmp_path / "map.csv"
    executed(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == columns(SWEEP) and list(rows[0])[:2] == ["init.scale", "network.activation"]
    assert [(row["init.scale"], row["network.activation"]) for row in rows] == [
        (scale, name) for name in ("tanh", "relu") for scale in ("0.1", "1.0", "10.0")
    ]
    assert all(row["step"] == "3" and row["diverged"] == "0" and row["message"] == "" for row in rows)
    assert all(math.isfinite(float(row["train-loss"])) for row in rows)
    assert read_description(tmp_path / "map.sweep.toml") == SWEEP
    assert tomllib.loads((tmp_path / "map.sweep.toml").read_text(encoding="utf-8"))["measure"] == "train-loss"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["map.csv", "map.sweep.toml"]


def test_a_sweep_that_goes_on_runs_only_what_is_missing_and_ends_with_the_same_file(tmp_path):
    path = tmp_path / "map.csv"
    executed(path)
    whole = path.read_bytes()
    path.write_bytes(b"\n".join(whole.splitlines()[:4]) + b"\n")
    table = Table(path, SWEEP)
    assert len(table.results) == 3
    executed(path)
    assert path.read_bytes() == whole


def test_the_file_is_written_as_soon_as_there_is_a_cell(tmp_path):
    table = Table(tmp_path / "map.csv", SWEEP)
    table.begin()
    assert (tmp_path / "map.csv").read_text(encoding="utf-8").splitlines() == [",".join(columns(SWEEP))]
    table._written_at = -math.inf
    table.add({Cell(0, 0): CellResult({}, 0, False, message="nothing")})
    assert len((tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()) == 2
    # What came too soon after that is written later, also if nothing else comes.
    table.add({Cell(1, 0): CellResult({}, 0, False, message="nothing")})
    table._written_at = -math.inf
    table.add({})
    assert len((tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_another_sweep_is_not_written_over(tmp_path):
    executed(tmp_path / "map.csv")
    other = dataclasses.replace(SWEEP, goal=0.3)
    with pytest.raises(
        FileError, match=r"map\.csv: holds another sweep \(goal is 0.1, not 0.3\); choose another --out"
    ):
        Table(tmp_path / "map.csv", other)


def test_a_table_that_is_not_a_sweeps_is_not_written_over(tmp_path):
    (tmp_path / "map.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"is there already, without map\.sweep\.toml"):
        Table(tmp_path / "map.csv", SWEEP)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0.1,tanh,1", "line 3 is not a cell of this sweep"),
        ("0.2,tanh," + "," * (len(columns(SWEEP)) - 3), "line 3 is not a cell of this sweep"),
        ("0.1,tanh," + "x," * 8 + "3,0,", "line 3 is not a cell of this sweep"),
    ],
)
def test_a_row_that_was_tampered_with_is_named(tmp_path, line, sentence):
    executed(tmp_path / "map.csv")
    lines = (tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "map.csv").write_text("\n".join([*lines[:2], line, *lines[2:]]), encoding="utf-8")
    with pytest.raises(FileError, match=sentence):
        Table(tmp_path / "map.csv", SWEEP)


def test_other_columns_are_refused():
    with pytest.raises(FileError, match="has other columns"):
        parse("a,b\n", SWEEP, PATH)


@pytest.mark.parametrize("text", ["[", "\0", "measure = 3", ""])
def test_a_description_that_is_none_is_refused(tmp_path, text):
    path = description_path(tmp_path / "map.csv")
    path.write_text(text, encoding="utf-8")
    with pytest.raises((FileError, ConfigError), match=r"map\.sweep\.toml"):
        Table(tmp_path / "map.csv", SWEEP)


def test_a_sweep_that_is_killed_goes_on_where_it_was(tmp_path, python):
    """Killed while it writes again and again: the file is whole, and the second run does only the rest."""
    path = tmp_path / "map.csv"
    arguments = ["-m", "gradflow", "sweep", "two-moons", "--x", "seed=0:29:30", "--y", "network.depth=1,2"]
    arguments += ["--set", "network.width=8", "--measure", "train-loss", "--steps", "100", "--jobs", "1"]
    arguments += ["--out", str(path)]
    root = Path(__file__).resolve().parents[2]
    first = subprocess.Popen([sys.executable, *arguments], cwd=root, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and not (path.exists() and path.read_text(encoding="utf-8").count("\n") > 3):
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = path.read_text(encoding="utf-8").splitlines()
    assert 3 < len(kept) < 61
    second = python(*arguments)
    assert second.returncode == 0 and second.stderr == ""
    assert second.stdout.startswith(f"{len(kept) - 1} of 60 cells are done already\n")
    whole = path.read_text(encoding="utf-8").splitlines()
    assert len(whole) == 61 and set(kept) <= set(whole)
