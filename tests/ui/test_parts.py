"""The parts the window is made of: axes, ranges, marks, sliders, colours, and views with awkward frames."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLineEdit

from gradflow.sim.config import FIELDS
from gradflow.sim.details import EVERYTHING
from gradflow.sim.diagnosis import diagnose
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.ui import export, theme
from gradflow.ui.axes import DecadeAxis, WholeAxis, power_of_ten
from gradflow.ui.forms import FieldSlider, spelled
from gradflow.ui.items import cosmetic, pens_scaled
from gradflow.ui.panels.transport import SPEEDS
from gradflow.ui.plot import DecadeRange, log10_marks, nice_ceiling
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.widgets import Choice

SLIDERS = [path for path, field in FIELDS.items() if field.says.span]
THEMES = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
EXPONENTS = st.floats(-330.0, 310.0)
LOGS = st.lists(EXPONENTS | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=8).map(np.array)


def frame_of(run: Run) -> Frame:
    """Return a run's frame with everything measured."""
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


def with_norms(frame: Frame, changes: dict[tuple[Stat, int], float]) -> Frame:
    """Return the frame with other norms, counted by layers from 1."""
    norms = frame.snapshot.stats.copy()
    for (norm, layer), value in changes.items():
        norms[norm.row, layer - 1] = value
    return dataclasses.replace(frame, snapshot=dataclasses.replace(frame.snapshot, stats=norms))


# Axes.


@given(low=st.integers(-320, 300), span=st.integers(1, 600), size=st.floats(40, 2000))
@pytest.mark.parametrize(("side", "apart"), [("left", 24), ("bottom", 42)])
def test_decades_are_named_at_whole_powers_of_ten_with_room_between(qapp, side, apart, low, span, size):
    ((_, ticks),) = DecadeAxis(side).tickValues(low, low + span, size)
    assert all(tick == int(tick) and low <= tick <= low + span for tick in ticks)
    assert all((b - a) / span * size >= apart - 1e-6 for a, b in pairwise(ticks))


@given(high=st.floats(2.5, 5001.0), size=st.floats(30, 2000), from_one=st.booleans())
@pytest.mark.parametrize(("side", "apart"), [("left", 28), ("bottom", 48)])
def test_whole_numbers_have_no_tick_between_two_of_them(qapp, side, apart, high, size, from_one):
    low = 0.4
    axis = WholeAxis(side, from_one)
    ((_, ticks),) = axis.tickValues(low, high, size)
    assert all(tick == int(tick) and low <= tick <= high for tick in ticks)
    # The 1 may stand a little closer to its neighbour than the others do.
    assert all((b - a) / (high - low) * size >= 0.6 * apart - 1e-6 for a, b in pairwise(ticks))
    assert all((b - a) / (high - low) * size >= apart - 1e-6 for a, b in pairwise(ticks[from_one:]))
    assert not from_one or ticks[0] == 1
    assert [float(words) for words in axis.tickStrings(ticks, 1.0, 1.0)] == ticks


@pytest.mark.parametrize(
    ("high", "size", "named"),
    [
        (6.6, 480, [1, 2, 3, 4, 5, 6]),
        (11.6, 300, [1, 3, 5, 7, 9, 11]),
        (12.6, 300, [1, 3, 5, 7, 9, 11]),
        (25.6, 260, [1, 5, 10, 15, 20, 25]),
        (101.6, 400, [1, 20, 40, 60, 80, 100]),
    ],
)
def test_layers_are_counted_from_one_in_even_steps(qapp, high, size, named):
    assert WholeAxis("bottom", from_one=True).tickValues(0.4, high, size)[0][1] == named


@pytest.mark.parametrize(
    ("exponent", "words"),
    [(-12, "10⁻¹²"), (-3, "10⁻³"), (-2, "0.01"), (0, "1"), (2, "100"), (3, "10³"), (308, "10³⁰⁸")],
)
def test_a_decade_is_printed_as_a_power_of_ten(exponent, words):
    assert power_of_ten(exponent) == words


