"""The transport: play and pause, single step, re-initialise, new seed, speed, export."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolBar, QWidget

from gradflow.sim.frame import State
from gradflow.ui.widgets import Button, Slider

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, math.inf)


class Transport(QToolBar):
    """A tool bar whose buttons trigger the window's actions, so that button, menu and key are one thing."""

    speed_changed = Signal(float)
    """Steps per second; infinity is flat out."""

    def __init__(
        self, play: QAction, step: QAction, reinitialise: QAction, new_seed: QAction, pin: QAction, export: QAction
    ) -> None:
        super().__init__("Transport")
        self.setObjectName("transport")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        brand = QLabel("gradflow")
        brand.setObjectName("brand")
        self.document = QLabel()
        self.document.setObjectName("muted")
        self.play_button = _button(play)
        self.play_button.setObjectName("primary")
        self.play_button.setMinimumWidth(104)
        self.pin_button = _button(pin)
        self.pin_button.setCheckable(True)
        self.speed = Slider()
        self.speed.setRange(0, len(SPEEDS) - 1)
        self.speed.setFixedWidth(110)
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("The most steps per second; the right end is flat out")
        self.speed_text = QLabel()
        self.speed_text.setObjectName("muted")
        self.speed_text.setFixedWidth(88)
        self.speed.valueChanged.connect(self._speed)
        gap, self.stretch = QWidget(), QWidget()
        gap.setFixedWidth(8)
        self.stretch.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        caption = QLabel("Speed")
        caption.setBuddy(self.speed)
        for widget in (
            brand,
            self.document,
            gap,
            self.play_button,
            _button(step),
            _button(reinitialise),
            _button(new_seed),
            self.pin_button,
            caption,
            self.speed,
            self.speed_text,
            self.stretch,
            _button(export),
        ):
            self.addWidget(widget)

    def set_speed(self, steps_per_second: float) -> None:
        """Choose the nearest speed."""
        nearest = min(range(len(SPEEDS)), key=lambda i: abs(math.log(min(SPEEDS[i], 1e4) / min(steps_per_second, 1e4))))
        self.speed.setValue(nearest)
        self._speed()

    def show_state(self, state: State) -> None:
        """Say on the button what it will do."""
        self.play_button.setText("❚❚  Pause" if state is State.RUNNING else "▶  Play")

    def show_pinned(self, pinned: bool) -> None:
        """Say on the button whether a run is pinned."""
        self.pin_button.setChecked(pinned)

    def show_document(self, name: str) -> None:
        """Name the open experiment."""
        self.document.setText(name)

    def _speed(self) -> None:
        speed = SPEEDS[self.speed.value()]
        self.speed_text.setText("flat out" if math.isinf(speed) else f"{speed:g} steps/s")
        self.speed_changed.emit(speed)


def _button(action: QAction) -> Button:
    key = action.shortcut().toString().replace("Right", "→")
    button = Button(f"{action.iconText()}  {key}")
    button.setToolTip(action.toolTip())
    button.setAccessibleName(action.iconText())
    # Reached with Tab, but a click leaves the focus where it was, so that Space goes on meaning play and pause.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(action.trigger)
    return button
