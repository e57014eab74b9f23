"""A specimen's graph of neurons with all that can be asked about it, each thing computed when first asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradflow.sim.lab.multiplications import Costs, costs
from gradflow.sim.lab.neuron_graph import Key, NeuronGraph, Window
from gradflow.sim.lab.neurons import neuron_graph
from gradflow.sim.lab.orders import ORDERS, OWN, Walk, by_hand, walk
from gradflow.sim.lab.path_list import PathList, Tallies, list_paths
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.whole_counts import WholeCounts, whole_counts

QUICK_LAYERS, QUICK_PARAMETERS = 12, 3e4
"""Up to here a network is taken apart in about 10 ms."""


def is_quick(specimen: Specimen) -> bool:
    """Tell whether a network is so small that nobody would notice how long it takes to take it apart."""
    network = specimen.experiment.network
    work = specimen.update.size * (specimen.samples if specimen.coupled else 1)
    return not network.layers and network.depth <= QUICK_LAYERS and work <= QUICK_PARAMETERS


class Dissection:
    """One window on one sample of a specimen. What does not depend on the numbers is taken over from one `before`."""

    def __init__(
        self,
        specimen: Specimen,
        sample: int,
        window: Window,
        target: int,
        before: Dissection | None = None,
        kept: Key | None = None,
    ) -> None:
        self.specimen = specimen
        sample = min(max(sample, 0), specimen.samples - 1)
        self.graph: NeuronGraph = neuron_graph(specimen, sample, window, target, kept)
        self.tallies = Tallies.of(self.graph)
        self._paths: PathList | None = None
        self._walks: dict[tuple[str, bool, int], Walk] = {}
        alike = (
            before and before.graph.all_columns == self.graph.all_columns and before.graph.target == self.graph.target
        )
        self._whole: WholeCounts | None = before._whole if before and alike else None

    @property
    def start(self) -> int:
        """The first neuron to which anything comes back by the paths that are shown."""
        sums = self.tallies.sums
        return next((i for i in range(self.graph.terminal) if sums[i]), 0)

    def prepare(self, neuron: Key | None) -> None:
        """Compute what is asked first: the counts of the whole network, and the paths of a neuron, given by its key."""
        _ = self.whole
        self.paths(self.number(neuron))

    def number(self, neuron: Key | None) -> int:
        """Return the number of a neuron in the graph by its key; that of the start where it is not shown."""
        place = self.graph.places.get(neuron) if neuron else None
        return self.start if place is None else place

    def paths(self, start: int) -> PathList:
        """Return the paths of a neuron."""
        if self._paths is None or self._paths.start != start:
            self._paths = list_paths(self.graph, start, known=self.tallies)
        return self._paths

    def walk(self, order: str, by_layer: bool, seed: int, own: Sequence[int] = ()) -> Walk:
        """Return backprop in an order, by its name; `own` are the neurons chosen by hand, visited one by one."""
        if order == OWN:
            return walk(self.graph, by_hand(self.graph, own))
        wanted = order, by_layer, seed
        if wanted not in self._walks:
            self._walks[wanted] = walk(self.graph, ORDERS[order][1](self.graph, seed), by_layer)
        return self._walks[wanted]

    @property
    def whole(self) -> WholeCounts:
        """What there is to count in the whole network."""
        if self._whole is None:
            network = self.specimen.network(None if self.specimen.coupled else [0])
            self._whole = whole_counts(network, self.graph.target)
        return self._whole

    def paths_in_all(self, neuron: int) -> int | None:
        """Return how many paths a neuron has in the whole network; None for the loss."""
        column, unit = self.graph.key(neuron)
        return self.whole.paths[column][unit] if column < len(self.whole.paths) else None

    def costs(self, neuron: int) -> list[tuple[str, Costs]]:
        """Return the multiplications for a neuron, for all shown, and for the whole network if it has more.

        Each comes with what it is for: always gradients of one sample, from derivatives on edges that are known.
        """
        name, shown = self.graph.neurons[neuron].name, costs(self.graph)
        where = "" if self.graph.whole else ", in this window"
        found = [(f"{name} alone{where}", costs(self.graph, [neuron])), (f"all neurons{where}", shown)]
        if not self.graph.whole:
            found.append(("all neurons of the whole network", self.whole.costs))
        return found


def taken_apart(
    specimen: Specimen,
    sample: int,
    window: Window,
    target: int,
    before: Dissection | None,
    kept: Key | None,
    neuron: Key | None,
) -> Iterator[Dissection]:
    """Yield a dissection that is prepared for what is asked of a neuron."""
    found = Dissection(specimen, sample, window, target, before, kept)
    found.prepare(neuron)
    yield found
