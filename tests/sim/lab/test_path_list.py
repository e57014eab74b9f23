"""Paths: the largest first without listing all, counted exactly, and what three ways to a gradient cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.sim.lab.agreement import agree, difference_words
from gradflow.sim.lab.multiplications import by_formula, costs, enumerated, reachable, recursed, reused
from gradflow.sim.lab.neuron_graph import LOSS, Column, Edge, Neuron, NeuronGraph, Window
from gradflow.sim.lab.neurons import neuron_graph
from gradflow.sim.lab.orders import ORDERS, right, walk
from gradflow.sim.lab.path_list import best_paths, list_paths
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.walk_words import order_rows, step_words, verdict, walk_table
from gradflow.sim.lab.whole_counts import whole_counts
from gradflow.sim.layer_rows import LayerRow

Make = Callable[[dict[str, Any]], Specimen]


IMAGES = (LayerRow(kind="conv", units=2, padding=1), LayerRow(kind="global-average"), LayerRow(units=4))


def graph_of(sizes: list[int], edges: list[tuple[int, int, float]]) -> NeuronGraph:
    """Return a graph of columns of these sizes, in which neurons are numbered column by column."""
    columns = [Column("dense", c, (size,), range(size), f"z{c}") for c, size in enumerate(sizes)]
    neurons = [
        Neuron(c, unit, f"n{c}.{unit}", 0.0, math.nan, 0.0) for c, size in enumerate(sizes) for unit in range(size)
    ]
    made = [Edge(*edge) for edge in edges]
    return NeuronGraph(columns, neurons, made, Window(), 0, 1, LOSS, columns, 0, ["L"])


@st.composite
def graphs(draw: st.DrawFn) -> NeuronGraph:
    """Draw a graph with skips, zeros and equal numbers, in which every neuron leads somewhere or nowhere."""
    sizes = [*draw(st.lists(st.integers(1, 3), min_size=1, max_size=4)), 1]
    starts = np.cumsum([0, *sizes]).tolist()
    edges = []
    for source_column in range(len(sizes) - 1):
        for source in range(starts[source_column], starts[source_column + 1]):
            for target in range(starts[source_column + 1], starts[-1]):
                if draw(st.booleans()):
                    edges.append((source, target, draw(st.sampled_from([0.0, 0.5, -0.5, 2.0, -0.1, 3.0, 1e-200]))))
    return graph_of(sizes, edges)


@given(graphs())
def test_the_best_paths_are_those_that_a_complete_list_would_have(graph: NeuronGraph) -> None:
    found = list(best_paths(graph, 0))
    assert len(found) == graph.counts[0][0] == len({path.edges for path in found})
    sizes = [abs(path.product) for path in found]
    assert all(a >= b * (1 - 1e-12) or not a for a, b in pairwise(sizes))
    total, _ = enumerated(graph, 0)
    assert math.fsum(path.product for path in found) == pytest.approx(total, abs=1e-9)


@given(graphs())
def test_the_formulas_count_what_the_algorithms_do(graph: NeuronGraph) -> None:
    for start in range(graph.terminal):
        (one, paths), (two, calls), (three, edges) = (
            enumerated(graph, start),
            recursed(graph, start),
            reused(graph, [start]),
        )
        assert one == pytest.approx(two, abs=1e-9) and two == pytest.approx(three[start], abs=1e-9)
        formula = by_formula(graph, [start])
        assert (formula.enumeration, formula.recursion, formula.backprop) == (paths, calls, edges)
    everything = costs(graph)
    formula = by_formula(graph, range(graph.terminal))
    assert everything.counted
    assert (everything.enumeration, everything.recursion, everything.backprop) == (
        formula.enumeration,
        formula.recursion,
        formula.backprop,
    )


def test_a_difference_is_told_by_its_share_and_round_off_by_what_was_added_up() -> None:
    assert difference_words(0.5, 0.5) == "the same"
    assert difference_words(1.6e14 + 0.03125, 1.6e14) == "off by 1.95·10⁻¹⁶ of it: round-off"
    assert difference_words(0.6, 0.5) == "off by 0.2 of it"
    # Where large terms cancel, what is left is round-off to a larger share.
    assert difference_words(1.1e-15, 1e-15) == "off by 0.1 of it" and not agree(1.1e-15, 1e-15)
    assert difference_words(1.1e-15, 1e-15, size=3.0) == "off by 0.1 of it: round-off"
    assert difference_words(2e-17, 0.0, size=1.0) == "off by 2.00·10⁻¹⁷: round-off"
    assert difference_words(math.inf, 1.0) == difference_words(math.nan, 1.0) == "not comparable"


@given(graphs())
def test_edges_as_arrays_say_the_same_as_one_by_one(graph: NeuronGraph) -> None:
    arrays = graph.arrays
    for start in range(graph.terminal):
        assert set(np.flatnonzero(arrays.reached(start, graph.terminal))) == reachable(graph, [start])
    for e in range(len(graph.edges)):
        alike = (arrays.column[arrays.sources] == arrays.column[arrays.sources[e]]) & (
            arrays.column[arrays.targets] == arrays.column[arrays.targets[e]]
        )
        larger = int((arrays.sizes[alike] > arrays.sizes[e]).sum())
        assert larger <= arrays.ranks[e] < larger + int((arrays.sizes[alike] == arrays.sizes[e]).sum())


@pytest.mark.parametrize("target", [LOSS, 1])
@pytest.mark.parametrize("norm", ["none", "layer-norm"])
def test_the_counts_of_the_whole_network_are_those_of_a_window_that_shows_it(
    norm: str, target: int, specimen_with: Make
) -> None:
    changes = {"data.name": "iris", "network.depth": 4, "network.width": 5, "network.skip_every": 2}
    specimen = specimen_with(changes | {"network.norm": norm})
    graph = neuron_graph(specimen, 0, Window(0, 99, 0, 32), target)
    whole, formula = whole_counts(specimen.network([0]), target), by_formula(graph, range(graph.terminal))
    assert (whole.costs.enumeration, whole.costs.recursion, whole.costs.backprop) == (
        formula.enumeration,
        formula.recursion,
        formula.backprop,
    )
    counts = graph.counts[0]
    for i in range(graph.terminal):
        column, unit = graph.key(i)
        assert whole.paths[column][unit] == counts[i]


def test_in_images_too_every_window_is_counted(specimen_with: Make) -> None:
    specimen = specimen_with({"data.name": "digits", "network.layers": IMAGES})
    counts = whole_counts(specimen.network([0]))
    # A corner is read by 4 windows, an inner place by 9; of 2 channels; then 4 units, 10 outputs, one loss.
    assert counts.paths[0][0] == 4 * 2 * 4 * 10 and counts.paths[0][9] == 9 * 2 * 4 * 10


def test_astronomically_many_paths_are_counted_to_the_last_digit(specimen_with: Make) -> None:
    specimen = specimen_with({"network.depth": 100, "network.width": 16})
    counts = whole_counts(specimen.network([0]))
    assert counts.paths[0][0] == 16**100
    assert counts.costs.backprop == 2 * 16 + 99 * 16 * 16 + 16
    hidden = sum(16 * 16 ** (100 - layer) * (101 - layer) for layer in range(1, 101))
    assert counts.costs.enumeration == 2 * 16**100 * 101 + hidden


def test_equal_weights_and_dead_units_do_not_make_the_list_slow() -> None:
    """Sixty of 8¹⁰ equal paths: a search that begins them all would never end."""
    for number in (0.5, 0.0, math.inf, math.nan):
        sizes = [8] * 11 + [1]
        starts = np.cumsum([0, *sizes]).tolist()
        edges = [
            (source, target, number)
            for c in range(11)
            for source in range(starts[c], starts[c + 1])
            for target in range(starts[c + 1], starts[c + 2])
        ]
        graph = graph_of(sizes, edges)
        assert len(list(islice(best_paths(graph, 0), 60))) == 60
        assert list_paths(graph, 0).count == 8**10


# Orders.


def test_without_skips_the_nearest_first_is_right_and_with_skips_it_is_not(specimen_with: Make) -> None:
    plain = neuron_graph(specimen_with({"network.depth": 3, "network.width": 4}), 0)
    skips = neuron_graph(specimen_with({"network.depth": 5, "network.width": 4, "network.skip_every": 2}), 0)
    nearest = ORDERS["nearest"][1]
    assert not walk(plain, nearest(plain, 0)).wrong.any()
    assert walk(skips, nearest(skips, 0)).wrong.any()


@given(graphs(), st.integers(0, 50))
def test_an_order_is_right_exactly_if_all_readers_come_before(graph: NeuronGraph, seed: int) -> None:
    for _, order in ORDERS.values():
        visited = order(graph, seed)
        assert sorted(visited) == list(range(len(graph.neurons)))
        found = walk(graph, visited)
        place = {i: p for p, i in enumerate(visited)}
        topological = all(place[edge.target] < place[edge.source] for edge in graph.edges)
        if topological:
            assert not found.wrong.any() and not found.too_early.any()
        if found.wrong.any():
            assert found.too_early.any() and not topological
        assert found.multiplications[-1] == sum(edge.target != graph.terminal for edge in graph.edges)
        np.testing.assert_allclose(found.wanted, walk(graph, right(graph)).final)


def test_a_wrong_order_that_does_no_harm_is_not_called_right() -> None:
    """Where nothing comes in late because it is 0, the order is still none that backprop may take."""
    graph = graph_of([1, 1, 1], [(0, 1, 2.0), (0, 2, 0.5), (1, 2, 0.0)])
    lucky, good = walk(graph, [2, 0, 1]), walk(graph, right(graph))
    assert not lucky.wrong.any() and not lucky.topological(graph) and good.topological(graph)
    assert "what came in later was 0" in verdict(graph, lucky)
    assert "after all neurons that read it" in verdict(graph, good)


def test_forwards_nothing_arrives_and_the_words_say_what_is_lost(specimen_with: Make) -> None:
    graph = neuron_graph(specimen_with({"network.depth": 2, "network.width": 3}), 0)
    found = walk(graph, ORDERS["forwards"][1](graph, 0))
    first = [i for i, n in enumerate(graph.neurons) if n.column == 0]
    assert [found.final[i] for i in first] == [0.0, 0.0] and [found.missing(i) for i in first] == [1.0, 1.0]
    outputs = next(i for i, n in enumerate(graph.neurons) if n.column == 3)
    words = " ".join(step_words(graph, found, found.visited_at[outputs] + 1))
    assert "Too early: z₃[0] hands on 0" in words and "lost" in words
    assert "gradients are wrong" in verdict(graph, found)
    table = walk_table(graph, found, found.steps)
    assert table.values[0, 0] == graph.neurons[0].gradient or table.values[0, 0] == pytest.approx(
        graph.neurons[0].gradient
    )
    rows = order_rows(graph, found, walk(graph, right(graph)))
    assert rows[0].here == "x[0]" and rows[0].right == "L" and rows[0].missing == 1.0


def test_layer_by_layer_the_same_numbers_arrive_in_fewer_steps(specimen_with: Make) -> None:
    graph = neuron_graph(specimen_with({"network.depth": 3, "network.width": 4}), 0)
    one, layers = walk(graph, right(graph)), walk(graph, right(graph), by_layer=True)
    assert layers.steps == len(graph.columns) < one.steps
    np.testing.assert_allclose(one.final, layers.final, rtol=1e-12)
    complete = [sum(layers.complete(graph, step)) for step in range(layers.steps + 1)]
    assert complete == sorted(complete) and complete[0] == 1 and complete[-1] == len(graph.neurons)
