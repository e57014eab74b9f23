"""What every view does, whatever it shows."""

from __future__ import annotations

import weakref

import pytest

from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.ui import lab as _lab  # noqa: F401 - importing them registers the views
from gradflow.ui import views as _views  # noqa: F401
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.view import VIEWS


@pytest.fixture(scope="module")
def frame(fast) -> Frame:
    """A frame with everything measured."""
    run = Run(fast())
    run.advance()
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_that_nobody_holds_is_freed_at_once(name, qapp, frame):
    """One that waits for the collector may be collected on the training's thread, where Qt must not be touched."""
    view = VIEWS[name].part()
    view.retheme(LIGHT)
    view.resize(400, 300)
    view.controls()
    view.reset(frame.topology)
    view.draw(frame)
    view.select(2)
    view.retheme(DARK)
    view.draw(frame)
    view.close()
    freed = weakref.ref(view)
    del view
    assert freed() is None
