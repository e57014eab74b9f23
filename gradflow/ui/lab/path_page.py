"""The list of a neuron's paths with their products, and what they add up to beside backprop's number."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.numerals import short
from gradflow.sim.lab.path_list import Path, PathList
from gradflow.sim.words import counted
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font
from gradflow.ui.widgets import MOVES

ROW = 36
PATH = Qt.ItemDataRole.UserRole


class _Row(QStyledItemDelegate):
    """Two lines for a path: its neurons, and its product with all factors; a bar is as long as its share."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = LIGHT
        self.largest = 0.0

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """All rows are equally tall."""
        return QSize(100, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one path."""
        path = index.data(PATH)
        box, state = QRectF(option.rect), option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(box, QColor(self.theme.raised))
        color = QColor(self.theme.curve_second if path.product > 0.0 else self.theme.curve)
        if path.product == 0.0 or path.product != path.product:
            color = QColor(self.theme.muted if path.product == 0.0 else self.theme.error)
        share = min(abs(path.product) / self.largest, 1.0) if self.largest and path.product == path.product else 0.0
        painter.fillRect(QRectF(box.left(), box.bottom() - 3.0, box.width() * share, 2.0), color)
        text = box.adjusted(6.0, 1.0, -6.0, -4.0)
        metrics = option.fontMetrics
        painter.setFont(font(SMALL_SIZE))
        half = text.height() / 2
        for words, ink, line in (
            (
                index.data(Qt.ItemDataRole.DisplayRole),
                self.theme.muted,
                QRectF(text.left(), text.top(), text.width(), half),
            ),
            ("", "", QRectF(text.left(), text.top() + half, text.width(), half)),
        ):
            if words:
                painter.setPen(QColor(ink))
                painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, _elided(metrics, words, line.width()))
                continue
            painter.setFont(font(SMALL_SIZE, bold=True))
            product = f"= {short(path.product)}"
            wide = painter.fontMetrics().horizontalAdvance(product)
            painter.setPen(color)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, product)
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(QColor(self.theme.text))
            left = line.adjusted(0.0, 0.0, -wide - 6.0, 0.0)
            painter.drawText(left, Qt.AlignmentFlag.AlignVCenter, _elided(metrics, path.written_factors, left.width()))


def side_by_side(beside: bool) -> QBoxLayout.Direction:
    """Return the direction of a layout whose parts stand beside each other, or else below each other."""
    return QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom


def _elided(metrics: object, words: str, width: float) -> str:
    return str(metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(width)))  # type: ignore[attr-defined]


class _List(QListWidget):
    """A list that keeps the keys it moves with, and is content with the height of two rows."""

    def sizeHint(self) -> QSize:
        """Leave the room to others where it is scarce."""
        return QSize(100, 2 * ROW)

    def event(self, event: QEvent) -> bool:
        """Claim the arrow keys before they become shortcuts."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if plain and event.key() in MOVES:
                event.accept()
                return True
        return bool(super().event(event))


class PathPage(QWidget):
    """Lists the paths of the chosen neuron; a path that is selected here is emphasised in the drawing."""

    selected = Signal(int)
    """The place of a path in the list, −1 for none."""

    def __init__(self) -> None:
        super().__init__()
        self.head = QLabel()
        self.head.setWordWrap(True)
        self.list = _List()
        self.list.setAccessibleName("Paths")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setUniformItemSizes(True)
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.row = _Row(self.list)
        self.list.setItemDelegate(self.row)
        self.list.currentRowChanged.connect(self.selected)
        self.sum = QLabel()
        self.sum.setTextFormat(Qt.TextFormat.RichText)
        self.sum.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.sum.setAlignment(Qt.AlignmentFlag.AlignTop)
        box, self.both = QVBoxLayout(self), QBoxLayout(QBoxLayout.Direction.TopToBottom)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(6)
        self.both.setSpacing(6)
        box.addWidget(self.head)
        box.addLayout(self.both, 1)
        self.both.addWidget(self.list, 1)
        self.both.addWidget(self.sum)
        self._shown: PathList | None = None

    def lay(self, flat: bool) -> None:
        """Let the sum stand beside the list, or below it."""
        self.both.setDirection(side_by_side(flat))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.row.theme = theme
        palette = self.list.palette()
        palette.setColor(QPalette.ColorRole.Base, QColor(theme.surface))
        self.list.setPalette(palette)
        self.list.viewport().update()

    def show_paths(self, graph: NeuronGraph, found: PathList, whole: int | None, selected: int) -> None:
        """List these; `whole` is how many paths the neuron has in the whole network."""
        name, end = graph.neurons[found.start].name, graph.target_name
        words = f"<b>{name}</b> has {counted(found.count)} path{'s' * (found.count != 1)} to {end} here"
        if whole is not None and whole != found.count:
            words += f", {counted(whole)} in the whole network"
        self.head.setText(words + ".")
        self.list.blockSignals(True)
        if found is not self._shown:
            self._shown = found
            self.list.clear()
            finite = [abs(p.product) for p in found.paths if p.product == p.product]
            self.row.largest = max(finite, default=0.0)
            for path in found.paths:
                self.list.addItem(self._item(graph, path))
        self.list.setCurrentRow(selected)
        self.list.blockSignals(False)
        self.sum.setText(_sums(graph, found))

    def _item(self, graph: NeuronGraph, path: Path) -> QListWidgetItem:
        route = " → ".join(graph.neurons[i].name for i in path.neurons)
        item = QListWidgetItem(route)
        item.setData(PATH, path)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{route}: {path.written()}")
        item.setToolTip(f"{route}\n{path.written()}")
        return item


def _sums(graph: NeuronGraph, found: PathList) -> str:
    name, end = graph.neurons[found.start].name, graph.target_name
    rows, listed = [], short(found.listed_sum, 6)
    if found.others:
        rows.append((f"the {len(found.paths)} largest paths", listed))
        rows.append((f"{counted(found.others)} other paths", short(found.others_sum, 6)))
    if found.unshown:
        rows += [] if rows else [("paths that are shown", listed)]
        rows.append(("through units not shown", short(found.unshown, 6)))
    rows += [
        (f"<b>sum over {'paths' if rows else 'all paths'}</b>", f"<b>{short(found.total, 6)}</b>"),
        (f"<b>backprop</b> ∂{end}/∂{name}", f"<b>{short(found.gradient, 6)}</b>"),
    ]
    cells = "".join(f"<tr><td>{words}</td><td align='right'>{number}</td></tr>" for words, number in rows)
    cells += f"<tr><td colspan='2' align='right'>{found.agreement}</td></tr>"
    return f"<table width='100%' cellspacing='0' cellpadding='1'>{cells}</table>"
