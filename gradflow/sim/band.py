"""The band of finite width: by how much random networks differ from each other, and what is typical from the mean.

Where wide networks have no formula, random networks of the real width say all that there is to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.picture import Picture
from gradflow.theory.finite_width import variances
from gradflow.theory.propagation import pair_weights
from gradflow.theory.random_networks import FEWEST, RandomNetworks
from gradflow.theory.scatter import scatter

Array = NDArray[Any]


LEAST, MOST = 16, 64
"""So many samples of a batch are followed through random networks to see how these differ, at least and at most."""

AFFORDED = 20_000_000
"""So many values, in the fewest networks, are worth following more samples than the least."""


class Band(NamedTuple):
    """How far what is typical lies from the value of wide layers, and the standard deviation from network to network.

    Both of ln‖δ‖² and of ln‖∂L/∂W‖², (2, layers).
    """

    shift: Array
    spread: Array


UNKNOWN = Band(np.zeros(1), np.full(1, np.nan))
"""What stands for the band where there is none."""


def over_walks(picture: Picture, length: float) -> Band | None:
    """Return the band of one sample of mean square `length` in a plain chain, from random walks."""
    if not picture.chain:
        return None
    return _band(map(_where_finite, scatter(length, picture.chain, np.random.default_rng(0))))


def first_order(picture: Picture, lengths: Array, below: Array) -> Band | None:
    """Return the band of one sample by formula, for a plain chain: quick, and right where networks differ little.

    `lengths` are E z² of every layer and `below` E a² of its input.
    """
    if not picture.chain:
        return None
    squares = np.array(variances(picture.chain, lengths, below))
    # What is typical lies below the mean square, the more the networks differ.
    return Band(-0.5 * squares, np.sqrt(squares))


def over_networks(
    picture: Picture,
    samples: Array,
    batch: int,
    delta: Callable[[Array], Callable[[Array], Array]],
    wide: tuple[Array, Array],
    watch: Callable[[], Any],
) -> Band | None:
    """Return the band of a batch, from random networks that its `samples`, or some of them, go through.

    `delta` gives, for the numbers of some samples, the map from outputs to their ∂L/∂z, and `wide` are G and K of every
    layer in wide networks, each (layers, samples, samples).
    """
    if picture.sparse:
        return None
    rows = np.arange(len(samples))
    few = int(np.clip(AFFORDED // (FEWEST * picture.graph.units), LEAST, MOST))
    if few < len(samples):
        rows = np.linspace(0, len(samples) - 1, few).round().astype(int)
    pairs = _halves(len(rows), batch)
    try:
        networks = RandomNetworks(picture.graph, picture.linear, delta(rows), pairs, np.random.default_rng(0), watch)
        found = networks.follow(samples[rows])
    except np.linalg.LinAlgError:
        return None
    G, K = (matrices[:, rows[:, None], rows] for matrices in wide)
    with np.errstate(all="ignore"):
        expected = (np.log(np.einsum("lab,ab->l", terms, pairs[0])) for terms in (G * np.eye(len(rows)), G * K))
        return _band(_of_batch(logs, sums, len(rows) / batch) for logs, sums in zip(found, expected, strict=True))


class Levels(NamedTuple):
    """What there is to say of every layer.

    `logs` are ln‖δ‖² and ln‖∂L/∂W‖² of the typical network and `spread` their standard deviations over networks, (2,
    layers); `z_length` and `a_length` are mean squares per unit, and `correlation` the mean cosine between z of two
    samples. `followed` says whether random networks were followed, with all that δ knows of their weights.
    """

    logs: Array
    spread: Array
    z_length: Array
    a_length: Array
    correlation: Array
    followed: bool


def simulated(
    picture: Picture, samples: Array, batch: int, delta: Callable[[Array], Array], watch: Callable[[], Any]
) -> Levels:
    """Follow `samples`, which stand for a batch, where there is no formula; `delta` maps their outputs to their ∂L/∂z.

    Raises LinAlgError where numbers leave floating point.
    """
    count, linear, output = len(samples), picture.linear, picture.output
    lengths, cosines = dict.fromkeys(linear + output, 0.0), dict.fromkeys(linear, 0.0)

    def look(place: int, values: Array) -> None:
        if place in lengths:
            squares = np.einsum("rus,rus->rs", values, values)
            lengths[place] += float(squares.mean(axis=1).sum()) / values.shape[1]
        if place in cosines:
            # |Σ_α v_α/|v_α||² is the sum over pairs of samples of their cosines, those with themselves included.
            together = values @ (1.0 / np.sqrt(squares))[:, :, None]
            cosines[place] += float((np.square(together).sum(axis=(1, 2)) - count).sum())

    pairs, rng = _halves(count, batch), np.random.default_rng(0)
    found = RandomNetworks(picture.graph, linear, delta, pairs, rng, watch, look).follow(samples)
    logs, spread = _band(_of_batch(each, np.zeros(1), count / batch) for each in found)
    networks = found[0].shape[-1]
    z_length, a_length = (np.array([lengths[place] / networks for place in places]) for places in (linear, output))
    others = count * (count - 1) * networks or np.nan
    correlation = np.array([cosines[place] / others for place in linear])
    return Levels(logs, np.where(picture.sparse, np.nan, spread), z_length, a_length, correlation, followed=True)


def _halves(samples: int, batch: int) -> Array:
    """Return how much every pair counts in the sum over a batch, by all samples and by each half of them."""
    weights = [pair_weights(samples, batch)]
    for start in range(2 if 1 < samples < batch else 0):
        chosen = np.zeros((samples, samples))
        half = np.arange(start, samples, 2)
        chosen[np.ix_(half, half)] = pair_weights(len(half), batch)
        weights.append(chosen)
    return np.array(weights)


def _of_batch(logs: Array, expected: Array, share: float) -> tuple[Array, Array]:
    """Return the band for a batch of which the samples followed are this share, from their sums in random networks.

    `logs` are (all and halves, layers, networks). Of the variance, what samples have in common stays, and what each has
    of its own is divided by their number: how much that is shows in how much more the sums over the halves vary.
    """
    (middle, spread), *halves = (_where_finite(each) for each in logs)
    # Of sixteen networks the variance around their own mean is a sixteenth too small.
    unbiased = logs.shape[-1] / (logs.shape[-1] - 1)
    variance = whole = unbiased * np.square(spread)
    if halves:
        more = unbiased * np.mean([np.square(half) for _, half in halves], axis=0) - whole
        variance = np.clip(whole - (1.0 - share) * more, share * whole, whole)
    # What is typical lies half the variance below the mean.
    return middle - expected + 0.5 * (whole - variance), np.sqrt(variance)


def _band(of_each: Iterable[tuple[Array, Array]]) -> Band:
    shifts, spreads = zip(*of_each, strict=True)
    return Band(np.array(shifts), np.array(spreads))


def _where_finite(logs: Array) -> tuple[Array, Array]:
    """Return the mean and the standard deviation over networks, of those with a finite number."""
    there = np.isfinite(logs)
    with np.errstate(all="ignore"):
        count = there.sum(axis=1)
        middle = np.where(there, logs, 0.0).sum(axis=1) / count
        apart = np.where(there, logs - middle[:, None], 0.0)
        return middle, np.sqrt(np.square(apart).sum(axis=1) / count)
