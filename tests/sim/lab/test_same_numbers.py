"""One walk through random networks: the number on an edge, in a table, in a path and from the engine is the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Dense, Dropout
from gradflow.sim.lab.dissection import Dissection
from gradflow.sim.lab.neuron_graph import LOSS, NeuronGraph, Window
from gradflow.sim.lab.neuron_words import explain_bias, explain_edge, explain_neuron
from gradflow.sim.lab.orders import ORDERS
from gradflow.sim.lab.path_list import best_paths
from gradflow.sim.lab.path_tables import edge_table, neuron_table, path_table
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.layer_rows import LayerRow

Make = Callable[[dict[str, Any]], Specimen]

EVERYTHING = Window(0, 99, 0, 32)
KINDS: dict[str, dict[str, Any]] = {
    "dense": {},
    "residual": {"network.skip_every": 2, "network.residual": "post-activation"},
    "pre-activated": {"network.skip_every": 2, "network.norm": "rms-norm", "network.branch_scale": 0.5},
    "layer norm": {"network.norm": "layer-norm"},
    "dropout": {"network.dropout": 0.4, "network.skip_every": 2},
    "projected": {"network.layers": (LayerRow(units=3), LayerRow(units=4), LayerRow(units=2, skip_from=1))},
    "concatenated": {"network.layers": (LayerRow(units=3), LayerRow(units=2, skip_from=1, join="concat"))},
}
ACTIVATIONS = ("tanh", "relu", "gelu", "prelu", "sigmoid")


def by_hand(network: Network) -> dict[tuple[int, int, int], float]:
    """Return ∂z_i/∂z_k = w·mask·φ′(z_k) of every dense layer that reads a φ of another, by layer, k and i."""
    found = {}
    layer_of = {layer.linear: layer.number for layer in network.layers}
    for layer in network.layers:
        node, derivative = layer.linear.inputs[0], layer.linear.W.copy()
        while isinstance(node, Activate | Dropout):
            if isinstance(node, Dropout):
                derivative *= node.mask[0][:, None]
            else:
                slope = np.empty_like(node.value)
                node.write_slope(slope)
                derivative *= slope[0][:, None]
            node = node.inputs[0]
        if node in layer_of and isinstance(node, Dense):
            for (k, i), number in np.ndenumerate(derivative):
                found[layer.number, k, i] = float(number)
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_edges_tables_paths_and_the_engine_have_the_same_numbers(kind: str, seed: int, specimen_with: Make) -> None:
    """Everything that the view of paths can show is followed from the engine's own arrays to the last table."""
    changes = KINDS[kind] | {"seed": seed, "network.activation": ACTIVATIONS[(seed + len(kind)) % len(ACTIVATIONS)]}
    small = {"network.depth": 3, "network.width": 4}
    specimen = specimen_with(small | changes)
    found = Dissection(specimen, seed, EVERYTHING, LOSS)
    graph, network = found.graph, specimen.network([seed])
    assert graph.whole and not graph.remarks
    the_engine_and_the_graph(graph, network)
    the_tables_and_the_formulas(graph)
    for start in range(graph.terminal):
        the_paths(found, start)
    for order in ORDERS:
        the_walk(found, order)


def the_engine_and_the_graph(graph: NeuronGraph, network: Network) -> None:
    """Values, gradients, weights and derivatives are the engine's floats, bit for bit."""
    inputs = [n for n in graph.neurons if graph.columns[n.column].kind == "input"]
    assert [n.value for n in inputs] == network.input.value[0].tolist()
    assert [n.gradient for n in inputs] == network.input.grad[0].tolist()
    assert graph.neurons[-1].value == network.loss.loss
    for layer in network.layers:
        own = [
            n
            for n in graph.neurons
            if graph.columns[n.column].layer == layer.number
            and graph.columns[n.column].kind == "dense"
            and not graph.columns[n.column].projection
        ]
        assert [n.value for n in own] == layer.linear.value[0].tolist()
        assert [n.bias_grad for n in own] == layer.linear.b_grad.tolist()
        assert [n.gradient for n in own] == layer.linear.b_grad.tolist(), "of one sample ∂L/∂b is δ"
        for n in own:
            edges = [graph.edges[e] for e in graph.incoming[graph.neurons.index(n)]]
            assert sorted(e.weight_grad for e in edges) == sorted(layer.linear.W_grad[:, n.unit].tolist())
            assert sorted(e.weight for e in edges) == sorted(layer.linear.W[:, n.unit].tolist())
    expected = by_hand(network)
    seen = 0
    for edge in graph.edges:
        source, target = graph.neurons[edge.source], graph.neurons[edge.target]
        column = graph.columns[target.column]
        key = (column.layer, source.unit, target.unit)
        plain = not column.projection and graph.columns[source.column].kind == "dense" and column.kind == "dense"
        if plain and key in expected:
            assert edge.derivative == expected[key]
            seen += 1
    assert seen == len(expected)


