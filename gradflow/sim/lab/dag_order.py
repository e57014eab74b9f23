"""In which column each node of a graph stands, and in which order within it, so that few edges cross."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

SWEEPS = 8
"""How often the columns are put in order by their neighbours on one side."""

MOST_WORK = 60_000
"""Of a graph with more to look at in all sweeps fewer sweeps are made, so that it is drawn in time."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """A graph whose edges lead from each column to the next, with lanes where they would jump over columns.

    Elements below `nodes` are the nodes, those from there on lanes. `ranks` is each element's column, `before` and
    `after` its neighbours in the columns beside it; `first_lane` is, for a node, its first lane.
    """

    nodes: int
    ranks: list[int]
    before: list[list[int]]
    after: list[list[int]]
    first_lane: list[int]

    def lane(self, source: int, column: int) -> int:
        """Return what of a node is in a column: the node itself, or its lane."""
        along = column - self.ranks[source]
        return source if along <= 0 else self.first_lane[source] + along - 1


def rank(nodes: int, edges: Sequence[tuple[int, int]]) -> Ranked:
    """Put every node right of all its inputs, and what needs no lanes for it right before its first reader."""
    ranks = [0] * nodes
    inputs: list[list[int]] = [[] for _ in range(nodes)]
    readers: list[list[int]] = [[] for _ in range(nodes)]
    for source, target in edges:
        inputs[target].append(source)
        readers[source].append(target)
    for i in range(nodes):
        ranks[i] = max((ranks[j] + 1 for j in inputs[i]), default=0)
    for i in reversed(range(nodes)):
        # What is made of nothing, or of one value that others read too, needs no lane if it stands before its reader.
        near = not inputs[i] or (len(set(inputs[i])) == 1 and len(set(readers[inputs[i][0]])) > 1)
        if near and readers[i]:
            ranks[i] = min(ranks[j] for j in readers[i]) - 1
    before: list[list[int]] = [[] for _ in range(nodes)]
    after: list[list[int]] = [[] for _ in range(nodes)]
    first_lane = [-1] * nodes
    for i in range(nodes):
        here = ranks[i]
        last = max((ranks[j] for j in readers[i]), default=here)
        first_lane[i] = len(ranks)
        for column in range(here + 1, last):
            before.append([i if column == here + 1 else len(ranks) - 1])
            after.append([])
            after[before[-1][0]].append(len(ranks))
            ranks.append(column)
        for j in dict.fromkeys(readers[i]):
            along = ranks[j] - here - 1
            passing = i if along == 0 else first_lane[i] + along - 1
            after[passing].append(j)
            before[j].append(passing)
    return Ranked(nodes, ranks, before, after, first_lane)


def ordered(graph: Ranked) -> list[list[int]]:
    """Return the elements of each column from top to bottom, with few crossings."""
    columns = _first_order(graph)
    places = [0] * len(graph.ranks)
    _note(columns, places)
    best, least = columns, _crossings(graph, columns, places)
    work = len(graph.ranks) + sum(map(len, graph.after))
    for turn in range(min(SWEEPS, max(1, MOST_WORK // work))):
        if least == 0:
            break
        columns = [list(column) for column in columns]
        rightwards = turn % 2 == 1
        near = graph.before if rightwards else graph.after
        for c in range(len(columns)) if rightwards else reversed(range(len(columns))):
            # What is wanted at the same place changes sides now and then: no sweep would part it otherwise.
            side = -1 if turn // 2 % 2 else 1
            keys = {
                i: (sum(places[j] for j in near[i]) / len(near[i]) if near[i] else places[i], side * places[i])
                for i in columns[c]
            }
            columns[c].sort(key=keys.__getitem__)
            for place, i in enumerate(columns[c]):
                places[i] = place
        crossings = _crossings(graph, columns, places)
        if crossings < least:
            best, least = columns, crossings
    return best


def _first_order(graph: Ranked) -> list[list[int]]:
    """Walk from the last nodes back along their inputs, in the order they are read: for a tree nothing crosses."""
    columns: list[list[int]] = [[] for _ in range(max(graph.ranks) + 1)]
    seen = [False] * len(graph.ranks)
    waiting = [i for i in range(graph.nodes) if not graph.after[i]][::-1]
    while waiting:
        i = waiting.pop()
        if seen[i]:
            continue
        seen[i] = True
        columns[graph.ranks[i]].append(i)
        waiting += graph.before[i][::-1]
    return columns


def _note(columns: Sequence[Sequence[int]], places: list[int]) -> None:
    for column in columns:
        for place, i in enumerate(column):
            places[i] = place


def _crossings(graph: Ranked, columns: Sequence[Sequence[int]], places: Sequence[int]) -> int:
    """Count the pairs of edges that cross between neighbouring columns."""
    count = 0
    for column in columns:
        seen: list[int] = []
        for i in column:
            ends = sorted(places[j] for j in graph.after[i])
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count