@given(value=st.floats(1e-300, 1e300), least=st.sampled_from([1e-6, 1.0, 20.0]))
def test_a_ceiling_is_round_and_not_much_more(value, least):
    ceiling = nice_ceiling(value, least)
    wanted = max(value, least)
    assert wanted * (1 - 1e-8) <= ceiling <= 2.0 * wanted
    assert nice_ceiling(ceiling, least) == pytest.approx(ceiling)


# Ranges.


@given(st.lists(LOGS, min_size=1, max_size=6))
def test_a_range_of_decades_always_holds_the_finite_values(arrays):
    decades = DecadeRange(3.0)
    for values in arrays:
        low, high = decades.include(values)
        finite = values[np.isfinite(values)] if len(values) else values
        assert low == int(low) and high == int(high) and high > low
        assert all(low <= value <= high for value in finite)
        assert high - low >= (3.0 if len(finite) else 0.0)


@given(start=LOGS, values=LOGS)
def test_a_range_holds_still_while_the_values_fit_and_fill_it(start, values):
    decades = DecadeRange(2.0)
    before = decades.include(start)
    finite = values[np.isfinite(values)] if len(values) else values
    fits = len(finite) and before[0] <= finite.min() - 0.05 and finite.max() + 0.05 <= before[1]
    if np.isfinite(start).any() and fits and (before[1] - before[0]) <= 2.0 * np.ptp(finite):
        assert decades.include(values) == before


@given(start=LOGS, values=LOGS)
@example(start=np.array([0.5, 7.5]), values=np.array([-8.9, -6.1]))
def test_the_same_values_again_do_not_move_a_range(start, values):
    decades = DecadeRange(2.0)
    decades.include(start)
    assert decades.include(values) == decades.include(values)


def test_a_range_that_is_far_too_large_shrinks():
    decades = DecadeRange(2.0)
    assert decades.include(np.array([-100.0, 0.0]))[0] <= -100
    assert decades.include(np.array([-3.0, 0.0])) == (-4, 1)


@pytest.mark.parametrize("values", [(-0.3, 155.98), (-322.97, -0.5), (0.2, 3.6)])
def test_the_first_and_the_last_mark_have_room_to_the_frame(values):
    low, high = DecadeRange(3.0).include(np.array(values))
    assert min(values) - low >= 0.03 * (high - low) and high - max(values) >= 0.03 * (high - low)


def test_many_decades_are_named_in_round_steps(qapp):
    assert DecadeAxis("left").tickValues(0.0, 156.0, 200.0)[0][1] == list(range(0, 160, 20))


def test_a_range_forgets():
    decades = DecadeRange(2.0)
    decades.include(np.array([-10.0, 0.0]))
    decades.forget()
    assert decades.include(np.array([-8.5, 0.0])) == (-9, 1)


# Marks.


def test_the_logarithm_of_zero_and_of_what_is_not_finite_is_told_apart():
    logs, zero, broken = log10_marks(np.array([1.0, 0.0, 1e-300, math.nan, math.inf, 5e-324]))
    assert zero.tolist() == [False, True, False, False, False, False]
    assert broken.tolist() == [False, False, False, True, True, False]
    assert logs[[0, 2]].tolist() == [0.0, -300.0] and logs[5] == pytest.approx(-323.3, abs=0.1)
    assert np.isnan(logs[[1, 3, 4]]).all()


def test_pens_are_wider_in_a_picture_of_more_pixels_and_only_there():
    with pens_scaled(3.0):
        assert cosmetic(QColor("red"), 2.0).widthF() == 6.0
    assert cosmetic(QColor("red"), 2.0).widthF() == 2.0 and cosmetic(QColor("red")).isCosmetic()
    with pytest.raises(ZeroDivisionError), pens_scaled(3.0):
        raise ZeroDivisionError
    assert cosmetic(QColor("red")).widthF() == 1.0


