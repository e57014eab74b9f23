"""What a ridgeline shows: each layer's histogram as shares of its numbers, on a logarithmic or a linear axis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.details import Details, Histogram, Magnitudes
from gradflow.sim.frozen import Frozen
from gradflow.sim.snapshot import Topology
from gradflow.sim.words import spell

Array = NDArray[np.float64]
Measured = Magnitudes | Histogram
MOST_RIDGES = 14

SYMBOLS = {
    "activations": "a",
    "pre_activations": "z",
    "deltas": "δ",
    "weights": "W",
    "weight_grads": "∂L/∂W",
    "updates": "ΔW",
}
"""How the measurements are written on an axis."""

SIGNALS = ("activations", "pre_activations", "deltas")
LOG10_2 = float(np.log10(2.0))


class Scale(StrEnum):
    """The horizontal axis."""

    LOG = "log"
    LINEAR = "linear"
    STANDARD = "linear ÷ σ"


@dataclass(frozen=True, eq=False, repr=False)
class Ridge(Frozen):
    """One histogram: the layer's number, the bins' edges, and the shares of its numbers that are in them.

    The others are exactly zero, below or above the axis, or not finite.
    """

    layer: int
    edges: Array
    shares: Array
    zero: float
    below: float
    above: float
    non_finite: float


def find(details: Details, part: str, scale: Scale) -> Measured | None:
    """Return what is measured of a part for an axis, None if it is not."""
    if scale is not Scale.LOG:
        return details.histograms.get(part)
    found: Magnitudes | None = getattr(details, part)
    return found


def chosen(count: int, every: int, selected: int | None) -> list[int]:
    """Return at most MOST_RIDGES layers (from 1), evenly spread, with the last and the selected one among them."""
    shown = [int(layer) for layer in np.arange((count - 1) % every, count, every) + 1]
    if selected is not None and selected <= count and selected not in shown:
        nearest = min(range(len(shown)), key=lambda i: abs(shown[i] - selected))
        shown[nearest] = selected
    return shown


def _edges(measured: Measured, row: int, scale: Scale) -> Array:
    bins = measured.counts.shape[1]
    if isinstance(measured, Magnitudes):
        return (measured.first + np.arange(bins + 1)) * LOG10_2
    reach, deviation = measured.reach[row], measured.deviation[row]
    if scale is Scale.STANDARD:
        reach = reach / deviation if deviation > 0 else 0.0
    edges: Array = np.arange(-bins, bins + 1, 2) * (reach / bins)
    return edges


def ends_of(measured: Measured, scale: Scale, part: str) -> tuple[float, float]:
    """Return the least and the greatest edge of a bin with something in it.

    On one linear axis the output layer, which has no φ and the largest δ, would leave no room for the signals of the
    hidden layers: what it has beyond them is counted in a column.
    """
    filled: NDArray[np.bool_] = measured.counts > 0
    if isinstance(measured, Magnitudes):
        filled = np.atleast_2d(filled.any(axis=0))
    else:
        filled[:, [0, -1]] |= measured.beyond > 0
    if scale is Scale.LINEAR and part in SIGNALS and filled[:-1].any():
        filled = filled[:-1]
    some = filled.any(axis=1)
    if not some.any():
        return -1.0, 0.0 if scale is Scale.LOG else 1.0
    first, behind = filled.argmax(axis=1), filled.shape[1] - filled[:, ::-1].argmax(axis=1)
    if isinstance(measured, Magnitudes):
        return float((measured.first + first[0]) * LOG10_2), float((measured.first + behind[0]) * LOG10_2)
    unit = measured.reach
    if scale is Scale.STANDARD:
        unit = np.divide(unit, measured.deviation, out=np.zeros_like(unit), where=measured.deviation > 0)
    half, unit = filled.shape[1] / 2, unit[: len(filled)][some]
    lows, highs = (first[some] - half) / half * unit, (behind[some] - half) / half * unit
    low, high = float(lows.min()), float(highs.max())
    return (low, high) if low < high else (-1.0, 1.0)


def ridge(measured: Measured, layer: int, scale: Scale, ends: tuple[float, float]) -> Ridge:
    """Return the histogram of one layer between the ends of an axis, and what is not in it."""
    row = layer - 1
    size, edges = _size(measured, row), _edges(measured, row, scale)
    # What does not vary has no shape in units of its deviation.
    counts = measured.counts[row] if edges[-1] > edges[0] else np.zeros_like(measured.counts[row])
    below = above = 0
    if isinstance(measured, Histogram):
        # The outermost bins stand for whatever is farther out.
        counts = counts.copy()
        counts[[0, -1]] += measured.beyond[row]
        if edges[0] < ends[0] or edges[-1] > ends[1]:
            # By a bin's middle, so that an edge that is the axis's end up to a rounding is inside.
            middles = (edges[:-1] + edges[1:]) / 2
            low, high = middles < ends[0], middles > ends[1]
            below, above = int(counts[low].sum()), int(counts[high].sum())
            counts[low | high] = 0
    return Ridge(
        layer=layer,
        edges=edges,
        shares=counts / size,
        zero=float(measured.zero[row]) / size,
        below=below / size,
        above=above / size,
        non_finite=float(measured.non_finite[row]) / size,
    )


def _size(measured: Measured, row: int) -> int:
    """Return how many numbers one layer has, at least 1, without adding up those of all others."""
    beyond = measured.beyond[row].sum() if isinstance(measured, Histogram) else 0
    return max(int(measured.counts[row].sum() + beyond + measured.zero[row] + measured.non_finite[row]), 1)


def saturation(topology: Topology, part: str) -> str:
    """Return in words where φ is saturated, if that can be seen in this part."""
    if part not in ("pre_activations", "activations"):
        return ""
    kinds = {
        layer.plateaus.words
        for layer in topology.layers
        if (layer.plateaus.z if part == "pre_activations" else layer.plateaus.a)
    }
    return " or ".join(sorted(kinds))


def saturated_intervals(topology: Topology, layer: int, part: str, scale: Scale) -> list[tuple[float, float]]:
    """Return where the ground is shaded: on the axis of magnitudes only what is so for both signs."""
    plateaus = topology.layers[layer - 1].plateaus
    found = {"pre_activations": plateaus.z, "activations": plateaus.a}.get(part, ())
    if scale is not Scale.LOG:
        return list(found)
    positive = all(low >= 0.0 for low, _ in found)
    with np.errstate(divide="ignore"):
        return [
            (float(np.log10(low)), float(np.log10(high)))
            for low, high in found
            if low >= 0.0 and (positive or any(np.isclose(low, -above) for _, above in found))
        ]


def describe(topology: Topology, measured: Measured, layer: int) -> str:
    """Return one layer's numbers for the readout."""
    size = _size(measured, layer - 1)
    name = topology.layers[layer - 1].name if layer <= len(topology.layers) else ""
    lines = [f"<b>layer {layer}</b> · {name} · {size} numbers"]
    if isinstance(measured, Histogram):
        mean, deviation = measured.mean[layer - 1], measured.deviation[layer - 1]
        lines.append(f"mean {spell(mean)}   σ {spell(deviation)}")
        if outliers := int(measured.beyond[layer - 1].sum()):
            lines.append(f"outliers beyond ±{spell(measured.reach[layer - 1])}, in the outermost bins: {outliers}")
    zero, broken = int(measured.zero[layer - 1]), int(measured.non_finite[layer - 1])
    if zero or broken:
        lines.append(f"exactly 0: {100 * zero / size:.3g} %   not finite: {100 * broken / size:.3g} %")
    return "<br>".join(lines)
