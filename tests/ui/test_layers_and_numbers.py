"""The parts of the window for networks built row by row: folding groups, the layer list, the table of numbers."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QPushButton

from gradflow.sim.config import FIELDS, Experiment, parse_value
from gradflow.sim.frame import State
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.snapshot import Stat
from gradflow.sim.statistics import STATISTICS
from gradflow.ui.panels.builder import GROUPS, OPEN_AT_FIRST, RELEVANT
from gradflow.ui.panels.layer_list import LayerList, listed
from gradflow.ui.views.numbers import GROUPS as COLUMNS

ROWS = "network.layers"


def heading(desk, group):
    return desk.builder.headings[group]


def test_groups_fold_and_say_how_much_is_set_in_them(window):
    desk = window({"training.weight_decay": 0.01, "network.dropout": 0.1})
    assert heading(desk, "REGULARISATION").text().startswith("▸") and "2 set" in heading(desk, "REGULARISATION").text()
    assert not desk.builder.rows["training.l1"].isVisible()
    desk.qtbot.mouseClick(heading(desk, "REGULARISATION"), Qt.MouseButton.LeftButton)
    assert heading(desk, "REGULARISATION").text() == "▾ REGULARISATION"
    assert desk.builder.rows["training.l1"].isVisible()
    desk.qtbot.mouseClick(heading(desk, "NETWORK"), Qt.MouseButton.LeftButton)
    assert not desk.builder.rows["network.depth"].isVisible()


def test_every_field_stands_in_one_group_and_the_first_groups_are_open(window):
    listed_fields = [path for paths in GROUPS.values() for path in paths]
    assert len(listed_fields) == len(set(listed_fields))
    desk = window()
    for group, paths in GROUPS.items():
        for path in paths:
            if path not in RELEVANT:
                assert desk.builder.rows[path].isVisible() == (group in OPEN_AT_FIRST), path


@pytest.mark.parametrize(
    ("changes", "shown", "hidden"),
    [
        ({"training.optimizer": "adam"}, ["training.beta1", "training.beta2"], ["training.momentum"]),
        ({"training.optimizer": "nesterov"}, ["training.momentum"], ["training.beta1", "training.epsilon"]),
        ({"training.optimizer": "rmsprop"}, ["training.beta2", "training.epsilon"], ["training.beta1"]),
        ({"network.activation": "prelu"}, ["network.negative_slope"], ["network.residual"]),
        ({"network.skip_every": 2}, ["network.residual", "network.branch_scale"], ["init.path"]),
        ({"training.loss": "huber", "data.name": "sine"}, ["training.huber_delta"], []),
        ({ROWS: [{"units": 8}]}, ["network.layers"], ["network.depth", "network.skip_every"]),
    ],
)
def test_only_fields_that_mean_something_are_shown(window, changes, shown, hidden):
    desk = window(changes)
    assert all(desk.builder.rows[path].isVisible() for path in shown)
    assert not any(desk.builder.rows[path].isVisible() for path in hidden)


def test_an_error_in_a_folded_group_unfolds_it(window):
    desk = window()
    desk.session.edit("training.label_smoothing", 0.1)
    desk.session.edit("training.loss", "hinge")
    desk.until(lambda: "cross-entropy" in desk.message("training.label_smoothing"))
    assert desk.builder.rows["training.label_smoothing"].isVisible()


def open_list(desk) -> LayerList:
    desk.qtbot.mouseClick(desk.builder.rows[ROWS].box, Qt.MouseButton.LeftButton)
    dialogs = [child for child in desk.window.findChildren(LayerList) if child.isVisible()]
    assert len(dialogs) == 1
    return dialogs[0]


def apply(desk, dialog: LayerList, text: str) -> None:
    dialog.text.setPlainText(text)
    button = dialog.findChild(QDialogButtonBox).findChildren(QPushButton)
    desk.qtbot.mouseClick(next(b for b in button if b.text() == "Apply"), Qt.MouseButton.LeftButton)


def test_the_layer_list_opens_with_what_the_sliders_make_and_applies_what_is_typed(window):
    desk = window({"network.depth": 3})
    dialog = open_list(desk)
    assert dialog.text.toPlainText().splitlines() == ['{kind = "dense"}'] * 3
    apply(desk, dialog, '{units = 5}\n\n{units = 7, activation = "relu", scale = 2.0},\n')
    assert not dialog.message.isVisible()
    desk.until(lambda: [layer.units for layer in desk.frame.topology.layers[:-1]] == [5, 7])
    assert desk.builder.rows[ROWS].box.text() == "2 rows …"
    assert not desk.builder.rows["network.depth"].isVisible()
    apply(desk, dialog, "")
    desk.until(lambda: len(desk.frame.topology.layers) == 4)
    assert desk.builder.rows["network.depth"].isVisible()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{units = }", "list of tables"),
        ("{unit = 3}", "did you mean 'units'"),
        ('{kind = "dens"}', "did you mean 'dense'"),
        ("{units = 5}\n{units = 0}", "network.layers[2].units: must be"),
        ("hello", "list of tables"),
        ("{units = 5}\n{units = 3} {units = 4}", "line 2: must be a list of tables"),
    ],
)
def test_a_slip_in_the_list_is_said_below_it_and_changes_nothing(window, text, words):
    desk = window({"network.depth": 3})
    dialog = open_list(desk)
    apply(desk, dialog, text)
    assert dialog.message.isVisible() and words in dialog.message.text()
    assert desk.session.experiment.network.layers == () and len(desk.frame.topology.layers) == 4


def test_layers_that_do_not_fit_are_said_at_the_field_and_in_the_list_and_the_old_run_stays(window):
    desk = window({"network.depth": 3})
    dialog = open_list(desk)
    apply(desk, dialog, '{kind = "conv"}')
    desk.until(lambda: "needs an image" in desk.message(ROWS))
    assert dialog.message.isVisible() and "needs an image" in dialog.message.text()
    assert len(desk.frame.topology.layers) == 4
    apply(desk, dialog, "{units = 3}")
    desk.until(lambda: len(desk.frame.topology.layers) == 2)
    assert not dialog.message.isVisible()


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_no_text_in_the_list_does_more_than_be_refused(text):
    """Whatever is typed or pasted is rows, or a sentence."""
    from gradflow.errors import ConfigError

    try:
        rows = parse_value(ROWS, listed(text))
    except ConfigError as error:
        assert str(error)
    else:
        assert all(isinstance(row, LayerRow) for row in rows)


def test_a_list_that_was_closed_hears_of_no_error(window):
    desk = window({"network.depth": 3})
    dialog = open_list(desk)
    dialog.close()
    desk.live(50)
    desk.session.edit(ROWS, parse_value(ROWS, '[{kind = "conv"}]'))
    desk.until(lambda: "needs an image" in desk.message(ROWS))


def test_a_deep_network_is_written_out_to_its_last_layer(window):
    desk = window({"network.depth": 300, "network.width": 2})
    assert len(open_list(desk).text.toPlainText().splitlines()) == 300


def cell(desk, row: int, heading_text: str) -> str:
    model = desk.window.docks["numbers"].view.model
    names = [
        model.headerData(i, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole) for i in range(model.columnCount())
    ]
    return model.data(model.index(row, names.index(heading_text)), Qt.ItemDataRole.DisplayRole)


def test_the_table_shows_the_numbers_of_the_frame(window):
    from gradflow.sim.words import spell

    desk = window()
    desk.window.docks["numbers"].raise_()
    desk.until(lambda: desk.window.docks["numbers"].view.model.frame is desk.frame and desk.frame.details.statistics)
    desk.until(lambda: desk.window.docks["numbers"].view.model.frame is desk.frame)
    assert cell(desk, 1, "‖δ‖") == spell(float(desk.frame.snapshot.stat(Stat.DELTA)[1]))
    assert cell(desk, 0, "RMS ∂W") == spell(float(desk.frame.details.statistics["gradient_rms"][0]))
    assert cell(desk, len(desk.frame.topology.layers) - 1, "δ factor") == "–"
    view = desk.window.docks["numbers"].view
    view.choose("weights")
    desk.until(lambda: cell(desk, 0, "n") != "")
    assert cell(desk, 0, "n") == f"{desk.frame.topology.layers[0].init_n:g}"
    assert view.age.text() == "step 0" and "ms" in view.age.toolTip()


def test_numbers_of_an_earlier_step_are_grey(window):
    """No row mixes two steps without saying so."""
    desk = window()
    view = desk.window.docks["numbers"].view
    desk.window.docks["numbers"].raise_()
    desk.until(lambda: view.model.frame is desk.frame and desk.frame.details.statistics)
    fresh, old = (dataclasses.replace(desk.frame.snapshot, step=step) for step in (0, 9))
    grey = []
    for snapshot in (fresh, old):
        view.draw(dataclasses.replace(desk.frame, snapshot=snapshot))
        row = [view.model.index(0, column) for column in range(view.model.columnCount())]
        grey.append([bool(view.model.data(cell, Qt.ItemDataRole.ForegroundRole)) for cell in row])
    dear = [False, *(column.dear for column in view.model.columns)]
    assert any(dear) and not all(dear[1:])
    assert grey == [[False] * len(dear), dear]
    assert view.age.text() == "step 9; what is grey is of step 0"


def test_the_dear_statistics_are_not_taken_while_nobody_looks(window):
    desk = window()
    desk.rest()
    assert not desk.frame.details.statistics
    desk.window.docks["numbers"].raise_()
    desk.until(lambda: desk.frame.details.statistics)


def test_every_statistic_has_a_column_with_its_meaning_and_its_cost():
    docs = [column.doc for group in COLUMNS.values() for column in group]
    for name, entry in STATISTICS.items():
        assert "Cost:" in entry.doc, name
        assert entry.doc in docs, name


def test_early_stopping_is_said_in_words(window):
    desk = window({"training.patience": 4, "training.learning_rate": 0.0, "training.steps": 500})
    desk.session.play()
    desk.until(lambda: desk.session.state is State.FINISHED)
    desk.until(lambda: "Stopped early at step" in desk.window.notice.words.text())
    assert desk.step < 500


def test_fields_of_rows_are_no_fields_of_the_form():
    assert not any(path.startswith(f"{ROWS}[") for path in FIELDS)
    assert Experiment().network.layers == ()
