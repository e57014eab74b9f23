"""What is said of derivatives: the numbers to be compared, below each other, and the sentences under a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.sim.lab import step_words
from gradflow.sim.lab.differences import Study
from gradflow.sim.lab.slope import Slope
from gradflow.sim.lab.step_curve import StepCurve
from gradflow.sim.words import spell
from gradflow.ui.lab.number_rows import NumberRow
from gradflow.ui.lab.step_curve_plot import colors
from gradflow.ui.theme import Theme


@dataclass(frozen=True)
class Names:
    """How a function, its value, its variable and the derivative are written, and what gives the exact one."""

    f: str
    value: str
    x: str
    derivative: str
    by: str


def compared(curve: StepCurve, names: Names, number: int, printed: bool, theme: Theme) -> list[NumberRow]:
    """Return the exact derivative and the differences at one of the steps; with `printed` the slide's too."""
    color, f, x = colors(theme), names.f, names.x
    ready = bool(curve.done[number])
    beside = {
        "forward": ("forward", f"({f}({x} + ε) − {f}) / ε"),
        "central": ("central", f"({f}({x} + ε) − {f}({x} − ε)) / 2ε"),
    }
    if printed:
        beside["printed"] = ("as printed", f"({f}({x} + ε) − {f}({x} − ε)) / ε²")
    rows = [NumberRow("exact", f"{names.derivative} by {names.by}", curve.exact, note=f"{f} = {names.value}")]
    for which, (name, formula) in beside.items():
        kink = curve.kinks_above[number] if which == "forward" else curve.kinks[number]
        value = float(getattr(curve, which)[number]) if ready else None
        rows.append(NumberRow(name, formula, value, color[which], _straddles(kink) if ready else ""))
    return rows


def _straddles(kinks: str) -> str:
    """Return what lies between the points of a difference; several are named below the curve."""
    several = kinks.count(", ")
    return f"straddles {several + 1} kinks" if several else f"straddles {kinks}" if kinks else ""


def names(found: Study) -> Names:
    """Return how the loss and what it is derived by are written."""
    value = f"{spell(found.curve.value)} at step {found.step}"
    return Names("L", value, found.symbol, f"∂L/∂{found.symbol}", "backprop")


def remarks(
    curve: StepCurve, f: str, x: str, number: int, printed: bool, brief: bool, more: Sequence[str] = ()
) -> list[str]:
    """Return what there is to say of a curve, and more; the best steps, if `brief`, only if there is nothing else."""
    if not np.isfinite([curve.value, curve.exact]).all():
        return [step_words.not_finite(curve, f)]
    said = [] if curve.complete else [f"{np.count_nonzero(curve.done)} of {len(curve.steps)} steps …"]
    if printed:
        said.append(step_words.as_printed(float(curve.steps[number])))
    said += [*more, step_words.kinks(curve, x)]
    if not brief or not any(said):
        said += [step_words.best_step(curve, which, f) for which in ("forward", "central")]
    return [sentence for sentence in said if sentence]


def sentences(found: Study, number: int, printed: bool, brief: bool, note: str = "") -> list[str]:
    """Return what there is to say, and a note; where it has to be `brief`, the best steps only if that is all."""
    stands_in = "φ has a stand-in for its slope here: no difference can agree with it." if found.stand_in else ""
    return remarks(found.curve, "L", "w", number, printed, brief, [note, stands_in])


def ways(found: Slope) -> list[NumberRow]:
    """Return the derivative along a direction in three ways."""
    back = NumberRow("reverse mode", "∇L · h, by one pass back", found.reverse, note="a vector–Jacobian product")
    tangent = NumberRow("forward mode", "J h, tangents along h", found.forward)
    kinks = f"straddles {found.kinks}" if found.kinks else ""
    return [back, tangent, NumberRow("difference", "(L(θ+t·h) − L(θ−t·h)) / 2t", found.quotient, note=kinks)]
