"""Opening and saving the experiment: which file, asked for where it is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from textwrap import wrap

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gradflow.sim import archive
from gradflow.ui.session import Session
from gradflow.ui.view_dock import ViewDock


def open_file(parent: QWidget, session: Session) -> None:
    """Ask for an experiment file and open it."""
    path, _ = QFileDialog.getOpenFileName(parent, "Open an experiment", "", "Experiments (*.toml);;All files (*)")
    if path:
        session.open(path)


def add_presets(
    menu: QMenu,
    session: Session,
    docks: Mapping[str, ViewDock],
    say: Callable[[str], None],
    in_lab: Callable[[], bool],
) -> None:
    """List the presets once the menu opens; one that has something to show comes with words, and its view in front.

    Whoever is `in_lab` stays there: no view that is closed is opened.
    """

    def fill() -> None:
        for name in archive.presets():
            entry = menu.addAction(name, partial(_open_preset, name, session, docks, say, in_lab))
            entry.setToolTip("\n".join(wrap(archive.introduction(name).words, 80)))

    menu.setToolTipsVisible(True)
    menu.aboutToShow.connect(fill, Qt.ConnectionType.SingleShotConnection)


def _open_preset(
    name: str,
    session: Session,
    docks: Mapping[str, ViewDock],
    say: Callable[[str], None],
    in_lab: Callable[[], bool],
) -> None:
    if not session.open(name):
        return
    shown = archive.introduction(name)
    if shown.view:
        dock = docks[shown.view]
        if not (in_lab() and dock.isHidden()):
            dock.show()
            dock.raise_()
        dock.view.choose(shown.choice)
    if shown.words:
        say(shown.words)


def save(parent: QWidget, session: Session) -> None:
    """Save to the file that is open; ask for one where there is none."""
    if session.path:
        session.save(session.path)
    else:
        save_as(parent, session)


def save_as(parent: QWidget, session: Session) -> None:
    """Ask for a file and save to it."""
    start = str(session.path or f"{session.experiment.data.name}.toml")
    path, _ = QFileDialog.getSaveFileName(parent, "Save the experiment", start, "Experiments (*.toml)")
    if path:
        session.save(Path(path if path.endswith(".toml") else f"{path}.toml"))
