"""What theory expects of an experiment before training, and how often theory is right."""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np

from gradflow.cli.common import FAILED, GOOD, add_experiment, experiment_of, say
from gradflow.errors import GradflowError
from gradflow.sim import coverage
from gradflow.sim.phases import phase_of
from gradflow.sim.prediction import Prediction
from gradflow.sim.profile import gap, of_stat
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.sweep import cores, processes

NORMS = {Stat.DELTA: "|delta|", Stat.WEIGHT_GRAD: "|dL/dW|"}
"""What is compared."""

NO_SPREAD = "No typical gap: how much networks differ is not known where weights are sparse or images are convolved."


def add(parser: argparse.ArgumentParser) -> None:
    """Compare the gradient of every layer at initialisation with what mean-field theory predicts.

    With --coverage: of every activation and random scheme at several depths, in how many layers the mean over random
    networks lies within two standard errors of the prediction.

    Example: gradflow theory digits --set network.activation=relu
    """
    add_experiment(parser, required=False)
    parser.add_argument("--coverage", action="store_true", help="how often theory is right (some minutes)")
    parser.add_argument("--seeds", type=int, default=coverage.SEEDS, metavar="N", help="networks per case (default 8)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the table that was asked for; the exit status says whether there is a prediction at all."""
    if options.coverage:
        if options.seeds < 2:
            raise GradflowError(f"--seeds must be a whole number from 2, not {options.seeds}")
        with processes(cores()) as executor:
            measured = executor.map(partial(coverage.measure, seeds=options.seeds), coverage.cases())
            for line in coverage.lines(measured):
                say(line)
        return GOOD
    if options.file is None:
        raise GradflowError("theory needs an experiment (FILE), or --coverage")
    return _compare(Run(experiment_of(options)))


def _compare(run: Run) -> int:
    prediction, snapshot = run.forecast.finish(), run.snapshot
    if not prediction.exists:
        say(prediction.note)
        return FAILED
    say(f"{'':<11}" + "".join(f"  {f' {name} ':-^38}" for name in NORMS.values()) + f"  {' |delta| factor ':-^19}")
    columns = f"{'measured':>12}{'predicted':>11}{'gap':>8}{'typical':>9}" * len(NORMS)
    say(f"{'layer':<11}{columns}{'measured':>12}{'theory':>9}")
    delta = snapshot.stat(Stat.DELTA)
    factor = np.append(delta[:-1] / delta[1:], np.nan)
    for i, layer in enumerate(run.trainer.topology.layers):
        numbers = "".join(_compared(snapshot, prediction, stat, i) for stat in NORMS)
        say(f"{layer.name:<11}{numbers}{_known(factor[i]):>12}{_known(prediction.factor[i]):>9}".rstrip())
    for stat, name in NORMS.items():
        say(f"{name}: {gap(prediction, snapshot, stat) or 'nothing to compare'}")
    if not np.isfinite(prediction.delta_spread).any():
        say(NO_SPREAD)
    if prediction.note:
        say(f"{prediction.note[0].upper()}{prediction.note[1:]}.")
    deep = phase_of(run.forecast.subject)
    if deep:
        say(f"Many such layers would be {deep}.")
    return GOOD


def _compared(snapshot: Snapshot, prediction: Prediction, stat: Stat, layer: int) -> str:
    """Return four columns: measured, predicted, how far apart these are, and how far networks typically are."""
    measured = snapshot.stat(stat)[layer]
    predicted, spread = (values[layer] for values in of_stat(prediction, stat))
    with np.errstate(all="ignore"):
        apart = np.float64(measured) / predicted - 1.0
        typical = np.expm1(spread)
    return f"{measured:>12.4g}{_known(predicted):>11}{_share(apart, '+'):>8}{_share(typical, '±'):>9}"


def _share(value: float, sign: str) -> str:
    """Return a deviation in per cent, with a sign, or as a factor where it is ten times as large."""
    if not np.isfinite(value):
        return ""
    if value >= 9.0:
        return f"×{1.0 + value:.3g}"
    return f"{round(100.0 * value):+d} %".replace("+", sign)


def _known(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else ""
