"""What the tests of the lab's views that compute share: frames with a network to take apart, and typing."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt

from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run

FAST = {"network.depth": 3, "network.width": 8, "training.batch_size": 16, "data.name": "two-moons"}


def frame_of(changes: dict[str, Any] | None = None, steps: int = 3, state: State = State.PAUSED) -> Frame:
    """Return the frame of a small network after some steps."""
    run = Run(edit(Experiment(), FAST | (changes or {})))
    for _ in range(steps + 1):
        run.advance()
    run.measure({Want.SPECIMEN})
    return run.frame(state)


def type_into(qtbot: Any, box: Any, text: str) -> None:
    """Replace the text of a box and press Enter."""
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)
