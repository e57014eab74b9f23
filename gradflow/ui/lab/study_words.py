"""What is said of derivatives: the numbers to be compared, below each other, and the sentences under a curve."""

from __future__ import annotations

import numpy as np

from gradflow.sim.lab import step_words
from gradflow.sim.lab.differences import Study
from gradflow.sim.lab.slope import Slope
from gradflow.sim.words import spell
from gradflow.ui.lab.number_rows import NumberRow
from gradflow.ui.lab.step_curve_plot import colors
from gradflow.ui.theme import Theme


def numbers(found: Study, number: int, printed: bool, theme: Theme) -> list[NumberRow]:
    """Return the exact derivative and the differences at one of the steps; with `printed` the slide's too."""
    curve, color, w = found.curve, colors(theme), found.symbol
    ready = bool(curve.done[number])
    beside = {
        "forward": ("forward", f"(L({w} + ε) − L) / ε"),
        "central": ("central", f"(L({w} + ε) − L({w} − ε)) / 2ε"),
    }
    if printed:
        beside["printed"] = ("as printed", f"(L({w} + ε) − L({w} − ε)) / ε²")
    rows = [
        NumberRow("exact", f"∂L/∂{w} by backprop", curve.exact, note=f"L = {spell(curve.value)} at step {found.step}")
    ]
    for which, (name, formula) in beside.items():
        kink = curve.kinks_above[number] if which == "forward" else curve.kinks[number]
        value = float(getattr(curve, which)[number]) if ready else None
        rows.append(NumberRow(name, formula, value, color[which], f"straddles {kink}" if kink and ready else ""))
    return rows


def sentences(found: Study, number: int, printed: bool, brief: bool) -> list[str]:
    """Return what there is to say; where it has to be `brief`, the best steps only if there is nothing else."""
    curve = found.curve
    if not np.isfinite([curve.value, curve.exact]).all():
        return [step_words.not_finite(curve)]
    said = [] if curve.complete else [f"{np.count_nonzero(curve.done)} of {len(curve.steps)} steps …"]
    if printed:
        said.append(step_words.as_printed(float(curve.steps[number])))
    if found.stand_in:
        said.append("φ has a stand-in for its slope here: no difference can agree with it.")
    said.append(step_words.kinks(curve))
    if not brief or not any(said):
        said += [step_words.best_step(curve, which) for which in ("forward", "central")]
    return [sentence for sentence in said if sentence]


def ways(found: Slope) -> list[NumberRow]:
    """Return the derivative along a direction in three ways."""
    back = NumberRow("reverse mode", "∇L · h, by one pass back", found.reverse, note="a vector–Jacobian product")
    tangent = NumberRow("forward mode", "J h, tangents along h", found.forward)
    kinks = f"straddles {found.kinks}" if found.kinks else ""
    return [back, tangent, NumberRow("difference", "(L(θ+t·h) − L(θ−t·h)) / 2t", found.quotient, note=kinks)]
