"""How often theory is right: the mean over random networks of ‖δ‖ in every layer, against the prediction and its band.

One sample, all activations and random schemes that theory covers, shallow to deep. A hidden layer counts as right if
the mean over seeds of ln ‖δ‖/‖δ_output‖ lies within two standard errors of the typical value; by chance alone one in
twenty does not. Where theory itself says that networks differ wildly, there is nothing to be right about.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS, Fans
from gradflow.sim.config import Experiment, edit
from gradflow.sim.mean_field import WILD, thoroughly
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat

WIDTH, SEEDS = 256, 8
DEPTHS = (5, 15, 30)
ERRORS = 2.0
"""The standard errors within which a mean counts as right."""

NOT_RANDOM = ("constant", "identity")


@dataclass(frozen=True)
class Case:
    """One kind of random network."""

    activation: str
    scheme: str
    depth: int

    def experiment(self, seed: int) -> Experiment:
        """Return the experiment of one network of this kind; every kind draws numbers of its own.

        One output, so that the loss's δ knows little of the weights.
        """
        own = zlib.crc32(f"{self.activation} {self.scheme} {self.depth}".encode())
        return edit(
            Experiment(),
            {
                "data.name": "breast-cancer",
                "network.depth": self.depth,
                "network.width": WIDTH,
                "network.activation": self.activation,
                "init.scheme": self.scheme,
                "init.scale": 1.0,
                "training.batch_size": 1,
                "seed": own % 1_000_000 + seed,
            },
        )


@dataclass(frozen=True)
class Coverage:
    """How a case went: of its layers those within the errors, and the largest deviation in standard errors."""

    case: Case
    layers: int
    right: int
    largest: float


def cases() -> list[Case]:
    """Return every activation with every scheme that draws at random, at every depth."""
    fans = Fans(WIDTH, WIDTH)
    schemes = [
        name
        for name, entry in INITIALIZERS.items()
        if name != "saved" and entry.part(fans).distribution not in NOT_RANDOM
    ]
    activations = [name for name, entry in ACTIVATIONS.items() if not entry.part().surrogate]
    return [Case(*parts) for parts in product(activations, schemes, DEPTHS)]


def measure(case: Case, seeds: int = SEEDS) -> Coverage:
    """Build the networks of a case and compare them with theory."""
    apart, variances = [], []
    for seed in range(seeds):
        run = Run(case.experiment(seed))
        predicted = thoroughly(run.forecast.subject)
        with np.errstate(all="ignore"):
            ratio = run.snapshot.stat(Stat.DELTA) / predicted.delta_norm
            apart.append(np.log(ratio[:-1] / ratio[-1]))
        # What the loss sends back differs as well, but is the same for all layers.
        variances.append(predicted.delta_spread[:-1] ** 2 - predicted.delta_spread[-1] ** 2)
    spread = np.sqrt(np.mean(variances, axis=0))
    with np.errstate(all="ignore"):
        error = np.abs(np.mean(apart, axis=0)) / (spread / np.sqrt(seeds))
    # Where numbers have left float64 there is nothing to compare.
    compared = error[np.isfinite(error) & (2.0 * spread <= WILD)]
    return Coverage(case, compared.size, int((compared <= ERRORS).sum()), float(compared.max(initial=0.0)))


def lines(results: Iterator[Coverage]) -> Iterator[str]:
    """Yield the table, activation by activation, as the cases come in, and the share of all layers at the end."""
    names: list[str] = []
    layers: dict[str, int] = {}
    right: dict[str, int] = {}
    worst: dict[str, Coverage] = {}

    def line(name: str) -> str:
        case = worst[name].case
        share = 100.0 * right[name] / max(layers[name], 1)
        where = f"{case.scheme}, {case.depth} layers: {worst[name].largest:.1f}"
        return f"{name:<16} {layers[name]:>6} {share:>7.1f} %   {where}"

    yield "activation       layers    right   largest deviation in standard errors"
    for result in results:
        name = result.case.activation
        if name not in layers:
            if names:
                yield line(names[-1])
            names.append(name)
            layers[name] = right[name] = 0
            worst[name] = result
        layers[name] += result.layers
        right[name] += result.right
        worst[name] = max(worst[name], result, key=lambda found: found.largest)
    if names:
        yield line(names[-1])
        total = sum(layers.values())
        yield f"{'all':<16} {total:>6} {100.0 * sum(right.values()) / max(total, 1):>7.1f} %"
