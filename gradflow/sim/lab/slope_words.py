"""What the slope, the line and the plane of a direction show, in sentences."""

from __future__ import annotations

import math

import numpy as np

from gradflow.sim.lab.digits import told_apart
from gradflow.sim.lab.line import Line
from gradflow.sim.lab.mode_cost import Multiplications
from gradflow.sim.lab.plane import Plane
from gradflow.sim.lab.slope import Slope
from gradflow.sim.words import counted, spell


def place(found: Slope) -> str:
    """Say how long h is and how it lies to the gradient."""
    where = f"Step {found.step}: ‖h‖ = {spell(found.length)}"
    if math.isnan(found.cosine):
        return f"{where}; the gradient is {'0' if found.reverse == 0.0 else 'not finite'}."
    angle = math.degrees(math.acos(max(-1.0, min(1.0, found.cosine))))
    other = " φ has a stand-in for its slope here: no difference can agree with it." if found.stand_in else ""
    return f"{where}; angle to ∇L {angle:.1f}°.{other}"


def cost(work: Multiplications) -> str:
    """Compare the two modes by their multiplications, and say what is counted."""
    return (
        f"Forward mode (JVP): {counted(work.forward)} multiplications in one pass along h, for this one number. "
        f"Reverse mode (VJP): {counted(work.reverse)} in one pass back, for all {counted(work.parameters)} "
        "derivatives; forward mode would need as many passes for them, "
        f"{spell(float(work.gradient_forwards))} multiplications. "
        "Counted are the products of that pass over the whole batch; the values themselves, sums and slopes φ′ are not."
    )


def step(line: Line) -> str:
    """Say what the two orders expect of the steps that the line leads to and what becomes of them, or how it bends."""
    bends = f"hᵀHh = {spell(line.curvature)}"
    if line.kinks:
        bends = f"no second order: too near lies {line.kinks}"
    said = []
    if not math.isnan(line.step_t):
        before, after, first, second = _told(line, line.step_t, line.step_loss)
        said.append(
            f"Next step at t = {spell(line.step_t)}: L goes from {before} to {after} on the same batch; "
            f"first order expects {first}{_second(line, second)} ({bends})."
        )
    if not math.isnan(line.back_t):
        after, before, first, second = _told(line, line.back_t, line.back_loss)
        said.append(
            f"Last step from t = {spell(line.back_t)}: L went from {before} to {after}, on the batch of the next "
            f"step; looking back, first order has {first} there{_second(line, second)} ({bends})."
        )
    return " ".join(said) or f"Along h: slope ∇L·h = {spell(line.slope)}, {'' if line.kinks else 'curvature '}{bends}."


def _second(line: Line, written: str) -> str:
    return "" if line.kinks else f", second {written}"


def _told(line: Line, t: float, loss: float) -> list[str]:
    return told_apart(line.value, loss, line.first_order(t), line.second_order(t))


def plane(found: Plane) -> str:
    """Say how much of the trajectory the plane shows, how far it is computed, and what of it is not finite."""
    words = []
    if found.axes.instead:
        across, up = found.axes.titles
        words.append(f"The run has not moved in two directions yet: this is the plane of “{across}” and “{up}”.")
    elif not math.isnan(found.axes.explained):
        words.append(f"The plane shows {_percent(found.axes.explained)} of the trajectory’s variance.")
    if found.axes.lost:
        words.append("The run taken again ends elsewhere: this is not quite its trajectory.")
    done, broken = int(found.done.sum()), int(found.broken.sum())
    if done < found.done.size:
        words.append(f"{done} of {found.done.size} losses.")
    if broken:
        words.append(f"{broken} of them {'is' if broken == 1 else 'are'} not finite (red).")
    lowest = np.where(found.done & ~found.broken, found.losses, np.inf).min()
    if np.isfinite(lowest):
        here, least = told_apart(found.present, float(lowest))
        of = "L of all samples" if found.axes.whole else "L"
        words.append(f"{of} = {here} here, {least} at the lowest.")
    return f"Step {found.axes.step}: " + " ".join(words)


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %" if share < 0.9995 else "all"
