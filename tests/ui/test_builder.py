"""The builder: sliders, boxes and lists change the experiment, and what cannot be is said at its field."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from gradflow.sim import config
from gradflow.sim.config import FIELDS
from gradflow.sim.frame import State
from gradflow.ui.forms import ChoiceRow, FieldSlider
from gradflow.ui.panels.builder import GROUPS

SLIDERS = [path for paths in GROUPS.values() for path in paths if FIELDS[path].says.span]


def spot(slider: FieldSlider, share: float) -> QPointF:
    """Where the handle's middle stands for a share of the way."""
    return QPointF(7 + share * (slider.width() - 14), slider.height() / 2)


def drag(slider: FieldSlider, shares: list[float], modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier):
    """Press at the first place, move over the others, and let go; yields after every move."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(shares) - 1), QEvent.Type.MouseButtonRelease]
    for kind, share in zip(kinds, [*shares, shares[-1]], strict=True):
        at = spot(slider, share)
        button = none if kind == QEvent.Type.MouseMove else left
        held = none if kind == QEvent.Type.MouseButtonRelease else left
        event = QMouseEvent(kind, at, slider.mapToGlobal(at), button, held, modifier)
        QApplication.sendEvent(slider, event)
        yield share


def shown(value: object) -> str:
    """A value as its box shows it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def value_of(desk, path):
    """The value of a field in the open experiment."""
    return config.get(desk.session.experiment, path)


@pytest.fixture
def depth(window):
    """A window, and its depth slider in view."""
    desk = window()
    slider = desk.builder.rows["network.depth"].slider
    desk.builder.ensureWidgetVisible(slider)
    return desk, slider


# Sliders.


def test_dragging_the_depth_shows_the_profile_of_every_depth_at_step_0(depth):
    desk, slider = depth
    desk.press("Space")
    desk.until(lambda: desk.step > 3)
    build, frames = desk.frame.build, []
    desk.session.frame_arrived.connect(frames.append)
    for share in drag(slider, [0.1, 0.15, 0.2, 0.25, 0.3]):
        desk.until(lambda: desk.frame.experiment.network.depth == slider._values[slider.value()])
        assert slider.value() == pytest.approx(share * slider.maximum(), abs=1)
    depths = [frame.experiment.network.depth for frame in frames if frame.build > build]
    assert depths == sorted(depths) and len(set(depths)) == 5
    assert all(frame.snapshot.step == 0 for frame in frames if frame.build > build)
    assert len({frame.build for frame in frames if frame.build > build}) == 5
    assert len(desk.frame.topology.layers) == value_of(desk, "network.depth") + 1 == depths[-1] + 1
    profile = desk.window.docks["profile"].view
    desk.until(lambda: len(profile.layers) == depths[-1] + 1)
    # It was running before and goes on.
    desk.until(lambda: desk.step > 3)


def test_dragging_with_the_real_mouse(depth, qtbot):
    desk, slider = depth
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(slider, left, pos=spot(slider, slider.value() / slider.maximum()).toPoint())
    for share in (0.1, 0.3, 0.5):
        qtbot.mouseMove(slider, spot(slider, share).toPoint())
    qtbot.mouseRelease(slider, left, pos=spot(slider, 0.5).toPoint())
    desk.until(lambda: desk.frame.experiment.network.depth == value_of(desk, "network.depth"))
    assert 95 <= value_of(desk, "network.depth") <= 105
    assert len(desk.frame.topology.layers) == value_of(desk, "network.depth") + 1
    # A move without a button changes nothing.
    qtbot.mouseMove(slider, spot(slider, 0.9).toPoint())
    assert value_of(desk, "network.depth") <= 105


def test_a_click_jumps_to_the_pointer(depth, qtbot):
    desk, slider = depth
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=spot(slider, 0.1).toPoint())
    desk.until(lambda: 15 <= desk.frame.experiment.network.depth <= 27)
    for button in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        before = value_of(desk, "network.depth")
        qtbot.mouseClick(slider, button, pos=spot(slider, 0.8).toPoint())
        assert value_of(desk, "network.depth") == before


def test_shift_drag_is_ten_times_finer(depth):
    desk, slider = depth
    before = slider.value()
    list(drag(slider, [0.2, 0.3, 0.4, 0.5], Qt.KeyboardModifier.ShiftModifier))
    assert slider.value() - before == pytest.approx(0.03 * slider.maximum(), abs=2)
    desk.until(lambda: desk.frame.experiment.network.depth == value_of(desk, "network.depth"))


def test_a_double_click_goes_back_to_the_default(depth, qtbot):
    desk, slider = depth
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=spot(slider, 0.8).toPoint())
    desk.until(lambda: desk.frame.experiment.network.depth == FIELDS["network.depth"].default)


