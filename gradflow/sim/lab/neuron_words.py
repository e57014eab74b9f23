"""Neurons, edges and biases explained: formulas in this network's symbols with its numbers put in.

Of a dense layer a₃ = φ(z₃), z₃ = a₂·W₃ + b₃ these are ∂a₃[k]/∂a₂[d] = φ′(z₃[k])·W₃[d, k],
∂a₃[k]/∂W₃[d, k] = φ′(z₃[k])·a₂[d] and ∂a₃[k]/∂b₃[k] = φ′(z₃[k]).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gradflow.sim.lab.agreement import agree, difference_words
from gradflow.sim.lab.neuron_graph import Column, Edge, Neuron, NeuronGraph
from gradflow.sim.lab.numerals import factor, short
from gradflow.sim.lab.path_list import Path

MOST_TERMS = 8
GENERIC = "In the lecture's letters a dense layer is f = g(f_in·w + b): ∂f/∂f_in = g′·w, ∂f/∂w = g′·f_in, ∂f/∂b = g′."


@dataclass(frozen=True)
class Line:
    """One formula: what it is of, its symbols, its numbers, and what it comes to; nan in `backprop` where none is.

    `size` is the sum of the magnitudes of its terms.
    """

    of: str
    symbols: str
    numbers: str
    value: float
    backprop: float = math.nan
    size: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether it is backprop's number, but for round-off."""
        return agree(self.value, self.backprop, self.size)

    @property
    def agreement(self) -> str:
        """The same in words."""
        return difference_words(self.value, self.backprop, self.size)


@dataclass(frozen=True)
class Explanation:
    """A heading, formulas, a sentence where there is more to say, and what else may help to read the formulas."""

    heading: str
    lines: tuple[Line, ...]
    remark: str = ""
    tip: str = ""


def explain_edge(graph: NeuronGraph, number: int) -> Explanation:
    """Return the formulas of an edge."""
    edge = graph.edges[number]
    source, target = graph.neurons[edge.source], graph.neurons[edge.target]
    heading = f"Edge {source.name} → {target.name}"
    if math.isnan(edge.weight):
        line = Line(f"∂{target.name}/∂{source.name}", "", "", edge.derivative)
        return Explanation(heading, (line,), _remark(graph, edge))
    names = _Names.of(graph, edge)
    lines = (_own_derivative(graph, edge, names), *_dense_lines(edge, target, names), _learning(graph, edge, names))
    # Where nothing stands between the neuron and the weight, the first two are one.
    lines = lines[1:] if lines[0].of == lines[1].of else lines
    remark = _about_phi(graph, target)
    if graph.columns[target.column].kind == "conv":
        remark += " The kernel is used at every place: the last line is one of the products that its gradient adds up."
    return Explanation(heading, lines, remark, GENERIC)


def explain_bias(graph: NeuronGraph, number: int) -> Explanation:
    """Return the formulas of a neuron's bias."""
    neuron = graph.neurons[number]
    column = graph.columns[neuron.column]
    if math.isnan(neuron.bias):
        return Explanation(f"{neuron.name} has no bias", ())
    shared = column.kind == "conv"
    bias = f"{column.bias}[{neuron.unit % column.shape[-1]}]"
    slope = Line(f"∂{_bent(column, neuron)}/∂{bias}", _phi_slope(neuron), "", _slope(neuron))
    delta = Line(f"∂{graph.target_name}/∂{bias}", graph.gradient_name(number), "", neuron.gradient, neuron.bias_grad)
    remark = _about_phi(graph, neuron)
    if shared:
        remark = "A convolution adds one bias at every place of the image: its gradient is a sum over all of them."
    elif graph.samples > 1:
        remark = f"The bias serves all {graph.samples} samples: backprop's number is the sum over them."
    lines = (slope,) if shared else (slope, delta)
    return Explanation(f"Bias {bias} = {short(neuron.bias)}", lines, remark, GENERIC)


