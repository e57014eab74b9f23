"""What the window looks at: the run as it is now or a recorded step of it, and the layer that stands out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QWidget

from gradflow.sim.frame import Frame, State
from gradflow.sim.looking_back import at_step
from gradflow.ui.scrubber import Scrubber
from gradflow.ui.slow_words import Reading
from gradflow.ui.view_dock import ViewDock


class Looking:
    """Turns the run's latest frame into the one that is shown, while the run goes on behind it.

    A click in a view selects a layer in all of them, and where the view has steps, looks back at that one.
    """

    def __init__(self, show: Callable[[Frame], None]) -> None:
        """`show` is called with the latest frame whenever something else is to be seen of it."""
        self.step: int | None = None
        self.selected: int | None = None
        self._show = show
        self._latest: Frame | None = None
        self._past: Frame | None = None
        self._scrubber: Scrubber | None = None
        self._docks: Mapping[str, ViewDock] = {}
        self._scrubber_shows: tuple[object, ...] = ()
        self._reading = Reading()

    def attach(self, scrubber: Scrubber, docks: Mapping[str, ViewDock]) -> None:
        """Listen to the slider and to clicks in the views."""
        self._scrubber, self._docks = scrubber, docks
        scrubber.moved.connect(self.look)
        for dock in docks.values():
            dock.picked.connect(self.pick)

    def shown(self, frame: Frame) -> Frame:
        """Return what is to be seen of the run's latest frame."""
        if self._latest is None or frame.build != self._latest.build:
            self.step = None
            if self.selected and self.selected > len(frame.topology.layers):
                self.select(None)
        self._latest = frame
        seen = frame if self.step is None else at_step(frame, self.step)
        self._past = seen if seen.past else None
        if not seen.past:
            self.step = None
        self._show_steps(frame)
        return seen

    def _show_steps(self, frame: Frame) -> None:
        """Keep the slider up to date: while the run goes on no more often than its words can be read.

        It is as wide as the window: to paint it takes as long as a view.
        """
        shows = frame.build, frame.state, self.step
        if frame.state is not State.RUNNING or shows != self._scrubber_shows:
            self._reading.end()
        if self._scrubber and self._reading.over():
            self._scrubber_shows = shows
            self._scrubber.show_steps(frame.history, self.step)

    def past(self) -> Frame | None:
        """Return the frame of the recorded step that is looked at, None while it is now."""
        return self._past

    def look(self, step: int | None) -> None:
        """Look back at the recorded step nearest to this one, or at the run as it is now."""
        if step != self.step:
            self.step = step
            if self._latest:
                self._show(self._latest)

    def pick(self, layer: int, step: int | None) -> None:
        """Select a layer and look at a step, if there is one; the same again undoes both."""
        again = layer == self.selected and (step is None or step == self.step)
        self.select(None if again else layer)
        if step is not None:
            self.look(None if again else step)

    def select(self, layer: int | None) -> None:
        """Let a layer (from 1) stand out in all views, or none."""
        self.selected = layer
        for dock in self._docks.values():
            dock.select(layer)

    def escape(self) -> None:
        """Look at the run as it is now, without any layer that stands out."""
        self.select(None)
        self.look(None)
        self._release_keys()

    def now_and(self, act: Callable[[], object]) -> Callable[[], None]:
        """Return a function that looks at the run as it is now and then acts."""

        def both() -> None:
            self.look(None)
            self._release_keys()
            act()

        return both

    def _release_keys(self) -> None:
        """Take the arrow keys from the slider, so that they step the run again."""
        focus: QWidget | None = self._scrubber.slider if self._scrubber else None
        if focus and focus.hasFocus():
            focus.clearFocus()


def jumped(before: Frame, after: Frame) -> bool:
    """Return whether one frame is more than the next state of the other: then words must not wait for their turn."""
    if (before.build, before.state, before.past) != (after.build, after.state, after.past):
        return True
    return after.past and before.snapshot.step != after.snapshot.step
