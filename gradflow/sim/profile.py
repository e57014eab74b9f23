"""The gradient profile as curves over the layers: what is measured, how it varied lately, and what theory expects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frame import Frame
from gradflow.sim.frozen import Frozen
from gradflow.sim.prediction import Prediction
from gradflow.sim.snapshot import Snapshot, Stat

Array = NDArray[np.float64]

LATELY = 50
"""The recorded steps whose range is shown behind the marks."""


class Measure(StrEnum):
    """How large a gradient is: over all entries of a layer, of one entry, or compared with the next layer."""

    NORM = "norm"
    RMS = "RMS"
    MEAN_SIZE = "mean |·|"
    MAX = "max"
    FACTOR = "factor"

    @property
    def of_entries(self) -> bool:
        """Whether it looks at single entries, which takes a measurement of its own."""
        return self in _SIZES


_SIZES = {Measure.RMS: "rms", Measure.MEAN_SIZE: "mean_size", Measure.MAX: "max"}


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Frozen):
    """One quantity over the layers: measured, its range over the last steps, predicted, and the prediction's band.

    `spread` is the standard deviation of the predicted quantity's natural logarithm from network to network. What does
    not exist is nan.
    """

    measured: Array
    least: Array
    most: Array
    predicted: Array
    spread: Array


def curves(frame: Frame, measure: Measure) -> tuple[Curve, Curve]:
    """Return δ and ∂L/∂W in this measure; as factors, the product so far ‖δ_l‖/‖δ_L‖ and ‖δ_l‖/‖δ_{l+1}‖."""
    if measure is Measure.FACTOR:
        return _factors(frame)
    if measure is Measure.NORM:
        return _norms(frame, Stat.DELTA), _norms(frame, Stat.WEIGHT_GRAD)
    return _sizes(frame, "delta", measure, Stat.DELTA), _sizes(frame, "gradient", measure, Stat.WEIGHT_GRAD)


def agreement(prediction: Prediction | None, snapshot: Snapshot) -> str:
    """Say how far measured and predicted δ are apart: a gap in per cent, or the alignment gain of a trained network."""
    if prediction is None:
        return ""
    if prediction.step == 0:
        words = gap(prediction, snapshot, Stat.DELTA)
        words = f"Theory (line): {words}" if words else ""
        return "; ".join(filter(None, (words, prediction.note)))
    delta = snapshot.stat(Stat.DELTA)
    with np.errstate(all="ignore"):
        apart = np.log(delta[:-1] / delta[1:] / prediction.factor[:-1])
    apart = apart[np.isfinite(apart)]
    if not apart.size:
        return prediction.note
    gain = float(np.exp(apart.mean()))
    of = f" (line of step {prediction.step})" if prediction.step != snapshot.step else ""
    return f"Line: gradients without a preferred direction. Alignment gain ×{gain:.3g} per layer{of}"


def gap(prediction: Prediction, snapshot: Snapshot, stat: Stat) -> str:
    """Say how far a norm is from its prediction on average over layers, and how far it would typically be; or ""."""
    predicted, spread = of_stat(prediction, stat)
    with np.errstate(all="ignore"):
        apart = np.abs(np.log(snapshot.stat(stat) / predicted))
    apart = apart[np.isfinite(apart)]
    if not apart.size:
        return ""
    words = f"gap {_per_cent(float(apart.mean()))}"
    if np.isfinite(spread).any():
        words += f", expected {_per_cent(float(np.nanmean(spread)))}"
    return words


def of_stat(prediction: Prediction, stat: Stat) -> tuple[Array, Array]:
    """Return what is expected of δ or ∂L/∂W, and the spread of its logarithm from network to network."""
    if stat is Stat.DELTA:
        return prediction.delta_norm, prediction.delta_spread
    return prediction.weight_grad_norm, prediction.weight_grad_spread


def _per_cent(log_ratio: float) -> str:
    if log_ratio > 0.7:
        return f"a factor {np.exp(log_ratio):.2g}"
    share = 100.0 * np.expm1(log_ratio)
    return f"±{share:.0f} %" if share >= 10.0 else f"±{share:.2g} %"


def _nothing(frame: Frame) -> Array:
    return np.full(len(frame.topology.layers), np.nan)


def _norms(frame: Frame, stat: Stat) -> Curve:
    least, most = _lately(frame, stat)
    predicted, spread = _predicted(frame, stat)
    return Curve(frame.snapshot.stat(stat).copy(), least, most, predicted, spread)


def _sizes(frame: Frame, name: str, measure: Measure, stat: Stat) -> Curve:
    nothing = _nothing(frame)
    measured = frame.details.sizes.get(f"{name}_{_SIZES[measure]}", nothing)
    predicted, spread = nothing, nothing
    if measure is Measure.RMS:
        # RMS and norm differ by the number of entries only.
        norms, (predicted, spread) = frame.snapshot.stat(stat), _predicted(frame, stat)
        with np.errstate(all="ignore"):
            predicted = predicted * (measured / norms)
    return Curve(measured.copy(), nothing, nothing, predicted, spread)


def _factors(frame: Frame) -> tuple[Curve, Curve]:
    delta, nothing = frame.snapshot.stat(Stat.DELTA), _nothing(frame)
    predicted, spread = _predicted(frame, Stat.DELTA)
    expected = frame.prediction.factor if frame.prediction else nothing
    with np.errstate(all="ignore"):
        if frame.prediction and frame.prediction.step:
            predicted = np.append(np.cumprod(expected[-2::-1])[::-1], 1.0)
        product = Curve(delta / delta[-1], nothing, nothing, predicted / predicted[-1], spread)
        factor = np.append(delta[:-1] / delta[1:], np.nan)
    return product, Curve(factor, nothing, nothing, expected, nothing)


def _lately(frame: Frame, stat: Stat) -> tuple[Array, Array]:
    if len(frame.history) < 2:
        return _nothing(frame), _nothing(frame)
    rows = frame.history.stat(stat)[-LATELY:]
    return rows.min(axis=0), rows.max(axis=0)


def _predicted(frame: Frame, stat: Stat) -> tuple[Array, Array]:
    return of_stat(frame.prediction, stat) if frame.prediction else (_nothing(frame), _nothing(frame))
