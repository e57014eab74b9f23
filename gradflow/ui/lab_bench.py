"""How quickly the lab answers: a press in Backprop, a program of 300 nodes, another neuron in Paths, and closing it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QSettings

from gradflow.sim.archive import FIRST, open_experiment
from gradflow.sim.config import edit
from gradflow.sim.lab.station import Kind
from gradflow.ui.main_window import MainWindow
from gradflow.ui.patience import pump, until
from gradflow.ui.session import Session

DEPTH, WIDTH = 6, 512
NODES = 300
ROUNDS = 9

Taken = tuple[float, float]
"""Seconds on the clock, and those that the window's own thread has worked: the rest is the machine's other business."""


def lab_lines(settings: QSettings) -> Iterator[str]:
    """Yield the lines on the lab, of a window of its own whose training stands still."""
    changes = {"network.depth": DEPTH, "network.width": WIDTH, "training.batch_size": 64}
    window = MainWindow(Session(edit(open_experiment(FIRST), changes)), settings)
    window.show()
    until(lambda: window.frame is not None)
    window.session.pause()
    window.actions_by_name["lab"].trigger()
    backprop = _in_front(window, "backprop")
    until(lambda: backprop.walk is not None)
    times = {kind: _presses(backprop, kind) for kind in (Kind.FORWARD, Kind.BACKWARD)}
    for kind, seconds in times.items():
        yield f"Backprop, {DEPTH} x {WIDTH}, a press {kind} with its painting: {_spread(seconds)}"
    autograd = _in_front(window, "autograd")
    yield f"Autograd, a new program of {NODES} nodes to its picture: {_spread(_programs(autograd))}"
    paths = _in_front(window, "paths")
    window.session.edit("network.width", 8)
    until(lambda: paths.specimen is not None and paths.specimen.experiment.network.width == 8 and not paths.computing)
    pump(0.5)
    neurons = [_painted(partial(paths.choose_neuron, neuron)) for neuron in range(5, 5 * ROUNDS, 5)]
    yield f"Paths, {DEPTH} x 8, another neuron with its painting: {_spread(neurons)}"
    window.session.edit("network.width", WIDTH)
    jacobians = _in_front(window, "jacobians")
    until(lambda: bool(jacobians.specimen) and jacobians.specimen.experiment.network.width == WIDTH)
    start = time.perf_counter()
    window.close()
    yield f"lab closed in the midst of Jacobians, {DEPTH} x {WIDTH}: {1e3 * (time.perf_counter() - start):.0f} ms"


def _in_front(window: MainWindow, name: str) -> Any:
    dock = window.docks[name]
    dock.raise_()
    until(lambda: dock.made)
    pump(1.0)
    return dock.view


def _presses(view: Any, kind: Kind) -> list[Taken]:
    """Return the seconds of every press that leads to such a station, one after the other."""
    places = [i for i in range(view.positions()) if view.walk.station(i, view.by_layer).kind is kind]
    return [_painted(partial(view.go, place)) for place in places]


def _programs(view: Any) -> list[Taken]:
    return [_painted(partial(view.choose, json.dumps({"text": _tangle(number)}))) for number in range(5)]


def _tangle(seed: int) -> str:
    """Return a program whose nodes read what was computed shortly before."""
    rng = np.random.default_rng(seed)
    lines = [f"v{i} = {rng.normal():.2f}" for i in range(12)]
    for i in range(12, NODES):
        one, other = (max(0, i - int(k)) for k in rng.integers(1, 30, 2))
        lines.append(f"v{i} = " + [f"v{one} + v{other}", f"v{one} * v{other}", f"tanh(v{one})"][i % 3])
    return "\n".join(lines)


def _painted(change: Callable[[], Any]) -> Taken:
    """Return the seconds of a change until everything is laid out and painted again."""
    pump(0.05)
    start = time.perf_counter(), time.thread_time()
    change()
    QCoreApplication.processEvents()
    return time.perf_counter() - start[0], time.thread_time() - start[1]


def _spread(taken: list[Taken]) -> str:
    seconds, own = zip(*taken, strict=True)
    return f"{_words(seconds)} (of the window's own thread {_words(own)})"


def _words(seconds: Sequence[float]) -> str:
    return f"median {1e3 * statistics.median(seconds):.0f} ms, worst {1e3 * max(seconds):.0f} ms"
