"""The loss at chance: that of the best answer that does not look at the inputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def chance_loss(loss: str, targets: Array, huber_delta: float) -> float:
    """Return the least mean loss of one constant output for all samples, nan for a loss it is not known of."""
    if loss == "huber":
        return _huber(targets, huber_delta)
    return LEAST[loss](targets) if loss in LEAST and len(targets) else math.nan


def _entropy(targets: Array) -> float:
    """Return −Σ p·ln p of the mean target: the softmax's best constant is p itself."""
    return float(_surprise(targets.mean(axis=0)).sum())


def _binary_entropy(targets: Array) -> float:
    p = targets.mean(axis=0)
    return float((_surprise(p) + _surprise(1.0 - p)).mean())


def _surprise(p: Array) -> Array:
    return np.asarray(-p * np.log(np.where(p > 0.0, p, 1.0)))


def _variance(targets: Array) -> float:
    return float(targets.var(axis=0).mean())


def _absolute(targets: Array) -> float:
    return float(np.abs(targets - np.median(targets, axis=0)).mean())


def _huber(targets: Array, delta: float) -> float:
    """Return the smaller of the losses at mean and median: the best constant lies between them."""

    def at(answer: Array) -> float:
        gap = np.abs(targets - answer)
        return float(np.where(gap < delta, 0.5 * gap**2, delta * (gap - 0.5 * delta)).mean())

    return min(at(targets.mean(axis=0)), at(np.median(targets, axis=0)))


def _hinge(targets: Array) -> float:
    """Return the loss of always naming the most frequent class with a margin of 1, or of naming none."""
    p, classes = targets.mean(axis=0), targets.shape[1]
    if classes == 1:
        return float(2.0 * min(p[0], 1.0 - p[0]))
    return float(min((classes - 1) / classes, 1.0 - p.max()))


LEAST: dict[str, Callable[[Array], float]] = {
    "softmax-cross-entropy": _entropy,
    "binary-cross-entropy": _binary_entropy,
    "mean-squared-error": _variance,
    "mean-absolute-error": _absolute,
    "hinge": _hinge,
}
