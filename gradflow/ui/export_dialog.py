"""What to export, how large, and where to."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gradflow.errors import FileError
from gradflow.sim.frame import Frame
from gradflow.ui import export
from gradflow.ui.formats import FORMATS, Job, formats, write
from gradflow.ui.picture_sheet import Look

SCALES = (1, 2, 3, 4)


class ExportDialog(QDialog):
    """Asks for the picture, its scale and its file; accepted with `copy` set, it means the clipboard, not a file."""

    def __init__(self, parent: QWidget, name: str, folder: Path, step: int) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.copy = False
        self._folder, self._step = folder, step
        self.what, self.kind, self.scale, self.file = QComboBox(), QComboBox(), QComboBox(), QLineEdit()
        for choice in export.names():
            self.what.addItem(export.listed(choice), choice)
        for scale in SCALES:
            self.scale.addItem("", scale)
        self.scale.setCurrentIndex(SCALES.index(2))
        self.file.setMinimumWidth(360)
        browse = QPushButton("Browse…")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.file, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.addRow("Picture", self.what)
        form.addRow("Format", self.kind)
        form.addRow("Size", self.scale)
        form.addRow("File", row)
        note = QLabel("What was run (experiment, seed and step, or program) is named below and embedded in the file.")
        note.setObjectName("muted")
        self.trouble = QLabel()
        self.trouble.setObjectName("fieldError")
        self.trouble.setWordWrap(True)
        # It repeats what was typed, which may look like HTML.
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        buttons = QDialogButtonBox()
        save = buttons.addButton("Save", QDialogButtonBox.ButtonRole.AcceptRole)
        save.setDefault(True)
        copy = buttons.addButton("Copy to clipboard", QDialogButtonBox.ButtonRole.ActionRole)
        # Otherwise Enter presses whichever button is nearest to the list that has the focus.
        copy.setAutoDefault(False)
        browse.setAutoDefault(False)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        copy.clicked.connect(self._copy)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(12)
        box.addLayout(form)
        box.addWidget(self.trouble)
        box.addWidget(note)
        box.addWidget(buttons)
        self.what.setCurrentIndex(max(0, self.what.findData(name)))
        self._list_kinds()
        self.what.currentIndexChanged.connect(self._list_kinds)
        self.kind.currentIndexChanged.connect(self._name_file)
        self.file.textChanged.connect(self._look_there)
        save.setFocus()

    def accept(self) -> None:
        """Close, unless no file is named."""
        try:
            if not self.copy:
                self.path()
        except FileError as error:
            self.trouble.setText(str(error))
            self.file.setFocus()
        else:
            super().accept()

    def path(self) -> Path:
        """Return where the picture goes; raises FileError if no file is named."""
        path = Path(self.file.text().strip()).expanduser()
        if not path.name:
            raise FileError(f"{self.file.text().strip()!r} names no file; give the picture a name, such as profile.png")
        suffix = FORMATS[self.kind.currentData()].suffix
        if path.suffix.lower() != suffix:
            path = path.with_name(f"{path.name}{suffix}")
        return path

    def _list_kinds(self) -> None:
        """Offer the kinds of file there are of what is chosen."""
        before = self.kind.currentData()
        self.kind.blockSignals(True)
        self.kind.clear()
        for kind in formats(self.what.currentData()):
            self.kind.addItem(FORMATS[kind].words, kind)
        self.kind.setCurrentIndex(max(0, self.kind.findData(before)))
        self.kind.blockSignals(False)
        self._name_file()

    def _name_file(self) -> None:
        name, kind = self.what.currentData(), FORMATS[self.kind.currentData()]
        self.scale.setEnabled(kind.sized)
        # A picture that is there already is not in the way: the next one gets a number.
        stems = (f"gradflow-{name}-step{self._step}{suffix}" for suffix in chain([""], (f"-{n}" for n in count(2))))
        paths = (self._folder / f"{stem}{kind.suffix}" for stem in stems)
        self.file.setText(str(next(path for path in paths if not self._taken(path))))
        size, more = export.size_of(name), " or higher" if export.grows(name) else ""
        for i, scale in enumerate(SCALES):
            self.scale.setItemText(i, f"{scale}× — {size.width() * scale} × {size.height() * scale} pixels{more}")
        # The name may be the same for another kind.
        self._look_there()

    def _taken(self, path: Path) -> list[str]:
        """Return the names of files that would be replaced, as far as that can be known."""
        ending = FORMATS[self.kind.currentData()].ending
        if not ending:
            return [path.name] if path.exists() else []
        alike = re.compile(re.escape(path.stem) + ending + re.escape(path.suffix))
        names = (each.name for each in path.parent.iterdir()) if path.parent.is_dir() else ()
        return sorted(name for name in names if alike.fullmatch(name))

    def _look_there(self) -> None:
        """Say what would be replaced."""
        words = ""
        with suppress(FileError, OSError, ValueError):
            taken = self._taken(self.path())
            words = f"{taken[0]} is there already" if taken else ""
            words += f", and {len(taken) - 1} more like it" if len(taken) > 1 else ""
        self.trouble.setText(f"{words}; saving replaces what has the same name." if words else "")

    def _browse(self) -> None:
        suffix = FORMATS[self.kind.currentData()].suffix
        kinds = f"{suffix[1:].upper()} (*{suffix})"
        path, _ = QFileDialog.getSaveFileName(self, "Export", self.file.text(), kinds)
        if path:
            self.file.setText(path)

    def _copy(self) -> None:
        self.copy = True
        self.accept()


@dataclass(frozen=True)
class Wish:
    """What somebody wants exported: a view or the dashboard, as which kind of file and where; None is the clipboard."""

    name: str
    kind: str
    path: Path | None
    scale: float

    def grant(self, frame: Frame, look: Look) -> str:
        """Draw it, and return a sentence saying what was done; raises FileError."""
        if self.path is None:
            return export.copy_picture(frame, self.name, look, self.scale)
        return write(self.kind, Job(frame, self.name, self.path, look, self.scale))


def ask(parent: QWidget, step: int, name: str, settings: QSettings) -> Wish | None:
    """Ask what to export of a step and how, at first as `name`; None if nothing is wanted. Raises FileError."""
    folder = Path(str(settings.value("export/folder", str(Path.cwd()))))
    dialog = ExportDialog(parent, name, folder, step)
    if not dialog.exec():
        return None
    path = None if dialog.copy else dialog.path()
    return Wish(dialog.what.currentData(), dialog.kind.currentData(), path, float(dialog.scale.currentData()))
