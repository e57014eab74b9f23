"""The gradient check of every layer of a network, as far as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradflow.engine import gradcheck
from gradflow.engine.gradcheck import LayerCheck
from gradflow.sim.lab.memory import remembered
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table
from gradflow.sim.words import counted, spell

MOST, LEAST, ALTOGETHER = 40, 4, 4000
"""How many entries are checked of a layer, at most and at least, and about how many altogether."""


VERDICTS = {
    "agrees to round-off only": "the two differ by no more than the differences’ own round-off, which hides the rest",
    "below round-off": "the gradient is smaller than what these differences can see: neither right nor wrong",
    "only kinks": "a kink lies within ε of every entry, and no difference means anything there",
    "nothing to compare": "the layer has no parameters",
    "straight-through slope": "backprop takes a stand-in for φ′, and no difference can agree with that",
    "not finite": "the loss is infinite or not a number near these entries",
    "WRONG": "the two differ by more than round-off explains, and a smaller ε does not help",
}
"""What the verdicts mean that are weaker than agreement to so many digits."""


@dataclass(frozen=True)
class Checks:
    """The checks of the first layers of so many, of the network of one step; the last may be on its way.

    The network has so many `parameters`, of which up to `most` are drawn from each layer.
    """

    step: int
    layers: tuple[LayerCheck, ...]
    count: int
    parameters: int
    most: int

    @property
    def complete(self) -> bool:
        """Whether every layer is checked."""
        return len(self.layers) == self.count and self.layers[-1].complete

    def words(self, going: bool) -> str:
        """Say how far it is while it is `going` on, or where it was given up, or in how many layers the two agree."""
        if not self.complete:
            place = f"layer {max(len(self.layers), 1)} of {self.count}"
            return f"Step {self.step}: checking {place} …" if going else f"Step {self.step}: given up at {place}."
        wrong = [check.layer for check in self.layers if check.verdict == "WRONG"]
        if wrong:
            return f"Step {self.step}: WRONG in {len(wrong)} of {self.count} layers, first in layer {wrong[0]}."
        kinds = Counter(check.verdict for check in self.layers)
        full = [kind for kind in kinds if kind not in VERDICTS]
        strongest_first = [*full, *(kind for kind in VERDICTS if kind in kinds)]
        said = ", ".join(f"{kinds[kind]} {_of_several(kind, kinds[kind])}" for kind in strongest_first)
        return f"Step {self.step}: {self.count} {'layer' if self.count == 1 else 'layers'} checked: {said}."

    def explanations(self) -> list[str]:
        """Say what was compared with what, and what those of the verdicts mean that are weaker than full agreement."""
        there = {check.verdict for check in self.layers if check.complete}
        return [self._extent(), *(f"“{name}”: {meaning}." for name, meaning in VERDICTS.items() if name in there)]

    def _extent(self) -> str:
        checked = sum(check.checked for check in self.layers)
        left_out = sum(check.at_kinks for check in self.layers)
        kinks = dict.fromkeys(name for check in self.layers for name in check.kinks)
        drawn = f", up to {self.most} of each layer, drawn at random" if checked + left_out < self.parameters else ""
        said = (
            f"{counted(checked)} of {counted(self.parameters)} parameters{drawn}, by central differences with "
            f"ε\u00a0=\u00a0{spell(gradcheck.STEPS['central'])}."
        )
        steps = [check.step for check in self.layers if check.step < gradcheck.STEPS["central"]]
        if steps:
            where = "1 layer" if len(steps) == 1 else f"{len(steps)} layers"
            said += f" In {where} L bends too strongly for that: there ε is smaller, down to {spell(min(steps))}."
        if left_out:
            between = "between w\u00a0−\u00a0ε and w\u00a0+\u00a0ε"
            said += f" {counted(left_out)} more are left out: {between} lies {' or '.join(kinks)}."
        return said

    def table(self) -> Table:
        """Return the checks, a row for each layer."""
        return Table(
            "Gradient check: backprop a against central differences n, ‖a − n‖/(‖a‖ + ‖n‖)",
            [str(check.layer) for check in self.layers],
            ["relative error", "‖gradient‖", "checked", "at kinks"],
            np.array([_numbers(check) for check in self.layers], float).reshape(len(self.layers), 4),
            [("verdict", [check.verdict if check.complete else "…" for check in self.layers])],
        )


def _of_several(verdict: str, number: int) -> str:
    return verdict if number == 1 else verdict.replace("agrees", "agree")


def check_layers(specimen: Specimen, seed: int) -> Iterator[Checks]:
    """Yield the gradient check over entries drawn from every layer, again and again as it grows."""
    return remembered(specimen, ("checks", seed), lambda: _check(specimen, seed))


def _check(specimen: Specimen, seed: int) -> Iterator[Checks]:
    network = specimen.network()
    count = len(network.layers)
    per_layer = min(max(ALTOGETHER // count, LEAST), MOST)

    def so_far(*layers: LayerCheck) -> Checks:
        return Checks(specimen.step, layers, count, network.parameters.size, per_layer)

    yield so_far()
    done: tuple[LayerCheck, ...] = ()
    pause = Pause()
    with np.errstate(all="ignore"):
        for found in gradcheck.check(network, np.random.default_rng(seed), per_layer, due=pause.due):
            if found.complete:
                done = (*done, found)
            if not found.complete or len(done) == count or pause.due():
                yield so_far(*done) if found.complete else so_far(*done, found)


def _numbers(check: LayerCheck) -> tuple[float, ...]:
    error = np.nan if check.relative_error is None else check.relative_error
    return error, check.gradient_norm, check.checked, check.at_kinks
