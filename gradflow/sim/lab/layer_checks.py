"""The gradient check of every layer of a network, as far as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradflow.engine import gradcheck
from gradflow.engine.gradcheck import LayerCheck
from gradflow.sim.lab.memory import remembered
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table

MOST, LEAST, ALTOGETHER = 40, 4, 4000
"""How many entries are checked of a layer, at most and at least, and about how many altogether."""


@dataclass(frozen=True)
class Checks:
    """The checks of the first layers of so many, of the network of one step; the last may be on its way."""

    step: int
    layers: tuple[LayerCheck, ...]
    count: int

    @property
    def complete(self) -> bool:
        """Whether every layer is checked."""
        return len(self.layers) == self.count and self.layers[-1].complete

    def words(self, going: bool) -> str:
        """Say how far it is while it is `going` on, or where it was given up, or how many layers are right."""
        if not self.complete:
            place = f"layer {max(len(self.layers), 1)} of {self.count}"
            return f"Step {self.step}: checking {place} …" if going else f"Step {self.step}: given up at {place}."
        wrong = [check.layer for check in self.layers if check.verdict == "WRONG"]
        if wrong:
            return f"Step {self.step}: layer {', '.join(map(str, wrong))} of {self.count} is WRONG."
        kinds: dict[str, int] = {}
        for check in self.layers:
            kind = check.verdict.split(":")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
        said = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        return f"Step {self.step}: {self.count} {'layer' if self.count == 1 else 'layers'} checked: {said}."

    def table(self) -> Table:
        """Return the checks, a row for each layer."""
        return Table(
            "Gradient check: backprop a against central differences n, ‖a − n‖/(‖a‖ + ‖n‖)",
            [str(check.layer) for check in self.layers],
            ["relative error", "‖gradient‖", "checked", "at kinks"],
            np.array([_numbers(check) for check in self.layers], float).reshape(len(self.layers), 4),
            [("verdict", [check.verdict if check.complete else "…" for check in self.layers])],
        )


def check_layers(specimen: Specimen, seed: int) -> Iterator[Checks]:
    """Yield the gradient check over entries drawn from every layer, again and again as it grows."""
    return remembered(specimen, ("checks", seed), lambda: _check(specimen, seed))


def _check(specimen: Specimen, seed: int) -> Iterator[Checks]:
    network = specimen.network()
    count = len(network.layers)
    per_layer = min(max(ALTOGETHER // count, LEAST), MOST)
    yield Checks(specimen.step, (), count)
    done: tuple[LayerCheck, ...] = ()
    pause = Pause()
    with np.errstate(all="ignore"):
        for found in gradcheck.check(network, np.random.default_rng(seed), per_layer, due=pause.due):
            if found.complete:
                done = (*done, found)
            if not found.complete or len(done) == count or pause.due():
                yield Checks(specimen.step, done if found.complete else (*done, found), count)


def _numbers(check: LayerCheck) -> tuple[float, ...]:
    error = np.nan if check.relative_error is None else check.relative_error
    return error, check.gradient_norm, check.checked, check.at_kinks
