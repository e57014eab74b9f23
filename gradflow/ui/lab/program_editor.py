"""A small editor for programs: with line numbers, and what is wrong underlined where it is, with a sentence below."""

from __future__ import annotations

import math

from PySide6.QtCore import QMimeData, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QTextEdit, QVBoxLayout, QWidget

from gradflow.sim.lab.sandbox_examples import LONGEST_PROGRAM
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font
from gradflow.ui.weak import weakly


class ProgramEditor(QWidget):
    """The text with its numbers, and below it what is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = _Text()
        self.text.setAccessibleName("Program")
        self.reason = QLabel()
        self.reason.setObjectName("fieldError")
        self.reason.setWordWrap(True)
        # It repeats what was typed, which may look like HTML.
        self.reason.setTextFormat(Qt.TextFormat.PlainText)
        self.reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reason.hide()
        self.text.too_long.connect(weakly(self, lambda self, characters: self._refuse_paste(characters)))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.text, 1)
        box.addWidget(self.reason)

    def write(self, text: str) -> None:
        """Replace the text, without telling anybody, so that it can be undone."""
        editor = self.text
        if editor.toPlainText() == text:
            return
        cursor, place = editor.textCursor(), editor.textCursor().position()
        editor.blockSignals(True)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        editor.blockSignals(False)
        editor.make_room()
        cursor.setPosition(min(place, len(editor.toPlainText())))
        editor.setTextCursor(cursor)

    def insert(self, words: str) -> None:
        """Write words where the cursor stands, and go on typing there."""
        self.text.insertPlainText(words)
        self.text.setFocus()

    def accept(self) -> None:
        """Show that nothing is wrong."""
        self.text.setExtraSelections([])
        self.reason.clear()
        self.reason.hide()

    def refuse(self, reason: str, line: int, column: int) -> None:
        """Underline the word at a line and a column (both from 1), and say what is wrong with it."""
        block = self.text.document().findBlockByNumber(max(line - 1, 0))
        if not block.isValid():
            block = self.text.document().lastBlock()
        words = block.text()
        start = min(max(column - 1, 0), max(len(words) - 1, 0))
        end = start + 1
        while end < len(words) and (words[end - 1].isalnum() or words[end - 1] == "_") and words[end].isalnum():
            end += 1
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + start)
        cursor.setPosition(block.position() + min(end, len(words)), QTextCursor.MoveMode.KeepAnchor)
        mark = QTextEdit.ExtraSelection()
        mark.cursor = cursor
        mark.format = QTextCharFormat()
        mark.format.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        mark.format.setUnderlineColor(QColor(self.text.theme.error))
        self.text.setExtraSelections([mark])
        self.reason.setText(f"Line {line}, column {column}: {reason}")
        self.reason.show()

    def _refuse_paste(self, characters: int) -> None:
        cursor = self.text.textCursor()
        reason = f"nothing is pasted here: with it the program would have {characters:,} characters, the most are"
        self.refuse(f"{reason} {LONGEST_PROGRAM:,}", cursor.blockNumber() + 1, cursor.positionInBlock() + 1)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.text.theme = theme
        self.text.margin.update()


class _Margin(QWidget):
    """The numbers of the lines."""

    def __init__(self, text: _Text) -> None:
        super().__init__(text)
        self._text = text

    def sizeHint(self) -> QSize:
        """Be as wide as the numbers."""
        return QSize(self._text.margin_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write a number beside every line in sight."""
        text = self._text
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            block = text.firstVisibleBlock()
            top = text.blockBoundingGeometry(block).translated(text.contentOffset()).top()
            while block.isValid() and top <= self.height():
                high = text.blockBoundingRect(block).height()
                color = text.theme.error if text.marked(block.blockNumber()) else text.theme.muted
                painter.setPen(QColor(color))
                line = QRect(0, round(top), self.width() - 6, round(text.fontMetrics().height()))
                painter.drawText(line, Qt.AlignmentFlag.AlignRight, str(block.blockNumber() + 1))
                block, top = block.next(), top + high


class _Text(QPlainTextEdit):
    """The text itself; Tab leaves it, so that everything can be reached with the keyboard."""

    too_long = Signal(int)
    """How many characters there would be with what somebody wanted to paste: laying them out could take minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.setTabChangesFocus(True)
        self.setPlaceholderText("f = x1*x2 + x3*x4")
        self.margin = _Margin(self)
        self.blockCountChanged.connect(self.make_room)
        self.updateRequest.connect(self._scroll)
        self.make_room()

    def marked(self, line: int) -> bool:
        """Tell whether something is wrong in a line (from 0)."""
        marks = self.extraSelections()
        return any(mark.cursor.blockNumber() == line for mark in marks)

    def margin_width(self) -> int:
        """Return the room that the largest number needs."""
        return 14 + self.fontMetrics().horizontalAdvance("9") * max(2, len(str(self.blockCount())))

    def whole_height(self) -> int:
        """Return how high the whole text is; a plain text counts its height in lines."""
        lines = math.ceil(self.document().size().height())
        return lines * self.fontMetrics().lineSpacing() + 2 * math.ceil(self.document().documentMargin()) + 12

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste or drop a text that is not too long for any program."""
        words, cursor = source.text(), self.textCursor()
        count = self.document().characterCount() - 1 - len(cursor.selectedText()) + len(words)
        if count > LONGEST_PROGRAM:
            self.too_long.emit(count)
        else:
            super().insertFromMimeData(source)

    def make_room(self) -> None:
        """Leave room for the numbers."""
        self.setViewportMargins(self.margin_width(), 0, 0, 0)
        self._place_margin()

    def _place_margin(self) -> None:
        inside = self.contentsRect()
        self.margin.setGeometry(QRect(inside.left(), inside.top(), self.margin_width(), inside.height()))

    def _scroll(self, area: QRect, by: int) -> None:
        if by:
            self.margin.scroll(0, by)
        else:
            self.margin.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the numbers beside the text."""
        super().resizeEvent(event)
        self._place_margin()
