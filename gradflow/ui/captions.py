"""What a picture says of itself: the line below it, and the text that is embedded in its file."""

from __future__ import annotations

from gradflow import __version__
from gradflow.sim.archive import render as render_experiment
from gradflow.sim.config import FIELDS, Experiment, differing, get
from gradflow.sim.frame import Frame
from gradflow.sim.sweep import Sweep, describe
from gradflow.sim.words import spelled
from gradflow.ui.view import Subject


def caption(frame: Frame) -> str:
    """Return the line under a picture: what was run, from which seed, at which step."""
    words = f"{_setting(frame.experiment)} · step {frame.snapshot.step} · gradflow {__version__}"
    if frame.edits:
        words += " · edited while running: " + ", ".join(str(edit) for edit in frame.edits[-3:])
    return words


def sweep_caption(sweep: Sweep, about: str) -> str:
    """Return the lines under a map: what was swept, and what all cells have in common."""
    return f"{about}\nin all cells: {_setting(sweep.experiment, sweep.x.path, sweep.y.path)} · gradflow {__version__}"


def subject_caption(subject: Subject) -> str:
    """Return the line under what has nothing to do with a run."""
    return f"{subject.words} · gradflow {__version__}"


def _setting(experiment: Experiment, *varied: str) -> str:
    """Return an experiment in words, without the values of what is varied."""

    def say(path: str) -> str:
        return "varied" if path in varied else spelled(get(experiment, path))

    layers = experiment.network.layers
    network = f"{len(layers)} listed layers" if layers else f"{say('network.depth')} × {say('network.width')}"
    return (
        f"{say('data.name')} · {network} {say('network.activation')}{_unusual(experiment, *varied)} · "
        f"{say('init.scheme')} × {say('init.scale')} · {say('training.optimizer')}, "
        f"learning rate {say('training.learning_rate')}, batch {say('training.batch_size')} · seed {say('seed')}"
    )


SAID = (
    "data.name",
    "network.depth",
    "network.width",
    "network.activation",
    "network.layers",
    "init.scheme",
    "init.scale",
    "training.optimizer",
    "training.learning_rate",
    "training.batch_size",
    "training.steps",
    "seed",
)
"""What a caption says in any case, or in another way."""


def _unusual(experiment: Experiment, *varied: str) -> str:
    """Return the other fields that are not as usual."""
    changed = (path for path in differing(experiment, Experiment()) if path not in (*SAID, *varied))
    return "".join(f" · {FIELDS[path].says.title.lower()} {get(experiment, path)}" for path in changed)


def metadata(frame: Frame, sweep: Sweep | None = None, subject: Subject | None = None) -> dict[str, str]:
    """Return what is embedded in the PNG: enough to run the experiment, or what else is drawn, again."""
    made_by = {"Software": f"gradflow {__version__}"}
    if subject:
        return {**made_by, **subject.text}
    if sweep:
        return {**made_by, "gradflow:sweep": describe(sweep)}
    return {
        **made_by,
        "gradflow:experiment": render_experiment(frame.experiment),
        "gradflow:seed": str(frame.experiment.seed),
        "gradflow:step": str(frame.snapshot.step),
        "gradflow:edits": "; ".join(str(edit) for edit in frame.edits),
    }
