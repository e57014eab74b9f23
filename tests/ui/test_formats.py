"""What a view can be written to: pictures of pixels and of lines, numbered pictures, tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from gradflow.errors import FileError
from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table
from gradflow.sim.run import Run
from gradflow.ui import export, theme
from gradflow.ui.export import DASHBOARD, Look
from gradflow.ui.export_dialog import ExportDialog
from gradflow.ui.formats import Job, formats, write
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.theme import Theme
from gradflow.ui.view import VIEWS


class Counter(LabView):
    """A view of the lab with four positions, each a number."""

    def __init__(self) -> None:
        super().__init__()
        self.label = QLabel("nothing yet")
        self.box.addWidget(self.label)
        self._at = 0

    def show_specimen(self, specimen: Specimen | None) -> None:
        self.label.setText(f"{self._at}" if specimen else "nothing yet")

    def retheme(self, theme: Theme) -> None:
        self.theme = theme

    def positions(self) -> int:
        return 4

    @property
    def position(self) -> int:
        return self._at

    def go(self, position: int) -> None:
        self._at = position
        self.hold()
        self.show_specimen(self.specimen)

    def tables(self) -> Mapping[str, Table]:
        table = Table("numbers", ["a", "b"], ["x"], np.array([[self._at], [0.1]]))
        return {"W₁": table, "δ": table} if self._at else {"W₁": table}

    def state(self) -> dict[str, Any]:
        return {"position": self._at}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.go(min(int(state["position"]), 3))


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Register a view for one test."""
    VIEWS.register("counter", "How many?")(Counter)
    yield "counter"
    del VIEWS._entries["counter"]


@pytest.fixture
def frame(fast: Any, qapp: Any) -> Frame:
    export.prepare()
    run = Run(fast())
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


def job(frame: Frame, name: str, path: Path, choice: str = "") -> Job:
    return Job(frame, name, path, Look(theme.LIGHT, {name: choice}), 1.0)


@pytest.mark.parametrize("name", [DASHBOARD, "profile", "heatmap"])
def test_a_picture_of_lines_is_a_whole_document_with_its_words_and_its_experiment(name, frame, tmp_path):
    said = write("svg", job(frame, name, tmp_path / "p.svg"))
    assert said == f"Saved {tmp_path / 'p.svg'}"
    root = ElementTree.fromstring((tmp_path / "p.svg").read_text())
    words = " ".join(root.itertext())
    assert root.get("viewBox") and export.title("profile" if name == DASHBOARD else name) in words
    assert "gradflow:seed: 0" in words and "[network]" in words


def test_only_the_lab_has_tables_and_numbered_pictures(counter):
    assert formats("profile") == formats(DASHBOARD) == ["png", "svg"]
    assert formats(counter) == ["png", "svg", "sequence", "csv", "latex"]


def test_numbered_pictures_are_those_of_each_step(counter, frame, tmp_path, pixels):
    said = write("sequence", job(frame, counter, tmp_path / "slide.png"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["slide-1.png", "slide-2.png", "slide-3.png", "slide-4.png"]
    assert said == f"Saved 4 files, {tmp_path / 'slide-1.png'} … slide-4.png"
    third = export.picture(frame, counter, Look(theme.LIGHT, {counter: '{"position": 2}'}), 1.0)
    assert np.array_equal(pixels(QImage(str(tmp_path / "slide-3.png"))), pixels(third))


def test_numbered_pictures_all_have_the_size_of_the_largest(counter, frame, tmp_path, monkeypatch):
    monkeypatch.setattr(Counter, "lacking", lambda self: 40 if self.position == 2 else 0)
    write("sequence", job(frame, counter, tmp_path / "slide.png"))
    high = export.size_of(counter).height() + 40
    assert {QImage(str(path)).height() for path in tmp_path.iterdir()} == {high}
    assert len(list(tmp_path.iterdir())) == 4


def test_the_dialog_says_what_would_be_replaced_and_stays_until_a_file_is_named(counter, frame, tmp_path, qtbot, qapp):
    dialog = ExportDialog(None, counter, tmp_path, 0)
    qtbot.addWidget(dialog)
    dialog.kind.setCurrentIndex(dialog.kind.findData("sequence"))
    assert not dialog.trouble.text()
    first = dialog.path()
    write("sequence", job(frame, counter, first))
    dialog.file.setText(f"{first} ")
    assert dialog.trouble.text().startswith(f"{first.stem}-1.png is there already, and 3 more like it;")
    dialog.kind.setCurrentIndex(dialog.kind.findData("png"))
    assert dialog.path() == first and not dialog.trouble.text()
    dialog.kind.setCurrentIndex(dialog.kind.findData("sequence"))
    assert dialog.path() != first and not dialog.trouble.text()
    dialog.open()
    dialog.file.setText("  ")
    dialog.accept()
    assert dialog.isVisible() and "names no file" in dialog.trouble.text()
    dialog.reject()


def test_tables_have_every_digit_and_one_file_each(counter, frame, tmp_path):
    write("csv", job(frame, counter, tmp_path / "t.csv"))
    write("csv", job(frame, counter, tmp_path / "u.csv", '{"position": 3}'))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "u-W₁.csv", "u-δ.csv"]
    rows = list(csv.reader(io.StringIO((tmp_path / "u-W₁.csv").read_text())))
    assert rows == [["", "x"], ["a", "3.0"], ["b", "0.1"]]
    write("latex", job(frame, counter, tmp_path / "t.tex"))
    assert r"$b$ & $0.1000$ \\" in (tmp_path / "t.tex").read_text()


def test_a_view_without_numbers_says_so(counter, frame, tmp_path, monkeypatch):
    monkeypatch.setattr(Counter, "tables", lambda self: {})
    with pytest.raises(FileError, match="no numbers to write yet"):
        write("csv", job(frame, counter, tmp_path / "t.csv"))
    monkeypatch.setattr(Counter, "positions", lambda self: 5000)
    with pytest.raises(FileError, match="5000 pictures are too many"):
        write("sequence", job(frame, counter, tmp_path / "t.png"))


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"position": "x"}', '{"other": 1}', "[" * 100_000])
def test_a_state_that_is_none_changes_nothing(counter, frame, text):
    view = VIEWS[counter].part()
    view.reset(frame.topology)
    view.draw(frame)
    view.choose(text)
    assert view.position == 0
    view.close()


def test_a_state_chosen_before_there_is_a_network_waits_for_it(counter, frame):
    view = VIEWS[counter].part()
    view.choose('{"position": 2}')
    view.reset(frame.topology)
    view.draw(frame)
    assert (view.position, view.label.text()) == (2, "2")
    view.close()