@pytest.mark.slow
def test_every_slider_obeys_the_keyboard_and_the_training_does_not(window):
    desk = window({"network.activation": "leaky-relu"})
    for path in SLIDERS:
        row = desk.builder.rows[path]
        slider, before = row.slider, value_of(desk, path)
        desk.builder.ensureWidgetVisible(slider)
        expected = [("Home", 0), ("Right", 1), ("Up", 2), ("Left", 1), ("Down", 0), ("End", slider.maximum())]
        for key, position in expected:
            desk.press(key, on=slider)
            value = slider._values[position]
            assert (slider.value(), value_of(desk, path)) == (position, value), (path, key)
            assert row.box.text() == shown(value)
        # A network of ordinary size again, for the next slider.
        desk.session.edit(path, before)
    desk.live(60)
    assert desk.step == 0 and desk.session.state is State.PAUSED


def test_page_keys_move_further_than_arrows(depth):
    desk, slider = depth
    desk.press("Home", on=slider)
    desk.press("PgUp", on=slider)
    assert slider.value() == slider.pageStep() > 5


# Boxes.


TYPED = [
    ("network.depth", "12", 12),
    ("network.depth", " 250 ", 250),
    ("init.scale", "0.5", 0.5),
    ("init.scale", "1e3", 1000.0),
    ("training.batch_size", "all", "all"),
    ("training.batch_size", "8", 8),
    ("training.learning_rate", "1e-3", 0.001),
    ("data.samples", "all", "all"),
    ("data.samples", "77", 77),
    ("seed", "4294967295", 4294967295),
]


def test_what_is_typed_into_a_box_is_what_runs(window):
    desk = window()
    for path, text, value in TYPED:
        desk.type(path, text)
        assert value_of(desk, path) == value
        desk.until(lambda path=path, value=value: config.get(desk.frame.experiment, path) == value)
        assert (desk.message(path), desk.builder.rows[path].box.text()) == ("", shown(value))
        slider = getattr(desk.builder.rows[path], "slider", None)
        if slider and value == "all":
            assert slider.value() == slider.maximum()


IMPOSSIBLE = [
    ("network.depth", "0", "must be a whole number from 1 to 5000, not 0"),
    ("network.depth", "many", "must be a whole number from 1 to 5000"),
    ("network.depth", "2.5", "must be a whole number from 1 to 5000, not 2.5"),
    ("network.depth", "", "must be a whole number from 1 to 5000"),
    ("init.scale", "-1", "must be a number from 1e-06 to 1e+06, not -1"),
    ("training.batch_size", "some", "or 'all'"),
    ("training.learning_rate", "nan", "must be a number"),
    ("seed", "-1", "must be a whole number from 0"),
]


def test_what_cannot_be_is_said_at_its_field_and_nothing_else_changes(window):
    desk = window()
    rows, experiment, build = desk.builder.rows, desk.session.experiment, desk.frame.build
    before = {path: row.box.text() for path, row in rows.items() if isinstance(row.box, QLineEdit)}
    for path, text, words in IMPOSSIBLE:
        desk.type(path, text)
        assert words in desk.message(path) and rows[path].box.text() == text
        assert [other for other in rows if desk.message(other)] == [path]
        assert all(rows[other].box.text() == was for other, was in before.items() if other != path)
        desk.type(path, before[path])
        assert desk.message(path) == ""
    desk.live(80)
    assert (desk.session.experiment, desk.frame.build) == (experiment, build)


def test_the_keys_of_the_window_do_not_fire_while_a_box_is_typed_into(window, qtbot):
    desk = window()
    build = desk.frame.build
    box = desk.builder.rows["network.depth"].box
    box.setFocus()
    box.selectAll()
    for key in ("R", "N", ".", " "):
        QTest.keyClicks(box, key)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Home):
        qtbot.keyClick(box, key)
    desk.live(80)
    assert (desk.step, desk.frame.build, desk.session.state) == (0, build, State.PAUSED)


def test_what_is_being_typed_is_not_overwritten_by_a_change_elsewhere(window, qtbot):
    """As when a rebuild finishes, or N was pressed, while a person is typing."""
    desk = window()
    box = desk.builder.rows["training.learning_rate"].box
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "0.1")
    desk.session.new_seed()
    desk.until(lambda: desk.frame.experiment.seed == 1)
    qtbot.keyClicks(box, "25")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert value_of(desk, "training.learning_rate") == 0.125


# Live and not.


def test_a_live_edit_reaches_the_run_without_a_rebuild(window):
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    build = desk.frame.build
    changes = {"learning_rate": 0.5, "momentum": 0.9, "batch_size": 7, "steps": 99}
    for name, value in changes.items():
        desk.type(f"training.{name}", str(value))
        desk.until(lambda name=name, value=value: getattr(desk.frame.experiment.training, name) == value)
    assert (desk.frame.build, desk.step) == (build, 1)
    # Enter has left the focus in the box: keys are meant for it.
    desk.window.setFocus()
    desk.press("Right")
    desk.until(lambda: desk.step == 2)


