"""A checkpoint: from there on everything is as it was the first time, bit for bit, whatever has a memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sim_kit import bits, small, take

from gradflow.engine.nodes import NORMS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.schedules import SCHEDULES
from gradflow.sim import run as run_module
from gradflow.sim.config import edit
from gradflow.sim.run import Run
from gradflow.sim.trainer import Trainer

FEATURES: list[dict[str, Any]] = [
    {"network.dropout": 0.3},
    *({"network.norm": name} for name in NORMS),
    *({"training.optimizer": name, "training.momentum": 0.9} for name in OPTIMIZERS),
    *({"training.schedule": name, "training.plateau_patience": 1, "training.steps": 30} for name in SCHEDULES),
    {"training.precision": "float16", "training.loss_scale": "dynamic", "training.learning_rate": 2.0},
    {"training.precision": "bfloat16"},
    {"training.clip_norm": 0.1, "training.weight_decay": 0.01, "training.freeze": 1},
    {"data.label_noise": 0.2, "network.activation": "prelu"},
    {"init.scheme": "lsuv"},
]


@pytest.mark.parametrize("changes", FEATURES, ids=str)
def test_a_training_goes_on_from_a_checkpoint_as_if_nothing_had_happened(changes: dict[str, Any]) -> None:
    experiment = small(changes)
    first, again = Trainer(experiment), Trainer(experiment)
    first.keep_every = 7
    snapshots = take(first, 20)
    assert first.checkpoint is not None and first.checkpoint.step == 14
    again.preview()
    again.resume(first.checkpoint)
    assert bits(take(again, 6)) == bits(snapshots[14:])
    third = Trainer(experiment)
    third.preview()
    third.resume(first.checkpoint)
    assert bits(take(third, 6)) == bits(snapshots[14:]), "it can be used more than once"


def test_patience_and_the_best_weights_go_on_too() -> None:
    experiment = small({"training.patience": 3, "training.learning_rate": 5.0})
    first, again = Trainer(experiment), Trainer(experiment)
    first.keep_every = 2
    for snapshot in first.steps():
        if snapshot.step == 9:
            break
    again.preview()
    again.resume(first.checkpoint)
    take(again, 2)
    assert (again.best_step, again.stopped_early) == (first.best_step, first.stopped_early)


def test_a_live_edit_before_it_and_one_after_it_are_those_of_the_first_time(fast, monkeypatch) -> None:
    monkeypatch.setattr(run_module, "KEEP_EVERY", 8)
    changes = {"data.name": "diabetes", "network.activation": "identity", "training.schedule": "cosine"}
    run = Run(edit(fast(), changes), checkpoints=True)
    for rate in (0.01, 0.02, 0.01, 1e4):
        for _ in range(6):
            run.advance()
            if not run.snapshot.finite:
                break
        run.retune(dataclasses.replace(run.experiment.training, learning_rate=rate, batch_size=20))
    while run.snapshot.finite:
        run.advance()
    assert run.trainer.checkpoint.step <= run.snapshot.step
    run.look(frozenset())
    assert run._before.snapshot.stats.tobytes() == run.history.view().tail[-2].stats.tobytes()


@pytest.mark.parametrize("every", [1, 2, 3, 5, 1000])
def test_the_last_finite_state_is_the_same_with_any_checkpoint_and_with_none(fast, monkeypatch, every) -> None:
    """Also where the last checkpoint is that of the broken step itself."""
    monkeypatch.setattr(run_module, "KEEP_EVERY", every)
    changes = {"data.name": "diabetes", "network.activation": "identity", "training.learning_rate": 1.0}
    runs = [Run(fast(changes | {"training.loss": "huber"}), checkpoints=kept) for kept in (True, False)]
    for run in runs:
        while run.snapshot.finite:
            run.advance()
        run.look(frozenset())
    kept, whole = (run._before for run in runs)
    assert kept.snapshot.step == whole.snapshot.step == runs[0].snapshot.step - 1
    assert kept.snapshot.stats.tobytes() == whole.snapshot.stats.tobytes()


def test_a_run_without_a_window_keeps_nothing(fast) -> None:
    run = Run(fast())
    for _ in range(300):
        run.advance()
    assert run.trainer.checkpoint is None