def explain_neuron(graph: NeuronGraph, number: int) -> Explanation:
    """Return a neuron's gradient as the sum over its edges."""
    neuron, loss = graph.neurons[number], graph.target_name
    heading = f"{neuron.name} = {short(neuron.value)}"
    column = graph.columns[neuron.column]
    if not math.isnan(neuron.output):
        words = " and ".join(_tail(column))
        heading += f"; behind {words} {column.handed}[{column.place(neuron.unit)}] = {short(neuron.output)}"
    if number == graph.terminal:
        return Explanation(heading, (Line(f"∂{loss}/∂{loss}", "", "", 1.0),), "All paths end here.")
    edges = graph.outgoing[number]
    terms = [(graph.edges[e].derivative, graph.neurons[graph.edges[e].target].gradient) for e in edges]
    numbers = " + ".join(f"{factor(d)}·{factor(gradient)}" for d, gradient in terms[:MOST_TERMS])
    if len(terms) > MOST_TERMS:
        numbers += f" + … ({len(terms)} products)"
    value = sum(d * gradient for d, gradient in terms)
    symbols = " + ".join(_sums(graph, number))
    if neuron.rest:
        numbers = f"{numbers} + {factor(neuron.rest)}" if terms else factor(neuron.rest)
        symbols = f"{symbols} + not shown" if symbols else "not shown"
        value += neuron.rest
    own = graph.gradient_name(number)
    of = f"∂{loss}/∂{neuron.name}"
    size = sum(abs(d * gradient) for d, gradient in terms) + abs(neuron.rest)
    line = Line(of if own == of else f"{own} = {of}", symbols, numbers, value, neuron.gradient, size)
    remark = "The last number is what comes back by way of units that are not shown." if neuron.rest else ""
    return Explanation(heading, (line,), remark)


def explain_path(graph: NeuronGraph, path: Path) -> Explanation:
    """Return a path in full: where it leads, and its product."""
    route = " → ".join(graph.neurons[i].name for i in path.neurons)
    end, start = graph.target_name, graph.neurons[path.neurons[0]].name
    words = f"The factors stand in the order of the edges; ∂{end}/∂{start} is the sum of these products over all paths."
    return Explanation(route, (Line("product", "", path.written_factors, path.product),), words)


def _sums(graph: NeuronGraph, number: int) -> Iterator[str]:
    """Yield what a gradient adds up, column by column: Σᵢ ∂z₃[i]/∂z₂[5]·δ₃[i], or the one term that there is."""
    name = graph.neurons[number].name
    readers: dict[int, list[int]] = {}
    for e in graph.outgoing[number]:
        target = graph.edges[e].target
        readers.setdefault(graph.neurons[target].column, []).append(target)
    for column, targets in readers.items():
        if targets == [graph.terminal]:
            yield f"∂{graph.target_name}/∂{name}"
        elif len(targets) == 1:
            yield f"∂{graph.neurons[targets[0]].name}/∂{name}·{graph.gradient_name(targets[0])}"
        else:
            symbol, gradient = graph.columns[column].symbol, graph.gradient_name(targets[0]).partition("[")[0]
            yield f"Σᵢ ∂{symbol}[i]/∂{name}·{gradient}[i]"


def _tail(column: Column) -> Iterator[str]:
    if column.function:
        yield column.function
    if column.drops:
        yield "dropout"


@dataclass(frozen=True)
class _Names:
    """What takes part in an edge of a layer with weights: W₃[5, 2], b₃[2], the number a₂[5] that is read, and a₃[2]."""

    weight: str
    bias: str
    read: str
    bent: str

    @classmethod
    def of(cls, graph: NeuronGraph, edge: Edge) -> _Names:
        """Name them."""
        target = graph.neurons[edge.target]
        column = graph.columns[target.column]
        return cls(
            column.weight(edge.row, target.unit),
            f"{column.bias}[{target.unit % column.shape[-1]}]" if column.bias else "",
            column.number_read(edge.place),
            _bent(column, target),
        )


