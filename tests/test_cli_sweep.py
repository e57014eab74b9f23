"""`gradflow sweep` as a person meets it: what it prints, what it writes, and one clear line for every mistake."""

from __future__ import annotations

import csv
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from executor_kit import InThisThread

from gradflow.cli import run
from gradflow.sim.sweep import MEASURES
from gradflow.sim.sweep.table import description_path

ROOT = Path(__file__).resolve().parents[1]
TINY = ("--set", "data.samples=40", "--set", "network.width=4", "--steps", "2")
GRID = ("--x", "init.scale=0.5:2:3:log", "--y", "network.depth=1,2", "--measure", "train-loss")


@pytest.fixture
def here(monkeypatch):
    """Run cells in the test's own thread: processes take a second to start."""

    class Lent(InThisThread):
        def __enter__(self):
            return self

    monkeypatch.setattr("gradflow.sim.sweep.processes", lambda jobs: Lent())


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(["sweep", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sweep_writes_a_row_per_cell_and_says_so(capsys, tmp_path, here):
    out = tmp_path / "map.csv"
    status, said, err = answer(capsys, "two-moons", *TINY, *GRID, "--out", str(out))
    assert (status, err) == (0, "")
    assert said.splitlines()[-2:] == ["6 cells, of which 0 diverged.", f"written to {out}"]
    assert [row["network.depth"] for row in rows_of(out)] == ["1"] * 3 + ["2"] * 3
    assert all(row["step"] == "2" for row in rows_of(out))


def test_the_numbers_of_a_cell_are_those_of_gradflow_train(capsys, tmp_path, here):
    answer(capsys, "two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"))
    cell = rows_of(tmp_path / "map.csv")[5]
    fields = ("--set", "init.scale=2", "--set", "network.depth=2")
    assert run(["train", "two-moons", *TINY, *fields, "--out", str(tmp_path / "run"), "--no-png"]) == 0
    last = rows_of(tmp_path / "run" / "history.csv")[-1]
    assert cell["validation-loss"] == last["val_loss"] and cell["validation-accuracy"] == last["val_accuracy"]


def test_the_same_again_has_nothing_left_to_do(capsys, tmp_path, here):
    arguments = ("two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"))
    answer(capsys, *arguments)
    status, said, _ = answer(capsys, *arguments)
    assert status == 0 and said.startswith("6 of 6 cells are done already\n6 cells, of which 0 diverged.")


def test_a_description_runs_the_same_sweep(capsys, tmp_path, here):
    answer(capsys, "two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"))
    status, _, _ = answer(capsys, str(tmp_path / "map.sweep.toml"), "--out", str(tmp_path / "again.csv"))
    assert status == 0 and (tmp_path / "again.csv").read_bytes() == (tmp_path / "map.csv").read_bytes()


def test_cells_that_cannot_be_run_are_counted_and_one_is_explained(capsys, tmp_path, here):
    axes = ("--x", "network.width=4,8192", "--y", "network.depth=1,900", "--measure", "train-loss")
    status, said, err = answer(capsys, "two-moons", *TINY, *axes, "--out", str(tmp_path / "map.csv"))
    assert (status, err) == (0, "")
    assert "4 cells, of which 0 diverged and 1 could not be run: network.width: 900 layers of 8192 units" in said


def test_the_picture_is_the_map(capsys, tmp_path, here, qapp, colors):
    from PySide6.QtGui import QImage

    png = tmp_path / "map.png"
    status, _, _ = answer(capsys, "two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"), "--png", str(png))
    picture = QImage(str(png))
    assert status == 0 and picture.width() == 1760 and colors(picture) > 50
    # What is embedded is enough to make it again, and speaks of no single run.
    assert 'measure = "train-loss"' in picture.text("gradflow:sweep") and not picture.text("gradflow:step")


