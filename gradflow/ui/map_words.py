"""What a map says in words: what it will be, how far it is, and the numbers of a cell."""

from __future__ import annotations

import math

from gradflow.sim.frame import Frame
from gradflow.sim.sweep import MEASURES, Cell, Chart, Scale
from gradflow.sim.words import power, spell, spelled


def plan(chart: Chart) -> str:
    """Say what Start does."""
    rows, columns = chart.sweep.shape
    return f"Start runs a network for every cell ({columns} × {rows}) and shows what came of it. Ring: this experiment."


def sentence(chart: Chart, frame: Frame, measure: str) -> str:
    """Say how far the map is, what keeps it from going on, and what it does not show."""
    lines = "  ".join(f"{sign} {curve.label}" for sign, curve in zip(("—", "┄"), chart.curves, strict=False))
    words = [f"{len(chart.results)} of {chart.size} cells"]
    if chart.note:
        words.append(chart.note)
    elif not chart.has(measure):
        words.append("this measure needs trained cells: Start")
    elif titles := chart.outdated(frame.experiment):
        words.append(f"of other settings than now: {', '.join(titles[:3]).lower()}")
    if lines and not chart.note:
        words.append(f"theory: {lines}")
    return " · ".join(words)


def numbers(chart: Chart, cell: Cell) -> list[str]:
    """Return what is known about one cell, line by line: first where it is."""
    sweep, result = chart.sweep, chart.results.get(cell)
    words = zip((sweep.x.title, sweep.y.title), sweep.values(cell).values(), strict=True)
    lines = [" · ".join(f"{title.lower()} {spelled(value)}" for title, value in words)]
    if result is None:
        lines.append("not done yet")
    elif result.message:
        lines.append(result.message)
    for name, value in (result.values if result else {}).items():
        if name != "diverged" and chart.has(name) and not math.isnan(value):
            ratio = MEASURES[name].part.scale is Scale.RATIO
            shown = (power(value) if math.isfinite(value) else "0") if ratio else spell(value)
            lines.append(f"{MEASURES[name].title}: {shown}")
    return lines