def has(pixels: np.ndarray, color: str) -> bool:
    """Whether exactly this colour is among the pixels."""
    red, green, blue, _ = QColor(color).getRgb()
    return bool((pixels[:, :, :3] == (blue, green, red)).all(axis=2).any())


@THEMES
def test_the_profile_shows_zeros_hollow_on_the_floor_and_overflow_as_a_red_bar(shown, fast, pixels, look):
    clean = frame_of(Run(fast()))
    view = shown("profile", clean, look)
    assert not view.axis.named and not has(pixels(view), look.error)
    first_range = view.plot.view_box.viewRange()[1]
    frame = with_norms(clean, {(Stat.DELTA, 2): 0.0, (Stat.DELTA, 4): math.nan, (Stat.WEIGHT_GRAD, 5): math.inf})
    view.draw(frame)
    assert view.deltas._hollow.tolist() == [False, True, False, False, False, False, False]
    floor, ceiling = view.plot.view_box.viewRange()[1]
    height = view.deltas._y[1]
    assert floor < height < first_range[0] and ceiling == first_range[1]
    assert np.isnan(view.deltas._y[3]) and np.isfinite(view.deltas._y[[0, 2, 4, 5, 6]]).all()
    assert list(view.axis.named.values()) == ["zero"]
    bars = view.broken.points
    assert sorted(set(bars[0])) == [4.0, 5.0] and (bars[1].min(), bars[1].max()) == (floor, ceiling)
    assert has(pixels(view), look.error)


@pytest.mark.parametrize("size", [(340, 225), (860, 320)])
def test_no_mark_of_the_profile_of_an_exploded_run_touches_the_frame(shown, fast, size):
    """Hundreds of decades, zeros below them: every mark is seen whole, and the ones at the floor stay apart."""
    clean = frame_of(Run(fast()))
    sizes = {(Stat.DELTA, layer): 10.0 ** (-50 * layer) for layer in range(3, 7)}
    changes = sizes | {(Stat.DELTA, 1): 0.0, (Stat.DELTA, 2): 8e202, (Stat.WEIGHT_GRAD, 2): 9.9e202}
    view = shown("profile", with_norms(clean, changes), size=size)
    box = view.plot.view_box
    for marks, radius in ((view.deltas, 5.0), (view.weights, 4.0)):
        heights = np.array([box.mapViewToScene(QPointF(1.0, y)).y() for y in marks._y])
        frame = box.sceneBoundingRect()
        assert (heights - radius >= frame.top()).all() and (heights + radius <= frame.bottom()).all()
    zero, lowest = (box.mapViewToScene(QPointF(1.0, y)).y() for y in (view.deltas._y[0], np.sort(view.deltas._y)[1]))
    assert zero - lowest >= 8.0
    # No number stands where "zero" does.
    assert view.plot.ticks("left")[-1] == view.deltas._y[0] and min(view.plot.ticks("left")[:-1]) > view.deltas._y[0]


def test_the_profile_of_nothing_but_zeros_is_drawn(shown, fast, colors):
    frame = frame_of(Run(fast({"init.scheme": "zeros"})))
    view = shown("profile", frame)
    assert view.deltas._hollow[:-1].all()
    assert colors(view) > 20


@THEMES
def test_the_heat_map_shows_zeros_grey_and_overflow_red(shown, fast, look):
    frame = frame_of(Run(fast()))
    view = shown("heatmap", with_norms(frame, {(Stat.DELTA, 2): 0.0, (Stat.DELTA, 4): math.inf}), look)
    picture = view.image.image
    assert QColor(*map(int, picture[1, 0])).name() == look.border
    assert QColor(*map(int, picture[3, 0])).name() == look.error
    assert picture.shape[:2] == (7, 1)


