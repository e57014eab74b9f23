"""What the slope, the line and the plane of a direction show, in sentences."""

from __future__ import annotations

import math

import numpy as np

from gradflow.sim.lab.digits import told_apart
from gradflow.sim.lab.line import Line
from gradflow.sim.lab.mode_cost import Multiplications
from gradflow.sim.lab.plane import Plane
from gradflow.sim.lab.slope import Slope
from gradflow.sim.words import spell


def place(found: Slope) -> str:
    """Say how long h is and how it lies to the gradient."""
    if math.isnan(found.cosine):
        return f"‖h‖ = {spell(found.length)}; the gradient is 0."
    angle = math.degrees(math.acos(max(-1.0, min(1.0, found.cosine))))
    return f"‖h‖ = {spell(found.length)}; angle to ∇L {angle:.1f}°."


def cost(work: Multiplications) -> str:
    """Compare the two modes by their multiplications."""
    return (
        f"Forward mode (JVP): {_count(work.forward)} multiplications for this one number. Reverse mode (VJP): "
        f"{_count(work.reverse)} for all {_count(work.parameters)} derivatives; forward mode would need as many passes "
        f"for them, {spell(float(work.gradient_forwards))} multiplications."
    )


def step(line: Line) -> str:
    """Say what the two orders expect of the next step and what becomes of it; "" where the line does not lead there."""
    if math.isnan(line.step_t):
        return f"Along h: slope ∇L·h = {_signed(line.slope)}, curvature hᵀHh = {_signed(line.curvature)}."
    expected = line.first_order(line.step_t), line.second_order(line.step_t)
    before, after, first, second = told_apart(line.value, line.step_loss, *expected)
    return (
        f"Next step at t = {spell(line.step_t)}: L goes from {before} to {after} on the same batch; "
        f"first order expects {first}, second {second} (hᵀHh = {_signed(line.curvature)})."
    )


def plane(found: Plane) -> str:
    """Say how much of the way the plane shows, how far it is computed, and what of it is not finite."""
    words = []
    if not math.isnan(found.axes.explained):
        words.append(f"The plane shows {_percent(found.axes.explained)} of the way’s variance.")
    elif len(found.axes.way):
        words.append("The run has not moved yet.")
    if found.axes.lost:
        words.append("The run taken again ends elsewhere: this is not quite the way it took.")
    done, broken = int(found.done.sum()), int(found.broken.sum())
    if done < found.done.size:
        words.append(f"{done} of {found.done.size} losses.")
    if broken:
        words.append(f"{broken} of them {'is' if broken == 1 else 'are'} not finite (red).")
    lowest = np.where(found.done & ~found.broken, found.losses, np.inf).min()
    here, least = told_apart(found.present, float(lowest))
    words.append(f"L = {here} here, {least} at the lowest.")
    return " ".join(words)


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g} %" if share < 0.9995 else "all"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ") if number < 10_000_000 else spell(float(number))


def _signed(value: float) -> str:
    return spell(value).replace("-", "−")
