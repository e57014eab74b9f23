"""Which units of each column a window of the network shows: a run of them, or those through which most flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradflow.engine.graph import Node
from gradflow.sim.lab.neuron_graph import LARGEST, Window
from gradflow.sim.lab.neuron_probe import Array, NeuronProbe


def shown_units(
    probe: NeuronProbe, window: Window, seen: Sequence[Node], chosen: tuple[int, int] | None
) -> Mapping[Node, Sequence[int]]:
    """Return the units that are shown of each of the `seen` stations; a `chosen` one, by place and unit, is among them.

    Of the LARGEST it is found from the end back what flows through the units that are shown already: otherwise paths
    would end between the columns, as in a convolution, where a unit reads a few of a thousand others.
    """
    wanted = {node: chosen[1] for node in seen if chosen and chosen[0] == probe.place[node]}
    if window.unit != LARGEST:
        return {node: window.of(node.units, wanted.get(node)) for node in seen}
    flows: dict[Node, Array] = {}
    shown: dict[Node, Sequence[int]] = {}
    for node in reversed(seen):
        gradient = _sizes(probe.gradient[node][probe.row])
        flow = _sizes(flows[node]) if node in flows else gradient
        if node in wanted:
            flow[wanted[node]] = np.inf
        # Where nothing flows, as through dead units, the whole gradient decides, then the place.
        order = np.lexsort((-gradient, -flow))
        shown[node] = tuple(sorted(order[: window.units].tolist()))
        seed = np.zeros_like(node.value)
        units = list(shown[node])
        seed[probe.row, units] = probe.gradient[node][probe.row, units]
        for source, part in probe.pull(node, seed).items():
            flows[source] = flows.get(source, 0.0) + part
    return {node: shown[node] for node in seen}


def _sizes(numbers: Array) -> Array:
    """Return magnitudes that can be compared, also where numbers blew up."""
    return np.nan_to_num(np.abs(numbers), nan=np.inf, posinf=np.inf)
