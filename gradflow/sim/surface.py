"""The picture of what the network computes: its outputs over a plane of its inputs, with the data on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradflow.sim import build
from gradflow.sim.config import Data
from gradflow.sim.details import Surface

Array = NDArray[np.float64]

GRID = 60
LINE = 240
MOST_POINTS = 1_500


@dataclass(frozen=True, eq=False, repr=False)
class Plane:
    """Two directions (2, d) through a centre (d,) in input space, the training points on it, and how much they show."""

    centre: Array
    directions: Array
    points: Array
    explained: float
    axes: tuple[str, str]


def measure(outputs: Callable[[Array], Array], data: Data, seed: int, loss: str) -> Surface:
    """Return the surface of a network given by its `outputs` function (samples, inputs) → (samples, outputs)."""
    split = build.load_data(data, seed)
    if split.x_train.shape[1] == 1:
        return _line(outputs, data, seed)
    plane = _plane(data, seed)
    labels = split.y_train if split.dataset.classes else split.y_train[:, 0]
    low, high = plane.points.min(axis=0), plane.points.max(axis=0)
    room = 0.12 * np.maximum(high - low, 1e-6)
    x, y = (np.linspace(low[i] - room[i], high[i] + room[i], GRID) for i in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    with np.errstate(all="ignore"):
        raw = outputs(plane.centre + grid @ plane.directions)
        winner, margin = _decide(raw, loss, bool(split.dataset.classes))
    shape = GRID, GRID
    return Surface(
        x,
        y,
        winner.reshape(shape),
        margin.reshape(shape),
        plane.points[:MOST_POINTS],
        np.asarray(labels[:MOST_POINTS], float),
        plane.axes,
        plane.explained,
    )


def _decide(raw: Array, loss: str, classes: bool) -> tuple[Array, Array]:
    """Return the winning class (or the value) and how sure the network is of it, from 0 to 1."""
    if not classes:
        return raw[:, 0], np.ones(len(raw))
    if raw.shape[1] == 1:
        lean = np.tanh(raw[:, 0] / 2) if loss == "binary-cross-entropy" else 2 * raw[:, 0] - 1
        return (lean > 0).astype(float), np.minimum(np.abs(lean), 1.0)
    best = np.sort(raw, axis=1)[:, -2:]
    if loss == "softmax-cross-entropy":
        shifted = np.exp(best - raw.max(axis=1, keepdims=True))
        total = np.exp(raw - raw.max(axis=1, keepdims=True)).sum(axis=1)
        margin = (shifted[:, 1] - shifted[:, 0]) / total
    else:
        margin = np.clip(best[:, 1] - best[:, 0], 0.0, 1.0)
    return raw.argmax(axis=1).astype(float), margin


def _line(outputs: Callable[[Array], Array], data: Data, seed: int) -> Surface:
    split = build.load_data(data, seed)
    x = split.x_train[:, 0]
    room = 0.12 * max(float(np.ptp(x)), 1e-6)
    line = np.linspace(x.min() - room, x.max() + room, LINE)
    with np.errstate(all="ignore"):
        values = outputs(line[:, None])[:, 0]
    target = np.asarray(split.y_train, float).reshape(len(x), -1)[:, 0]
    points = np.stack([x, target], axis=1)[:MOST_POINTS]
    axes = f"{split.dataset.features[0]} (standardised)", "target (standardised)"
    return Surface(line, np.empty(0), values, np.ones(LINE), points, points[:, 1], axes, 1.0)


@lru_cache(maxsize=8)
def _plane(data: Data, seed: int) -> Plane:
    """Return the plane to look at: that of planar data itself, else of the first two principal components."""
    split = build.load_data(data, seed)
    x = split.x_train
    inputs = x.shape[1]
    if inputs == 2:
        first, second = (f"{name} (standardised)" for name in split.dataset.features)
        return Plane(np.zeros(2), np.eye(2), x, 1.0, (first, second))
    centre = x.mean(axis=0)
    variances, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    directions = vectors.T[:-3:-1]
    # The sign of an eigenvector is arbitrary: make its largest entry positive, so that machines agree.
    directions = directions * np.sign(directions[np.arange(2), np.abs(directions).argmax(axis=1)])[:, None]
    explained = float(variances[-2:].sum() / max(variances.sum(), np.finfo(float).tiny))
    axes = "principal component 1", "principal component 2"
    return Plane(centre, directions, (x - centre) @ directions.T, explained, axes)
