"""The diagnosis on trial: random experiments with one known fault or none, what is found in them, and what cures them.

Everything follows from a seed. Thresholds were set on seeds from 1000 on; what the command prints by default is seed 0.
"""

from gradflow.sim.trial import network_faults, training_faults
from gradflow.sim.trial.cases import HEALTHY, Patient, draw, examine
from gradflow.sim.trial.cures import Cure, treat
from gradflow.sim.trial.disease import DISEASES
from gradflow.sim.trial.table import cure_lines, cure_rows, hit_lines, hit_rows

__all__ = [
    "DISEASES",
    "HEALTHY",
    "Cure",
    "Patient",
    "cure_lines",
    "cure_rows",
    "draw",
    "examine",
    "hit_lines",
    "hit_rows",
    "network_faults",
    "training_faults",
    "treat",
]
