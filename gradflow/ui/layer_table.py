"""The layers as a small table of rich text: units, fan-in, the deviation of the first weights, and the gradient."""

from __future__ import annotations

import math

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat
from gradflow.sim.words import spell
from gradflow.ui.theme import Theme

MOST_ROWS = 12
"""Of more layers than these only some are listed."""


def layer_table(frame: Frame, theme: Theme) -> str:
    """Return the layers, or the first, middle and last of many, as a table."""
    layers = frame.topology.layers
    last = len(layers) - 1
    chosen = range(len(layers)) if last < MOST_ROWS else (0, 1, 2, last // 2, last - 2, last - 1, last)
    delta = frame.snapshot.stat(Stat.DELTA)
    muted, colors = theme.muted, theme.layer_colors(len(layers))
    head = "".join(
        f'<td align="right"><span style="color:{muted}">{h}</span></td>' for h in ("", "units", "n", "σ", "‖δ‖")
    )
    rows, before = [f"<tr>{head}</tr>"], -1
    for i in chosen:
        if before >= 0 and i > before + 1:
            rows.append(f'<tr><td align="right"><span style="color:{muted}">⋯</span></td></tr>')
        layer = layers[i]
        cells = (
            f"{layer.units}",
            f"{layer.init_n:g}" if layer.init_n else "–",
            "–" if math.isnan(layer.init_std) else f"{layer.init_std:.3g}",
            spell(delta[i]),
        )
        rows.append(
            f'<tr><td align="right"><span style="color:{colors[i].name()}">●</span> {layer.number}</td>'
            + "".join(f'<td align="right">{cell}</td>' for cell in cells)
            + "</tr>"
        )
        before = i
    return f'<table cellspacing="0" cellpadding="2" width="100%">{"".join(rows)}</table>'
