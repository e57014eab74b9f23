"""What the tests of the window and its views share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gradflow.sim.frame import Frame


@pytest.fixture
def shown(qtbot: Any, qapp: Any) -> Callable[..., Any]:
    """Make a view of its own, on screen until the end of the test, that shows a frame."""
    from gradflow.ui import views as _registered  # noqa: F401 - importing it registers the views
    from gradflow.ui.theme import LIGHT, Theme
    from gradflow.ui.view import VIEWS, View

    made: list[View] = []

    def show(name: str, frame: Frame, look: Theme = LIGHT, size: tuple[int, int] = (700, 400)) -> View:
        view = VIEWS[name].part()
        made.append(view)
        qtbot.addWidget(view)
        view.setStyleSheet(f"background: {look.surface}")
        view.retheme(look)
        view.resize(*size)
        with qtbot.waitExposed(view):
            view.show()
        view.reset(frame.topology)
        view.draw(frame)
        return view

    return show


@pytest.fixture
def computed(qtbot: Any, qapp: Any) -> Iterator[Callable[..., Any]]:
    """Make a view of the lab that shows a frame with a choice, and has computed all of it; closed at the end."""
    from gradflow.ui import views as _registered  # noqa: F401 - importing it registers the views
    from gradflow.ui.theme import LIGHT
    from gradflow.ui.view import VIEWS, View

    made: list[View] = []

    def show(name: str, frame: Frame, choice: str = "", size: tuple[int, int] = (1160, 800), wait: bool = True) -> View:
        view = VIEWS[name].part()
        made.append(view)
        qtbot.addWidget(view)
        view.retheme(LIGHT)
        view.resize(*size)
        view.choose(choice)
        with qtbot.waitExposed(view):
            view.show()
        view.reset(frame.topology)
        view.draw(frame)
        if wait:
            view.finish()
        return view

    yield show
    for view in made:
        view.close()
