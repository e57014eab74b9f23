"""Finite differences in the sandbox: the chosen entry's derivative beside its differences, computed on the side."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import Signal

from gradflow.sim.lab.sandbox_check import Entry, Slope, slope
from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_program import Opened
from gradflow.sim.lab.sandbox_words import number
from gradflow.sim.lab.table import Table
from gradflow.ui.lab.autograd_pages import DifferencesPage
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.step_study import StepStudy
from gradflow.ui.lab.study_words import Names, remarks
from gradflow.ui.theme import LIGHT, Theme

NOTHING = "No input asks for a gradient: there is nothing to move."
CUT = (
    "Differences know of no cut: they see what no_grad, detach and a cut by hand hide, and tend to the slope of the "
    "program without it."
)
NO_GRADIENT = "No gradient arrives there, so that .grad stays None, which counts as 0."
NAMES = Names("f", "", "x", "∂f/∂x", "backward")

TALL = 440
"""From which height there is room for all words."""


class DifferencesStudy(StepStudy):
    """Follows the desk: another program, output, v or entry begins another curve in place of the last.

    The page beside it is where the entry is chosen.
    """

    changed = Signal()
    """Another entry was chosen."""

    def __init__(self, desk: Desk, page: DifferencesPage) -> None:
        super().__init__()
        self.found: Slope | None = None
        self._desk, self._page = desk, page
        self._theme: Theme = LIGHT
        self._of: tuple[Opened | None, Entry | None] = (None, None)
        self._computing = Background(self)
        self._computing.arrived.connect(self._take)
        self._computing.failed.connect(self.words.setText)
        page.form.moved.connect(self._take_entry)
        page.printed.toggled.connect(self._print)
        self.turned.connect(self._turn)

    def give_up(self) -> None:
        """Compute no further; what there is stays for when it is wanted again."""
        if self._computing.busy:
            self._of = (None, None)
            self._computing.run(partial(iter, ()))

    def move_entry(self, entry: str) -> bool:
        """Move another entry, such as w[0, 1], and return whether there is one of this name."""
        known = self._desk.move(entry)
        if known:
            self._page.form.place.refuse("")
            self._page.show_choices(self._desk)
            self.changed.emit()
        return known

    def follow(self) -> None:
        """Show what is moved at the desk, and begin to compute it if that has not been done."""
        desk, entry = self._desk, self._desk.moved()
        if self._of[0] is not desk.opened or self._of[1] != entry:
            # What was found last stays until there is something new.
            self._of = (desk.opened, entry)
            self._computing.run(partial(_slopes, desk.opened, entry, desk.step))
        self._show()

    def table(self) -> Table | None:
        """Return the curve, step by step."""
        found = self.found
        return found.curve.table(f"Differences of {found.f} by {found.x}") if found else None

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self._theme = theme
        super().retheme(theme)

    def _take_entry(self, entry: str) -> None:
        if not self.move_entry(entry):
            self._page.form.place.refuse(self._desk.why_not(entry))

    def _show(self) -> None:
        desk, entry = self._desk, self._desk.moved()
        found = self.found if entry else None
        if found is None:
            self.show_curve(None, NAMES, desk.step, desk.printed, [] if entry else [NOTHING], self._theme)
            return
        curve = found.curve
        more = [CUT] if found.cut else []
        more += [] if found.arrives else [NO_GRADIENT]
        said = remarks(curve, found.f, found.x, desk.step, desk.printed, self.height() < TALL, more)
        names = Names(found.f, number(curve.value), found.x, found.derivative, "backward")
        self.show_curve(curve, names, desk.step, desk.printed, said, self._theme)

    def _take(self, found: Slope) -> None:
        if found.curve.complete or self.found is None:
            # The range is that of the whole curve, however much of it was seen on the way.
            self.plot.decades.forget()
        self.found = found
        self._show()

    def _print(self, printed: bool) -> None:
        if printed != self._desk.printed:
            self._desk.printed = printed
            self.plot.decades.forget()
            self._show()

    def _turn(self, step: int) -> None:
        self._desk.turn(step)
        self._show()


def _slopes(opened: Opened | None, entry: Entry | None, first: int) -> Iterator[Slope]:
    if opened is not None and entry is not None:
        yield from slope(opened, entry, first)
