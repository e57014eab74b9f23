"""Where panels and views stand at the first start, and how to put them back there."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

LEFT_WIDTH, RIGHT_WIDTH = 264, 292
FULL_SIZE = 1440, 900
FRAME_HEIGHT = 36
ACROSS, DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


def panel(name: str, title: str, content: QWidget, width: int) -> QDockWidget:
    """Return a dock for a panel, on a card and without a title bar."""
    dock = QDockWidget(title)
    dock.setObjectName(f"panel-{name}")
    dock.setTitleBarWidget(QWidget())
    card = QWidget()
    card.setObjectName("panel")
    card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    box = QVBoxLayout(card)
    box.setContentsMargins(1, 1, 1, 1)
    box.addWidget(content)
    card.setMinimumWidth(width - 24)
    dock.setWidget(card)
    return dock


def fit_to_screen(window: QMainWindow) -> None:
    """Give a window its full size, or what the screen has room for."""
    window.resize(*FULL_SIZE)
    if QGuiApplication.platformName() != "offscreen":
        # The frame that the desktop puts around the window must fit on the screen as well.
        room = window.screen().availableGeometry()
        window.resize(min(FULL_SIZE[0], room.width()), min(FULL_SIZE[1], room.height() - FRAME_HEIGHT))


def arrange(window: QMainWindow, panels: Mapping[str, QDockWidget], docks: Mapping[str, QDockWidget]) -> None:
    """Put every dock in its place of the first start: panels left and right, views in the middle."""
    for dock in (*docks.values(), *panels.values()):
        window.removeDockWidget(dock)
    builder, findings = panels["builder"], panels["findings"]
    profile, heatmap, distributions = docks["profile"], docks["heatmap"], docks["distributions"]
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, builder)
    for beside, dock, orientation in (
        (builder, profile, ACROSS),
        (profile, findings, ACROSS),
        (findings, docks["boundary"], DOWN),
        (profile, heatmap, DOWN),
        (heatmap, distributions, DOWN),
        (heatmap, docks["loss"], ACROSS),
    ):
        window.splitDockWidget(beside, dock, orientation)
    for name in sorted(docks.keys() - {"profile", "boundary", "heatmap", "distributions", "loss"}):
        # A view that has no place of its own yet shares that of the distributions.
        window.tabifyDockWidget(distributions, docks[name])
    for dock in (*docks.values(), *panels.values()):
        dock.setFloating(False)
        dock.show()
    middle = window.width() - LEFT_WIDTH - RIGHT_WIDTH
    window.resizeDocks([builder, profile, findings], [LEFT_WIDTH, middle, RIGHT_WIDTH], ACROSS)
    window.resizeDocks([heatmap, docks["loss"]], [middle // 2, middle // 2], ACROSS)
    window.resizeDocks([profile, heatmap, distributions], [300, 245, 255], DOWN)
    window.resizeDocks([findings, docks["boundary"]], [440, 360], DOWN)