def test_another_data_set_is_another_run_and_the_boundary_follows(window):
    desk = window()
    desk.rest()
    surface, build = desk.frame.details.surface, desk.frame.build
    desk.choose("data.name", "circles")
    desk.until(lambda: desk.frame.experiment.data.name == "circles")
    desk.rest()
    assert desk.frame.build > build and desk.step == 0
    assert desk.frame.details.surface is not surface
    boundary = desk.window.docks["boundary"].view
    desk.until(lambda: boundary.drawn is desk.frame.details.surface)


@pytest.mark.slow
def test_every_data_set_is_drawn_in_every_view(window):
    desk = window({"data.samples": "all"})
    boundary = desk.window.docks["boundary"].view
    for name in FIELDS["data.name"].choices:
        desk.choose("data.name", name)
        desk.until(lambda name=name: desk.frame.experiment.data.name == name)
        desk.window.setFocus()
        desk.press("Right")
        desk.until(lambda: desk.step == 1)
        desk.rest()
        desk.until(lambda: all(dock._drawn is desk.frame for dock in desk.window.docks.values() if dock.seen))
        assert boundary.drawn is desk.frame.details.surface
        assert all(str(label) in boundary.legend.text() for label in desk.frame.topology.classes), name


def test_fields_that_mean_nothing_now_are_hidden(window):
    desk = window()
    rows = desk.builder.rows
    assert not rows["network.negative_slope"].isVisible() and not rows["init.mode"].isVisible()
    desk.choose("network.activation", "leaky-relu")
    desk.choose("init.scheme", "he-normal")
    assert rows["network.negative_slope"].isVisible() and rows["init.mode"].isVisible()


def test_a_loss_that_does_not_fit_is_said_at_its_field_and_the_old_run_stays(window):
    desk = window({"data.name": "diabetes"})
    build = desk.frame.build
    desk.choose("training.loss", "softmax-cross-entropy")
    desk.until(lambda: "does not fit 'diabetes'" in desk.message("training.loss"))
    assert desk.frame.build == build
    desk.window.setFocus()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    desk.choose("training.loss", "auto")
    desk.until(lambda: desk.frame.build > build)
    assert desk.message("training.loss") == ""


def test_a_live_edit_after_a_loss_that_does_not_fit_keeps_the_old_loss_in_the_frames(window):
    """The caption and the PNG's text say what runs, not what could not be built."""
    desk = window({"data.name": "diabetes"})
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    desk.choose("training.loss", "softmax-cross-entropy")
    desk.until(lambda: desk.message("training.loss"))
    desk.type("training.learning_rate", "0.001")
    desk.until(lambda: desk.frame.experiment.training.learning_rate == 0.001)
    assert desk.frame.experiment.training.loss == "auto"


def test_what_is_wrong_with_a_field_stays_said_until_it_is_mended(window):
    desk = window({"data.name": "diabetes"})
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    desk.choose("training.loss", "softmax-cross-entropy")
    desk.until(lambda: desk.message("training.loss"))
    desk.type("training.learning_rate", "0.001")
    desk.live(100)
    assert "does not fit" in desk.message("training.loss")


def test_a_network_too_large_is_said_at_its_field(window):
    desk = window()
    desk.type("network.width", "8192")
    desk.until(lambda: "the limit is 4 GB" in desk.message("network.width"))


# What the controls say about themselves.


def test_every_field_explains_itself_with_its_path(window):
    for path, row in window().builder.rows.items():
        for control in (row, row.label, row.box, getattr(row, "slider", None)):
            # A control without a tooltip of its own shows its row's; a list documents the name that is chosen.
            if control is not None and not (isinstance(row, ChoiceRow) and control is row.box):
                tip = control.toolTip() or row.toolTip()
                assert f"<code>{path}</code>" in tip and FIELDS[path].says.title in tip
        assert row.label.buddy() is row.box
        assert row.box.accessibleName() == FIELDS[path].says.title


def test_every_name_in_a_list_has_its_documentation(window):
    for row in window().builder.rows.values():
        if isinstance(row, ChoiceRow):
            registry = row.field.says.choices or {}
            for i in range(row.box.count()):
                tip = row.box.itemData(i, Qt.ItemDataRole.ToolTipRole)
                assert bool(tip) == (row.box.itemData(i) in registry)


def test_the_builder_has_every_field_that_offers_a_choice(window):
    fixed = {path for path, field in FIELDS.items() if field.says.low == field.says.high and len(field.choices) == 1}
    assert set(window().builder.rows) == set(FIELDS) - {"format"} - fixed
