"""Neurons, edges and biases explained: the formulas of the lecture with the numbers of this network put in.

One dense layer f[0,k] = g(Σ_d f_in[0,d]·w[d,k] + b[k]) has ∂f[0,k]/∂f_in[0,d] = g′·w[d,k],
∂f[0,k]/∂w[d,k] = g′·f_in[0,d] and ∂f[0,k]/∂b[k] = g′. With δ_k = ∂L/∂z_k, ∂L/∂w[d,k] = δ_k·f_in[0,d] and
∂L/∂b[k] = δ_k.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gradflow.sim.lab.neuron_graph import Column, Edge, Neuron, NeuronGraph
from gradflow.sim.lab.numerals import factor, short

MOST_TERMS = 8


@dataclass(frozen=True)
class Line:
    """One formula: what it is of, its symbols, its numbers, and what it comes to; nan in `backprop` where none is."""

    of: str
    symbols: str
    numbers: str
    value: float
    backprop: float = math.nan


@dataclass(frozen=True)
class Explanation:
    """A heading, formulas, and a sentence where there is more to say."""

    heading: str
    lines: tuple[Line, ...]
    remark: str = ""


def explain_edge(graph: NeuronGraph, number: int) -> Explanation:
    """Return the formulas of an edge."""
    edge = graph.edges[number]
    source, target = graph.neurons[edge.source], graph.neurons[edge.target]
    heading = f"Edge {source.name} → {target.name}"
    if math.isnan(edge.weight):
        line = Line(f"∂{target.name}/∂{source.name}", "", "", edge.derivative)
        return Explanation(heading, (line,), _remark(graph, edge))
    column = graph.columns[source.column]
    return Explanation(
        f"{heading}   ·   d = {source.unit + 1}, k = {target.unit + 1}",
        (_own_derivative(edge, source, target, column), *_dense_lines(edge, target), *_learning(graph, edge, target)),
        _about_g(graph, target),
    )


def explain_bias(graph: NeuronGraph, number: int) -> Explanation:
    """Return the formulas of a neuron's bias."""
    neuron = graph.neurons[number]
    if math.isnan(neuron.bias):
        return Explanation(f"{neuron.name} has no bias", ())
    loss = graph.target_name
    lines = (
        Line("∂f[0,k]/∂b[k]", "g′(z_k)", "", _g_slope(neuron)),
        Line(f"∂{loss}/∂b[k]", "δ_k", "", neuron.gradient, neuron.bias_grad),
    )
    shared = graph.columns[neuron.column].kind == "conv"
    remark = "A convolution uses one bias at every place: its gradient is a sum over them." if shared else ""
    if graph.samples > 1:
        remark = f"The bias serves all {graph.samples} samples: backprop's number is the sum over them."
    return Explanation(
        f"Bias of {neuron.name} = {short(neuron.bias)}   ·   k = {neuron.unit + 1}",
        lines if not shared else lines[:1],
        remark or _about_g(graph, neuron),
    )


def explain_neuron(graph: NeuronGraph, number: int) -> Explanation:
    """Return a neuron's gradient as the sum over its edges."""
    neuron, loss = graph.neurons[number], graph.target_name
    heading = f"{neuron.name} = {short(neuron.value)}"
    column = graph.columns[neuron.column]
    if not math.isnan(neuron.output):
        heading += f"   →   {' and '.join(_tail(column))} → {short(neuron.output)}"
    if number == graph.terminal:
        return Explanation(heading, (Line(f"∂{loss}/∂{loss}", "", "", 1.0),), "Where all paths end.")
    terms = [(graph.edges[e].derivative, graph.neurons[graph.edges[e].target]) for e in graph.outgoing[number]]
    numbers = " + ".join(f"{factor(d)}·{factor(t.gradient)}" for d, t in terms[:MOST_TERMS])
    if len(terms) > MOST_TERMS:
        numbers += f" + … ({len(terms)} terms)"
    value = sum(d * t.gradient for d, t in terms)
    if neuron.rest:
        numbers = f"{numbers} + {factor(neuron.rest)}" if terms else factor(neuron.rest)
        value += neuron.rest
    symbols = f"Σ_i ∂z_i/∂{neuron.name} · ∂{loss}/∂z_i" + (" + rest" if neuron.rest else "")
    line = Line(f"∂{loss}/∂{neuron.name}", symbols, numbers, value, neuron.gradient)
    return Explanation(heading, (line,), "The rest comes back from outside of the window." if neuron.rest else "")


