"""One step of a walk through the neurons, in sentences: what is complete, what is handed on, what is missed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.sim.lab.multiplications import by_formula
from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.numerals import short
from gradflow.sim.lab.orders import Walk
from gradflow.sim.lab.table import Table
from gradflow.sim.words import counted


def step_words(graph: NeuronGraph, walk: Walk, position: int) -> list[str]:
    """Return what happens at a position: 0 is before the first step, `walk.steps` after the last."""
    return list(_begin(graph) if position == 0 else _step(graph, walk, position - 1))


def verdict(graph: NeuronGraph, walk: Walk) -> str:
    """Say how the whole walk ends."""
    wrong = int(walk.wrong.sum())
    cost = f"{counted(int(walk.multiplications[-1]))} multiplications"
    if wrong:
        return (
            f"In the end {wrong} of {len(graph.neurons)} gradients are wrong, with the same {cost}: "
            "some neurons are visited too early, before the last neuron that reads them."
        )
    if walk.topological(graph):
        return (
            f"In the end all gradients are right, with {cost}: every neuron is visited after all neurons that read it."
        )
    return (
        f"In the end all gradients are right, with {cost}, but only by luck: "
        "some neurons are visited too early, but what came in later was 0."
    )


def _begin(graph: NeuronGraph) -> Iterator[str]:
    end = graph.target_name
    yield f"Begin at the end: ∂{end}/∂{end} = 1."
    yield "The gradient of a neuron is complete once all neurons that read it have handed theirs back."


def _step(graph: NeuronGraph, walk: Walk, step: int) -> Iterator[str]:
    group, end = walk.groups[step], graph.target_name
    edges = [e for i in group for e in graph.incoming[i]]
    complete = walk.complete(graph, step)
    early = [i for i in group if walk.too_early[i]]
    if len(group) == 1:
        i = group[0]
        name = graph.neurons[i].name
        yield f"{name}: ∂{end}/∂{name} = {short(float(walk.handed[i]))}" + (
            ", complete." if complete[i] else " so far: not all neurons that read it have been visited."
        )
    else:
        done = sum(complete[i] for i in group)
        yield f"{_names(graph, group)}: {len(group)} gradients, {done} of them complete."
    if edges:
        what = "Each of them, computed once," if len(group) > 1 else "Computed once, it"
        yield f"{what} is handed back over its edges, {len(edges)} in all."
    else:
        yield "It reads nothing in this window, so nothing is handed back."
    for i in early[:3]:
        handed, late = float(walk.handed[i]), float(walk.final[i] - walk.handed[i])
        yield f"Too early: {graph.neurons[i].name} hands on {short(handed)}; {short(late)} comes in later and is lost."
    if len(early) > 3:
        yield f"… and {len(early) - 3} more of this step."
    lacking = [i for i in group if walk.wrong[i] and not walk.too_early[i]]
    if lacking:
        ends = f"{short(float(walk.final[lacking[0]]))} instead of {short(float(walk.wanted[lacking[0]]))}"
        yield f"{graph.neurons[lacking[0]].name} is {ends}: a neuron nearer to {end} was visited too early."
    done, whole = walk.multiplications[step + 1], walk.complete(graph, step + 1)
    words = f"{counted(int(done))} multiplication{'s' * (done != 1)} so far"
    if not walk.too_early.any():
        ready = [i for i in range(graph.terminal) if whole[i]]
        cost = by_formula(graph, ready).enumeration
        words += f"; to multiply along every path the {len(ready)} complete gradients would take {counted(cost)}"
    yield f"{words}."


@dataclass(frozen=True)
class OrderRow:
    """One step beside the same step of the right order: whom each visits, and what goes wrong here.

    `handed` is what a neuron has handed on too early, `wanted` what that should have been; "" where nothing is wrong.
    `missing` is the share of its gradient that the neuron lacks in the end: negative where there is too much, nan where
    nothing is wrong.
    """

    here: str
    right: str
    handed: str
    wanted: str
    missing: float


def order_rows(graph: NeuronGraph, walk: Walk, right: Walk) -> list[OrderRow]:
    """Return the steps of a walk beside those of the right one."""
    rows = []
    for place in range(max(walk.steps, right.steps)):
        group = walk.groups[place] if place < walk.steps else ()
        early = [i for i in group if walk.too_early[i]]
        handed, wanted = (short(float(of[early[0]]), 2) if early else "" for of in (walk.handed, walk.wanted))
        lacking = [walk.missing(i) for i in group if walk.wrong[i]]
        rows.append(
            OrderRow(
                _names(graph, group),
                _names(graph, right.groups[place] if place < right.steps else ()),
                handed,
                wanted,
                max(lacking, key=abs, default=math.nan),
            )
        )
    return rows


def share_told(missing: float) -> str:
    """Return a missing share in words: 27 %; +6 % is too much, and ×52 by which factor where that is far."""
    if math.isnan(missing):
        return ""
    if abs(missing) > 9.995:
        return f"×{short(1.0 - missing, 2)}"
    return f"{'+' if missing < 0.0 else ''}{abs(missing):.0%}".replace("%", " %")


def _names(graph: NeuronGraph, group: Sequence[int]) -> str:
    """Name a neuron, or of several the column, with how many of it they are."""
    if len(group) < 2:
        return graph.neurons[group[0]].name if group else ""
    column = graph.columns[graph.neurons[group[0]].column]
    part = "" if len(group) == len(column.shown) else f" ({len(group)} of {len(column.shown)})"
    return f"{column.symbol}{part}"


def walk_table(graph: NeuronGraph, walk: Walk, position: int) -> Table:
    """Return right and present gradients of all neurons at a position, with the share that is missing in the end."""
    neurons = range(len(graph.neurons))
    missing = [walk.missing(i) if walk.wrong[i] else 0.0 for i in neurons]
    states = walk.complete(graph, position)
    return Table(
        "Backprop in this order",
        [neuron.name for neuron in graph.neurons],
        ["backprop", "so far", "handed on", "at the end", "share missing"],
        np.array(
            [
                [
                    walk.wanted[i],
                    walk.arrived[position, i],
                    walk.handed[i] if walk.visited_at[i] < position else math.nan,
                    walk.final[i],
                    missing[i],
                ]
                for i in neurons
            ]
        ),
        [("complete", ["yes" if state else "no" for state in states])],
    )
