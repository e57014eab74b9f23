"""The specimen: the network of one step, whose own copies give the numbers of the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.run import Run

NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {},
    "dropout": {"network.dropout": 0.3},
    "batch norm": {"network.norm": "batch-norm"},
    "skips": {"network.skip_every": 2},
    "half": {"training.precision": "float16"},
}


def specimen_of(changes: dict[str, Any], steps: int = 3) -> tuple[Run, Specimen]:
    run = Run(edit(Experiment(), {"network.depth": 4, "network.width": 8, "training.batch_size": 16} | changes))
    for _ in range(steps + 1):
        run.advance()
    found = run.measure({Want.SPECIMEN}).specimen
    assert found is not None
    return run, found


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_its_network_has_the_gradient_of_the_training(name: str) -> None:
    run, specimen = specimen_of(NETWORKS[name])
    network, trained = specimen.network(), run.trainer.network
    tolerance = 2e-2 if name == "half" else 1e-12
    scale = float(np.abs(trained.gradients).max()) / trained.loss_scale
    np.testing.assert_allclose(
        network.gradients / scale, trained.gradients / trained.loss_scale / scale, atol=tolerance
    )
    assert specimen.step == run.snapshot.step and specimen.samples == 16
    assert np.isfinite(network.input.grad).all() and network.input.grad.any()


def test_what_the_training_does_later_changes_nothing() -> None:
    run, specimen = specimen_of(NETWORKS["dropout"])
    before = specimen.network().gradients.copy()
    for _ in range(3):
        run.advance()
    np.testing.assert_array_equal(specimen.network().gradients, before)


def test_a_sample_alone_gives_its_own_gradient_and_their_mean_is_that_of_the_batch() -> None:
    _, specimen = specimen_of(NETWORKS["dense"])
    alone = np.mean([specimen.network([i]).gradients for i in range(specimen.samples)], axis=0)
    np.testing.assert_allclose(alone, specimen.network().gradients, rtol=1e-9, atol=1e-15)


def test_the_update_is_what_the_next_step_adds() -> None:
    run, specimen = specimen_of({"training.optimizer": "adam"})
    before = run.trainer.network.master.copy()
    run.advance()
    np.testing.assert_allclose(run.trainer.network.master - before, specimen.update, rtol=1e-9, atol=1e-15)


def test_with_batch_norm_a_sample_alone_is_refused_in_words() -> None:
    _, specimen = specimen_of(NETWORKS["batch norm"])
    with pytest.raises(ValueError, match="depend on the whole batch"):
        specimen.network([0])
