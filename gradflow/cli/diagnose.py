"""What is wrong with an experiment, in words; and the diagnosis itself on trial."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from threadpoolctl import threadpool_limits

from gradflow.cli.common import FAILED, GOOD, add_experiment, experiment_of, say
from gradflow.errors import GradflowError
from gradflow.sim import trial
from gradflow.sim.config import Experiment, edit, get
from gradflow.sim.details import Want
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.run import Run

STEPS = 200
LOOK_EVERY = 8
"""Steps between two looks on the way: what is averaged over the run is averaged over these."""

SIGNS = {Severity.GOOD: "●", Severity.NOTE: "■", Severity.WARNING: "▼", Severity.ERROR: "✖"}
FAULTS = (Severity.WARNING, Severity.ERROR)


def add(parser: argparse.ArgumentParser) -> None:
    """Say what is wrong with an experiment and what would help, or put the diagnosis itself on trial.

    With FILE: trains for some steps and prints every finding with its numbers, its cause, the formula behind it, and
    the remedies as --set options, the best first. Exit 0: nothing is wrong; 1: a fault was found.

    With --trial: draws random experiments with one known fault or none, and prints how often each fault is found, and
    how often it is named where it is not. With --cures also how often the first remedy cures it.

    Example: gradflow diagnose vanishing --steps 100
    Example: gradflow diagnose --trial --cures
    """
    add_experiment(parser, required=False)
    parser.add_argument("--steps", type=int, metavar="N", default=STEPS, help=f"updates (default {STEPS})")
    parser.add_argument("--trial", action="store_true", help="hits and false alarms over random experiments")
    parser.add_argument("--cures", action="store_true", help="with --trial: also try the first remedies")
    parser.add_argument("--experiments", type=int, metavar="N", default=210, help="with --trial (default 210)")
    parser.add_argument("--seed", type=int, metavar="S", default=0, help="with --trial (default 0)")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Diagnose one experiment, or put the diagnosis on trial."""
    if options.trial == bool(options.file):
        raise GradflowError("diagnose: name an experiment, or --trial without one")
    # One thread, as in the window: the order of a sum must not depend on the machine's load.
    with threadpool_limits(1):
        return _trial(options) if options.trial else _diagnose(options)


def _diagnose(options: argparse.Namespace) -> int:
    driven = Run(edit(experiment_of(options), {"training.steps": options.steps}))
    driven.forecast.glance()
    if driven.snapshot.finite:
        driven.measure({Want.SHARPNESS})
    while not driven.finished and driven.snapshot.finite:
        driven.advance()
        if driven.snapshot.step % LOOK_EVERY == 0:
            driven.case()
    if driven.snapshot.finite:
        driven.measure({Want.SHARPNESS})
    findings = driven.findings()
    if options.json:
        say(json.dumps([_as_data(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        for line in _words(driven.experiment, findings):
            say(line)
    return FAILED if any(finding.severity in FAULTS for finding in findings) else GOOD


def _words(experiment: Experiment, findings: tuple[Finding, ...]) -> Iterator[str]:
    for number, finding in enumerate(findings):
        if number:
            yield ""
        where = f" (layer {finding.layer})" if finding.layer else ""
        yield f"{SIGNS[finding.severity]} {finding.title}{where}"
        for text in (finding.evidence, finding.cause):
            yield from textwrap.wrap(text, 110, initial_indent="  ", subsequent_indent="  ")
        if finding.formula:
            yield f"  {finding.formula}"
        for place, remedy in enumerate(finding.remedies, start=1):
            yield f"  {place}. {remedy.title}: {remedy.reason}"
            yield f"     {_options(experiment, remedy)}"


def _options(experiment: Experiment, remedy: Remedy) -> str:
    """Return a remedy as options of the command line; a list of rows is said in words."""
    words = [
        "(the rows of network.layers follow the experiment)" if isinstance(value, tuple) else f"--set {path}={value}"
        for path, value in remedy.changes.items()
        if value != get(experiment, path)
    ]
    return " ".join(words)


def _as_data(finding: Finding) -> dict[str, Any]:
    remedies = [
        {"title": remedy.title, "reason": remedy.reason, "changes": {p: _plain(v) for p, v in remedy.changes.items()}}
        for remedy in finding.remedies
    ]
    words = {name: getattr(finding, name) for name in ("name", "title", "evidence", "layer", "cause", "formula")}
    return words | {"severity": str(finding.severity), "remedies": remedies}


def _plain(value: Any) -> Any:
    return [vars(row) for row in value] if isinstance(value, tuple) else value


def _trial(options: argparse.Namespace) -> int:
    if options.experiments < 1:
        raise GradflowError(f"--experiments must be at least 1, not {options.experiments}")
    if options.seed < 0:
        raise GradflowError(f"--seed must be 0 or more, not {options.seed}")
    patients = list(trial.draw(options.experiments, options.seed))
    cures = [trial.treat(patient) for patient in patients if patient.disease != trial.HEALTHY] if options.cures else []
    if options.json:
        say(json.dumps({"findings": trial.hit_rows(patients), "cures": trial.cure_rows(cures)}, indent=1))
        return GOOD
    for line in trial.hit_lines(patients):
        say(line)
    if cures:
        say("")
        for line in trial.cure_lines(cures):
            say(line)
    return GOOD
