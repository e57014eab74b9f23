"""What the views of the lab share: the specimen they hold on to, and a state that is one text."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table
from gradflow.sim.snapshot import Topology
from gradflow.ui.lab.background import Background
from gradflow.ui.view import SLOW_MS, View
from gradflow.ui.widgets import Button


class LabView(View):
    """A view that takes one state of the network apart and can be stepped through.

    It follows the newest specimen until a person has chosen something (`hold`); from then on the training goes on
    without it, until it is renewed.
    """

    wants = frozenset({Want.SPECIMEN})
    interval_ms = SLOW_MS
    written = False

    moved = Signal()
    """Another position is shown."""

    agreed = Signal(dict)
    """A person has chosen what is the same in the whole lab: `sample` (from 0; None: the batch) or `convention`."""

    takes_batch: ClassVar[bool] = True
    """Whether it can show all samples at once."""

    def __init__(self) -> None:
        super().__init__()
        self.specimen: Specimen | None = None
        self._newest: Specimen | None = None
        self._chosen: Mapping[str, Any] = {}
        self._elsewhere: dict[str, Any] = {}
        self._held = False
        self.age = QWidget()
        self._age_words = QLabel()
        self._age_words.setObjectName("muted")
        renew = Button("Renew")
        renew.setToolTip("Take the network as it is now")
        renew.clicked.connect(self.renew)
        box = QHBoxLayout(self.age)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._age_words)
        box.addWidget(renew)
        box.addStretch(1)
        self.age.hide()

    # What a view does.

    def reset(self, topology: Topology) -> None:
        """Let go of a network that is no more."""
        self._held = False
        self._newest = None
        self._take(None)

    def draw(self, frame: Frame) -> None:
        """Take the frame's specimen, unless one is held."""
        self._newest = frame.details.specimen
        if not self._held and self._newest is not self.specimen:
            self._take(self._newest)
        self._say_age()

    # What a view of the lab does besides.

    def show_specimen(self, specimen: Specimen | None) -> None:
        """Show another network, or that there is none yet."""
        raise NotImplementedError

    def positions(self) -> int:
        """Return how many states the sequence has that can be stepped through."""
        return 1

    @property
    def position(self) -> int:
        """The state that is shown, from 0."""
        return 0

    def go(self, position: int) -> None:
        """Show a state of the sequence; what lies outside of it is its end."""

    def tables(self) -> Mapping[str, Table]:
        """Return the numbers that are shown, by a name that can be part of a file name."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return all that a person has chosen, as it can stand in JSON."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned, as far as it fits; an error of its kind or its size means that it is none."""

    def finish(self) -> None:
        """Wait for what is being computed."""
        for background in self.findChildren(Background):
            background.finish()

    def stop(self) -> None:
        """End whatever is still being computed."""
        for background in self.findChildren(Background):
            background.stop()

    def leave(self) -> None:
        """Leave no work behind, nor begin any with what is half typed."""
        box = self.focusWidget()
        if box:
            box.clearFocus()
        self.stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave no work behind."""
        self.leave()
        super().closeEvent(event)

    # The specimen that is held.

    def hold(self) -> None:
        """Keep the present specimen: somebody works on it."""
        self._held = self.specimen is not None

    def renew(self) -> None:
        """Follow the newest specimen again."""
        self._held = False
        if self._newest is not self.specimen:
            self._take(self._newest)
        self._say_age()

    def held_in(self, frame: Frame) -> Frame:
        """Return the frame as of the step of what is held."""
        if self.specimen is None:
            return frame
        snapshot = dataclasses.replace(frame.snapshot, step=self.specimen.step)
        return dataclasses.replace(
            frame, snapshot=snapshot, details=dataclasses.replace(frame.details, specimen=self.specimen)
        )

    def _take(self, specimen: Specimen | None) -> None:
        self.specimen = specimen
        self.show_specimen(specimen)
        if specimen and self._chosen:
            self._restore()

    def _say_age(self) -> None:
        held, newest = self.specimen, self._newest
        old = self._held and held is not None and newest is not None and newest.step != held.step
        if old and held and newest:
            self._age_words.setText(f"of step {held.step}; the training is at {newest.step}")
        self.age.setVisible(old)

    # What the whole lab agrees on.

    def tell(self, key: str) -> None:
        """Let the other views know what a person has chosen here, as the state has it under this key."""
        self.agreed.emit({key: self.state()[key]})

    def agree(self, chosen: Mapping[str, Any]) -> None:
        """Note what was chosen in another view; what it does not have it leaves."""
        self._elsewhere |= chosen
        if not self.takes_batch and self._elsewhere.get("sample", 0) is None:
            del self._elsewhere["sample"]

    def take_agreed(self) -> None:
        """Show what was chosen elsewhere in the meantime: somebody looks at this view."""
        before, now = self._chosen or self.state(), self._whole_state()
        self._elsewhere = {}
        if now != before:
            # Nobody has begun to work on the network that this view showed last.
            held = self._held
            self._take_state(now)
            self._held = held

    # The state as a text.

    def _whole_state(self) -> dict[str, Any]:
        """Return the state with what waits to be taken."""
        state = self._chosen or self.state()
        return {**state, **{key: value for key, value in self._elsewhere.items() if key in state}}

    def choice(self) -> str:
        """Return the whole state."""
        state = self._whole_state()
        return json.dumps(state, ensure_ascii=False, sort_keys=True) if state else ""

    def choose(self, choice: str) -> None:
        """Take a state; a text that is none changes nothing."""
        try:
            state = json.loads(choice)
        except (ValueError, RecursionError):
            return
        if isinstance(state, dict):
            self._take_state(state)

    def _take_state(self, state: Mapping[str, Any]) -> None:
        self._chosen = state
        # What is chosen in a network waits until there is one.
        if self.specimen or Want.SPECIMEN not in self.wants:
            self._restore()

    def _restore(self) -> None:
        state, self._chosen = self._chosen, {}
        with suppress(LookupError, TypeError, ValueError, OverflowError):
            self.restore(state)
