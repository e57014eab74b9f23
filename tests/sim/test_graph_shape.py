"""The graph as it is drawn: boxes, the main path, skips and their levels."""

from __future__ import annotations

from typing import Any

import pytest
from residual_kit import ARCHITECTURES
from sim_kit import small

from gradflow.sim.build import build_network, load_data
from gradflow.sim.graph_shape import GraphShape
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.trainer import Trainer


def shape_of(changes: dict[str, Any]) -> GraphShape:
    return Trainer(small(changes)).topology.graph


def parts(shape: GraphShape) -> list[tuple[str, ...]]:
    return [shape.boxes[i].parts for i in shape.main]


def test_a_layer_and_what_belongs_to_it_is_one_box() -> None:
    changes = {"network.norm": "layer-norm", "network.dropout": 0.25, "network.depth": 2}
    hidden = ("dense", "layer-norm", "tanh", "dropout 0.25")
    assert parts(shape_of(changes)) == [("input",), hidden, hidden, ("dense",), ("loss",)]
    assert [box.layer for box in shape_of(changes).boxes] == [None, 1, 2, 3, None]


def test_layers_without_parameters_have_their_names_and_sizes_and_flattening_belongs_to_who_needs_it() -> None:
    rows = (
        LayerRow(kind="conv", units=4, kernel=5, padding="same"),
        LayerRow(kind="max-pool"),
        LayerRow(units=6),
    )
    shape = shape_of({"network.layers": rows, "data.name": "digits"})
    assert parts(shape)[1:4] == [("conv 5×5", "tanh"), ("max-pool 2×2",), ("flatten", "dense", "tanh")]
    assert [shape.boxes[i].shape for i in shape.main] == [(8, 8, 1), (8, 8, 4), (4, 4, 4), (6,), (10,), ()]


@pytest.mark.parametrize(
    ("residual", "block"),
    [
        ("after-activation", [("dense", "tanh"), ("dense", "tanh"), ("add",)]),
        ("post-activation", [("dense", "tanh"), ("dense",), ("add",), ("tanh",)]),
        ("pre-activation", [("dense",), ("tanh", "dense"), ("add",)]),
    ],
)
def test_the_place_of_phi_in_a_residual_block_is_seen(residual: str, block: list[tuple[str, ...]]) -> None:
    shape = shape_of({"network.depth": 2, "network.skip_every": 1, "network.residual": residual})
    assert parts(shape)[1 : 1 + len(block)] == block
    assert [box.layer for box in shape.boxes if box.whole] == [1, 2, 3]


def test_skips_name_their_ends_and_projections_stand_on_them() -> None:
    shape = shape_of(ARCHITECTURES["nested, projected and side by side"])
    told = [(shape.boxes[s.source].layer, shape.boxes[s.join].layer, s.level, len(s.over)) for s in shape.skips]
    # Short ones first: into layer 2, 3 (5 → 7 units: projected), 6 (side by side), 5 (from 1, above all it passes).
    assert told == [(1, 2, 1, 0), (2, 3, 1, 1), (4, 6, 1, 0), (1, 5, 2, 1)]
    projection = shape.boxes[shape.skips[1].over[0]]
    assert projection.parts == ("dense",) and projection.place == -1 and not projection.whole
    joins = [shape.boxes[s.join].parts for s in shape.skips]
    assert joins == [("add",), ("add",), ("concat",), ("add",)]


@pytest.mark.parametrize("changes", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_every_box_is_reached_and_no_two_skips_that_overlap_share_a_level(changes: dict[str, Any]) -> None:
    shape = shape_of(changes)
    assert {edge.target for edge in shape.edges} == set(range(len(shape.boxes))) - {shape.main[0]}
    assert [shape.boxes[i].place for i in shape.main] == list(range(len(shape.main)))
    spans = [(shape.boxes[s.source].place, shape.boxes[s.join].place, s.level) for s in shape.skips]
    for i, (start, stop, level) in enumerate(spans):
        assert start < stop
        for other_start, other_stop, other_level in spans[:i]:
            assert level != other_level or other_stop <= start or stop <= other_start


def test_two_networks_of_one_experiment_have_equal_shapes() -> None:
    """The window keeps its drawing as long as nothing has changed."""
    changes = ARCHITECTURES["images"]
    assert shape_of(changes) == shape_of(changes | {"seed": 7, "init.scale": 2.0})
    assert shape_of(changes) != shape_of(ARCHITECTURES["skips"])


def test_a_network_of_thousand_layers_is_described_at_once() -> None:
    experiment = small({"network.depth": 1000, "network.skip_every": 1, "network.width": 2})
    split = load_data(experiment.data, experiment.seed)
    network = build_network(experiment, split, 1)
    assert len(network.layers) == 1001
    shape = Trainer(experiment).topology.graph
    assert len(shape.skips) == 999 and max(skip.level for skip in shape.skips) == 1
