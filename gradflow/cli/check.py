"""The gradient check of a whole network."""

from __future__ import annotations

import argparse
import math
import sys

from gradflow.cli.common import FAILED, GOOD, add_experiment, experiment_of, say
from gradflow.engine.gradcheck import DIFFERENCES, STEPS, LayerCheck, check, sweep
from gradflow.errors import GradflowError
from gradflow.sim.build import CHECK_STREAM, stream
from gradflow.sim.config import Experiment, edit
from gradflow.sim.run import Run

SWEEP_BAR = 36
"""Characters of a bar that is as long as a relative error of 1e-12 is small."""


def add(parser: argparse.ArgumentParser) -> None:
    """Compare backprop with finite differences, layer by layer.

    The network is built in float64 whatever its precision: differences need the digits. Dropout masks are held still.
    Entries at a kink (of an activation, of pooling, of the loss) are named and left out.

    Example: gradflow check digits --set network.activation=relu --sweep
    """
    add_experiment(parser)
    parser.add_argument("--entries", default="60", metavar="N", help="parameters per layer, or all (default 60)")
    parser.add_argument("--difference", default="central", choices=DIFFERENCES, help="default central")
    parser.add_argument("--sweep", action="store_true", help="also the error for step sizes from 0.1 to 1e-13")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the table of layers, then the sweep; the exit status says whether all layers agree."""
    per_layer = _entries(options.entries)
    experiment = edit(experiment_of(options), {"training.precision": "float64", "training.loss_scale": 1.0})
    trained = Run(experiment)
    if trained.snapshot.divergence:
        say(f"gradflow: nothing to check: {trained.snapshot.divergence}", sys.stderr)
        return FAILED
    network = trained.trainer.network
    failed = 0
    say("layer       entries  at kinks  |gradient|  relative error  verdict")
    for result in check(network, stream(experiment, CHECK_STREAM), per_layer, options.difference):
        failed += not result.passed
        name = trained.trainer.topology.layers[result.layer - 1].name
        say(_line(name, result, STEPS[options.difference]))
    if options.sweep:
        _say_sweep(trained, experiment)
    if failed:
        say(f"gradflow: {failed} layers differ by more than {result.tolerance:g}", sys.stderr)
        return FAILED
    return GOOD


def _entries(text: str) -> int | None:
    if text == "all":
        return None
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise GradflowError(f"--entries must be a whole number from 1, or all, not {text}")
    return count


def _line(name: str, result: LayerCheck, step: float) -> str:
    error = "" if result.relative_error is None else f"{result.relative_error:.2e}"
    kinks = f" ({', '.join(result.kinks)})" if result.kinks else ""
    smaller = f" (ε = {result.step:.0e})" if result.step < step else ""
    counts = f"{result.checked:>7}  {result.at_kinks:>8}"
    return f"{name:<11} {counts}  {result.gradient_norm:>10.3g}  {error:>14}  {result.verdict}{kinks}{smaller}"


def _say_sweep(trained: Run, experiment: Experiment) -> None:
    found = sweep(trained.trainer.network, stream(experiment, CHECK_STREAM))
    say("")
    say("step ε    forward error  central error  (a longer bar is more digits; round-off takes over where it shrinks)")
    for step, forward, central in zip(found.steps, found.forward, found.central, strict=True):
        say(f"{step:<8.0e} {_error(forward):>14} {_error(central):>14}  {_bar(central)}")


def _error(value: float) -> str:
    return "only kinks" if math.isnan(value) else f"{value:.1e}"


def _bar(error: float) -> str:
    digits = -math.log10(max(error, 1e-12)) if error > 0.0 else 0.0
    return "▪" * round(SWEEP_BAR * max(digits, 0.0) / 12.0)
