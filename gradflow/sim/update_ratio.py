"""The update-to-weight ratio ‖ΔW‖/‖W‖ of the steps the optimiser took: its range of late, its course, and in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.history import HistoryView
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.words import spell

Array = NDArray[Any]

RECENT = 50
"""How many recorded steps the range is over."""

LOW, HIGH = 1e-4, 1e-2
"""The range around the rule of thumb of 10⁻³ (Karpathy, cs231n, neural-networks-3)."""


def recent_range(history: HistoryView) -> tuple[Array, Array]:
    """Return the least and the greatest ratio of every layer over the last recorded steps; nan where there is none."""
    ratios = history.update_ratio(slice(-RECENT, None))
    exists = np.isfinite(ratios)
    low = np.where(exists, ratios, np.inf).min(axis=0, initial=np.inf)
    high = np.where(exists, ratios, -np.inf).max(axis=0, initial=-np.inf)
    some = exists.any(axis=0)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def course(history: HistoryView, most_points: int, layers: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the steps (points) and log₁₀ of the ratio (points, layers) of some layers, the last step among them.

    nan stands where a layer does not move at all.
    """
    rows = history.every(most_points)
    if len(rows) and rows[-1] != len(history) - 1:
        rows = np.append(rows, len(history) - 1)
    ratios = history.update_ratio(rows)[:, layers]
    logs = np.full(ratios.shape, np.nan)
    np.log10(ratios, out=logs, where=np.isfinite(ratios) & (ratios > 0.0))
    return history.column("step")[rows], logs


def spread_layers(count: int, most: int, picked: int | None = None) -> NDArray[np.intp]:
    """Return at most `most` layers (from 0) spread evenly from the first to the last, and the `picked` one."""
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))
    if picked is not None and picked < count and picked not in chosen:
        chosen[np.abs(chosen - picked).argmin()] = picked
    return chosen


def in_words(snapshot: Snapshot) -> str:
    """Say how large the step is beside the weights, and how far the layers are apart."""
    ratios = snapshot.update_ratio
    moving = ratios[np.isfinite(ratios) & (ratios > 0.0)]
    norms = snapshot.stat(Stat.UPDATE)
    if not np.isfinite(norms).all():
        return "The step is no longer finite."
    if not moving.size:
        return "No layer moves."
    still = int(np.count_nonzero(norms == 0.0))
    middle = float(np.median(moving))
    words = f"The median layer moves by {spell(middle)} of its size in a step"
    if moving.size == 1:
        words = f"The layer moves by {spell(middle)} of its size in a step"
    if middle < LOW or middle > HIGH:
        words += ": a lot, they may forget what they knew" if middle > HIGH else ": very little, learning is slow"
    apart = math.log10(float(moving.max())) - math.log10(float(moving.min()))
    if apart >= 1.0:
        words += f"; layers differ by {apart:.1f} decades"
    if still:
        words += f"; {still} of {len(ratios)} layers stand still"
    return f"{words}."
