"""The layer list as a person writes it: in a file, on the command line, and what is said about every mistake."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_kit import ROW_FIELDS, as_text, rows, values

from gradflow.engine.layers import KINDS
from gradflow.errors import ConfigError, GradflowError
from gradflow.sim import archive
from gradflow.sim.config import Experiment, differing, edit, parse_value
from gradflow.sim.fields import MOST_ROWS, Field
from gradflow.sim.layer_rows import DEFAULT, LayerRow

PATH = "network.layers"

every = pytest.mark.parametrize("field", ROW_FIELDS.values(), ids=list(ROW_FIELDS))
numbers = [field for field in ROW_FIELDS.values() if field.kind in (int, float)]
names = [field for field in ROW_FIELDS.values() if field.kind is str]


def refusal(*tables: Any) -> ConfigError:
    """Return what is said about a layer list that must be refused."""
    with pytest.raises(ConfigError) as caught:
        edit(Experiment(), {PATH: list(tables)})
    return caught.value


def accepted(table: dict[str, Any]) -> LayerRow:
    """Return the row that a table is."""
    (row,) = edit(Experiment(), {PATH: [table]}).network.layers
    return row


# Every field of a row


@every
def test_row_field_explains_itself_and_its_default_is_valid(field: Field) -> None:
    assert field.says.title
    assert field.says.doc.endswith(".")
    assert field.check(field.default) == field.default
    assert getattr(LayerRow(), field.path) == field.default


@every
def test_wrong_type_in_a_row_names_row_and_key_and_what_is_valid(field: Field) -> None:
    wrongs = [None, [1], {"a": 1}, float("nan"), float("inf"), 1 + 2j, 1.5 if field.kind is not float else "much"]
    for wrong in [*wrongs, "true" if field.kind is bool else True]:
        error = refusal({}, {field.path: wrong})
        assert error.field == f"network.layers[2].{field.path}"
        assert field.expects in error.reason or "must be" in error.reason


@pytest.mark.parametrize("field", numbers, ids=[field.path for field in numbers])
def test_bounds_of_a_row_are_those_of_the_field(field: Field) -> None:
    for bound in (field.says.low, field.says.high):
        assert getattr(accepted({field.path: field.kind(bound)}), field.path) == bound
    for beyond in (field.says.low - 1, field.says.high + 1, 10**400, "many"):
        error = refusal({field.path: beyond})
        assert error.field == f"network.layers[1].{field.path}"
        assert field.expects in error.reason
    for word in field.says.words:
        assert getattr(accepted({field.path: word}), field.path) == word


@pytest.mark.parametrize("field", names, ids=[field.path for field in names])
def test_names_in_a_row_are_those_of_the_field_and_a_near_miss_is_told_the_nearest(field: Field) -> None:
    for name in field.choices:
        assert getattr(accepted({field.path: name}), field.path) == name
    name = max(field.choices, key=len)
    error = refusal({}, {}, {field.path: name[:-1]})
    assert error.field == f"network.layers[3].{field.path}"
    assert f"did you mean {name!r}" in error.reason


def test_row_says_only_what_differs_from_the_experiment() -> None:
    """Every field of a row but the kind, the way it joins and what it learns leaves the say to the experiment."""
    spoken = {name for name in ROW_FIELDS if ROW_FIELDS[name].default not in (DEFAULT, "none", 0)}
    assert spoken == {"kind", "join", "trainable"}


def test_kinds_of_rows_are_those_the_engine_builds() -> None:
    assert ROW_FIELDS["kind"].choices == KINDS


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("kernle", "kernel"), ("unit", "units"), ("activaton", "activation"), ("skipfrom", "skip_from")],
)
def test_unknown_key_in_a_row_is_told_its_place_and_the_nearest_key(wrong: str, nearest: str) -> None:
    error = refusal({"units": 3}, {"kind": "conv", wrong: 3})
    assert error.field == f"network.layers[2].{wrong}"
    assert error.reason == f"unknown key; did you mean {nearest!r}?"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (3, "must be a list of tables, not 3"),
        ("dense", "must be a list of tables, not 'dense'"),
        ({"kind": "dense"}, "must be a list of tables, not {'kind': 'dense'}"),
        (None, "must be a list of tables, not None"),
        (True, "must be a list of tables, not true"),
        ([{}] * (MOST_ROWS + 1), f"has {MOST_ROWS + 1} entries; the most is {MOST_ROWS}"),
    ],
    ids=["number", "text", "table", "nothing", "true", "too many"],
)
def test_what_is_no_list_of_rows_is_refused_as_such(wrong: Any, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        edit(Experiment(), {PATH: wrong})
    assert (caught.value.field, caught.value.reason) == (PATH, says)


def test_entry_that_is_no_table_is_named_by_its_place() -> None:
    assert str(refusal({}, 7)) == "network.layers[2]: must be a table, not 7"
    assert str(refusal("conv")) == "network.layers[1]: must be a table, not 'conv'"


# Files


@given(st.lists(rows(), max_size=6))
@settings(max_examples=60, deadline=None)
def test_rows_written_to_a_file_are_read_back_as_they_were(drawn: list[LayerRow]) -> None:
    experiment = edit(Experiment(), {PATH: drawn})
    again = archive.parse(archive.render(experiment), "x.toml")
    assert again.network.layers == tuple(drawn)
    assert differing(again, experiment) == ()


@given(rows())
@settings(max_examples=50, deadline=None)
def test_file_shows_the_kind_of_a_row_and_only_what_is_not_default(row: LayerRow) -> None:
    text = archive.render(edit(Experiment(), {PATH: [row]}))
    (written,) = tomllib.loads(text)["network"]["layers"]
    default = dataclasses.asdict(LayerRow())
    changed = {name: value for name, value in dataclasses.asdict(row).items() if value != default[name]}
    assert written == {"kind": row.kind} | changed


def test_rows_can_be_written_as_tables_or_in_one_line() -> None:
    as_tables = '[[network.layers]]\nkind = "conv"\nunits = 8\n[[network.layers]]\nunits = 16\ntrainable = false\n'
    in_one_line = '[network]\nlayers = [{kind = "conv", units = 8}, {units = 16, trainable = false}]\n'
    expected = LayerRow(kind="conv", units=8), LayerRow(units=16, trainable=False)
    for text in (as_tables, in_one_line):
        assert archive.parse(text, "x.toml").network.layers == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[[network.layers]]\n[[network.layers]]\nkernle = 3",
            "network.layers[2].kernle: unknown key; did you mean 'k",
        ),
        ("[[network.layers]]\nkind = 'cnv'", "network.layers[1].kind: 'cnv' is not valid; did you mean 'conv'?"),
        (
            "[[network.layers]]\nunits = 0",
            "network.layers[1].units: must be a whole number from 1 to 8192 or 'default'",
        ),
        ("[[network.layers]]\nunits = 2.0", "network.layers[1].units: must be a whole number"),
        ("[[network.layers]]\ntrainable = 1", "network.layers[1].trainable: must be true or false, not 1"),
        ("[[network.layers]]\ntrainable = 'yes'", "network.layers[1].trainable: must be true or false, not 'yes'"),
        ("[network]\nlayers = 3", "network.layers: must be a list of tables, not 3"),
        ("[network.layers]\nunits = 3", "network.layers: must be a list of tables"),
        ("[network]\nlayers = [3]", "network.layers[1]: must be a table, not 3"),
        ("[[network.layer]]\nunits = 3", "network.layer: unknown key; did you mean 'network.layers'?"),
    ],
)
def test_mistake_in_a_row_of_a_file_is_one_sentence_with_file_row_and_key(text: str, says: str) -> None:
    with pytest.raises(GradflowError) as caught:
        archive.parse(text, "lesson.toml")
    assert str(caught.value).startswith(f"lesson.toml: {says}")
    assert "\n" not in str(caught.value)


# The command line


@given(st.lists(rows(), max_size=3))
@settings(max_examples=50, deadline=None)
def test_rows_as_text_mean_those_rows(drawn: list[LayerRow]) -> None:
    assert parse_value(PATH, as_text(tuple(drawn))) == tuple(drawn)


@pytest.mark.parametrize("text", ["", "  ", "[]", " [ ] "])
def test_empty_text_means_no_rows(text: str) -> None:
    assert parse_value(PATH, text) == ()


def test_text_takes_bare_toml_with_its_quotes() -> None:
    text = ' [{kind = "conv", units = 8, padding = "same"}, {kind = "max-pool"}, {units = 16}] '
    assert parse_value(PATH, text) == (
        LayerRow(kind="conv", units=8, padding="same"),
        LayerRow(kind="max-pool"),
        LayerRow(units=16),
    )


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("[{units = 3}", PATH, "must be a list of tables, such as"),
        ("[{kind = conv}]", PATH, "must be a list of tables, such as"),
        ("dense", PATH, "must be a list of tables, such as"),
        ("3", PATH, "must be a list of tables, not 3"),
        ("'dense'", PATH, "must be a list of tables, not 'dense'"),
        ("[1, 2]", f"{PATH}[1]", "must be a table, not 1"),
        ("[{units = 3}, {unts = 3}]", f"{PATH}[2].unts", "did you mean 'units'?"),
        ("[{units = 'three'}]", f"{PATH}[1].units", "'three' is not valid"),
        ("[{}]\nseed = 3\nseed = 4", PATH, "must be a list of tables, such as"),
        ("[{}]\nseed = 3", PATH, "must be a list of tables, such as"),
    ],
)
def test_broken_text_is_refused_naming_the_place(text: str, place: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_value(PATH, text)
    assert caught.value.field == place
    assert says in caught.value.reason
    assert "\n" not in str(caught.value)


def test_text_nested_too_deeply_is_refused_like_any_other() -> None:
    with pytest.raises(ConfigError):
        parse_value(PATH, "[" * 5000)


@given(st.text(alphabet="[]{}=,\" \n#ab1.'", max_size=30))
@settings(max_examples=150, deadline=None)
def test_no_text_whatever_breaks_the_parsing_of_rows(text: str) -> None:
    try:
        assert isinstance(parse_value(PATH, text), tuple)
    except ConfigError as error:
        assert error.field.startswith(PATH)


@every
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_each_field_of_a_row_survives_file_and_command_line(field: Field, data: st.DataObject) -> None:
    row = LayerRow(**{field.path: data.draw(values(field))})
    experiment = edit(Experiment(), {PATH: [row]})
    assert archive.parse(archive.render(experiment), "x.toml") == experiment
    assert parse_value(PATH, as_text((row,))) == (row,)
