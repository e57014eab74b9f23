"""The experiment as data: every field, its bounds, its messages, and the way through mappings and back."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_kit import as_text, experiments, values

from gradflow.engine.activations import ACTIVATIONS
from gradflow.errors import ConfigError, GradflowError
from gradflow.sim import config
from gradflow.sim.config import FIELDS, Experiment, differing, edit, find_field, from_mapping, get, to_mapping
from gradflow.sim.fields import Field

every = pytest.mark.parametrize("field", FIELDS.values(), ids=list(FIELDS))
NUMBERS = [field for field in FIELDS.values() if field.kind in (int, float)]
NAMES = [field for field in FIELDS.values() if field.kind is str and not field.says.free]
FREE = [field for field in FIELDS.values() if field.says.free]
numbers = pytest.mark.parametrize("field", NUMBERS, ids=[field.path for field in NUMBERS])
names = pytest.mark.parametrize("field", NAMES, ids=[field.path for field in NAMES])


def refusal(changes: dict[str, Any]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        edit(Experiment(), changes)
    return caught.value


# Every field


@every
def test_default_is_valid_and_what_an_experiment_has(field: Field) -> None:
    assert field.check(field.default) == field.default
    assert get(Experiment(), field.path) == field.default


@every
def test_field_explains_itself(field: Field) -> None:
    assert field.says.title
    assert len(field.says.doc) >= 10
    assert field.says.doc.endswith(".") or field.path == "format"


@every
def test_wrong_types_are_refused_with_path_and_what_is_valid(field: Field) -> None:
    for wrong in (None, [1], {"a": 1}, True, object(), float("nan"), float("inf"), -float("inf"), 1 + 2j):
        error = refusal({field.path: wrong})
        if field.kind is tuple and wrong == [1]:
            # A list it is; what is wrong is its first entry.
            assert str(error) == f"{field.path}[1]: must be a table, not 1"
            continue
        assert error.field == field.path
        assert str(error).startswith(f"{field.path}: ")
        assert field.expects in error.reason
        assert len(str(error)) < 300 + len(field.expects)


@numbers
def test_each_bound_is_allowed_and_the_next_number_beyond_it_is_not(field: Field) -> None:
    beyond = (
        (field.says.low - 1, field.says.high + 1)
        if field.kind is int
        else (math.nextafter(field.says.low, -math.inf), math.nextafter(field.says.high, math.inf))
    )
    for bound in (field.says.low, field.says.high):
        assert get(edit(Experiment(), {field.path: field.kind(bound)}), field.path) == bound
    for value in beyond:
        error = refusal({field.path: value})
        assert error.field == field.path
        assert f"{field.says.low:g}" in error.reason or str(field.says.low) in error.reason
        assert field.expects in error.reason


@numbers
def test_number_field_refuses_a_text_that_is_not_one_of_its_words(field: Field) -> None:
    error = refusal({field.path: "plenty"})
    assert "'plenty'" in error.reason
    assert field.expects in error.reason
    for word in field.says.words:
        assert get(edit(Experiment(), {field.path: word}), field.path) == word


@numbers
def test_span_of_the_slider_lies_within_the_bounds(field: Field) -> None:
    if field.says.span is None:
        return
    low, high = field.says.span
    assert field.says.low <= low < high <= field.says.high
    if field.says.log:
        assert low > 0, "a logarithmic slider cannot begin at 0"


@names
def test_every_name_is_valid_and_a_near_miss_is_told_the_nearest(field: Field) -> None:
    for name in field.choices:
        assert get(edit(Experiment(), {field.path: name}), field.path) == name
        if len(name) > 3:
            close = name[:-1] + ("x" if name[-1] != "x" else "y")
            hint = refusal({field.path: close}).reason
            assert "did you mean" in hint
    far = refusal({field.path: "qqqqqq"}).reason
    assert all(name in far for name in field.choices), "without a near miss all valid names are listed"


@numbers
def test_whole_and_real_numbers_keep_their_kind(field: Field) -> None:
    if field.kind is float:
        stored = get(edit(Experiment(), {field.path: int(field.says.high)}), field.path)
        assert type(stored) is float
    else:
        assert "whole number" in refusal({field.path: float(field.says.high)}).reason


@pytest.mark.parametrize(
    "field",
    [pytest.param(field, id=field.path) for field in NUMBERS],
)
def test_whole_number_beyond_all_floats_is_refused_like_any_other(field: Field) -> None:
    """Files may hold whole numbers of any length."""
    assert refusal({field.path: 10**400}).field == field.path


def test_dotted_paths_are_those_of_the_contract() -> None:
    """Files, ``--set``, sweeps, forms and messages share them: add to them, never rename one."""
    assert set(FIELDS) >= {
        "format",
        "seed",
        "data.name",
        "data.samples",
        "data.noise",
        "data.validation_fraction",
        "network.depth",
        "network.width",
        "network.activation",
        "network.negative_slope",
        "network.skip_every",
        "network.norm",
        "network.layers",
        "init.scheme",
        "init.scale",
        "init.mode",
        "init.bias_scale",
        "training.loss",
        "training.optimizer",
        "training.learning_rate",
        "training.momentum",
        "training.batch_size",
        "training.steps",
        "training.weight_decay",
        "training.clip_norm",
        "training.schedule",
        "training.precision",
    }


def test_live_fields_are_those_a_running_training_can_take() -> None:
    """Everything of the training but what the network, its memory or its optimiser are built from."""
    built = ("loss", "huber_delta", "label_smoothing", "optimizer", "freeze", "precision", "loss_scale")
    live = {path for path, field in FIELDS.items() if field.says.live}
    assert live == {p for p in FIELDS if p.startswith("training.")} - {f"training.{name}" for name in built}


@given(a=experiments(), b=experiments())
@settings(max_examples=40, deadline=None)
def test_live_edit_takes_the_live_fields_and_nothing_else(a: Experiment, b: Experiment) -> None:
    edited = config.with_live(a, b.training)
    for path, field in FIELDS.items():
        assert get(edited, path) == get(b if field.says.live else a, path)


@pytest.mark.parametrize("field", FREE, ids=[field.path for field in FREE])
def test_free_text_is_any_text_but_one_that_no_file_name_can_be(field: Field) -> None:
    for text in ("", "runs/one", "weights.npz", "Größe 3", "[a]", "all"):
        assert get(edit(Experiment(), {field.path: text}), field.path) == text
    assert refusal({field.path: "a\0b"}).field == field.path


def test_choices_come_from_the_registry_so_that_a_new_part_is_valid_at_once() -> None:
    assert FIELDS["network.activation"].choices == tuple(ACTIVATIONS)


# get, edit, find, differing


def test_edit_returns_a_new_experiment_and_leaves_the_old_one() -> None:
    old = Experiment()
    new = edit(old, {"network.depth": 3, "seed": 7})
    assert (new.network.depth, new.seed) == (3, 7)
    assert (old.network.depth, old.seed) == (10, 0)
    assert new.data is old.data
    with pytest.raises(dataclasses.FrozenInstanceError):
        new.seed = 1


def test_edit_without_changes_is_the_same_experiment() -> None:
    assert edit(Experiment(), {}) == Experiment()


@pytest.mark.parametrize(
    "ask", [find_field, lambda path: get(Experiment(), path), lambda p: edit(Experiment(), {p: 1})]
)
def test_unknown_path_is_told_the_nearest(ask: Any) -> None:
    with pytest.raises(ConfigError, match=r"network\.dept: no such field; did you mean 'network\.depth'\?"):
        ask("network.dept")
    for path in ("", "network", "network.", "network.depth.x", "__class__", "network.__class__"):
        with pytest.raises(ConfigError):
            ask(path)


def test_differing_lists_the_changed_paths_in_the_order_of_the_file() -> None:
    changed = edit(Experiment(), {"training.steps": 5, "seed": 3, "network.depth": 10})
    assert differing(Experiment(), changed) == ("seed", "training.steps")
    assert differing(changed, changed) == ()


# parse_value


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("network.depth", "50", 50),
        ("network.depth", " 50 ", 50),
        ("init.scale", "0.72", 0.72),
        ("init.scale", "1e-3", 1e-3),
        ("init.scale", "2", 2.0),
        ("training.batch_size", "all", "all"),
        ("training.batch_size", "32", 32),
        ("training.loss", "auto", "auto"),
        ("network.activation", "relu", "relu"),
    ],
)
def test_text_means_the_value_it_shows(path: str, text: str, value: Any) -> None:
    parsed = config.parse_value(path, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("network.depth", "0", "whole number from 1 to 5000, not 0"),
        ("network.depth", "2.5", "whole number"),
        ("network.depth", "deep", "'deep' is not valid; must be a whole number"),
        ("network.depth", "", "whole number"),
        ("network.depth", "9" * 5000, "whole number"),
        ("init.scale", "nan", "number from 1e-06 to 1e\\+06"),
        ("init.scale", "inf", "number from"),
        ("init.scale", "true", "number from"),
        ("training.batch_size", "al", "or 'all'"),
        ("network.activation", "rlu", "did you mean 'relu'"),
        ("data.name", "digit", "did you mean 'digits'"),
        ("init.mode", "in", "fan_in"),
    ],
)
def test_text_that_means_nothing_is_refused_naming_the_path(path: str, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        config.parse_value(path, text)
    assert caught.value.field == path
    assert len(str(caught.value)) < 400


@given(path=st.sampled_from(list(FIELDS)), text=st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_no_text_whatever_breaks_parsing(path: str, text: str) -> None:
    try:
        value = config.parse_value(path, text)
    except GradflowError as error:
        assert path in str(error)
    else:
        assert FIELDS[path].check(value) == value


@given(data=st.data(), path=st.sampled_from(list(FIELDS)))
@settings(max_examples=250, deadline=None)
def test_text_of_any_valid_value_is_parsed_back_to_it(data: st.DataObject, path: str) -> None:
    value = data.draw(values(FIELDS[path]))
    assert config.parse_value(path, as_text(value)) == value


# Mappings


@given(experiments())
@settings(max_examples=80, deadline=None)
def test_experiment_to_mapping_and_back_is_the_same(experiment: Experiment) -> None:
    assert from_mapping(to_mapping(experiment)) == experiment
    assert differing(from_mapping(to_mapping(experiment)), experiment) == ()


@given(a=experiments(), b=experiments())
@settings(max_examples=50, deadline=None)
def test_the_differing_fields_are_what_turns_one_experiment_into_another(a: Experiment, b: Experiment) -> None:
    assert edit(a, {path: get(b, path) for path in differing(a, b)}) == b


def test_partial_mapping_keeps_the_base() -> None:
    base = edit(Experiment(), {"network.width": 7})
    assert from_mapping({"network": {"depth": 2}}, base).network == dataclasses.replace(base.network, depth=2)


@pytest.mark.parametrize(
    ("table", "path", "says"),
    [
        ({"network": {"dept": 3}}, "network.dept", "unknown key; did you mean 'network.depth'"),
        ({"nework": {"depth": 3}}, "nework", "did you mean 'network'"),
        ({"sed": 3}, "sed", "did you mean 'seed'"),
        ({"network": 3}, "network", r"must be a table: write \[network\] on a line of its own"),
        ({"network": {"depth": {"a": 1}}}, "network.depth", "whole number"),
        ({"seed": {"a": 1}}, "seed", "whole number"),
        ({"data": {"name": 7}}, "data.name", "one of"),
    ],
)
def test_bad_mapping_is_refused_naming_the_key(table: dict[str, Any], path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        from_mapping(table)
    assert caught.value.field == path


def test_long_values_are_cut_short_in_messages() -> None:
    assert len(str(refusal({"network.depth": list(range(10_000))}))) < 200
