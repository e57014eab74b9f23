"""A slider over the span of a declared field."""

from __future__ import annotations

import bisect
import math
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent

from gradflow.sim.fields import Field
from gradflow.ui.widgets import Slider

PER_DECADE = 40
LINEAR_STEPS = 100


class FieldSlider(Slider):
    """A slider over a field's span, linear or logarithmic; for whole numbers every position is another number.

    Shift-drag moves ten times finer; a double-click returns to the default.
    """

    moved = Signal(object)
    """The field's new value, by the user's hand."""

    let_go = Signal()
    """A drag has ended."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self._values = _positions(field)
        self.setRange(0, len(self._values) - 1)
        self.setPageStep(PER_DECADE if field.says.log and field.kind is float else max(1, len(self._values) // 20))
        self._showing = False
        self._fine_from: tuple[float, int] | None = None
        self.valueChanged.connect(self._emit)

    def show_value(self, value: Any) -> None:
        """Move to the nearest position without emitting; a word such as "all" is the far end."""
        self._showing = True
        try:
            self.setValue(self._nearest(value) if not isinstance(value, str) else self.maximum())
        finally:
            self._showing = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Return to the default, which may lie between two positions."""
        self.show_value(self.field.default)
        self.moved.emit(self.field.default)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Jump to the pointer and drag from there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._fine_from = (event.position().x(), self.value())
            if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.setSliderDown(True)
                self.setValue(self._at(event.position().x()))
                self._fine_from = (event.position().x(), self.value())
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer, ten times slower with Shift."""
        if not event.buttons() & Qt.MouseButton.LeftButton or self._fine_from is None:
            return
        x = event.position().x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            start, value = self._fine_from
            self.setValue(value + round((self._at(x) - self._at(start)) / 10))
        else:
            self.setValue(self._at(x))
            self._fine_from = (x, self.value())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag."""
        self.setSliderDown(False)
        self._fine_from = None
        self.let_go.emit()

    def _at(self, x: float) -> int:
        """Return the position under a pointer at x; the handle is 14 pixels wide."""
        share = (x - 7.0) / max(self.width() - 14.0, 1.0)
        return round(self.minimum() + min(max(share, 0.0), 1.0) * (self.maximum() - self.minimum()))

    def _nearest(self, value: float) -> int:
        above = bisect.bisect_left(self._values, value)
        near = [i for i in (above - 1, above) if 0 <= i < len(self._values)]
        return min(near, key=lambda i: abs(self._values[i] - value))

    def _emit(self, position: int) -> None:
        if not self._showing:
            self.moved.emit(self._values[position])


def _positions(field: Field) -> list[Any]:
    """Return the value at each position of the slider."""
    low, high = field.says.span or (0.0, 1.0)
    # A logarithm never reaches the 0 that switches something off: it has a position of its own, at the left end.
    off = [field.kind(0)] if field.says.log and field.default == 0 else []
    if field.kind is int and not field.says.log:
        return list(range(int(low), int(high) + 1))
    if not field.says.log:
        return [round(low + (high - low) * k / LINEAR_STEPS, 10) for k in range(LINEAR_STEPS + 1)]
    count = round(math.log10(high / low) * PER_DECADE)
    values = [low * (high / low) ** (k / count) for k in range(count + 1)]
    if field.kind is int:
        return off + sorted({round(value) for value in values})
    return off + [float(f"{value:.3g}") for value in values]