def _tail(column: Column) -> Iterator[str]:
    if column.function:
        yield column.function
    if column.drops:
        yield "dropout"


def _own_derivative(edge: Edge, source: Neuron, target: Neuron, column: Column) -> Line:
    """Write ∂z_i/∂z_k = w·φ′(z_k), with dropout's mask where there is one."""
    symbols, numbers = ["w[d,k]"], [factor(edge.weight)]
    if not math.isnan(source.mask):
        symbols.append("mask")
        numbers.append(factor(source.mask))
    if not math.isnan(source.slope):
        symbols.append(f"{column.function}′({source.name})")
        numbers.append(factor(source.slope))
    plain = len(symbols) == 1
    return Line(
        f"∂{target.name}/∂{source.name}", " · ".join(symbols), "" if plain else " · ".join(numbers), edge.derivative
    )


def _dense_lines(edge: Edge, target: Neuron) -> Iterator[Line]:
    slope = _g_slope(target)
    g, w, read = factor(slope), factor(edge.weight), factor(edge.read)
    yield Line("∂f[0,k]/∂f_in[0,d]", "g′(z_k) · w[d,k]", f"{g} · {w}", slope * edge.weight)
    yield Line("∂f[0,k]/∂w[d,k]", "g′(z_k) · f_in[0,d]", f"{g} · {read}", slope * edge.read)
    yield Line("∂f[0,k]/∂b[k]", "g′(z_k)", "", slope)


def _learning(graph: NeuronGraph, edge: Edge, target: Neuron) -> Iterator[Line]:
    numbers = f"{factor(target.gradient)} · {factor(edge.read)}"
    value = target.gradient * edge.read
    # With several samples the weight's gradient is a sum of which this is one term.
    engine = edge.weight_grad if graph.samples == 1 else math.nan
    yield Line(f"∂{graph.target_name}/∂w[d,k]", "δ_k · f_in[0,d]", numbers, value, engine)


def _g_slope(neuron: Neuron) -> float:
    return 1.0 if math.isnan(neuron.slope) else neuron.slope


def _about_g(graph: NeuronGraph, target: Neuron) -> str:
    """Say what g is, and where f_in comes from."""
    column = graph.columns[target.column]
    g = f"g = {column.function}" if column.function else "g(z) = z: no φ follows directly, so g′ = 1"
    words = f"{g}; δ_k = ∂{graph.target_name}/∂z_k = {short(target.gradient)}"
    if graph.samples > 1:
        words += f"; one of {graph.samples} samples, whose terms add up to backprop's gradient"
    return words


_KINDS = {
    "norm": "A norm over the units of a layer couples them: this is one entry of its full Jacobian.",
    "sum": "The gradient of a sum goes to both of its terms; what is on the way (φ′, mask, scale) is in this number.",
    "conv": "A weight of the kernel, used at every place, times the φ′ of what it reads.",
    "pool": "A share of the window: 1 over its size for a mean, 1 or 0 for a maximum.",
    "loss": "The derivative of the loss by an output: where backprop begins.",
}


def _remark(graph: NeuronGraph, edge: Edge) -> str:
    if edge.beyond:
        return "It stands for all that lies between the window and the end: the number is backprop's."
    return _KINDS.get(graph.columns[graph.neurons[edge.target].column].kind, "")
