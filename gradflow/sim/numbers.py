"""From the fields of a training to the numbers that the engine takes."""

from __future__ import annotations

from gradflow.engine.loss_scale import LossScale
from gradflow.engine.optimizers import Hyper
from gradflow.engine.schedules import Plan
from gradflow.sim.training import AUTO, DYNAMIC, Training


def plan_of(training: Training) -> Plan:
    """Return what a schedule knows of its training."""
    return Plan(
        steps=training.steps,
        warmup_steps=training.warmup_steps,
        every=training.schedule_every,
        factor=training.schedule_factor,
        final_fraction=training.final_fraction,
        patience=training.plateau_patience,
    )


def hyper_of(training: Training) -> Hyper:
    """Return the numbers of a step; None is the optimiser's own."""
    return Hyper(
        momentum=training.momentum,
        beta1=_or_own(training.beta1),
        beta2=_or_own(training.beta2),
        epsilon=_or_own(training.epsilon),
        weight_decay=training.weight_decay,
        l1=training.l1,
    )


def _or_own(value: float | str) -> float | None:
    return None if value == AUTO else float(value)


def loss_scale_of(value: float | str) -> LossScale:
    """Return a loss scale, fixed or dynamic."""
    return LossScale() if value == DYNAMIC else LossScale(float(value), dynamic=False)
