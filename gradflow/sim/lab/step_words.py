"""What a step-size curve shows, in sentences."""

from __future__ import annotations

import math

import numpy as np

from gradflow.sim.lab.step_curve import Errors, StepCurve, U
from gradflow.sim.words import spell

ROOTS = {1: ("√u", U**0.5), 2: ("∛u", U ** (1 / 3))}
"""Where the best step lies if f and its derivatives are near 1."""


def best_step(curve: StepCurve, which: str, f: str = "L") -> str:
    """Say where one difference is best and why, "" while that is not known."""
    if not curve.complete:
        return ""
    fit = curve.fit(which)
    name = which.capitalize()
    if math.isnan(fit.best_step):
        if curve.exact == 0.0 and not np.nan_to_num(curve.errors(which)).any():
            return f"{name}: the derivative is exactly 0, and so is every difference."
        if not math.isnan(fit.slope):
            return (
                f"{name}: the error grows with slope {slopes(fit).split()[0]}, not +{fit.order}: another term leads "
                f"than {_left_out(fit, f)}. It is least at ε ≈ {spell(curve.least(which))}."
            )
        if not math.isnan(fit.noise):
            return f"{name}: no truncation error stands out of the round-off, so every large ε without a kink is good."
        return ""
    root, value = ROOTS[fit.order]
    return (
        f"{name}: best at ε ≈ {spell(fit.best_step)} (dotted), where truncation {_left_out(fit, f)} and round-off "
        f"u|{f}|/ε balance ({root} = {spell(value)} if all were 1). Measured slopes {slopes(fit)}."
    )


def _left_out(fit: Errors, f: str) -> str:
    return f"½|{f}″|·ε" if fit.order == 1 else f"⅙|{f}‴|·ε²"


def slopes(fit: Errors) -> str:
    """Say which slopes were measured on the log-log scale: of truncation, then of round-off."""
    shown = [f"{slope:+.2f}".replace("-", "−") for slope in (fit.slope, fit.noise_slope) if not math.isnan(slope)]
    return " and ".join(shown)


def kinks(curve: StepCurve, variable: str = "w") -> str:
    """Name the kinks that steps run into, and say from where on; "" if there are none."""
    met = [i for i in np.flatnonzero(curve.done) if curve.kinks[i]]
    if not met:
        return ""
    names = ", ".join(dict.fromkeys(name for i in met for name in curve.kinks[i].split(", ")))
    between = f"between {variable}\u00a0−\u00a0ε and {variable}\u00a0+\u00a0ε"
    if len(met) == np.count_nonzero(curve.done):
        return f"Every step has {names} {between}: the derivative jumps right here, and no difference has to agree."
    least = float(curve.steps[met].min())
    return f"From ε = {spell(least)} on there is {names} {between}: there the two need not agree, and nothing is wrong."


def as_printed(step: float) -> str:
    """Say what the slide's slip does at this step."""
    return (
        f"As the slide prints it, over ε² instead of 2ε, the quotient is 2/ε times the central difference: "
        f"{spell(2.0 / step)} times at ε = {spell(step)}. It grows without bound as ε → 0; only at ε = 2 are the two "
        "the same."
    )


def not_finite(curve: StepCurve, f: str = "L") -> str:
    """Say that there is nothing to compare, and why."""
    if math.isfinite(curve.value):
        return f"{f} = {spell(curve.value)} is finite, its derivative is not: there is nothing to compare."
    return f"{f} is {spell(curve.value)}: neither a derivative nor a difference of it means anything."
