"""The graph of neurons in a window, with norms that couple samples, with images, and where numbers blow up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradflow.sim.lab.dissection import Dissection
from gradflow.sim.lab.neuron_graph import FITTING, LARGEST, LOSS, NeuronGraph, Window
from gradflow.sim.lab.neuron_words import explain_edge
from gradflow.sim.lab.neurons import neuron_graph
from gradflow.sim.lab.path_list import list_paths, path_sums
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.layer_rows import LayerRow

Make = Callable[[dict[str, Any]], Specimen]

LAYERS = {
    "images": (LayerRow(kind="conv", units=2, stride=2), LayerRow(kind="max-pool"), LayerRow(kind="flatten")),
    "average": (LayerRow(kind="conv", units=2, padding=1), LayerRow(kind="global-average"), LayerRow(units=4)),
    "normed": (LayerRow(kind="conv", units=2, stride=3, norm="batch-norm"), LayerRow(kind="global-average")),
}
CASES: dict[str, dict[str, Any]] = {
    "wide": {"network.depth": 4, "network.width": 20},
    "deep": {"network.depth": 30, "network.width": 5, "network.skip_every": 3},
    "batch norm": {"network.depth": 3, "network.width": 5, "network.norm": "batch-norm", "network.skip_every": 2},
    "layer norm": {"network.depth": 3, "network.width": 12, "network.norm": "layer-norm"},
    "images": {"data.name": "digits", "network.layers": LAYERS["images"]},
    "average": {"data.name": "digits", "network.layers": LAYERS["average"]},
    "normed images": {"data.name": "digits", "network.layers": LAYERS["normed"]},
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
    "window", [Window(), Window(0, FITTING, 0, 8), Window(1, 2, 3, 2), Window(2, 2, 0, 4), Window(0, 99, 0, 32)]
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
    assert "8 units of each larger layer" in words and "Dashed edges stand for all layers" in words
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
    before_norms = [n for n in graph.neurons if graph.columns[n.column].symbol in ("z₁", "z₂")]
    assert all(n.rest for n in before_norms) and graph.samples == 8
    assert "couples samples" in " ".join(graph.remarks)
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
    dropped = [i for i, n in enumerate(graph.neurons) if n.output == 0.0]
    assert dropped
    for i in dropped:
        assert {graph.edges[e].mask for e in graph.outgoing[i]} == {0.0}
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
    assert graph.neurons[graph.places[1, 1]].name == "z₁[0,0,1]"


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


NAMED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "plain": (
        {"network.layers": (LayerRow(units=3), LayerRow(units=2))},
        {"∂z₂[1]/∂z₁[2] = W₂[2, 1] · φ′(z₁[2])", "∂a₂[1]/∂b₂[1] = φ′(z₂[1])", "∂L/∂W₂[2, 1] = δ₂[1] · a₁[2]"},
    ),
    "input": ({"network.layers": (LayerRow(units=2),)}, {"∂a₁[1]/∂x[0] = φ′(z₁[1]) · W₁[0, 1]"}),
    "output": ({"network.layers": (LayerRow(units=2),)}, {"∂z₂[0]/∂a₁[1] = W₂[1, 0]", "∂z₂[0]/∂b₂[0]"}),
    "dropout": (
        {"network.layers": (LayerRow(units=3, dropout=0.5), LayerRow(units=2))},
        {"∂z₂[1]/∂z₁[2] = W₂[2, 1] · m₁[2] · φ′(z₁[2])", "∂a₂[1]/∂W₂[2, 1] = φ′(z₂[1]) · d₁[2]"},
    ),
    "beside": (
        {"network.layers": (LayerRow(units=3), LayerRow(units=2, skip_from=1, join="concat"))},
        {"∂z₃[0]/∂c₂[4] = W₃[4, 0]", "∂L/∂W₃[4, 0] = δ₃[0] · c₂[4]"},
    ),
    "projected": (
        {"network.layers": (LayerRow(units=3), LayerRow(units=4), LayerRow(units=2, skip_from=1))},
        {"∂r₃[1]/∂z₁[2] = V₃[2, 1] · φ′(z₁[2])", "∂L/∂V₃[2, 1] = ∂L/∂r₃[1] · a₁[2]"},
    ),
    "kernel": (
        {
            "data.name": "digits",
            "network.layers": (
                LayerRow(kind="conv", units=2, stride=3),
                LayerRow(kind="conv", units=2, kernel=2, padding=1),
                LayerRow(kind="global-average"),
            ),
        },
        {
            "∂z₂[0,1,1]/∂z₁[0,0,1] = W₂[1,0,1; 1] · φ′(z₁[0,0,1])",
            "∂L/∂W₂[1,0,1; 1] = δ₂[0,1,1] · a₁[0,0,1]",
        },
    ),
}


@pytest.mark.parametrize("case", sorted(NAMED))
def test_formulas_have_the_names_of_the_other_views(case: str, specimen_with: Make) -> None:
    """Entries count from 0; what a weight multiplies is named by its place there, also in what is put together."""
    changes, expected = NAMED[case]
    graph = neuron_graph(specimen_with({"network.activation": "tanh"} | changes), 0, Window(0, 99, 0, 32))
    for edge in graph.edges:
        factors = [number for number in (edge.weight, edge.mask, edge.slope) if not np.isnan(number)]
        assert np.isnan(edge.weight) or edge.derivative == pytest.approx(np.prod(factors), rel=1e-12, abs=1e-15)
    lines = [line for e in range(len(graph.edges)) for line in explain_edge(graph, e).lines]
    assert expected <= {" = ".join(filter(None, (line.of, line.symbols))) for line in lines}


def test_of_images_those_units_are_shown_between_which_something_flows(specimen_with: Make) -> None:
    """The first units of an image read nothing of the first pixels but zeros; from the end back there are ways."""
    graph = neuron_graph(specimen_with(CASES["images"]), 0)
    first = [i for i, neuron in enumerate(graph.neurons) if neuron.column == 0]
    sums, *_ = path_sums(graph)
    assert len(graph.columns[0].shown) == 8 and graph.window.unit == LARGEST
    assert sum(bool(sums[i]) for i in first) >= 4
    assert "most of the gradient" in " ".join(graph.remarks)


def test_of_a_wide_layer_the_units_with_most_of_the_gradient_are_shown(specimen_with: Make) -> None:
    graph = neuron_graph(specimen_with({"network.depth": 1, "network.width": 20}), 0, Window(units=3))
    network = specimen_with({"network.depth": 1, "network.width": 20}).network([0])
    sizes = np.abs(network.layers[0].linear.grad[0])
    assert graph.columns[1].shown == tuple(sorted(np.argsort(-sizes)[:3].tolist()))
