"""Which units of each column a window of the network shows: a run of them, or those through which most flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradflow.engine.graph import Node
from gradflow.sim.lab.neuron_graph import LARGEST, Key, Window
from gradflow.sim.lab.neuron_probe import Array, NeuronProbe


def shown_units(
    probe: NeuronProbe, window: Window, seen: Sequence[Node], end: Key | None, kept: Key | None
) -> Mapping[Node, Sequence[int]]:
    """Return the units that are shown of each of the `seen` stations; the `end` of all paths is among them.

    Neurons are named by place and unit. The LARGEST, of which the `kept` one is one, are found from the end back by
    what flows through the units that are shown already: otherwise paths would end between the columns, as in a
    convolution, where a unit reads a few of a thousand others.
    """
    if window.unit != LARGEST:
        at = probe.stations[end[0]] if end else None
        return {node: window.of(node.units, end[1] if end and node is at else None) for node in seen}
    flows: dict[Node, Array] = {}
    shown: dict[Node, Sequence[int]] = {}
    for node in reversed(seen):
        gradient = _sizes(probe.gradient[node][probe.row])
        flow = _sizes(flows[node]) if node in flows else gradient.copy()
        for key in (end, kept):
            if key and key[0] == probe.place[node] and key[1] < node.units:
                flow[key[1]] = np.inf
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
