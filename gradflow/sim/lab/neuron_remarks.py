"""What the graph of neurons leaves out, and what is special about this network, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gradflow.engine.graph import Node
from gradflow.engine.nodes import Activate, Conv, MaxPool
from gradflow.sim.lab.neuron_graph import LOSS
from gradflow.sim.lab.neuron_probe import NeuronProbe


def remarks(probe: NeuronProbe, shown: Mapping[Node, Sequence[int]], largest: bool, coupled: bool) -> list[str]:
    """Return the sentences; none where the whole of a plain network is shown."""
    return list(_remarks(probe, shown, largest, coupled))


def _remarks(probe: NeuronProbe, shown: Mapping[Node, Sequence[int]], largest: bool, coupled: bool) -> Iterator[str]:
    if counts := sorted({len(seen) for node, seen in shown.items() if len(seen) < node.units}):
        which = ", those through which most of the gradient flows" if largest else ""
        yield f"{counts[-1]} units of each larger layer are shown{which}; a dotted stub stands for the others."
    ends = probe.origin[probe.network.loss.inputs[0]][0]
    if any(probe.stations[place] not in shown for place in ends.tolist()):
        to = "loss" if probe.target == LOSS else "output"
        yield f"Dashed edges stand for all layers between the last column and the {to}."
    if coupled:
        yield (
            "Batch norm couples samples, and the places of an image: L is the loss of the whole batch, and what comes "
            "by way of others counts as not shown."
        )
    if any(isinstance(node, Conv) for node in shown):
        yield "A convolution uses each weight at every place: ∂L/∂W is a sum over places."
    if any(isinstance(node, MaxPool) for node in shown):
        yield "Max pooling hands the gradient to the largest number of its window only."
    if any(isinstance(node, Activate) and node.function.surrogate for node in probe.network.graph.order):
        yield "The slope of this φ is a stand-in (straight-through): no finite difference agrees with it."
