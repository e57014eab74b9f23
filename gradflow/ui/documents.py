"""Opening and saving the experiment: which file, asked for where it is not known."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from gradflow.ui.session import Session


def open_file(parent: QWidget, session: Session) -> None:
    """Ask for an experiment file and open it."""
    path, _ = QFileDialog.getOpenFileName(parent, "Open an experiment", "", "Experiments (*.toml);;All files (*)")
    if path:
        session.open(path)


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
