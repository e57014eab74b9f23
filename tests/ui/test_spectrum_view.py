"""The spectrum as it is seen: strips, histogram, words, the other run, and what a click does."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor

from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Details, Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.run import Run
from gradflow.ui import export
from gradflow.ui.export import Look
from gradflow.ui.theme import DARK, LIGHT

SMALL = {"data.name": "two-moons", "data.samples": 60, "network.depth": 5, "network.width": 12}
LOOKS = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])


def measured(changes: dict[str, object] | None = None, steps: int = 0) -> Frame:
    """Return a frame with the spectrum of step `steps`."""
    run = Run(edit(Experiment(), SMALL | (changes or {})))
    for _ in range(steps):
        if run.snapshot.finite:
            run.advance()
    run.measure({Want.SPECTRUM})
    return run.frame(State.PAUSED)


@pytest.fixture
def inks(pixels):
    """Return the colours that a widget shows."""
    return lambda view: {int(color) & 0xFFFFFF for color in np.unique(pixels(view).view(np.uint32))}


@LOOKS
def test_a_strip_has_the_colour_of_its_layer(shown, inks, look):
    found = inks(shown("spectrum", measured(), look))
    assert {color.rgb() & 0xFFFFFF for color in look.layer_colors(6)} <= found


def test_words_say_the_largest_its_prediction_and_the_condition(shown):
    frame = measured({"init.scheme": "orthogonal"})
    view, strip = shown("spectrum", frame), frame.details.spectrum.path
    words = view.words.text()
    layer = frame.details.spectrum.shown
    assert f"input → layer {layer + 1}" in words
    assert f"largest s = {10 ** strip.largest[layer]:.3g}" in words
    assert f"(predicted {10 ** strip.expected_largest[layer]:.3g})" in words
    assert f"condition number {10 ** strip.log_condition(layer):.3g}" in words


def test_dead_directions_are_counted_and_marked_hollow(shown):
    frame = measured({"network.activation": "relu", "init.scheme": "he-normal", "network.width": 30})
    view = shown("spectrum", frame)
    view.choose("layer by layer")
    view.select(3)
    zero = frame.details.spectrum.own.histograms[2].zero
    assert zero > 0
    assert f"zero to rounding: {round(30 * zero)} of 30 (predicted 50 %)" in view.words.text()
    assert "zero" in view.strips.axes["left"].named.values()


def test_a_choice_shows_the_other_jacobians(shown):
    view = shown("spectrum", measured())
    assert view.caption().endswith("from the input")
    view.kind.setCurrentText("layer by layer")
    assert (view.choice(), "layer 4 → layer 5" in view.words.text()) == ("layer by layer", True)


def test_a_click_shows_that_layer_and_tells_the_others(shown, qtbot):
    view = shown("spectrum", measured())
    spot = view.strips.view_box.mapViewToScene(QPointF(3.0, 0.0)).toPoint()
    with qtbot.waitSignal(view.picked) as picked:
        qtbot.mouseClick(view.strips.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(spot.x(), 60))
    assert picked.args == [3, None]
    assert "input → layer 3" in view.words.text()
    view.select(None)
    assert "input → layer 5" in view.words.text()
    view.select(6)
    assert "input → output" in view.words.text()


def test_the_other_run_is_an_outline_whatever_its_depth(shown, colors):
    frame, other = measured(), measured({"network.depth": 9, "network.activation": "relu", "init.scale": 3.0})
    alone = colors(shown("spectrum", frame))
    view = shown("spectrum", dataclasses.replace(frame, other=other))
    assert view.strips.ghosts[1].points[0].tolist() == list(range(1, 11))
    assert len(view.histogram.ghost.xData) > 2
    assert alone != colors(view)
    view.draw(frame)
    assert len(view.strips.ghosts[1].points[0]) == 0


def test_an_older_measurement_says_its_age(shown):
    run = Run(edit(Experiment(), SMALL))
    run.measure({Want.SPECTRUM})
    for _ in range(4):
        run.advance()
    assert "Step 0" in shown("spectrum", run.frame(State.RUNNING)).words.text()
    run.measure({Want.SPECTRUM})
    assert "these are trained" in shown("spectrum", run.frame(State.RUNNING)).words.text()


def test_nothing_is_drawn_before_the_first_measurement(shown):
    frame = dataclasses.replace(measured(), details=Details())
    assert shown("spectrum", frame).words.text() == ""


AWKWARD = {
    "one layer of one unit": {"network.depth": 1, "network.width": 1},
    "all zero": {"init.scheme": "zeros"},
    "overflow": {"init.scale": 1e6, "network.depth": 80, "network.activation": "relu"},
    "underflow": {"init.scale": 1e-6, "network.depth": 80},
    "an isometry": {"network.activation": "identity", "init.scheme": "orthogonal"},
    "a tiny isometry": {
        "network.activation": "identity",
        "init.scheme": "orthogonal",
        "init.scale": 1e-6,
        "network.depth": 80,
    },
    "too wide": {"network.width": 600, "network.depth": 2},
    "half precision": {"training.precision": "float16"},
    "images": {
        "data.name": "digits",
        "network.layers": (LayerRow(kind="conv", units=2), LayerRow(kind="max-pool"), LayerRow(units=6)),
    },
    "two thousand layers": {"network.depth": 2000, "network.width": 2},
}


@pytest.mark.slow
@LOOKS
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_networks_are_drawn(qapp, name, look):
    frame = measured(AWKWARD[name], steps=2)
    frame = dataclasses.replace(frame, other=measured({"network.depth": 2}))
    for choice in ("from the input", "layer by layer"):
        assert not export.picture(frame, "spectrum", Look(look, {"spectrum": choice}), 1.0).isNull()


def test_what_is_not_finite_is_a_red_bar(shown, inks):
    frame = measured()
    spectrum = frame.details.spectrum
    largest = spectrum.path.largest.copy()
    largest[2] = math.inf
    path = dataclasses.replace(spectrum.path, largest=largest)
    details = dataclasses.replace(frame.details, spectrum=dataclasses.replace(spectrum, path=path))
    red = QColor(LIGHT.error).rgb() & 0xFFFFFF
    assert red in inks(shown("spectrum", dataclasses.replace(frame, details=details)))
    assert red not in inks(shown("spectrum", frame))


def test_the_same_measurement_again_is_not_drawn_anew(shown, monkeypatch):
    frame = measured({"network.depth": 100})
    view = shown("spectrum", frame)
    drawn: list[object] = []
    for part in (view.strips, view.histogram):
        monkeypatch.setattr(part, "draw", lambda *what: drawn.append(what))
    view.draw(frame)
    assert not drawn
    view.draw(measured({"network.depth": 100}))
    assert len(drawn) == 2