def the_tables_and_the_formulas(graph: NeuronGraph) -> None:
    """Tables hold the floats of the graph, and formulas come to them."""
    assert edge_table(graph).values[:, 0].tolist() == [edge.derivative for edge in graph.edges]
    assert neuron_table(graph).values[:, 2].tolist() == [neuron.gradient for neuron in graph.neurons]
    for e, edge in enumerate(graph.edges):
        lines = explain_edge(graph, e).lines
        source, target = graph.neurons[edge.source], graph.neurons[edge.target]
        by_name = {line.of: line.value for line in lines}
        assert lines[0].value == by_name[f"∂{target.name}/∂{source.name}"] == edge.derivative
        if not math.isnan(edge.weight):
            assert lines[-1].value == lines[-1].backprop == edge.weight_grad, "∂L/∂W = δ·a, to the last bit"
            column = graph.columns[target.column]
            bent = target.name if math.isnan(target.slope) else f"{column.activated}[{target.unit}]"
            slope = 1.0 if math.isnan(target.slope) else target.slope
            factors = [number for number in (edge.weight, edge.mask, edge.slope) if not math.isnan(number)]
            assert edge.derivative == pytest.approx(math.prod(factors), rel=1e-14, abs=0.0), "what is put in is all"
            assert by_name[f"∂{bent}/∂{column.read}[{edge.row}]"] == slope * edge.weight
            assert by_name[f"∂{bent}/∂{column.weights}[{edge.row}, {target.unit}]"] == slope * edge.read
    for i, neuron in enumerate(graph.neurons):
        line = explain_neuron(graph, i).lines[0]
        assert line.value == pytest.approx(neuron.gradient, rel=1e-9, abs=1e-14)
        if not math.isnan(neuron.bias):
            assert explain_bias(graph, i).lines[-1].value == neuron.bias_grad


def the_paths(found: Dissection, start: int) -> None:
    """Every factor is an edge's float, every product that of its factors, and all of them add up to the gradient."""
    graph, listed = found.graph, found.paths(start)
    paths = list(best_paths(graph, start)) if listed.count < 3000 else list(listed.paths)
    for path in paths:
        assert path.factors == tuple(graph.edges[e].derivative for e in path.edges)
        assert path.neurons[0] == start and path.neurons[-1] == graph.terminal
        assert path.product == pytest.approx(math.prod(path.factors), rel=1e-12, abs=0.0)
    sizes = [abs(path.product) for path in paths]
    assert all(a >= b * (1 - 1e-12) for a, b in pairwise(sizes))
    gradient = graph.neurons[start].gradient
    scale = max(sum(sizes), 1e-300)
    if len(paths) == listed.count:
        assert math.fsum(path.product for path in paths) == pytest.approx(gradient, abs=1e-12 * scale)
    assert abs(listed.difference) <= 1e-11 * max(scale, abs(gradient)) and listed.unshown == 0.0
    table = path_table(graph, listed)
    assert table.values[-1, -1] == gradient and table.values[-2, -1] == listed.total
    assert table.values[: len(listed.paths), -1].tolist() == [path.product for path in listed.paths]


def the_walk(found: Dissection, order: str) -> None:
    """In the right order the walk ends with the engine's gradients; in any order, what is called right is right."""
    walk = found.walk(order, by_layer=False, seed=1)
    engine = np.array([neuron.gradient for neuron in found.graph.neurons])
    np.testing.assert_allclose(walk.wanted, engine, rtol=1e-8, atol=1e-13)
    assert order != "right" or not (walk.wrong.any() or walk.too_early.any())
    good = ~walk.wrong
    np.testing.assert_allclose(walk.final[good], engine[good], rtol=1e-8, atol=1e-13)
