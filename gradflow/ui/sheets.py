"""How plots are painted: what is drawn in one lies on sheets, and a sheet is a single item for Qt."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem


class Overlay:
    """Something that is drawn over the whole of a plot, in the coordinates of its data.

    It can be shown and hidden like the items of Qt, but is none: a Sheet paints it among others. Those of a negative
    `z` stand behind the others, the least first.
    """

    z = 0.0

    def __init__(self) -> None:
        self._visible = True
        self.sheet: Sheet | None = None

    def isVisible(self) -> bool:
        """Whether it is drawn."""
        return self._visible

    def setVisible(self, visible: bool) -> None:
        """Draw it or not."""
        if visible != self._visible:
            self._visible = visible
            self.update()

    def show(self) -> None:
        """Draw it."""
        self.setVisible(True)

    def hide(self) -> None:
        """Do not draw it."""
        self.setVisible(False)

    def update(self) -> None:
        """Have the plot painted."""
        if self.sheet is not None:
            self.sheet.plot.viewport().update()

    @property
    def view(self) -> QRectF:
        """What of the plane is visible."""
        return self.sheet.boundingRect() if self.sheet is not None else QRectF()

    def paint(self, painter: QPainter) -> None:
        """Draw; pens, brushes and transformations may stay as they are then."""
        raise NotImplementedError


class Sheet(QGraphicsItem):
    """The one item that paints overlays: a plot with an item for each would keep Qt busy longer than to draw them."""

    def __init__(self, plot: pg.GraphicsView, view_box: pg.ViewBox, z: float) -> None:
        super().__init__()
        self.plot = plot
        self._view_box = view_box
        self._overlays: list[Overlay] = []
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        view_box.addItem(self, ignoreBounds=True)

    def add(self, overlay: Overlay) -> None:
        """Draw this one too, in front of all with the same z."""
        overlay.sheet = self
        self._overlays.append(overlay)
        self._overlays.sort(key=lambda each: each.z)

    def boundingRect(self) -> QRectF:
        """Cover the whole view."""
        rectangle: QRectF = self._view_box.viewRect()
        return rectangle

    def paint(self, painter: QPainter, *_: object) -> None:
        """Paint what is visible from the back to the front."""
        for overlay in self._overlays:
            if overlay.isVisible():
                painter.save()
                overlay.paint(painter)
                painter.restore()


class Sheets:
    """The sheets of a plot: one behind everything, and one wherever overlays follow an item of Qt's own."""

    def __init__(self, plot: pg.GraphicsView, view_box: pg.ViewBox) -> None:
        self._plot, self._view_box = plot, view_box
        self._behind: Sheet | None = None
        self._front: Sheet | None = None
        # A plot is painted as a whole and on nothing: to find out which part of it has changed takes longer.
        plot.setViewportUpdateMode(plot.ViewportUpdateMode.FullViewportUpdate)
        plot.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def add(self, item: Overlay | QGraphicsItem) -> None:
        """Draw this in front of all that was added before, but behind it with a negative z."""
        if not isinstance(item, Overlay):
            self._view_box.addItem(item, ignoreBounds=True)
            self._front = None
        elif item.z < 0.0:
            self._behind = self._behind or Sheet(self._plot, self._view_box, -1.0)
            self._behind.add(item)
        else:
            self._front = self._front or Sheet(self._plot, self._view_box, 0.0)
            self._front.add(item)
