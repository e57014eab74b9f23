"""How plots are painted: what is drawn in one lies on sheets, and a sheet is a single item for Qt."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPaintEngine, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QGraphicsItem


class Overlay:
    """Something that is drawn over the whole of a plot, in the coordinates of its data.

    It can be shown and hidden like the items of Qt, but is none: a Sheet paints it among others. Those of a negative
    `z` stand behind the others, the least first.
    """

    z = 0.0

    def __init__(self) -> None:
        self._visible = True
        # A canvas must not wait for the garbage collector, which may come on the training's thread.
        self._canvas: Callable[[], Canvas | None] = lambda: None

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
        canvas = self._canvas()
        if canvas is not None:
            canvas.viewport().update()

    @property
    def view(self) -> QRectF:
        """What of the plane is visible."""
        canvas = self._canvas()
        return canvas.view_box.viewRect() if canvas is not None else QRectF()

    def lie_on(self, canvas: Canvas) -> None:
        """Be drawn on a canvas from now on."""
        self._canvas = weakref.ref(canvas)

    def paint(self, painter: QPainter) -> None:
        """Draw; pens, brushes and transformations may stay as they are then."""
        raise NotImplementedError


class Sheet(QGraphicsItem):
    """The one item that paints overlays: a plot with an item for each would keep Qt busy longer than to draw them."""

    def __init__(self, canvas: Canvas, z: float) -> None:
        super().__init__()
        self._canvas = weakref.ref(canvas)
        self._overlays: list[Overlay] = []
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        canvas.view_box.addItem(self, ignoreBounds=True)

    def add(self, overlay: Overlay) -> None:
        """Draw this one too, in front of all with the same z."""
        self._overlays.append(overlay)
        self._overlays.sort(key=lambda each: each.z)

    def boundingRect(self) -> QRectF:
        """Cover the whole view."""
        canvas = self._canvas()
        return canvas.view_box.viewRect() if canvas is not None else QRectF()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Paint among the items of Qt."""
        canvas = self._canvas()
        if canvas is not None and not canvas.drawing_axes:
            self.paint_overlays(painter)

    def paint_overlays(self, painter: QPainter) -> None:
        """Paint what is visible from the back to the front."""
        for overlay in self._overlays:
            if overlay.isVisible():
                painter.save()
                overlay.paint(painter)
                painter.restore()


class Canvas(pg.GraphicsView):
    """A view box between axes, and what is drawn in it in the order in which it is added."""

    def __init__(self, view_box: pg.ViewBox, axes: Mapping[str, pg.AxisItem]) -> None:
        super().__init__()
        self.view_box, self.axes = view_box, axes
        self._behind: Sheet | None = None
        self._front: Sheet | None = None
        self._sheets: list[Sheet] = []
        self._only_sheets = True
        self._axes = QPixmap()
        self.drawing_axes = False
        """Whether a picture of the axes is made, on which nothing else is seen."""
        self._axes_drawn: tuple[list[object], float] | None = None
        # It is painted as a whole and on nothing: to find out which part of it has changed takes longer.
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def add(self, *items: Overlay | QGraphicsItem) -> None:
        """Draw these in front of all that was added before, but behind it with a negative z."""
        for item in items:
            if not isinstance(item, Overlay):
                self.view_box.addItem(item, ignoreBounds=True)
                self._front, self._only_sheets = None, False
                continue
            item.lie_on(self)
            if item.z < 0.0:
                self._behind = self._behind or self._sheet(-1.0)
                self._behind.add(item)
            else:
                self._front = self._front or self._sheet(0.0)
                self._front.add(item)

    def _sheet(self, z: float) -> Sheet:
        sheet = Sheet(self, z)
        self._sheets.append(sheet)
        self._sheets.sort(key=Sheet.zValue)
        return sheet

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sheets below a picture of the axes; Qt's own way takes twice as long, and is for all else."""
        if not (self._only_sheets and self._paint_sheets()):
            super().paintEvent(event)

    def _paint_sheets(self) -> bool:
        """Paint on the screen; return False if the painter is at work on something finer."""
        self.scene().prepareForPaint()
        with QPainter(self.viewport()) as painter:
            scale = self.devicePixelRatioF()
            raster = painter.paintEngine().type() is QPaintEngine.Type.Raster
            if not raster or painter.deviceTransform().m11() != scale:
                return False
            painter.fillRect(self.viewport().rect(), self.backgroundBrush())
            painter.save()
            painter.setTransform(self.viewportTransform(), True)
            painter.setClipRect(self.view_box.sceneBoundingRect())
            painter.setTransform(self.view_box.childGroup.sceneTransform(), True)
            for sheet in self._sheets:
                sheet.paint_overlays(painter)
            painter.restore()
            painter.drawPixmap(0, 0, self._draw_axes(scale))
        return True

    def _draw_axes(self, scale: float) -> QPixmap:
        """Return a picture of the axes, drawn anew if one of them has changed."""
        if self._axes_drawn != (self._axes_state(), scale) or any(axis.picture is None for axis in self.axes.values()):
            self._axes = QPixmap(self.viewport().size() * scale)
            self._axes.setDevicePixelRatio(scale)
            self._axes.fill(Qt.GlobalColor.transparent)
            self.drawing_axes = True
            with QPainter(self._axes) as painter:
                self.scene().render(painter, QRectF(self.viewport().rect()), self.sceneRect())
            self.drawing_axes = False
            self._axes_drawn = self._axes_state(), scale
        return self._axes

    def _axes_state(self) -> list[object]:
        """Return what tells whether the axes look as they did."""
        state: list[object] = [self.size()]
        for axis in self.axes.values():
            label = axis.label
            state += [axis.picture, axis.geometry(), label.isVisible(), label.pos()]
            state += [axis.labelText, axis.labelStyle.get("color")]
        return state
