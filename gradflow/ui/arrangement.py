"""Where panels and views stand at the first start, and how to put them back there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QVBoxLayout, QWidget

from gradflow.ui.lab import LAB

LEFT_WIDTH, RIGHT_WIDTH = 264, 292
FULL_SIZE = 1440, 900
FRAME_HEIGHT = 36
ACROSS, DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


LAYOUT_VERSION = 1
"""Of what a window saves: a layout of another version is not restored."""


class Maximising:
    """Gives one view the whole middle (a floating one the whole screen), and puts everything back."""

    def __init__(self, window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
        self._window, self._docks = window, docks
        self._before: QByteArray | None = None

    def toggle(self, name: str) -> None:
        """Maximise a view, or put everything back."""
        if self._docks[name].isFloating():
            self._docks[name].setWindowState(self._docks[name].windowState() ^ Qt.WindowState.WindowMaximized)
            return
        if self._before:
            self.put_back()
            return
        self._before = self._window.saveState(LAYOUT_VERSION)
        for other, dock in self._docks.items():
            if other != name and not dock.isFloating():
                dock.hide()

    def put_back(self) -> None:
        """Have everything where it was."""
        if self._before:
            self._window.restoreState(self._before, LAYOUT_VERSION)
            self._before = None

    def forget(self) -> None:
        """Leave everything where it is now."""
        self._before = None


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


GROUPS: Mapping[str, Sequence[str]] = {
    "profile": ("graph",),
    "heatmap": ("forward", "units", "spectrum"),
    "distributions": ("map", "numbers"),
    "loss": ("update_ratio", "noise", "clipping", "sharpness"),
    "boundary": (),
}
"""The views that have places of their own at the first start, and those that stand behind each as tabs."""

WALL: Sequence[Sequence[str]] = (
    ("profile", "heatmap", "forward", "graph"),
    ("distributions", "units", "spectrum", "update_ratio"),
    ("loss", "noise", "clipping", "boundary"),
)
"""The rows of the wall of instruments."""

Docks = Mapping[str, QDockWidget]


def fit_to_screen(window: QMainWindow) -> None:
    """Give a window its full size, or what the screen has room for."""
    window.resize(*FULL_SIZE)
    if QGuiApplication.platformName() != "offscreen":
        # The frame that the desktop puts around the window must fit on the screen as well.
        room = window.screen().availableGeometry()
        window.resize(min(FULL_SIZE[0], room.width()), min(FULL_SIZE[1], room.height() - FRAME_HEIGHT))


def keep_layout(window: QMainWindow, settings: QSettings) -> None:
    """Remember where everything stands."""
    settings.setValue("window/geometry", window.saveGeometry())
    settings.setValue("window/state", window.saveState(LAYOUT_VERSION))


def restore_layout(window: QMainWindow, settings: QSettings) -> None:
    """Put everything where it stood, if that is known."""
    geometry, state = settings.value("window/geometry"), settings.value("window/state")
    if isinstance(geometry, QByteArray):
        window.restoreGeometry(geometry)
    if isinstance(state, QByteArray):
        window.restoreState(state, LAYOUT_VERSION)


def arrange(window: QMainWindow, panels: Docks, docks: Docks) -> None:
    """Put every dock in its place of the first start: panels left and right, views in the middle."""
    _take_all_out(window, panels, docks)
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
    for front, behind in GROUPS.items():
        _tabify(window, docks, front, behind)
    # A view without a place of its own shares that of the distributions; those of the lab wait there unseen.
    placed = {*GROUPS, *(name for group in GROUPS.values() for name in group)}
    _tabify(window, docks, "distributions", sorted(docks.keys() - placed, key=lambda name: (name in LAB, name)))
    for name, dock in (*docks.items(), *panels.items()):
        dock.setVisible(name not in LAB)
    for front in GROUPS:
        docks[front].raise_()
    middle = window.width() - LEFT_WIDTH - RIGHT_WIDTH
    window.resizeDocks([builder, profile, findings], [LEFT_WIDTH, middle, RIGHT_WIDTH], ACROSS)
    window.resizeDocks([heatmap, docks["loss"]], [middle // 2, middle // 2], ACROSS)
    window.resizeDocks([profile, heatmap, distributions], [300, 245, 255], DOWN)
    window.resizeDocks([findings, docks["boundary"]], [440, 360], DOWN)


def arrange_wall(window: QMainWindow, panels: Docks, docks: Docks) -> None:
    """Show twelve instruments at once, side by side, and no panels."""
    _take_all_out(window, panels, docks)
    rows = [[docks[name] for name in row if name in docks] for row in WALL]
    heads = [row[0] for row in rows]
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, heads[0])
    for above, head in pairwise(heads):
        window.splitDockWidget(above, head, DOWN)
    for row in rows:
        for beside, dock in pairwise(row):
            window.splitDockWidget(beside, dock, ACROSS)
    shown = {dock for row in rows for dock in row}
    for dock in shown:
        dock.show()
    last = rows[-1][-1]
    for name, dock in docks.items():
        if dock not in shown:
            window.tabifyDockWidget(last, dock)
            dock.setVisible(name not in LAB)
    last.raise_()
    for name in panels:
        _put_aside(window, panels, name)
    for row in rows:
        window.resizeDocks(row, [window.width() // len(row)] * len(row), ACROSS)
    window.resizeDocks(heads, [window.height() // len(heads)] * len(heads), DOWN)
    _hide_old_tabs(window, docks)


def arrange_lab(window: QMainWindow, panels: Docks, docks: Docks) -> None:
    """Show the builder and, as tabs beside it, the views of the lab; the instruments wait in the menu."""
    _take_all_out(window, panels, docks)
    builder, names = panels["builder"], [name for name in LAB if name in docks]
    front = docks[names[0]]
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, builder)
    window.splitDockWidget(builder, front, ACROSS)
    _tabify(window, docks, names[0], names[1:])
    builder.show()
    for name, dock in docks.items():
        if name not in LAB:
            window.tabifyDockWidget(front, dock)
        dock.setVisible(name in LAB)
    front.raise_()
    _put_aside(window, panels, "findings")
    window.resizeDocks([builder, front], [LEFT_WIDTH, window.width() - LEFT_WIDTH], ACROSS)
    _hide_old_tabs(window, docks)


def _put_aside(window: QMainWindow, panels: Docks, name: str) -> None:
    """Let a panel wait at its side, to be opened from the menu."""
    area = Qt.DockWidgetArea
    window.addDockWidget(area.LeftDockWidgetArea if name == "builder" else area.RightDockWidgetArea, panels[name])
    panels[name].hide()


def _hide_old_tabs(window: QMainWindow, docks: Docks) -> None:
    """Hide the tab bars of groups that are no more: Qt leaves them in sight."""
    groups = {dock.windowTitle() for dock in docks.values() if window.tabifiedDockWidgets(dock)}
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        bar.setVisible(bar.count() > 0 and bar.tabText(0) in groups)


def _take_all_out(window: QMainWindow, panels: Docks, docks: Docks) -> None:
    for dock in (*docks.values(), *panels.values()):
        window.removeDockWidget(dock)
        dock.setFloating(False)


def _tabify(window: QMainWindow, docks: Docks, front: str, behind: Iterable[str]) -> None:
    for name in behind:
        if name in docks:
            window.tabifyDockWidget(docks[front], docks[name])
