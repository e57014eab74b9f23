"""What the graph of neurons leaves out, and what is special about this network, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradflow.engine.graph import Node
from gradflow.engine.nodes import Activate, Conv, MaxPool
from gradflow.sim.lab.neuron_graph import LOSS
from gradflow.sim.lab.neuron_probe import NeuronProbe


def remarks(probe: NeuronProbe, shown: Mapping[Node, range], coupled: bool) -> list[str]:
    """Return the sentences; none where the whole of a plain network is shown."""
    return list(_remarks(probe, shown, coupled))


def _remarks(probe: NeuronProbe, shown: Mapping[Node, range], coupled: bool) -> Iterator[str]:
    stations = probe.stations
    cut = {(len(seen), node.units) for node, seen in shown.items() if len(seen) < node.units and node.inputs}
    if cut:
        counts = ", ".join(f"{seen} of {units} units" for seen, units in sorted(cut))
        yield f"{counts}: sums over the shown paths are not the whole gradient; the rest is one number."
    if stations[0] in shown and len(shown[stations[0]]) < stations[0].units:
        yield f"{len(shown[stations[0]])} of {stations[0].units} inputs are shown."
    ends = probe.origin[probe.network.loss.inputs[0]][0]
    if any(stations[place] not in shown for place in ends.tolist()):
        to = "the loss" if probe.target == LOSS else "the output"
        yield f"The window ends before {to}: its last edges stand for all that lies between, from backprop."
    if coupled:
        yield (
            "Batch norm couples the samples: the loss is that of the whole batch, and what comes back by way of the "
            "other samples is in the rest."
        )
    if any(isinstance(node, Conv) for node in shown):
        yield "A convolution uses one weight at every place: ∂L/∂w is a sum over them, so its edges have no formulas."
    if any(isinstance(node, MaxPool) for node in shown):
        yield "Max pooling hands the gradient to the largest of its window only: all its other edges carry 0."
    if any(isinstance(node, Activate) and node.function.surrogate for node in probe.network.graph.order):
        yield "The slope of this φ is a stand-in (straight-through): no finite difference agrees with it."
