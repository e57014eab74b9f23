"""The diagnosis on trial: random experiments with one known fault or none, what is found in them, and what cures them.

Everything follows from a seed. Thresholds were set on seeds from 1000 on; what is printed by default is seed 0.
"""

from gradflow.sim.trial.cases import Patient, draw, examine
from gradflow.sim.trial.cures import Cure, treat
from gradflow.sim.trial.diseases import DISEASES
from gradflow.sim.trial.table import cure_lines, hit_lines, rows_of

__all__ = ["DISEASES", "Cure", "Patient", "cure_lines", "draw", "examine", "hit_lines", "rows_of", "treat"]
