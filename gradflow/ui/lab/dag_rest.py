"""How much of a drawing lies out of sight: buttons at its edges say it, and bring it nearer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from gradflow.sim.lab.label_places import Rectangle
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Button

Array = NDArray[np.float64]

INSET = 4

SIDES = {(-1, 0): "‹ {} more", (1, 0): "{} more ›", (0, -1): "{} more above", (0, 1): "{} more below"}
"""Where boxes can be out of sight, and what is said of so many."""

WHOLE, READABLE = "Whole graph", "Readable size"


class Rest(QObject):
    """The buttons on a drawing; each is there only while there is something for it to do."""

    towards = Signal(int, int)
    """The side (right, down) that is to come nearer."""

    whole = Signal(bool)
    """Whether to show everything, or else as much as can be read."""

    def __init__(self, drawing: QWidget) -> None:
        super().__init__(drawing)
        self._drawing = drawing
        self._sides = {side: _button(drawing) for side in SIDES}
        self._look = _button(drawing)
        for (right, down), button in self._sides.items():
            button.clicked.connect(
                weakly(self, lambda self, _=False, right=right, down=down: self.towards.emit(right, down))
            )
        self._look.clicked.connect(weakly(self, lambda self, _=False: self.whole.emit(self._look.text() == WHOLE)))

    @property
    def buttons(self) -> list[Button]:
        """All buttons, those of the sides first."""
        return [*self._sides.values(), self._look]

    def show_rest(self, middles: Array, readable: bool) -> None:
        """Say how many of these points (n, 2) are out of sight, on which side; or that all are seen, but small."""
        found = out_of_sight(middles, self._drawing.width(), self._drawing.height())
        for side, button in self._sides.items():
            button.setText(SIDES[side].format(found[side]))
            button.setToolTip(f"{found[side]} of {len(middles)} boxes lie there: look at them (arrow keys or mouse)")
            button.setVisible(found[side] > 0)
        whole = not any(found.values())
        self._look.setText(READABLE if whole else WHOLE)
        self._look.setToolTip("Large enough to be read (1)" if whole else "Show all boxes (0 or double-click)")
        self._look.setVisible(not whole or not readable)
        self._place()

    def _place(self) -> None:
        """Put the buttons into the corners, where there is rarely a box."""
        left, right, above, below = self._sides.values()
        for button in self.buttons:
            button.adjustSize()
        wide, high = self._drawing.width() - INSET, self._drawing.height() - INSET
        self._look.move(wide - self._look.width(), INSET)
        right.move(self._look.x() - INSET - right.width(), INSET)
        left.move(INSET, INSET)
        above.move((wide - above.width()) // 2, INSET)
        below.move((wide - below.width()) // 2, high - below.height())

    def taken(self) -> list[Rectangle]:
        """Return where the buttons are."""
        shown = [button.geometry() for button in self.buttons if not button.isHidden()]
        return [(place.left(), place.top(), place.right() + 1, place.bottom() + 1) for place in shown]


def out_of_sight(middles: Array, wide: float, high: float) -> dict[tuple[int, int], int]:
    """Return on which sides of a window how many points are, those in its corners beside it."""
    x, y = middles.T
    level = (x >= 0.0) & (x <= wide)
    sides = {(-1, 0): x < 0.0, (1, 0): x > wide, (0, -1): level & (y < 0.0), (0, 1): level & (y > high)}
    return {side: int(there.sum()) for side, there in sides.items()}


def _button(drawing: QWidget) -> Button:
    button = Button("", drawing)
    button.setObjectName("small")
    button.setCursor(Qt.CursorShape.ArrowCursor)
    # The drawing has keys for all of it; a focus that vanishes with its button would give Space to another one.
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.hide()
    return button
