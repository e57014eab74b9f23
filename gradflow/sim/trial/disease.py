"""What a disease of the trial is: how a patient is made of a sound experiment, and how it is known to be ill.

A fault is there by construction, from theory or by an outcome (the same network without it learns, with it not), and
not by the thresholds of the rules that are to find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradflow.registry import Registry
from gradflow.sim.trial.healthy import Changes
from gradflow.sim.trial.observe import Record


@dataclass(frozen=True)
class Disease:
    """How to make a patient, and the test that it is ill, from its record and that of the sound network.

    `causes` are findings that rightly stand before this one: what it comes from.
    """

    infect: Callable[[np.random.Generator, Changes], Changes]
    is_ill: Callable[[Record, Record], bool] = lambda record, sound: True
    causes: tuple[str, ...] = ()


DISEASES: Registry[Callable[[], Disease]] = Registry("disease")
disease = DISEASES.register
