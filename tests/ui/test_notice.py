"""The bar for sentences stands where it covers nothing that is read."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect

from gradflow.sim import archive

TOLD = [words for name in archive.presets() if (words := archive.introduction(name).words)]
SENTENCES = {"short": ["All 60 steps are taken."], "long": [min(TOLD, key=len), max(TOLD, key=len)]}


def place(widget, window) -> QRect:
    """Return where a widget is in the window."""
    return QRect(widget.mapTo(window, QPoint()), widget.size())


@pytest.mark.parametrize("details", ["", "a report"])
@pytest.mark.parametrize("kind", SENTENCES)
def test_a_notice_covers_no_view_no_menu_and_no_word_of_the_tool_bar(window, kind, details):
    desk = window()
    made, menus = desk.window, desk.window.menuBar()
    words = made.transport.play_button
    line = place(words, made).center().y() - words.fontMetrics().capHeight() // 2
    for sentence in SENTENCES[kind]:
        made.notice.say(sentence, details, good=True)
        desk.live(30)
        covered = made.notice.geometry()
        assert desk.notice == sentence and made.rect().contains(covered)
        for dock in (*made.docks.values(), *made.panels.values()):
            assert not (dock.isVisible() and covered.intersects(place(dock, made))), dock.windowTitle()
        assert not any(covered.intersects(menus.actionGeometry(action)) for action in menus.actions())
        stretch = place(made.transport.stretch, made)
        assert covered.bottom() < line or (stretch.left() <= covered.left() and covered.right() <= stretch.right())


def test_the_whole_sentence_is_seen(window):
    desk = window()
    for width in (1440, 1000):
        desk.window.resize(width, 860)
        for sentence in (*SENTENCES["short"], *SENTENCES["long"]):
            desk.window.notice.say(sentence)
            desk.live(30)
            label = desk.window.notice.words
            assert label.heightForWidth(label.width()) <= label.height()
