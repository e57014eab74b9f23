"""The numbers of the graph of neurons as tables, for a spreadsheet or a paper."""

from __future__ import annotations

import math

import numpy as np

from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.path_list import PathList
from gradflow.sim.lab.table import Table


def tables_of(graph: NeuronGraph, found: PathList) -> dict[str, Table]:
    """Return the tables of a graph and of one neuron's paths, each by a name that can be part of a file name."""
    return {"neurons": neuron_table(graph), "edges": edge_table(graph), "paths": path_table(graph, found)}


def neuron_table(graph: NeuronGraph) -> Table:
    """Return value, what is handed on, gradient and rest of every neuron."""
    rows = [(n.value, n.output, n.gradient, n.rest) for n in graph.neurons]
    columns = ["value", "handed on", f"∂{graph.target_name}/∂value", "of it not shown"]
    return Table("Neurons", [n.name for n in graph.neurons], columns, np.array(rows))


def edge_table(graph: NeuronGraph) -> Table:
    """Return the derivative on every edge, with weight and gradient where it has them."""
    names = [f"{graph.neurons[e.source].name} → {graph.neurons[e.target].name}" for e in graph.edges]
    rows = [(e.derivative, e.weight, e.read, e.weight_grad) for e in graph.edges]
    columns = ["∂target/∂source", "weight", "what it multiplies", f"∂{graph.target_name}/∂weight"]
    return Table("Edges", names, columns, np.array(rows).reshape(len(rows), 4))


def path_table(graph: NeuronGraph, found: PathList) -> Table:
    """Return the listed paths with their factors, then what the others and the unshown ones add."""
    length = max((len(path.factors) for path in found.paths), default=0)
    nothing = [math.nan] * length
    rows = [[*path.factors, *nothing[len(path.factors) :], path.product] for path in found.paths]
    names = [" → ".join(graph.neurons[i].name for i in path.neurons) for path in found.paths]
    for name, value in (
        (f"{found.others} other paths", found.others_sum),
        ("not shown", found.unshown),
        ("sum", found.total),
        ("backprop", found.gradient),
    ):
        names.append(name)
        rows.append([*nothing, value])
    start = graph.neurons[found.start].name
    return Table(f"Paths of {start}", names, [*(f"factor {i + 1}" for i in range(length)), "product"], np.array(rows))
