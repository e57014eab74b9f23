"""The title bars of the views: in the narrowest place there is, a title can be read and a choice can be made."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from gradflow.ui.lab import LAB


def test_every_title_in_the_wall_of_instruments_can_be_read(window):
    desk = window()
    desk.press("Ctrl+2")
    docks = [dock for name, dock in desk.window.docks.items() if name not in LAB]
    desk.until(lambda: sum(dock.in_front and dock.made for dock in docks) >= 12)
    desk.live(100)
    for dock in docks:
        if not dock.seen:
            dock.raise_()
            desk.until(lambda dock=dock: dock.made and dock.seen)
            desk.live(50)
        words = dock.header.words
        assert words.text() in (dock.header.question, dock.header.name)
        assert words.width() >= words.fontMetrics().horizontalAdvance(words.text()), words.text()


def test_the_choices_of_the_distributions_can_be_read_in_the_wall(window):
    desk = window()
    dock = desk.window.docks["distributions"]
    desk.until(lambda: dock.made)
    desk.live(50)
    wide = sum(box.width() for box in dock.header.findChildren(QComboBox))
    desk.press("Ctrl+2")
    desk.until(lambda: dock.header.width() < 400)
    desk.live(50)
    for box in dock.header.findChildren(QComboBox):
        assert box.fontMetrics().horizontalAdvance(box.currentText()) + 8 <= box.width(), box.currentText()
    # A list that is opened shows its names in full.
    box = dock.view.pair
    box.showPopup()
    assert box.view().width() >= box.view().sizeHintForColumn(0)
    box.hidePopup()
    desk.press("Ctrl+1")
    desk.until(lambda: sum(box.width() for box in dock.header.findChildren(QComboBox)) == wide)
