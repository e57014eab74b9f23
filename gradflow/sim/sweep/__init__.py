"""Grids of experiments over any two fields: described, executed on any executor, kept in files, ready to be drawn."""

from gradflow.sim.sweep.axis import Axis, suggested, sweepable
from gradflow.sim.sweep.cell import CellResult, run_cell
from gradflow.sim.sweep.chart import Chart, Curve
from gradflow.sim.sweep.execution import IN_FLIGHT, Execution
from gradflow.sim.sweep.executors import Processes, cluster, cores, processes
from gradflow.sim.sweep.grid import Cell, Sweep
from gradflow.sim.sweep.levels import Levels, levels
from gradflow.sim.sweep.measures import MEASURES, Measure, Scale
from gradflow.sim.sweep.table import Table, describe, read_description

__all__ = [
    "IN_FLIGHT",
    "MEASURES",
    "Axis",
    "Cell",
    "CellResult",
    "Chart",
    "Curve",
    "Execution",
    "Levels",
    "Measure",
    "Processes",
    "Scale",
    "Sweep",
    "Table",
    "cluster",
    "cores",
    "describe",
    "levels",
    "processes",
    "read_description",
    "run_cell",
    "suggested",
    "sweepable",
]
