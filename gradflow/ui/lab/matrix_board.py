"""The matrices of a station, line by line as their formulas are read; each as wide and as high as it needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from gradflow.sim.lab.station import Line, Shown
from gradflow.sim.lab.unfolding import Uses
from gradflow.ui.lab.board_layout import placed
from gradflow.ui.lab.matrix import Matrix
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.weak import weakly


class MatrixBoard(QScrollArea):
    """The matrices of a station; tells which entry was chosen."""

    entry_clicked = Signal(str, int, int)
    """The symbol of a matrix, and the row and the column of an entry."""

    def __init__(self, tab_after: QWidget | None = None) -> None:
        """Take what has the focus before the first table."""
        super().__init__()
        self.theme, self.tab_after = LIGHT, tab_after
        self.shown: Sequence[Shown] = ()
        self._lines: Sequence[Line] = ()
        self._all: list[Matrix] = []
        self._sheet = QWidget()
        self.setWidget(self._sheet)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(160, 100)

    @property
    def matrices(self) -> Sequence[Matrix]:
        """The tables on screen, in the order of what is shown."""
        return self._all[: len(self.shown)]

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show these."""
        self._lines, self.shown = lines, tuple(chain.from_iterable(lines))
        while len(self._all) < len(self.shown):
            self._add()
        for matrix, one in zip(self._all, self.shown, strict=False):
            matrix.rename(one.title, one.symbol, one.sign)
            matrix.keep_square(one.channel is not None)
            matrix.show_values(one.values, one.rows, one.columns, one.shape, one.entry_name)
            matrix.emphasize()
        for place, matrix in enumerate(self._all):
            if matrix.isHidden() is (place < len(self.shown)):
                matrix.setVisible(place < len(self.shown))
        self._arrange()

    def telling(self, place: int) -> tuple[int, int]:
        """Return the largest entry that is seen of a matrix: the one that has most to tell, where nothing scrolls."""
        rows, columns = self._all[place].grid.seen()
        return self.shown[place].largest_of(rows, columns)

    def mark(self, symbol: str, entry: tuple[int, int], uses: Uses, reveal: bool) -> None:
        """Frame an entry, and what it is made of in the other matrices; bring all of it into sight, or move nothing."""
        own = [matrix for matrix, one in zip(self._all, self.shown, strict=False) if one.symbol == symbol]
        for matrix, one in zip(self._all, self.shown, strict=False):
            row, column = one.framed(uses)
            if matrix in own:
                matrix.move_to(*entry, reveal)
                matrix.emphasize(entry=entry, reveal=reveal)
            elif row is not None and column is not None:
                # Its number is read out below it, too.
                matrix.move_to(row, column, reveal)
                matrix.emphasize(entry=(row, column), reveal=reveal)
            else:
                matrix.emphasize(row, column, reveal=reveal)
        if reveal and own and all(matrix.visibleRegion().isEmpty() for matrix in own):
            self.ensureWidgetVisible(own[0], 0, 0)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        for matrix in self._all:
            matrix.retheme(theme)

    def resizeEvent(self, event: QEvent) -> None:
        """Arrange for the new size."""
        self._arrange()

    def _add(self) -> None:
        matrix = Matrix()
        matrix.setParent(self._sheet)
        matrix.retheme(self.theme)
        place = len(self._all)
        matrix.entry_clicked.connect(
            weakly(self, lambda self, row, column: self.entry_clicked.emit(self.shown[place].symbol, row, column))
        )
        # Tab goes through them in their order, after what stands above them.
        before = self._all[-1].grid if self._all else self.tab_after
        if before is not None:
            QWidget.setTabOrder(before, matrix.grid)
        self._all.append(matrix)

    def _arrange(self) -> None:
        heads = [(matrix.least_width, matrix.head_width) for matrix in self.matrices]
        room = self.viewport().size()
        places, row = placed(self._lines, heads, room.width(), room.height())
        for matrix, place in zip(self._all, places, strict=False):
            matrix.grid.tallest = float(row)
            matrix.setGeometry(place)
            matrix.grid.settle()
        low = max((place.bottom() for place in places), default=0)
        self._sheet.resize(room.width(), low + 1)
