"""What theory expects of an experiment before training, and how often theory is right."""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np

from gradflow.cli.common import FAILED, GOOD, add_experiment, experiment_of, say
from gradflow.errors import GradflowError
from gradflow.sim import coverage
from gradflow.sim.profile import agreement
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.sim.sweep import cores, processes


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
    say("layer       measured |delta|  predicted  typical spread   measured |dL/dW|  predicted  factor  in theory")
    delta, weight = snapshot.stat(Stat.DELTA), snapshot.stat(Stat.WEIGHT_GRAD)
    factor = np.append(delta[:-1] / delta[1:], np.nan)
    for i, layer in enumerate(run.trainer.topology.layers):
        spread = 100.0 * np.expm1(prediction.delta_spread[i])
        say(
            f"{layer.name:<11} {delta[i]:>16.4g} {prediction.delta_norm[i]:>10.4g} {_known(spread, '.0f', ' %'):>15} "
            f"{weight[i]:>18.4g} {_known(prediction.weight_grad_norm[i]):>10} {_known(factor[i]):>7} "
            f"{_known(prediction.factor[i]):>10}"
        )
    say(agreement(prediction, snapshot))
    return GOOD


def _known(value: float, how: str = ".4g", unit: str = "") -> str:
    return f"{value:{how}}{unit}" if np.isfinite(value) else ""