COMPLAINTS = {
    "axis": (("--x", "init.scal=1,2"), "--x: init.scal: no such field; did you mean 'init.scale'?"),
    "range": (("--y", "network.depth=0:3:2"), "--y: network.depth: must be a whole number from 1 to 5000, not 0"),
    "measure": (("--measure", "train-lose"), "measure: 'train-lose' is not known; did you mean 'train-loss'?"),
    "same": (("--y", "init.scale=1,2"), "init.scale: is on both axes"),
    "steps": (("--steps", "-1"), "training.steps: must be a whole number from 0"),
    "goal": (("--goal", "nan"), "goal: must be a finite number"),
    "jobs": (("--jobs", "0"), "--jobs must be a whole number from 1 to 256, not 0"),
    "both": (("--jobs", "1", "--scheduler", "tcp://nowhere:1"), "not allowed with argument"),
    "field": (("--set", "network.width=0"), "network.width: must be a whole number from 1"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_a_mistake_is_one_line_and_nothing_is_written(capsys, tmp_path, name):
    options, sentence = COMPLAINTS[name]
    status, said, err = answer(capsys, "two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"), *options)
    assert (status, said) == (2, "") and err.startswith("gradflow: ") and err.count("\n") == 1
    assert sentence in err and list(tmp_path.iterdir()) == []


def test_what_is_missing_is_named(capsys, tmp_path):
    status, _, err = answer(capsys, "digits", "--x", "seed=1,2", "--out", str(tmp_path / "map.csv"))
    assert status == 2 and "missing --y, --measure" in err


def test_without_a_measure_the_choices_are_named(capsys, tmp_path):
    status, said, err = answer(capsys, "digits", *GRID[:4], "--out", str(tmp_path / "map.csv"))
    assert (status, said) == (2, "") and err.startswith("gradflow: missing --measure; --measure is one of ")
    assert all(name in err for name in MEASURES) and err.count("\n") == 1
    # Nobody who gave one is told again.
    assert "is one of" not in answer(capsys, "digits", "--measure", "train-loss", "--out", str(tmp_path / "map.csv"))[2]


@pytest.mark.parametrize(
    ("name", "option", "sentence"),
    [
        ("map.toml", "--out", "must be a file for a table, such as map.csv"),
        (".", "--out", "cannot be written (is a directory)"),
        ("x" * 300, "--out", "cannot be written (file name too long)"),
        (".", "--png", "cannot be written (is a directory)"),
    ],
)
def test_a_place_that_takes_no_table_or_picture_is_refused_before_any_cell(capsys, tmp_path, name, option, sentence):
    places = {"--out": tmp_path / "map.csv", option: tmp_path / name}
    given = [str(word) for pair in places.items() for word in pair]
    status, out, err = answer(capsys, "two-moons", *TINY, *GRID, *given)
    assert (status, out) == (2, "") and sentence in err


def test_another_sweep_in_the_same_place_is_refused(capsys, tmp_path, here):
    arguments = ("two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"))
    answer(capsys, *arguments)
    status, said, err = answer(capsys, *arguments, "--goal", "0.5")
    assert (status, said) == (2, "") and "holds another sweep (goal is 0.1, not 0.5)" in err and err.count("\n") == 1


def test_a_description_that_is_changed_on_the_way_is_refused(capsys, tmp_path, here):
    answer(capsys, "two-moons", *TINY, *GRID, "--out", str(tmp_path / "map.csv"))
    description = str(description_path(tmp_path / "map.csv"))
    status, _, err = answer(capsys, description, "--x", "seed=1,2", "--set", "seed=3", "--out", str(tmp_path / "b.csv"))
    assert status == 2 and err.endswith("says what is swept; leave out --x, --set\n")


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_line(capsys, tmp_path):
    out = str(tmp_path / "map.csv")
    arguments = ("two-moons", *TINY, *GRID, "--out", out, "--scheduler", "tcp://127.0.0.1:9")
    if importlib.util.find_spec("distributed") is None:
        sentence = "--scheduler needs Dask: install gradflow[cluster]"
    else:
        sentence = "--scheduler tcp://127.0.0.1:9: no Dask scheduler answers there"
    status, _, err = answer(capsys, *arguments)
    assert status == 2 and err == f"gradflow: {sentence}\n"


def test_ctrl_c_ends_everything_at_once_and_keeps_what_is_done(tmp_path):
    """Ctrl+C reaches the processes as well: nobody prints a traceback, and nobody stays behind."""
    out = tmp_path / "map.csv"
    arguments = ["sweep", "two-moons", "--x", "seed=0:9:10", "--y", "training.steps=1,1000000"]
    arguments += ["--set", "network.depth=1", "--measure", "train-loss", "--jobs", "2", "--out", str(out)]
    program = subprocess.Popen(
        [sys.executable, "-m", "gradflow", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background of a shell has Ctrl+C ignored, and so would the program.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and not (out.exists() and out.read_text(encoding="utf-8").count("\n") > 1):
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(program.pid, signal.SIGINT)
    _, err = program.communicate(timeout=20)
    assert (program.returncode, err) == (130, "gradflow: interrupted; what was recorded is kept\n")
    assert len(rows_of(out)) >= 1
    with pytest.raises(ProcessLookupError):
        for _ in range(200):
            os.killpg(program.pid, 0)
            time.sleep(0.05)