@THEMES
def test_the_heat_map_has_another_run_as_an_outlined_column_in_the_same_colours(shown, fast, pixels, look):
    run, other = Run(fast()), Run(fast({"network.depth": 9, "init.scale": 0.1}))
    for each in (run, run, run, other, other, other):
        each.advance()
    alone, ghost = run.frame(State.PAUSED), other.frame(State.PAUSED)
    view = shown("heatmap", dataclasses.replace(alone, other=ghost), look, size=(430, 190))
    assert view.ghost.image.isVisible() and view.ghost.outline.pen.color().name() == look.muted
    assert "step 2" in view.ghost.words.text() and view.ghost.words.isVisible()
    # Layer 10 of the deeper run has its place, and colours mean the same in both.
    low, high = view.plot.view_box.viewRange()[1]
    assert low <= 0.5 and high >= 10.5 and view.layer_axis.last == 10
    logs = np.log10(ghost.history.stat(Stat.DELTA)[2])
    place = (logs - view.range.low) / (view.range.high - view.range.low)
    expected = look.heat_table()[(255 * place).astype(int)]
    np.testing.assert_allclose(view.ghost.image.image[:, 0].astype(int), expected.astype(int), atol=1)
    assert has(pixels(view), look.muted)
    spot = view.plot.view_box.mapViewToScene(QPointF(view.ghost.left + 0.1, 3.0))
    view._hover(spot)
    assert "<b>layer 3</b>" in view.readout.text() and "step 2" in view.readout.text()
    view.draw(alone)
    assert not view.ghost.image.isVisible() and not view.ghost.words.isVisible()
    assert view.plot.view_box.viewRange()[1][1] == 7.5


AWKWARD = {
    "one hidden layer": {"network.depth": 1},
    "one unit": {"network.width": 1},
    "one sample": {"data.samples": 1},
    "no validation": {"data.validation_fraction": 0.0},
    "regression on a line": {"data.name": "sine"},
    "regression in many dimensions": {"data.name": "diabetes"},
    "ten classes": {"data.name": "digits"},
    "all zero": {"init.scheme": "zeros"},
    "overflowing": {"init.scale": 1e6, "network.depth": 60, "network.activation": "identity"},
    "underflowing": {"init.scale": 1e-6, "network.depth": 60},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("steps", [0, 3])
def test_every_view_draws_awkward_networks(qapp, fast, colors, name, steps):
    """NumPy's warnings are errors here: no view may divide by zero."""
    run = Run(fast(AWKWARD[name]))
    for _ in range(steps):
        if run.snapshot.finite or not run.begun:
            run.advance()
    frame = frame_of(run)
    assert frame.findings == diagnose(run.case())
    assert colors(export.picture(frame, export.DASHBOARD, export.Look(LIGHT), 1.0)) > 100


@pytest.mark.slow
def test_a_view_that_goes_from_network_to_network_leaves_nothing_behind(shown, fast, pixels, qtbot):
    """As while a slider is dragged."""
    frames = [frame_of(Run(fast(changes))) for changes in ({"data.name": "digits"}, {"data.name": "sine"}, {})]
    for name in ("profile", "heatmap", "loss"):
        fresh, used = shown(name, frames[-1]), shown(name, frames[0])
        for frame in (frames[1], frames[-1]):
            qtbot.wait(20)
            used.retheme(LIGHT)
            used.reset(frame.topology)
            if hasattr(used, "range"):
                used.range.forget()
            used.draw(frame)
        qtbot.wait(60)
        assert np.array_equal(pixels(fresh), pixels(used)), name


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_dots_of_the_boundary_are_round(qapp, fast, pixels, scale):
    frame = frame_of(Run(fast()))
    surface = frame.details.surface
    lone = dataclasses.replace(surface, points=np.zeros((1, 2)), labels=np.zeros(1))
    frame = dataclasses.replace(frame, details=dataclasses.replace(frame.details, surface=lone))
    found = pixels(export.picture(frame, "boundary", export.Look(LIGHT), scale))[: int(400 * scale), :, :3]
    red, green, blue, _ = QColor(LIGHT.classes[0]).getRgb()
    rows, columns = np.nonzero((found == (blue, green, red)).all(axis=2))
    assert np.ptp(columns) == pytest.approx(np.ptp(rows), abs=1)


# Sliders.


@pytest.mark.parametrize("path", SLIDERS)
def test_the_positions_of_a_slider_cover_its_span_in_rising_order(qapp, path):
    field = FIELDS[path]
    values = FieldSlider(field)._values
    # A logarithm never reaches the 0 that switches a field off: it is put in front.
    off = 0 if field.says.log and field.default == 0 else field.says.span[0]
    assert (values[0], values[-1]) == (off, field.says.span[1])
    assert all(a < b for a, b in pairwise(values))
    assert all(type(value) is field.kind and field.check(value) == value for value in values)


@pytest.mark.parametrize("path", SLIDERS)
def test_showing_a_value_moves_the_slider_without_an_answer(qtbot, qapp, path):
    slider = FieldSlider(FIELDS[path])
    qtbot.addWidget(slider)
    answers = []
    slider.moved.connect(answers.append)
    for position, value in enumerate(slider._values):
        slider.show_value(value)
        assert slider.value() == position
    for word in FIELDS[path].says.words:
        slider.show_value(word)
        assert slider.value() == slider.maximum()
    slider.show_value(FIELDS[path].says.high)
    assert slider.value() == slider.maximum()
    assert answers == []


@pytest.mark.parametrize("path", SLIDERS)
def test_a_double_click_asks_for_the_default_itself(qtbot, qapp, path):
    slider = FieldSlider(FIELDS[path])
    qtbot.addWidget(slider)
    slider.show_value(FIELDS[path].says.span[1])
    answers = []
    slider.moved.connect(answers.append)
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton)
    assert answers[-1] == FIELDS[path].default


