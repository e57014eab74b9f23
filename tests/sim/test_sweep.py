"""What a sweep is: axes as a person writes them, the grid, the order of its cells, and its description."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_kit import small

from gradflow.errors import ConfigError
from gradflow.sim.config import FIELDS, Experiment, edit, get
from gradflow.sim.sweep import Axis, Cell, Sweep, suggested, sweepable
from gradflow.sim.sweep.grid import first_difference, sweep_from_mapping, sweep_to_mapping

RISING = st.tuples(st.floats(1e-6, 9e5), st.floats(1.001, 1e6)).map(lambda pair: (pair[0], min(pair[0] * pair[1], 1e6)))


def sweep(x: str = "init.scale=0.5:2:3:log", y: str = "network.depth=1:4:4", **how: object) -> Sweep:
    return Sweep(small(), Axis.parse(x), Axis.parse(y), **how)  # type: ignore[arg-type]


# Axes.


def test_a_logarithmic_range_has_equal_factors_and_exact_ends():
    axis = Axis.parse("init.scale=0.1:10:21:log")
    assert axis.path == "init.scale" and axis.log and len(axis.values) == 21
    assert (axis.values[0], axis.values[10], axis.values[-1]) == (0.1, 1.0, 10.0)
    assert np.allclose(np.diff(np.log(axis.values)), math.log(100.0) / 20.0)


def test_a_linear_range_has_equal_steps():
    assert Axis.parse("data.noise = 0 : 1 : 5").values == (0.0, 0.25, 0.5, 0.75, 1.0)


def test_whole_numbers_are_rounded_and_each_stands_once():
    axis = Axis.parse("network.depth=1:4:13")
    assert axis.values == (1, 2, 3, 4) and all(isinstance(value, int) for value in axis.values)
    assert Axis.parse("network.depth=1:100:25:log").values[:4] == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("network.activation=tanh, relu", ("tanh", "relu")),
        ("network.depth=8,2,4,2", (2, 4, 8)),
        ("training.batch_size=16,all", (16, "all")),
        ("training.batch_size=16:64:4", (16, 32, 48, 64)),
        ("training.learning_rate=0.1", (0.1,)),
        ("init.scale=1:1:1", (1.0,)),
    ],
)
def test_a_list_holds_names_numbers_or_words(text, values):
    assert Axis.parse(text).values == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("network.dept=2:4:3", "network.dept: no such field; did you mean 'network.depth'?"),
        ("depth=2:4:3", "did you mean 'network.depth'?"),
        ("network.depth", "write network.depth=start:stop:count"),
        ("network.depth=", "write network.depth=start:stop:count"),
        ("network.depth=0:4:3", "must be a whole number from 1 to 5000, not 0"),
        ("network.depth=2:9999:3", "must be a whole number from 1 to 5000, not 9999"),
        ("network.depth=0.4:4:3", "must be a whole number from 1 to 5000, not 0.4"),
        ("network.depth=4:2:3", "must start below where it stops"),
        ("network.depth=2:2:3", "must start below where it stops"),
        ("network.depth=2:4:0", "the count in 2:4:0 must be a whole number from 1"),
        ("network.depth=2:4:x", "the count in 2:4:x must be a whole number from 1"),
        ("network.depth=2:4:99999", "the count in 2:4:99999 must be a whole number from 1"),
        ("network.depth=a:4:3", "a is not a number"),
        ("network.depth=2:4", "2:4 is no range"),
        ("network.depth=2:4:3:lin", "2:4:3:lin is no range"),
        ("network.depth=2:4:3:log:log", "is no range"),
        ("init.scale=nan:4:3", "must be a number from 1e-06 to 1e+06, not nan"),
        ("init.scale=1:inf:3", "must be a number from 1e-06 to 1e+06, not inf"),
        ("data.noise=0:1:3:log", "is logarithmic and must start above 0"),
        ("network.activation=tahn,relu", "did you mean 'tanh'?"),
        ("network.activation=1:2:3", "'1:2:3' is not valid"),
        ("network.layers=[]", "is a list of tables, which a sweep cannot vary"),
        ("", "no such field"),
    ],
)
def test_a_mistake_in_an_axis_is_one_sentence_with_a_hint(text, sentence):
    with pytest.raises(ConfigError) as caught:
        Axis.parse(text)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


@given(RISING, st.integers(2, 40), st.booleans())
def test_any_range_within_bounds_rises_and_keeps_its_ends(ends, count, log):
    low, high = ends
    axis = Axis.parse(f"init.scale={low!r}:{high!r}:{count}{':log' if log else ''}")
    assert list(axis.values) == sorted(set(axis.values)) and len(axis.values) <= count
    assert math.isclose(axis.values[0], low, rel_tol=1e-12) and math.isclose(axis.values[-1], high, rel_tol=1e-12)


@given(st.text(max_size=30) | st.text("0123456789.:,-elogn ", max_size=20).map(lambda text: f"init.scale={text}"))
def test_whatever_is_typed_is_an_axis_or_a_sentence(text):
    try:
        axis = Axis.parse(text)
    except ConfigError as error:
        assert str(error)
    else:
        assert axis.values and all(FIELDS[axis.path].check(value) == value for value in axis.values)


@pytest.mark.parametrize("path", sweepable())
def test_every_field_has_an_axis_to_start_from(path):
    axis = Axis.parse(f"{path}={suggested(path)}")
    assert axis.path == path and len(axis.values) >= (1 if path == "training.precision" else 2)


def test_a_value_lies_between_its_neighbours_as_its_logarithm_does():
    axis = Axis.parse("init.scale=0.1:10:3:log")
    assert np.allclose(axis.place([0.1, 1.0, 10.0]), [0.0, 1.0, 2.0])
    assert axis.place_of(math.sqrt(10.0)) == pytest.approx(1.5)
    # The outer half of the outer cells belongs to the map, what is beyond does not.
    assert axis.place_of(10.0**1.4) == pytest.approx(2.4) and axis.place_of(10.0**-1.4) == pytest.approx(-0.4)
    assert np.isnan(axis.place([1e3, 1e-3, math.nan, 0.0])).all()


def test_a_name_lies_at_its_own_place():
    axis = Axis.parse("network.activation=tanh,relu")
    assert axis.place_of("relu") == 1.0 and math.isnan(axis.place_of("elu"))


# The grid.


def test_a_cell_is_the_experiment_with_two_fields_changed():
    cell = sweep().experiment_at(Cell(2, 1))
    assert cell == edit(small(), {"init.scale": 2.0, "network.depth": 2})


@given(st.integers(1, 30), st.integers(1, 30))
def test_every_cell_comes_once_and_the_coarse_grid_first(columns, rows):
    made = Sweep(
        Experiment(),
        Axis("init.scale", tuple(float(k) for k in range(1, columns + 1))),
        Axis("network.depth", tuple(range(1, rows + 1))),
    )
    cells = list(made.cells())
    assert len(cells) == len(set(cells)) == columns * rows and cells[0] == Cell(0, 0)
    # When every fourth column and row is there, nothing finer is.
    coarse = {(c, r) for c in range(0, columns, 4) for r in range(0, rows, 4)}
    assert set(cells[: len(coarse)]) == coarse


@pytest.mark.parametrize(
    ("x", "y", "how", "sentence"),
    [
        ("init.scale=1,2", "init.scale=1,2", {}, "is on both axes"),
        ("init.scale=1:2:101", "seed=1:200:101", {}, "a grid of 101 × 101 has 10201 cells; the most is 10000"),
        ("init.scale=1,2", "seed=1,2", {"measure": "train-lose"}, "did you mean 'train-loss'?"),
        ("init.scale=1,2", "seed=1,2", {"goal": math.nan}, "goal: must be a finite number"),
        ("training.steps=1,2", "seed=1,2", {}, "does nothing to gradient-ratio"),
    ],
)
def test_what_does_not_go_together_is_refused(x, y, how, sentence):
    with pytest.raises(ConfigError) as caught:
        sweep(x, y, **how)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_depth_cannot_be_swept_while_a_list_says_which_layers_there_are():
    listed = edit(small(), {"network.layers": [{"kind": "dense", "units": 4}]})
    with pytest.raises(ConfigError, match=r"network\.depth: does nothing while network\.layers lists"):
        Sweep(listed, Axis.parse("init.scale=1,2"), Axis.parse("network.depth=1,2"))


# The description.


@pytest.mark.parametrize("y", ["network.depth=1:4:4", "network.activation=tanh,relu", "training.batch_size=4,all"])
def test_a_description_gives_the_same_sweep_again(y):
    made = sweep(y=y, measure="train-loss", goal=0.5)
    again = sweep_from_mapping(sweep_to_mapping(made))
    assert again == made and first_difference(made, again) == ""


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (sweep("init.scale=0.5:2:4:log"), "x has other values of init.scale"),
        (sweep("init.bias=0,1"), "x is init.scale, not init.bias"),
        (sweep(measure="train-loss"), "measure is gradient-ratio, not train-loss"),
        (sweep(goal=0.2), "goal is 0.1, not 0.2"),
        (Sweep(small({"network.width": 7}), sweep().x, sweep().y), "network.width is 6, not 7"),
        # What the axes replace anyway is no difference.
        (Sweep(small({"network.depth": 7}), sweep().x, sweep().y), ""),
    ],
)
def test_the_first_difference_is_named(other, sentence):
    assert first_difference(sweep(), other) == sentence


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": None},
        {"measure": 3},
        {"goal": "low"},
        {"goal": True},
        {"x": {}},
        {"x": {"path": "init.scale", "values": []}},
        {"x": {"path": "nothing", "values": [1]}},
        {"y": 3},
        {"experiment": {"network": {"depth": -1}}},
        {"experiment": 7},
        {"surplus": 1},
    ],
)
def test_a_description_that_was_tampered_with_is_refused(change):
    with pytest.raises(ConfigError):
        sweep_from_mapping({**sweep_to_mapping(sweep()), **change})


def test_every_cell_of_a_suggested_map_can_be_made():
    made = Sweep(
        Experiment(),
        Axis.parse(f"init.scale={suggested('init.scale')}"),
        Axis.parse(f"network.depth={suggested('network.depth')}"),
    )
    depths = {get(made.experiment_at(cell), "network.depth") for cell in made.cells()}
    assert depths == set(made.y.values)
