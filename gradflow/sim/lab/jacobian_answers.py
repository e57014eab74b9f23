"""Questions about the Jacobians of one specimen, and their answers, which may take a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab import example_chain
from gradflow.sim.lab.chain import Chain
from gradflow.sim.lab.jacobians import OWN_LOSS, SampleJacobians, Stops, TooLarge
from gradflow.sim.lab.specimen import Specimen

Array = NDArray[Any]

QUICK_PRODUCTS = 5e5
QUICK_LAYERS = 20
"""Up to here an answer takes about 5 ms."""

COUPLED = (
    f"Batch norm couples the samples: here the end is {OWN_LOSS}, this sample's own loss (L is the mean of all "
    f"{OWN_LOSS}), and the batch's mean and σ are held. What the sample does to them, and through them to every loss, "
    "is left out; Backprop and Paths show the gradient of L with all of it."
)


@dataclass(frozen=True)
class Question:
    """From where to where, at which sample (from 0), cut where; a symbol that does not exist means the usual one.

    With `example` three small functions t, g, f are asked about instead of the network.
    """

    sample: int = 0
    source: str = "x"
    target: str = "L"
    stops: Stops = Stops.NODES
    example: bool = False

    def state(self) -> dict[str, Any]:
        """Return it as it can stand in JSON."""
        return {
            "sample": self.sample,
            "from": self.source,
            "to": self.target,
            "at": str(self.stops),
            "example": self.example,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Question:
        """Take what `state` returned; raises KeyError, TypeError or ValueError."""
        stops = Stops(state["at"])
        return cls(whole(state["sample"]), str(state["from"]), str(state["to"]), stops, state["example"] is True)


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """The chain that was asked for; `question` as it was understood.

    Where it has too many numbers `trouble` says so, and the chain is the whole as a single factor, or None.

    `sources` and `targets` are what can be asked for; `values` are the numbers at the points of the chain.
    """

    question: Question
    samples: int
    sources: Sequence[str]
    targets: Sequence[str]
    chain: Chain | None
    values: Mapping[str, Array]
    trouble: str
    remark: str


class JacobianAnswers:
    """Answers questions about one specimen; to be asked by one thread at a time."""

    def __init__(self, specimen: Specimen) -> None:
        self.specimen = specimen
        network = specimen.experiment.network
        work = specimen.update.size * specimen.samples
        self.quick = not network.layers and work <= QUICK_PRODUCTS and network.depth <= QUICK_LAYERS
        self._taken: SampleJacobians | None = None

    def ask(self, question: Question) -> Answer:
        """Return the answer, with every product of the chain worked out."""
        if question.example:
            return self._of_example(question)
        sample = min(max(question.sample, 0), self.specimen.samples - 1)
        if self._taken is None or self._taken.sample != sample:
            self._taken = SampleJacobians(self.specimen, sample)
        of = self._taken
        sources = of.symbols[:-1]
        source = question.source if question.source in sources else sources[0]
        targets = of.later(source)
        target = question.target if question.target in targets else targets[-1]
        understood = replace(question, sample=sample, source=source, target=target)
        chain, trouble = None, ""
        for stops in (question.stops, Stops.ENDS):
            try:
                chain = of.chain(source, target, stops)
                break
            except TooLarge as error:
                trouble = trouble or str(error)
        if chain:
            # Later these are at hand.
            _ = chain.difference, chain.cost
        values = {point.symbol: np.array(of.value(point.symbol)) for point in (chain.points if chain else ())}
        remark = COUPLED if self.specimen.coupled else ""
        return Answer(understood, self.specimen.samples, sources, targets, chain, values, trouble, remark)

    def _of_example(self, question: Question) -> Answer:
        sources = example_chain.SYMBOLS[:-1]
        source = question.source if question.source in sources else sources[0]
        targets = example_chain.later(source)
        target = question.target if question.target in targets else targets[-1]
        understood = replace(question, source=source, target=target)
        chain = example_chain.example(source, target)
        return Answer(understood, self.specimen.samples, sources, targets, chain, example_chain.values(), "", "")


def whole(value: object) -> int:
    """Return a value that is a whole number; raises TypeError."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value
