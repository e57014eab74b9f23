"""How fast theory predicts a deep network, and how fast the lab's autograd walks back through a long expression."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from gradflow.autograd import Variable
from gradflow.sim.bench.peers import Torch
from gradflow.sim.config import Experiment, edit
from gradflow.sim.mean_field import quickly, thoroughly
from gradflow.sim.run import Run

Row = dict[str, Any]

PREDICTED = {
    "tanh": {"network.activation": "tanh"},
    "ReLU": {"network.activation": "relu", "init.scheme": "he-normal"},
    "GELU": {"network.activation": "gelu"},
    "sigmoid, layer norm": {"network.activation": "sigmoid", "network.norm": "layer-norm"},
}
"""Networks of 200 layers × 64 whose signal and gradients are predicted for a batch of 64."""

DEEP = {"network.depth": 200, "network.width": 64, "training.batch_size": 64}
CHAIN = 10_000
ROUNDS = 9


def lab_rows(torch: Torch | None) -> Iterator[Row]:
    """Yield a row for each prediction, and one for autograd."""
    for name, changes in PREDICTED.items():
        yield _prediction(name, changes)
    yield _chain(torch)


def lab_words(row: Row) -> Iterator[str]:
    """Word one of these rows."""
    if row["kind"] == "prediction":
        yield (
            f"prediction of 200 x 64, batch 64, {row['name']}: quick {1e3 * row['quick']:.1f} ms, "
            f"thorough {1e3 * row['thorough']:.0f} ms"
        )
        return
    beside = f", {row['over_torch']:.2f} of torch ({1e3 * row['torch']:.1f} ms)" if "torch" in row else ""
    yield f"autograd, backward through {CHAIN} numbers: {1e3 * row['gradflow']:.1f} ms{beside}"


def _prediction(name: str, changes: dict[str, Any]) -> Row:
    """Return the seconds of both predictions, each at a scale that none has seen, as under a slider."""
    subjects = [
        Run(edit(Experiment(), DEEP | changes | {"init.scale": float(scale)})).forecast.subject
        for scale in np.linspace(0.9, 1.2, 1 + ROUNDS)
    ]
    quick = [_seconds(partial(quickly, subject)) for subject in subjects]
    # The first fills the tables that the others share.
    thorough = _seconds(partial(thoroughly, subjects[-1]))
    return {"kind": "prediction", "name": name, "quick": statistics.median(quick[1:]), "thorough": thorough}


def _chain(torch: Torch | None) -> Row:
    """Return the seconds of a backward walk, in turn with PyTorch's through the same graph."""
    makers: dict[str, Callable[[float], Any]] = {"gradflow": lambda value: Variable(value, requires_grad=True)}
    if torch:
        tensor, double = torch.torch.tensor, torch.torch.float64
        makers["torch"] = lambda value: tensor(value, dtype=double, requires_grad=True)
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(ROUNDS):
        for name, make in makers.items():
            x, y = make(0.3), make(0.7)
            output = x
            for _ in range(CHAIN // 2):
                output = output * y + x
            seconds[name].append(_seconds(output.backward))
    row: Row = {"kind": "chain", **{name: statistics.median(times) for name, times in seconds.items()}}
    if torch:
        row["over_torch"] = statistics.median(a / b for a, b in zip(*seconds.values(), strict=True))
    return row


def _seconds(step: Callable[[], Any]) -> float:
    gc.collect()
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
