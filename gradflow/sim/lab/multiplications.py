"""How many multiplications a gradient costs: path by path, by naive recursion, and with backprop's reuse.

Path by path, a product of n factors costs n − 1. The naive recursion asks every consumer for its gradient anew:
g(v) = Σ ∂t/∂v · g(t), and g of the end costs nothing. Backprop asks the same, but every neuron only once: one
multiplication for each edge that does not enter the end. The first two are counted by running them while that is quick,
otherwise by the formulas that the tests compare with the runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradflow.sim.lab.neuron_graph import NeuronGraph

QUICK = 5_000
"""Up to so many multiplications are really carried out."""


@dataclass(frozen=True)
class Costs:
    """Multiplications for one neuron, or for all; `counted` says whether all three were really carried out."""

    enumeration: int
    recursion: int
    backprop: int
    counted: bool = False


def costs(graph: NeuronGraph, starts: Iterable[int] | None = None) -> Costs:
    """Return what the gradients of some neurons cost, or those of all."""
    chosen = list(range(graph.terminal) if starts is None else starts)
    formula = by_formula(graph, chosen)
    if formula.enumeration + formula.recursion > QUICK:
        return formula
    return Costs(
        enumeration=sum(enumerated(graph, start)[1] for start in chosen),
        recursion=sum(recursed(graph, start)[1] for start in chosen),
        backprop=reused(graph, chosen)[1],
        counted=True,
    )


def by_formula(graph: NeuronGraph, starts: Iterable[int]) -> Costs:
    """Count without multiplying: per neuron, from the end back, paths, their lengths and calls add up over edges."""
    chosen = list(starts)
    paths, lengths, calls = graph.counts
    edges = sum(graph.edges[e].target != graph.terminal for i in reachable(graph, chosen) for e in graph.ways[i])
    return Costs(sum(lengths[i] - paths[i] for i in chosen), sum(calls[i] for i in chosen), edges)


def reachable(graph: NeuronGraph, starts: Iterable[int]) -> set[int]:
    """Return the neurons that paths from these lead through, themselves included."""
    found: set[int] = set()
    stack = list(starts)
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(graph.edges[e].target for e in graph.ways[i])
    return found


def enumerated(graph: NeuronGraph, start: int) -> tuple[float, int]:
    """Return the gradient of the end by a neuron as a sum over all paths, and the multiplications that it took."""
    total, count = 0.0, 0
    stack: list[tuple[int, tuple[float, ...]]] = [(start, ())]
    while stack:
        at, factors = stack.pop()
        if at == graph.terminal:
            product = factors[-1] if factors else 1.0
            for derivative in factors[-2::-1]:
                product *= derivative
                count += 1
            total += product
        stack.extend((graph.edges[e].target, (*factors, graph.edges[e].derivative)) for e in graph.ways[at])
    return total, count


def recursed(graph: NeuronGraph, start: int) -> tuple[float, int]:
    """Return the same by asking every consumer anew, and the multiplications that it took."""
    if start == graph.terminal:
        return 1.0, 0
    total, count = 0.0, 0
    for e in graph.ways[start]:
        edge = graph.edges[e]
        if edge.target == graph.terminal:
            total += edge.derivative
            continue
        gradient, inside = recursed(graph, edge.target)
        total += edge.derivative * gradient
        count += inside + 1
    return total, count


def reused(graph: NeuronGraph, starts: Iterable[int]) -> tuple[dict[int, float], int]:
    """Return the gradients of all neurons on the way as backprop finds them, each once, and the multiplications."""
    on_the_way = reachable(graph, starts)
    gradients, count = {graph.terminal: 1.0}, 0
    for i in sorted(on_the_way - {graph.terminal}, reverse=True):
        gradients[i] = 0.0
        for e in graph.ways[i]:
            edge = graph.edges[e]
            if edge.target == graph.terminal:
                gradients[i] += edge.derivative
            else:
                gradients[i] += edge.derivative * gradients[edge.target]
                count += 1
    return gradients, count
