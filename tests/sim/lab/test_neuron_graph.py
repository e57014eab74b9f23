"""The graph of neurons in a window, with norms that couple samples, with images, and where numbers blow up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradflow.sim.lab.dissection import Dissection
from gradflow.sim.lab.neuron_graph import FITTING, LOSS, NeuronGraph, Window
from gradflow.sim.lab.neurons import neuron_graph
from gradflow.sim.lab.path_list import list_paths
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.layer_rows import LayerRow

Make = Callable[[dict[str, Any]], Specimen]

LAYERS = {
    "images": (LayerRow(kind="conv", units=2, stride=2), LayerRow(kind="max-pool"), LayerRow(kind="flatten")),
    "average": (LayerRow(kind="conv", units=2, padding=1), LayerRow(kind="global-average"), LayerRow(units=4)),
}
CASES: dict[str, dict[str, Any]] = {
    "wide": {"network.depth": 4, "network.width": 20},
    "deep": {"network.depth": 30, "network.width": 5, "network.skip_every": 3},
    "batch norm": {"network.depth": 3, "network.width": 5, "network.norm": "batch-norm", "network.skip_every": 2},
    "layer norm": {"network.depth": 3, "network.width": 12, "network.norm": "layer-norm"},
    "images": {"data.name": "digits", "network.layers": LAYERS["images"]},
    "average": {"data.name": "digits", "network.layers": LAYERS["average"]},
    "classes": {"data.name": "iris", "network.depth": 2, "network.width": 5},
    "half": {"training.precision": "float16", "network.depth": 3, "network.width": 6},
    "one layer": {"network.depth": 1, "network.width": 1},
}


def sums_close(graph: NeuronGraph) -> None:
    """Check at every neuron: the sum over its edges, with its rest, is backprop's number."""
    scale = max((abs(n.gradient) for n in graph.neurons), default=0.0)
    for i, neuron in enumerate(graph.neurons[:-1]):
        terms = [graph.edges[e].derivative * graph.neurons[graph.edges[e].target].gradient for e in graph.outgoing[i]]
        assert sum(terms) + neuron.rest == pytest.approx(neuron.gradient, rel=1e-9, abs=1e-12 * scale), neuron.name


