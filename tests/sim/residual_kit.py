"""Networks with skips of every kind, for the tests of what is drawn and measured along them."""

from __future__ import annotations

from typing import Any

from gradflow.sim.layer_rows import LayerRow

NESTED = (
    LayerRow(units=5),
    LayerRow(units=5, skip_from=1),
    LayerRow(units=7, skip_from=2),
    LayerRow(units=7),
    LayerRow(units=7, skip_from=1),
    LayerRow(units=4, skip_from=4, join="concat", norm="layer-norm", dropout=0.2),
)
IMAGES = (
    LayerRow(kind="conv", units=4, padding="same", norm="batch-norm"),
    LayerRow(kind="conv", units=4, padding="same", skip_from=1),
    LayerRow(kind="conv", units=6, padding="same", stride=2, skip_from=1),
    LayerRow(kind="average-pool"),
    LayerRow(kind="conv", units=3, padding="same", skip_from=4, join="concat"),
    LayerRow(units=6),
)
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "skips": {"network.depth": 6, "network.skip_every": 2},
    "scaled branches": {"network.depth": 4, "network.skip_every": 1, "network.branch_scale": 0.3},
    "pre-activation": {"network.depth": 5, "network.skip_every": 2, "network.residual": "pre-activation"},
    "post-activation": {"network.depth": 5, "network.skip_every": 2, "network.residual": "post-activation"},
    "nested, projected and side by side": {"network.layers": NESTED},
    "images": {"network.layers": IMAGES, "data.name": "digits"},
}
