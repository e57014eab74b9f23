"""Graphs are laid out without overlaps, from left to right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.sim.lab.dag_layout import Placement, lay_out, nearest_in_order
from gradflow.sim.lab.dag_order import ordered, rank
from gradflow.sim.lab.label_places import Occupied, overlap, place

Edges = list[tuple[int, int]]


@st.composite
def graphs(draw: st.DrawFn, most: int = 25) -> tuple[list[tuple[float, float]], Edges]:
    """Draw sizes of boxes and edges from earlier to later ones, some of them twice."""
    count = draw(st.integers(1, most))
    sizes = draw(st.lists(st.tuples(st.integers(30, 200), st.integers(20, 120)), min_size=count, max_size=count))
    edges = [
        (draw(st.integers(0, target - 1)), target) for target in range(1, count) for _ in range(draw(st.integers(0, 3)))
    ]
    return [(float(w), float(h)) for w, h in sizes], edges


def boxes(placed: Placement) -> list[tuple[float, float, float, float]]:
    """Return the boxes as left, top, right, bottom."""
    return [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, placed.sizes, strict=True)]


@given(graphs())
def test_no_box_lies_on_another_and_all_lie_inside(graph):
    sizes, edges = graph
    placed = lay_out(sizes, edges)
    found = boxes(placed)
    for i, one in enumerate(found):
        assert not any(overlap(one, other) for other in found[i + 1 :])
        assert one[0] >= -1e-6 and one[2] <= placed.width + 1e-6
        assert one[1] >= -1e-6 and one[3] <= placed.height + 1e-6


@given(graphs())
def test_edges_lead_from_left_to_right_and_pass_no_box(graph):
    """What is level lies in a column, where boxes are; what is bent lies between columns."""
    sizes, edges = graph
    placed = lay_out(sizes, edges)
    found = boxes(placed)
    for number, (source, target) in enumerate(edges):
        route = placed.routes.whole(number)
        assert (np.diff(route[:, 0]) >= -1e-9).all()
        assert route[0, 0] == pytest.approx(found[source][2])
        assert route[-1, 0] == pytest.approx(found[target][0])
        assert found[source][1] < route[0, 1] < found[source][3]
        assert found[target][1] < route[-1, 1] < found[target][3]
        for start, end in zip(route[::2], route[1::2], strict=True):
            assert start[1] == end[1]
            line = (start[0] + 1e-6, start[1] - 1e-6, end[0] - 1e-6, end[1] + 1e-6)
            assert not any(overlap(line, box) for box in found if line[2] > line[0])
        for box in found:
            for (left, _), (right, _) in zip(route[1::2], route[2::2], strict=False):
                assert box[2] <= left + 1e-6 or box[0] >= right - 1e-6


def test_a_node_stands_right_of_its_inputs_and_a_leaf_right_before_its_first_reader():
    graph = rank(6, [(0, 2), (1, 2), (2, 4), (3, 4), (0, 5), (4, 5)])
    assert graph.ranks[:6] == [0, 0, 1, 1, 2, 3]
    late = rank(4, [(0, 1), (0, 2), (2, 3), (1, 3), (0, 3)])
    assert late.ranks[:4] == [0, 1, 1, 2]
    assert [graph.ranks[graph.lane(0, column)] for column in (0, 1, 2)] == [0, 1, 2]


def test_crossings_that_need_not_be_are_taken_away():
    """Two pairs whose members are listed crosswise, and a longer value around them."""
    edges = [(0, 5), (1, 4), (2, 5), (3, 4), (4, 6), (5, 6), (0, 6)]
    columns = ordered(rank(7, edges))
    places = {i: place for column in columns for place, i in enumerate(column)}
    assert abs(places[0] - places[2]) == 1
    assert abs(places[1] - places[3]) == 1


def test_the_nearest_heights_in_order_are_those_of_least_squares():
    assert nearest_in_order([1.0, 3.0, 2.0, 4.0], [1.0] * 4) == [1.0, 2.5, 2.5, 4.0]
    assert nearest_in_order([3.0, 0.0], [1.0, 2.0]) == [1.0, 1.0]
    assert nearest_in_order([0.0, 1.0], [1.0, 1.0]) == [0.0, 1.0]


def test_a_chain_is_level_and_its_reused_input_passes_straight_beside_it():
    edges = [(i - 1, i) for i in range(1, 40)] + [(0, i) for i in range(2, 40)]
    placed = lay_out([(80.0, 48.0)] * 40, edges)
    assert placed.height < 140.0


def test_no_graph_is_too_small():
    assert lay_out([], []).width == 0.0
    alone = lay_out([(80.0, 48.0)], [])
    assert (alone.width, alone.height) == (80.0, 48.0)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200), st.integers(5, 90)), min_size=1, max_size=4),
        max_size=30,
    )
)
def test_labels_that_find_a_place_lie_on_nothing_and_inside(wishes):
    options = [[(float(x), float(y), float(x + w), float(y + 15)) for x, y, w in wish] for wish in wishes]
    taken = [(50.0, 50.0, 120.0, 90.0), (200.0, 20.0, 260.0, 180.0)]
    inside = (0.0, 0.0, 300.0, 200.0)
    found = [where[1] for where in place(options, taken, inside) if where]
    for i, one in enumerate(found):
        assert not any(overlap(one, other) for other in [*found[i + 1 :], *taken])
        assert one[2] <= 300.0
        assert one[3] <= 200.0


def test_a_label_is_left_out_only_if_none_of_its_places_is_free():
    options = [[(0.0, 0.0, 40.0, 15.0)], [(10.0, 5.0, 50.0, 20.0), (60.0, 0.0, 90.0, 15.0)], [(5.0, 5.0, 20.0, 10.0)]]
    found = place(options, [], (0.0, 0.0, 100.0, 100.0))
    assert [where and where[0] for where in found] == [0, 1, None]
    assert Occupied([(0.0, 0.0, 200.0, 200.0)]).free((200.0, 0.0, 210.0, 10.0))
