"""What a step and a run may take: no memory in a step, and little more than parameters and activations altogether."""

from __future__ import annotations

import tracemalloc
from itertools import islice
from typing import Any

import pytest

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.nodes import NORMS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.precision import PRECISIONS
from gradflow.sim.config import Experiment, edit
from gradflow.sim.trainer import Trainer

WHOLE_BATCHES: dict[str, Any] = {
    "data.name": "digits",
    "data.samples": 1024,
    "data.validation_fraction": 0.0,
    "network.depth": 6,
    "network.width": 64,
    "training.batch_size": 256,
}
"""No short batch and no validation: nothing changes its size. One array of a layer takes 131 kB."""

NUMPYS_BUFFER = 8192 * 8
"""What NumPy itself takes for a moment to add a row to a matrix in place."""


def growth(changes: dict[str, Any], before: int, steps: int) -> tuple[int, int]:
    """Return by how many bytes a number of steps lets memory grow, in the end and at most, after some before them."""
    run = Trainer(edit(Experiment(), WHOLE_BATCHES | changes)).steps()
    tracemalloc.start()
    try:
        for _ in islice(run, before):
            pass
        start, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in islice(run, steps):
            pass
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - start, peak - start


FEATURES: list[dict[str, Any]] = [
    *({"network.activation": name} for name in ACTIVATIONS),
    *({"training.optimizer": name, "training.momentum": 0.9} for name in OPTIMIZERS),
    *({"network.norm": name, "network.dropout": 0.1} for name in NORMS),
    *({"training.precision": name} for name in PRECISIONS),
    *(
        {"network.skip_every": 2, "network.branch_scale": 0.5, "network.residual": residual}
        for residual in ("after-activation", "post-activation", "pre-activation")
    ),
    {"training.clip_norm": 0.1, "training.clip_value": 1e-3, "training.weight_decay": 0.1, "training.l1": 0.1},
    {"training.loss_scale": "dynamic", "training.schedule": "cosine", "training.freeze": 3},
]


@pytest.mark.parametrize("changes", FEATURES, ids=str)
def test_a_step_allocates_no_array_of_a_layer(changes: dict[str, Any]) -> None:
    """Not for a moment: an array of the batch's size would stand out of what NumPy and the snapshots need."""
    after, peak = growth(changes, before=5, steps=5)
    assert peak < NUMPYS_BUFFER + 45_000 < 256 * 64 * 8
    assert after < 20_000


@pytest.mark.parametrize("pool", ["max-pool", "average-pool", "global-average"])
def test_a_step_of_convolutions_allocates_no_array_of_a_layer(pool: str) -> None:
    """A batch of eight channels takes a megabyte, its windows nine; two of NumPy's buffers are little beside that."""
    rows = [{"kind": "conv", "units": 8, "padding": "same"}, {"kind": pool}, {}]
    after, peak = growth({"network.layers": rows}, before=5, steps=5)
    assert peak < 2 * NUMPYS_BUFFER + 45_000 < 256 * 8 * 8 * 8 * 8
    assert after < 20_000


@pytest.mark.parametrize(("activation", "optimizer"), [("relu", "sgd"), ("tanh", "adam")])
def test_a_hundred_steps_with_short_batches_and_validation_keep_their_memory(activation: str, optimizer: str) -> None:
    """Fifty layers of 64 units: going to another batch size and back makes views and rows of ones, and no more."""
    changes = {
        "data.samples": "all",
        "data.validation_fraction": 0.2,
        "network.depth": 50,
        "network.activation": activation,
        "training.optimizer": optimizer,
        "training.batch_size": 64,
    }
    # Validation comes at steps 0, 32, 64, …, a short batch every 23 steps.
    after, peak = growth(changes, before=34, steps=100)
    assert peak < 200_000
    assert after < 20_000


@pytest.mark.parametrize(("optimizer", "batch"), [("sgd", 64), ("adam", 256)])
def test_a_deep_network_takes_little_more_than_its_parameters_and_activations(optimizer: str, batch: int) -> None:
    """Two hundred layers: parameters, gradients and the optimiser's memory; value and gradient of each activation."""
    changes = {
        "data.samples": "all",
        "data.validation_fraction": 0.2,
        "network.depth": 200,
        "training.optimizer": optimizer,
        "training.batch_size": batch,
    }
    experiment = edit(Experiment(), WHOLE_BATCHES | changes)
    tracemalloc.start()
    try:
        run = Trainer(experiment)
        assert all(snapshot.finite for snapshot in islice(run.steps(), 7))
        assert run.best_step is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    parameters = 8 * run.network.parameters.size
    activations = 8 * batch * (200 * 64 + 10)
    # Parameters, gradients, direction, two memories, and gradients that validation never touches; z, a and one
    # gradient for both of them, because φ turns ∂L/∂a into ∂L/∂z in place.
    assert peak < 6 * parameters + 3 * activations + 10_000_000
