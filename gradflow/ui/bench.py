"""How quickly the window answers: slider to picture, heartbeat in training, stop, the lab, and the start-up."""

from __future__ import annotations

import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from threadpoolctl import threadpool_limits

from gradflow.sim.archive import FIRST, open_experiment
from gradflow.sim.config import Experiment, edit
from gradflow.sim.run import Run
from gradflow.sim.sweep import MEASURES, Axis, CellResult, Chart, Sweep
from gradflow.sim.sweep.curves import theory_curves
from gradflow.sim.worker import SWITCH_SECONDS
from gradflow.ui import theme
from gradflow.ui.crash import route_qt_messages
from gradflow.ui.garbage import Collector
from gradflow.ui.lab_bench import lab_lines
from gradflow.ui.main_window import MainWindow
from gradflow.ui.patience import pump, until
from gradflow.ui.session import Session
from gradflow.ui.view import VIEWS

HEARTBEAT_MS = 10
FLOW_SECONDS = 4.0
WALL_DEPTH = 100
START_ROUNDS = 7
MAP_SIDE = 25
IMPORTS = "import PySide6.QtWidgets, pyqtgraph, numpy"


def window_lines() -> Iterator[str]:
    """Yield the lines of the window's table; on the screen if there is one."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    route_qt_messages()
    sys.setswitchinterval(SWITCH_SECONDS)
    theme.load_fonts(app)
    with tempfile.TemporaryDirectory() as folder:
        settings = QSettings(str(Path(folder) / "settings.ini"), QSettings.Format.IniFormat)
        session = Session(edit(open_experiment(FIRST), {"network.depth": 49, "network.width": 64}))
        window = MainWindow(session, settings)
        Collector(window).start()
        window.show()
        until(lambda: window.frame is not None)
        times = [_slider_to_picture(window, depth) for depth in (*range(50, 60), *range(50, 60))]
        median, worst = 1e3 * statistics.median(times), 1e3 * max(times)
        yield f"slider to picture, 50 to 60 x 64: median {median:.0f} ms, worst {worst:.0f} ms"
        yield f"overview, training flat out: {_flow(window)}"
        session.edit("network.depth", WALL_DEPTH)
        window.actions_by_name["wall"].trigger()
        yield f"twelve instruments, {WALL_DEPTH} x 64, training flat out: {_flow(window)}"
        window.actions_by_name["reset-layout"].trigger()
        yield f"trainability map of {MAP_SIDE} x {MAP_SIDE} cells drawn: {1e3 * _map_drawn(window):.0f} ms"
        start = time.perf_counter()
        session.pause()
        until(lambda: session.state.value == "paused")
        yield f"pause obeyed and shown within {1e3 * (time.perf_counter() - start):.0f} ms"
        session.play()
        pump(0.3)
        start = time.perf_counter()
        window.close()
        yield f"window closed and training ended within {1e3 * (time.perf_counter() - start):.0f} ms"
        yield from lab_lines(settings)
    bare, whole = _start_up()
    yield f"start to first picture {whole:.2f} s, bare imports {bare:.2f} s: {whole / bare:.2f}x"


def _slider_to_picture(window: MainWindow, depth: int) -> float:
    """Return the seconds from a move of the depth slider until the new profile is painted."""
    slider = window.builder.rows["network.depth"].slider  # type: ignore[attr-defined]
    profile = window.docks["profile"].view
    pump(0.25)
    start = time.perf_counter()
    # The slider's first position is depth 1.
    slider.setValue(depth - 1)
    until(lambda: window.frame is not None and window.frame.experiment.network.depth == depth)
    profile.repaint()
    return time.perf_counter() - start


def _map_drawn(window: MainWindow) -> float:
    """Return the median seconds in which the map takes a chart that has filled in."""
    assert window.frame is not None
    x, y = Axis.parse(f"init.scale=0.1:10:{MAP_SIDE}:log"), Axis.parse(f"network.depth=2:50:{MAP_SIDE}")
    sweep = Sweep(window.frame.experiment, x, y, "train-loss")
    result = CellResult(dict.fromkeys(MEASURES, 1.0), 3, False, 0.1, "")
    chart = Chart(sweep, dict.fromkeys(sweep.cells(), result), theory_curves(sweep))
    view, times = VIEWS["map"].part(), []
    view.retheme(theme.LIGHT)
    view.resize(860, 400)
    view.reset(window.frame.topology)
    for _ in range(20):
        shown = dataclasses.replace(window.frame, chart=dataclasses.replace(chart))
        start = time.perf_counter()
        view.draw(shown)
        times.append(time.perf_counter() - start)
    view.close()
    return statistics.median(times)


def _flow(window: MainWindow) -> str:
    """Say how the window lives while a run goes flat out: frames drawn, lateness, and the training's own pace."""
    window.session.set_speed(float("inf"))
    window.session.play()
    pump(2.0)
    clock, gaps, drawn = QElapsedTimer(), [], 0
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(HEARTBEAT_MS)
    timer.timeout.connect(lambda: gaps.append(clock.restart()))
    counter = _Paints(window.docks["profile"].view.plot.viewport())  # type: ignore[attr-defined]
    assert window.frame is not None
    start, first = time.perf_counter(), window.frame.snapshot.step
    clock.start()
    timer.start()
    pump(FLOW_SECONDS)
    timer.stop()
    seconds, steps = time.perf_counter() - start, window.frame.snapshot.step - first
    drawn = counter.count
    window.session.pause()
    until(lambda: window.session.state.value == "paused")
    alone = _steps_per_second(window.session.experiment)
    late = statistics.quantiles(gaps, n=20)[-1] - HEARTBEAT_MS
    return (
        f"{drawn / seconds:.0f} frames/s, heartbeat late by {late:.0f} ms at the 95th percentile, "
        f"{steps / seconds:.0f} steps/s, {steps / seconds / alone:.2f} of those without a window"
    )


class _Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Count, and let pass."""
        self.count += event.type() == QEvent.Type.Paint
        return False


def _steps_per_second(experiment: Experiment) -> float:
    """Return the steps per second of the same run without a window."""
    with threadpool_limits(1):
        run = Run(experiment)
        run.advance()
        start, before = time.perf_counter(), run.snapshot.step
        while time.perf_counter() - start < FLOW_SECONDS / 2:
            run.advance()
        return (run.snapshot.step - before) / (time.perf_counter() - start)


def _start_up() -> tuple[float, float]:
    """Return the median seconds of the bare imports and of a start to the first picture, in processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CONFIG_HOME": folder}
        # An installed program has its bytecode; the first round writes it where it is missing.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        # This process has chosen for itself.
        environment.pop("OPENBLAS_NUM_THREADS", None)
        bare, whole = ["-c", f"{IMPORTS}; print('imported', flush=True)"], ["-m", "gradflow", "--smoke"]
        rounds = [(_first_line(bare, environment), _first_line(whole, environment)) for _ in range(1 + START_ROUNDS)]
    return statistics.median(r[0] for r in rounds[1:]), statistics.median(r[1] for r in rounds[1:])


def _first_line(arguments: list[str], environment: dict[str, str]) -> float:
    """Return the seconds until a Python process prints its first line."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return time.perf_counter() - start
