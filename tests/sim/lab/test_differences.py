"""Finite differences of a network's loss by any of its numbers, beside backprop's derivative."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from test_specimen import NETWORKS, specimen_of

from gradflow.sim.lab import step_words
from gradflow.sim.lab.differences import INPUT, Block, Entry, Study, blocks, study
from gradflow.sim.lab.layer_checks import Checks, check_layers
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.layer_rows import LayerRow

MORE: dict[str, dict[str, Any]] = NETWORKS | {
    "prelu": {"network.activation": "prelu"},
    "layer norm": {"network.norm": "layer-norm"},
    "images": {
        "data.name": "digits",
        "network.layers": (LayerRow(kind="conv", units=3), LayerRow(kind="max-pool"), LayerRow(units=4)),
    },
}


def last(specimen: Specimen, entry: Entry, **how: Any) -> Study:
    *_, found = study(specimen, entry, **how)
    return found


@pytest.mark.parametrize("name", sorted(MORE))
def test_every_kind_of_parameter_and_the_input_agree(name: str) -> None:
    _, specimen = specimen_of(MORE[name])
    network = specimen.network()
    every = blocks(network)
    assert len({block.key for block in every}) == len(every)
    covered = sum(max(block.rows, 1) * block.columns for block in every if block.key != INPUT)
    assert covered == network.parameters.size
    for block in every:
        found = last(specimen, Entry(block.key, block.rows - 1 if block.rows else 0, block.columns - 1))
        curve = found.curve
        smooth = np.array([not kink for kink in curve.kinks]) & (curve.steps > 1e-7)
        best = float(np.min(curve.errors("central")[smooth]))
        assert best < 1e-8 * max(1.0, abs(curve.exact), abs(curve.value)), block.title


def test_the_exact_number_is_the_engines_own() -> None:
    _, specimen = specimen_of({})
    network = specimen.network()
    found = last(specimen, Entry("2/W", 3, 5))
    assert found.curve.exact == network.layers[1].linear.W_grad[3, 5] and found.symbol == "W₂[3, 5]"
    one = last(specimen, Entry(INPUT, 0, 1), samples=[4])
    assert one.curve.exact == specimen.network([4]).input.grad[0, 1] and one.symbol == "x[1]"
    assert last(specimen, Entry(INPUT, 3, 1)).symbol == "x[3, 1]"


def test_without_a_block_the_steepest_weight_of_layer_1_is_taken_and_bad_places_are_the_nearest() -> None:
    _, specimen = specimen_of({})
    found = last(specimen, Entry())
    steepest = np.abs(specimen.network().layers[0].linear.W_grad).max()
    assert found.block.key == "1/W" and abs(found.curve.exact) == steepest
    assert last(specimen, Entry("nothing", 7, 7)).block.key == "1/W"
    beyond = last(specimen, Entry("1/b", 99, 99))
    assert (beyond.row, beyond.column) == (0, beyond.block.columns - 1)


def test_a_relu_within_reach_of_the_step_is_named() -> None:
    _, specimen = specimen_of({"network.activation": "relu"})
    found = last(specimen, Entry("2/b", 0, 1))
    assert "a kink of φ" in found.curve.kinks[0] and not found.curve.kinks[-30]


def test_a_stand_in_for_a_slope_is_said() -> None:
    _, specimen = specimen_of({"network.activation": "step"})
    assert last(specimen, Entry("1/W")).stand_in and not last(specimen, Entry("5/W")).stand_in


@pytest.mark.parametrize("text", ["0, 3", " 0,3 ", "[0; 3]", "0 3"])
def test_an_entry_can_be_typed_in_several_ways(text: str) -> None:
    assert Block("2/W", 2, "W", 4, 8, 0).read(text) == (0, 3)
    assert Block("2/b", 2, "b", 0, 8, 0).read("7") == (0, 7)


@pytest.mark.parametrize("text", ["", "3", "4, 0", "0, 8", "-1, 3", "1.5, 2", "0, 1, 2", "a, b", "1" * 20 + ", 0"])
def test_what_is_no_entry_is_refused_with_what_could_be_typed(text: str) -> None:
    words = "is no entry of W₂: type a row d from 0 to 3 and a column k from 0 to 7, as 0, 7."
    with pytest.raises(ValueError, match=words):
        Block("2/W", 2, "W", 4, 8, 0).read(text)


def test_the_check_of_all_layers_grows_into_a_table() -> None:
    _, specimen = specimen_of({})
    seen = list(check_layers(specimen, 0))
    assert [len(one.layers) for one in seen] == sorted(len(one.layers) for one in seen)
    found, nothing = seen[-1], Checks(3, (), 5, 100, 40)
    assert found.complete and found.words(going=False) == "Step 3: 5 layers checked: 5 agree to 6 digits."
    table = found.table()
    assert table.rows == [str(n) for n in range(1, 6)] and (table.values[:, 0] < 1e-6).all()
    assert set(table.notes[0][1]) == {"agrees to 6 digits"} and nothing.table().values.shape == (0, 4)
    assert "layer 1 of 5 …" in nothing.words(going=True)
    parameters = specimen.network().parameters.size
    (extent,) = found.explanations()
    assert extent.startswith(f"{table.values[:, 2].sum():.0f} of {parameters} parameters, up to 40 of each layer, ")
    assert extent.endswith("central differences with ε\u00a0=\u00a01.00·10⁻⁵.")
    assert list(check_layers(specimen, 0)) == [found]


def test_the_check_names_kinks_and_says_what_the_weaker_verdicts_mean() -> None:
    _, specimen = specimen_of({"network.activation": "relu"})
    *_, found = check_layers(specimen, 0)
    kinked = dataclasses.replace(found.layers[0], entries=24, checked=0, at_kinks=24, kinks=("a kink of φ",))
    rough = dataclasses.replace(found.layers[1], relative_error=1e-4, difference=1e-9, round_off=1e-9, gradient_norm=1)
    mixed = dataclasses.replace(found, layers=(kinked, rough, *found.layers[2:]))
    said = mixed.words(going=False)
    assert said == "Step 3: 5 layers checked: 3 agree to 6 digits, 1 agrees to round-off only, 1 only kinks."
    extent, *meanings = mixed.explanations()
    assert "24 more are left out: " in extent and extent.endswith("lies a kink of φ.")
    assert [meaning.split(":")[0] for meaning in meanings] == ["“agrees to round-off only”", "“only kinks”"]
    bent = dataclasses.replace(found, layers=(dataclasses.replace(found.layers[0], step=1e-6), *found.layers[1:]))
    assert "In 1 layer L bends too strongly for that: there ε is smaller, down to 1.00·10⁻⁶." in bent.explanations()[0]
    wrong = dataclasses.replace(rough, relative_error=0.5, difference=1.0)
    words = dataclasses.replace(mixed, layers=(wrong, *found.layers[1:])).words(going=False)
    assert words.endswith(f"WRONG in 1 of 5 layers, first in layer {wrong.layer}.")


def test_a_loss_that_is_not_finite_has_one_sentence() -> None:
    _, specimen = specimen_of({"init.scale": 1e6, "network.depth": 60, "network.activation": "relu"}, steps=0)
    assert "neither a derivative nor a difference" in step_words.not_finite(last(specimen, Entry()).curve)