def _bent(column: Column, neuron: Neuron) -> str:
    """Return what φ makes of a neuron, or the neuron where none follows."""
    return neuron.name if math.isnan(neuron.slope) else f"{column.activated}[{column.place(neuron.unit)}]"


def _own_derivative(graph: NeuronGraph, edge: Edge, names: _Names) -> Line:
    """Write ∂z₃[2]/∂z₂[5] = W₃[5, 2]·φ′(z₂[5]), with dropout's mask where there is one."""
    source, target = graph.neurons[edge.source], graph.neurons[edge.target]
    column = graph.columns[source.column]
    symbols, numbers = [names.weight], [factor(edge.weight)]
    if math.isnan(edge.slope) or edge.slope == source.slope:
        if not math.isnan(edge.mask):
            symbols.append(f"m{column.handed[1:]}[{column.place(source.unit)}]")
            numbers.append(factor(edge.mask))
        if not math.isnan(edge.slope):
            symbols.append(_phi_slope(source))
            numbers.append(factor(edge.slope))
    else:
        symbols.append(f"∂{names.read}/∂{source.name}")
        numbers.append(factor(edge.slope if math.isnan(edge.mask) else edge.slope * edge.mask))
    told = " · ".join(numbers) if len(numbers) > 1 else ""
    return Line(f"∂{target.name}/∂{source.name}", " · ".join(symbols), told, edge.derivative)


def _dense_lines(edge: Edge, target: Neuron, names: _Names) -> Iterator[Line]:
    """Write the three formulas of a dense layer."""
    slope, told = _slope(target), _phi_slope(target)
    for variable, name, number in ((names.read, names.weight, edge.weight), (names.weight, names.read, edge.read)):
        symbols, numbers = (f"{told} · {name}", f"{factor(slope)} · {factor(number)}") if told != "1" else (name, "")
        yield Line(f"∂{names.bent}/∂{variable}", symbols, numbers, slope * number)
    if names.bias:
        yield Line(f"∂{names.bent}/∂{names.bias}", told if told != "1" else "", "", slope)


def _learning(graph: NeuronGraph, edge: Edge, names: _Names) -> Line:
    gradient = graph.neurons[edge.target].gradient
    # With several samples the weight's gradient is a sum of which this is one term.
    engine = edge.weight_grad if graph.samples == 1 else math.nan
    symbols, numbers = f"{graph.gradient_name(edge.target)} · {names.read}", f"{factor(gradient)} · {factor(edge.read)}"
    return Line(f"∂{graph.target_name}/∂{names.weight}", symbols, numbers, gradient * edge.read, engine)


def _slope(neuron: Neuron) -> float:
    return 1.0 if math.isnan(neuron.slope) else neuron.slope


def _phi_slope(neuron: Neuron) -> str:
    return "1" if math.isnan(neuron.slope) else f"φ′({neuron.name})"


def _about_phi(graph: NeuronGraph, target: Neuron) -> str:
    """Say what φ is."""
    column = graph.columns[target.column]
    words = f"φ = {column.function}" if column.function else f"No φ follows {target.name} directly"
    if column.slope:
        words += f", whose slope for z ≤ 0 is the learnt {column.slope}"
    if graph.samples > 1:
        words += f"; this is one of {graph.samples} samples, whose terms add up to backprop's gradient"
    return f"{words}."


_KINDS = {
    "norm": "A norm over the units of a layer couples them: this is one entry of its full Jacobian.",
    "sum": "The gradient of a sum goes to both of its terms; what is on the way (φ′, mask, scale) is in this number.",
    "pool": "A share of the window: 1 over its size for a mean, 1 or 0 for a maximum.",
    "loss": "The derivative of the loss by an output: where backprop begins.",
}


def _remark(graph: NeuronGraph, edge: Edge) -> str:
    if edge.beyond:
        return "It stands for all that lies between the window and the end: the number is backprop's."
    return _KINDS.get(graph.columns[graph.neurons[edge.target].column].kind, "")
