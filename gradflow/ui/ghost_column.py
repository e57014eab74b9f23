"""Another run beside the picture of this one: what its layers have at the same step, in the same colours."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from gradflow.ui.fitting import fitting
from gradflow.ui.items import Polyline, cosmetic
from gradflow.ui.plot import Plot
from gradflow.ui.theme import Theme

NAME = 44.0
"""Half the width of an axis's name, and the frame around words, in pixels."""

APART, WIDE = 0.015, 0.04
"""The distance from the picture and the width, as shares of the width of the picture."""


class GhostColumn:
    """An outlined column of cells at the right of a picture, layer 1 at the bottom, with a line below on what it is."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self.image, self.outline = pg.ImageItem(axisOrder="row-major"), Polyline()
        plot.add(self.image, self.outline)
        self.words = QLabel(plot)
        self.words.setObjectName("outline")
        self.words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.left = np.inf
        self.hide()

    def hide(self) -> None:
        """Show nothing."""
        self.left = np.inf
        for item in (self.image, self.outline):
            item.hide()
        self.words.hide()

    def show(self, colors: NDArray[np.uint8], span: tuple[float, float], words: str) -> float:
        """Show a colour per layer beside a picture over `span`; return where the plot has to end.

        The words may be several, one per line and the longest first.
        """
        low, high = span
        self.left, right = high + APART * (high - low), high + (APART + WIDE) * (high - low)
        self.image.setImage(colors[:, None, :], autoLevels=False, levels=(0, 255))
        self.image.setRect(QRectF(self.left, 0.5, right - self.left, len(colors)))
        bottom, top = 0.5, len(colors) + 0.5
        self.outline.set_data(
            np.array([self.left, right, right, self.left, self.left]), np.array([bottom, bottom, top, top, bottom])
        )
        for item in (self.image, self.outline):
            item.show()
        # Beside the name of the axis, where nothing is read.
        middle = self._plot.view_box.sceneBoundingRect().center().x()
        brief = fitting(words.split("\n"), self._plot.width() - middle - NAME)
        if brief != self.words.text():
            self.words.setText(brief)
            self.words.adjustSize()
        self.words.move(self._plot.width() - self.words.width() - 4, self._plot.height() - self.words.height())
        self.words.show()
        return right

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.outline.set_pen(cosmetic(QColor(theme.muted), 1.5))