@pytest.mark.parametrize(
    "window", [Window(0, FITTING, 0, 8), Window(1, 2, 3, 2), Window(2, 2, 0, 4), Window(0, 99, 0, 32)]
)
@pytest.mark.parametrize("target", [LOSS, 0])
@pytest.mark.parametrize("case", sorted(CASES))
def test_in_any_window_sums_close_and_paths_add_up_to_backprop(
    case: str, target: int, window: Window, specimen_with: Make
) -> None:
    graph = neuron_graph(specimen_with(CASES[case]), 1, window, target)
    sums_close(graph)
    assert graph.target_name == ("L" if target == LOSS else graph.neurons[-1].name)
    for start in {0, graph.terminal // 2}:
        found = list_paths(graph, start)
        sizes = sum(abs(path.product) for path in found.paths)
        assert abs(found.difference) <= 1e-9 * max(sizes, abs(found.gradient), 1e-12)


def test_what_a_window_leaves_out_is_said_and_is_a_number(specimen_with: Make) -> None:
    graph = neuron_graph(specimen_with(CASES["wide"]), 0, Window(0, 3, 4, 8))
    words = " ".join(graph.remarks)
    assert "8 of 20 units" in words and "ends before the loss" in words
    assert [column.shown for column in graph.columns[1:4]] == [range(4, 12)] * 3
    hidden = [n.rest for n in graph.neurons if n.column in (0, 1, 2)]
    assert all(hidden) and not graph.whole
    assert [edge.beyond for edge in graph.edges if edge.target == graph.terminal] == [True] * 8
    whole = neuron_graph(specimen_with(CASES["wide"]), 0, Window(0, 99, 0, 32))
    assert whole.whole and not whole.remarks


def test_a_window_never_misses_the_network(specimen_with: Make) -> None:
    """Whatever is asked for, there is something to see, and no more than can be drawn."""
    specimen = specimen_with(CASES["deep"])
    for window in (Window(50, 60), Window(5, 2), Window(-3, -9, -4, 0), Window(0, 99, 999, 999)):
        graph = neuron_graph(specimen, 0, window)
        assert graph.columns and len(graph.columns) <= 33
        assert 0 <= graph.window.first <= graph.window.last <= graph.layers
        sums_close(graph)


def test_with_batch_norm_the_rest_is_what_comes_by_way_of_other_samples(specimen_with: Make) -> None:
    """With the derivatives of the same sample alone the gradient is not whole, and the remark says why."""
    specimen = specimen_with(CASES["batch norm"])
    graph = neuron_graph(specimen, 2, Window(0, 99, 0, 32))
    before_norms = [n for n in graph.neurons if graph.columns[n.column].symbol in ("z¹", "z²")]
    assert all(n.rest for n in before_norms) and graph.samples == 8
    assert "couples the samples" in " ".join(graph.remarks)
    network = specimen.network()
    assert [n.gradient for n in graph.neurons if n.column == 0] == network.input.grad[2].tolist()


def test_layer_norm_has_its_full_jacobian_on_the_edges(specimen_with: Make) -> None:
    specimen = specimen_with({"network.depth": 1, "network.width": 4, "network.norm": "layer-norm"})
    graph = neuron_graph(specimen, 0, Window(0, 99, 0, 32))
    network = specimen.network([0])
    norm = network.layers[0].norm
    assert norm is not None
    x, gamma = norm.inputs[0].value[0], norm.gamma
    spread = x - x.mean()
    inverse = 1.0 / np.sqrt((spread**2).mean() + 1e-5)
    normed = spread * inverse
    expected = gamma[:, None] * inverse * (np.eye(4) - 0.25 - np.outer(normed, normed) / 4)
    found = np.zeros((4, 4))
    for edge in graph.edges:
        source, target = graph.neurons[edge.source], graph.neurons[edge.target]
        if graph.columns[target.column].kind == "norm":
            found[target.unit, source.unit] = edge.derivative
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_dropped_unit_carries_zero_on_every_edge_it_leaves_by(specimen_with: Make) -> None:
    graph = neuron_graph(specimen_with({"network.depth": 2, "network.width": 12, "network.dropout": 0.5}), 0)
    dropped = [i for i, n in enumerate(graph.neurons) if n.mask == 0.0]
    assert dropped
    for i in dropped:
        assert graph.neurons[i].output == 0.0
        assert [graph.edges[e].derivative for e in graph.outgoing[i]] == [0.0] * len(graph.outgoing[i])


def test_a_convolution_has_edges_only_inside_of_its_windows(specimen_with: Make) -> None:
    graph = neuron_graph(specimen_with(CASES["images"]), 0, Window(0, 99, 0, 32))
    conv = next(c for c, column in enumerate(graph.columns) if column.kind == "conv")
    for i, neuron in enumerate(graph.neurons):
        if neuron.column == conv:
            sources = [graph.neurons[graph.edges[e].source].unit for e in graph.incoming[i]]
            row, column = divmod(neuron.unit // 2, 3)
            inside = [(2 * row + r) * 8 + 2 * column + c for r in range(3) for c in range(3)]
            assert set(sources) == {unit for unit in inside if unit < 32}
    assert graph.neurons[graph.places[1, 1]].name == "z¹[1, 1, 2]"


def test_numbers_that_blew_up_are_shown_as_they_are(specimen_with: Make) -> None:
    """Not finite is a result: nothing raises, and the list still ends."""
    specimen = specimen_with({"network.activation": "identity", "network.depth": 3, "network.width": 3})
    network = specimen._network
    network.parameters[:] = np.where(np.arange(network.parameters.size) % 5 == 0, np.inf, 1e300)
    found = Dissection(dataclasses.replace(specimen), 0, Window(), LOSS)
    listed = found.paths(0)
    assert len(listed.paths) == min(listed.count, 60) and not np.isfinite(listed.total)
    for order in ("right", "nearest", "forwards"):
        found.walk(order, True, 0)
    assert found.costs(0)
