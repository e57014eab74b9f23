"""What is imported when: whoever starts something does not wait for what it does not need."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

Python = Callable[..., "CompletedProcess[str]"]

WINDOW = """
import sys
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from gradflow.sim.archive import FIRST, open_experiment
from gradflow.ui.main_window import MainWindow
from gradflow.ui.session import Session

app = QApplication([])
session, imported = Session(open_experiment(FIRST)), []
# Before the window hears of it, draws it, and lets theory and measurements begin.
session.frame_arrived.connect(lambda frame: imported.append(sorted(sys.modules)))
window = MainWindow(session, QSettings(sys.argv[1], QSettings.Format.IniFormat))
window.show()
while not imported:
    app.processEvents()
made = [name for name, dock in window.docks.items() if dock.made]
window.close()
print(*made, "imported", *imported[0])
"""

LATER = (
    "gradflow.autograd",
    "gradflow.theory",
    "gradflow.sim.lab",
    "gradflow.sim.measurements",
    "gradflow.sim.sweep",
    "gradflow.ui.export_dialog",
    "gradflow.ui.lab.",
    "gradflow.ui.views.graph",
    "numpy.polynomial",
    "scipy",
)
"""What the first picture does without."""


def test_the_first_picture_waits_for_no_lab_no_theory_and_no_view_behind_another(python: Python, tmp_path) -> None:
    done = python("-c", WINDOW, str(tmp_path / "settings.ini"), QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    made, _, imported = done.stdout.partition(" imported ")
    assert "profile" in made.split()
    assert [name for name in imported.split() if name.startswith(LATER)] == []


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("gradflow.sim.sweep", ("gradflow.theory", "gradflow.sim.lab", "gradflow.ui", "scipy")),
        ("gradflow.cli.train", ("gradflow.theory", "gradflow.sim.lab", "gradflow.sim.sweep", "gradflow.ui", "scipy")),
    ],
)
def test_processes_of_a_map_and_a_training_start_light(python: Python, module: str, without: tuple[str, ...]) -> None:
    done = python("-c", f"import sys, {module}; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    assert [name for name in done.stdout.split() if name.startswith(without)] == []


def test_a_command_imports_no_other(python: Python) -> None:
    code = "import sys; from gradflow.cli import run; run(['train', 'iris', '--steps', '0']); print(*sys.modules)"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    loaded = {name for name in done.stdout.split() if name.startswith("gradflow.cli.")}
    assert loaded == {"gradflow.cli.common", "gradflow.cli.train"}