@pytest.mark.parametrize(("value", "words"), [(0.05, "0.05"), (1e-05, "1e-05"), (1.0, "1"), (64, "64"), ("all", "all")])
def test_a_value_is_spelled_short(value, words):
    assert spelled(value) == words


def test_speeds_rise_to_flat_out():
    assert all(a < b for a, b in pairwise(SPEEDS)) and math.isinf(SPEEDS[-1])


# Colours.


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as the Web Content Accessibility Guidelines define it, from 1 to 21."""

    def luminance(name: str) -> float:
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(name).getRgbF()[:3]]
        return float(np.dot(channels, [0.2126, 0.7152, 0.0722]))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@THEMES
def test_words_can_be_read_on_every_ground(look):
    for ink in (look.text, look.muted, look.accent, look.error):
        assert contrast(ink, look.surface) >= 4.5, ink
    # Signs and curves, which are larger than words.
    for ink in (look.good, look.note, look.warning, look.curve, look.curve_second):
        assert contrast(ink, look.surface) >= 3.0, ink
    for ink in (look.text, look.muted):
        assert contrast(ink, look.window) >= 4.5, ink
    assert contrast(look.on_accent, look.accent) >= 4.5


@THEMES
@pytest.mark.parametrize("count", [1, 2, 25, 1001])
def test_every_layer_has_a_colour_that_stands_out_from_the_ground(look, count):
    colors = [color.name() for color in look.layer_colors(count)]
    assert len(colors) == count and len(set(colors)) >= min(count, 100)
    assert min(contrast(color, look.surface) for color in colors) >= 1.5


@THEMES
def test_a_list_has_an_arrow_and_a_field_has_none(qapp, qtbot, pixels, look):
    theme.apply(qapp, look)
    arrows = {}
    for kind in (Choice, QLineEdit):
        box = kind()
        qtbot.addWidget(box)
        box.resize(90, 26)
        edge = pixels(box)[6:-6, -20:-4, 2::-1].astype(int)
        arrows[kind] = (np.abs(edge - np.array(theme.rgb(look.muted))).max(axis=2) < 40).sum()
    theme.apply(qapp, LIGHT)
    assert arrows[Choice] >= 6 and arrows[QLineEdit] == 0


@THEMES
def test_the_heat_map_rises_from_dark_to_bright(look):
    lightness = [QColor(*map(int, row)).lightnessF() for row in look.heat_table()]
    assert len(lightness) == 256 and lightness[-1] - lightness[0] > 0.6
