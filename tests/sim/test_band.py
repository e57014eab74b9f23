"""The band against real networks: how much they differ, and around what, with norms, skips and without."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from literature_kit import measured

from gradflow.sim.config import Experiment, edit
from gradflow.sim.mean_field import thoroughly
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.theory.random_networks import how_many

TANH: dict[str, Any] = {"network.activation": "tanh", "init.scheme": "xavier-normal"}
PRE: dict[str, Any] = {"network.skip_every": 2, "network.residual": "pre-activation"}
POST: dict[str, Any] = {"network.skip_every": 2, "network.residual": "post-activation"}
NORMS = ("layer-norm", "rms-norm", "batch-norm")
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain tanh": TANH,
    **{name: {"network.norm": name} for name in NORMS},
    **{f"{name}, tanh": TANH | {"network.norm": name} for name in NORMS},
    "identity skips": {"network.skip_every": 2},
    "identity skips, tanh": TANH | {"network.skip_every": 2},
    "pre-activation": PRE | {"network.branch_scale": 0.5},
    **{f"pre-activation with {name}": PRE | {"network.norm": name} for name in NORMS},
    "skips with batch norm": {"network.skip_every": 2, "network.norm": "batch-norm"},
    "dropout": {"network.dropout": 0.2},
    "post-activation": POST,
    "post-activation, tanh": TANH | POST,
    "post-activation with batch norm": POST | {"network.norm": "batch-norm"},
}
NETWORKS, BATCH = 64, 64
WIDTHS, DEPTHS = (64, 256), (10, 50)

CHECKS = 2 * len(CASES) * len(WIDTHS) * len(DEPTHS)
"""How many medians the whole table looks at."""

MEDIAN = 0.82
"""The standard deviation of a median over layers in units of a single layer's, which it would be if all deviated alike.

Measured by drawing both sides of the table, many times, from normal laws with the covariances of its networks.
"""

WITHIN = MEDIAN * NormalDist().inv_cdf(1.0 - 0.05 / (2 * CHECKS))
"""The deviation that the worst of so many medians exceeds once in twenty tables, if every band is right."""


def compare(changes: dict[str, Any]) -> None:
    """Draw networks for one batch; their mean and their spread in each layer have to be those predicted.

    Either spread is known from some networks only: the one measured from 64, the one predicted from 16 at least.
    """
    base: dict[str, Any] = {"data.name": "digits", "network.activation": "relu", "init.scheme": "he-normal"}
    run = Run(edit(Experiment(), base | {"init.scale": 1.0, "training.batch_size": BATCH} | changes))
    predicted, network = thoroughly(run.forecast.subject), run.trainer.network
    logs = []
    for seed in range(NETWORKS):
        network.initialize(np.random.default_rng(500 + seed))
        found = measured(network)
        logs.append([np.log(found(stat)) for stat in (Stat.DELTA, Stat.WEIGHT_GRAD)])
    expected = np.log([predicted.delta_norm, predicted.weight_grad_norm])
    spread = np.array([predicted.delta_spread, predicted.weight_grad_spread])
    followed = how_many(BATCH, sum(layer.units for layer in run.trainer.topology.layers))
    ratio = np.log(np.std(logs, axis=0, ddof=1) / spread)
    sampling = np.sqrt(0.5 / NETWORKS + 0.5 / followed)
    assert (np.abs(np.median(ratio, axis=1)) < WITHIN * sampling).all(), np.exp(ratio)
    assert (np.abs(ratio) < 4.0 * sampling).mean() > 0.95, np.exp(ratio)
    gap = np.abs(np.mean(logs, axis=0) - expected) / (spread * np.sqrt(1.0 / NETWORKS + 1.0 / followed))
    assert (gap < 4.0).mean() > 0.95, gap


@pytest.mark.parametrize("case", ["layer-norm", "batch-norm, tanh", "pre-activation with rms-norm", "post-activation"])
def test_networks_with_norms_and_skips_differ_as_much_as_the_band_says(case: str) -> None:
    compare(CASES[case] | {"network.depth": 8, "network.width": 48})


def test_skips_by_projection_have_a_band() -> None:
    rows = [
        {"units": 64},
        {"units": 80, "skip_from": 1},
        {"units": 48},
        {"units": 72, "skip_from": 2},
        {"units": 64},
        {"units": 64, "skip_from": 5},
    ]
    compare({"network.layers": rows})


@pytest.mark.slow
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES)
def test_the_band_is_right_for_all_norms_and_skips(case: str, width: int, depth: int) -> None:
    compare(CASES[case] | {"network.depth": depth, "network.width": width})
