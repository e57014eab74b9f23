"""What comes of the cells: the numbers of the run itself, whatever executes them, and never an end to the sweep."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
from executor_kit import InThisThread
from sim_kit import small

from gradflow.sim import sweep as sweeps
from gradflow.sim.config import Experiment, edit
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.sim.sweep import MEASURES, Axis, Cell, CellResult, Execution, Processes, Sweep, run_cell
from gradflow.sim.sweep.curves import theory_curves
from gradflow.sim.sweep.executors import cluster, cores, processes

STEPS = 6


def grid(changes: dict[str, object] | None = None, measure: str = "train-loss") -> Sweep:
    experiment = small({"training.steps": STEPS, **(changes or {})})
    return Sweep(experiment, Axis.parse("init.scale=0.5:2:3:log"), Axis.parse("network.depth=1:3:3"), measure)


def executed(sweep: Sweep, executor: Executor, done: dict[Cell, CellResult] | None = None) -> dict[Cell, CellResult]:
    execution, found = Execution(sweep, executor, done or {}), {}
    while not execution.finished:
        found.update(execution.wait(10.0))
    assert execution.failure == ""
    return found


def numbers(results: dict[Cell, CellResult]) -> dict[Cell, tuple[str, ...]]:
    """Everything but the time it took, so that nan equals nan."""
    return {cell: (repr(result.values), str(result.step), result.message) for cell, result in results.items()}


# One cell.


def test_every_measure_is_a_number_of_the_run_that_gradflow_train_would_do():
    experiment = small({"training.steps": STEPS})
    run = Run(experiment)
    snapshots = [run.advance() for _ in range(STEPS + 1)]
    first, last = (snapshot.stat(Stat.DELTA) for snapshot in (snapshots[0], snapshots[-1]))
    loss, accuracy = run.trainer.evaluator.score(*run.trainer.training_set)
    goal = sorted(snapshot.train_loss for snapshot in snapshots)[2]
    result = run_cell(experiment, goal, trains=True)
    assert result.step == STEPS and not result.diverged and result.message == "" and result.seconds > 0.0
    assert result.values == {
        "gradient-ratio": pytest.approx(math.log10(first[0] / first[-2])),
        "gradient-ratio-trained": pytest.approx(math.log10(last[0] / last[-2])),
        "train-loss": loss,
        "validation-loss": snapshots[-1].validation_loss,
        "train-accuracy": accuracy,
        "validation-accuracy": snapshots[-1].validation_accuracy,
        "steps-to-loss": next(snapshot.step for snapshot in snapshots if snapshot.train_loss <= goal),
        "update-ratio": max(snapshot.update_ratio.max() for snapshot in snapshots),
        "diverged": 0.0,
    }


def test_a_measure_at_initialisation_costs_no_training():
    result = run_cell(small(), 0.1, trains=False)
    assert result.step == 0
    assert [name for name, value in result.values.items() if not math.isnan(value)] == ["gradient-ratio", "diverged"]
    assert all(not MEASURES[name].part.trains for name in ("gradient-ratio",))


def test_a_loss_that_is_never_reached_has_no_step():
    assert math.isnan(run_cell(small({"training.steps": 2}), -1.0, trains=True).values["steps-to-loss"])


def test_a_cell_that_diverges_says_where_and_keeps_what_it_knows():
    experiment = small({"network.activation": "identity", "training.learning_rate": 1e6, "training.steps": 50})
    result = run_cell(experiment, 0.0, trains=True)
    assert result.diverged and 0 < result.step < 50 and result.message.startswith("Diverged: on the ")
    assert result.values["diverged"] == 1.0 and math.isfinite(result.values["gradient-ratio"])
    assert math.isnan(result.values["train-loss"]) and math.isnan(result.values["gradient-ratio-trained"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"network.width": 8192, "network.depth": 5000}, "the limit is 4 GB"),
        ({"training.loss": "hinge", "training.label_smoothing": 0.5}, "spreads classes under a cross-entropy only"),
    ],
)
def test_a_cell_that_cannot_be_built_is_a_sentence(changes, sentence):
    result = run_cell(small(changes), 0.0, trains=True)
    assert result.failed and result.values == {} and sentence in result.message and "\n" not in result.message


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "There is not enough memory for this network."),
        (ValueError("a\nb"), "Something went wrong inside gradflow (ValueError: a b)."),
    ],
)
def test_a_cell_that_breaks_inside_is_a_sentence(monkeypatch, error, sentence):
    def broken(experiment: Experiment) -> Run:
        raise error

    monkeypatch.setattr("gradflow.sim.sweep.cell.Run", broken)
    assert run_cell(small(), 0.0, trains=True).message == sentence


def test_a_gradient_that_does_not_arrive_is_minus_infinity():
    result = run_cell(small({"network.activation": "relu", "init.bias": -100.0, "network.depth": 3}), 0.0, trains=False)
    assert math.isnan(result.values["gradient-ratio"]), "nothing left the last hidden layer either"
    half = {"training.precision": "float16", "training.loss_scale": 1.0, "network.depth": 30, "init.scale": 0.05}
    assert run_cell(small(half), 0.0, trains=False).values["gradient-ratio"] == -math.inf


# All cells.


def test_results_do_not_depend_on_who_runs_them():
    sweep = grid()
    here = executed(sweep, InThisThread())
    assert set(here) == set(sweep.cells())
    with processes(2) as executor:
        assert numbers(executed(sweep, executor)) == numbers(here)


def test_only_what_is_not_done_is_run():
    done = {Cell(0, 0): CellResult({}, 0, False), Cell(2, 2): CellResult({}, 0, False)}
    assert set(executed(grid(), InThisThread(), done)) == set(grid().cells()) - set(done)


def test_a_cell_that_fails_does_not_end_the_sweep():
    sweep = dataclasses.replace(grid(), x=Axis.parse("network.width=4,8192"), y=Axis.parse("network.depth=1,900"))
    results = executed(sweep, InThisThread())
    assert [cell for cell, result in results.items() if result.failed] == [Cell(1, 1)]


class Breaking(InThisThread):
    """An executor whose third cell kills a process."""

    def __init__(self, error: Exception) -> None:
        self.error, self.left = error, 2

    def submit(self, fn, /, *args, **kwargs):
        if self.left:
            self.left -= 1
            return super().submit(fn, *args, **kwargs)
        future: Future[object] = Future()
        future.set_exception(self.error)
        return future


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (BrokenProcessPool("a child\nis dead"), "A process of the sweep has died (was there enough memory?)"),
        (OSError("the cluster\nhas gone"), "The sweep cannot go on (the cluster has gone); the cells that are done"),
    ],
)
def test_an_executor_that_dies_is_one_sentence_and_the_cells_stay(error, sentence):
    execution = Execution(grid(), Breaking(error), {})
    assert len(execution.wait(1.0)) == 2
    assert execution.finished and execution.failure.startswith(sentence) and "\n" not in execution.failure


def test_a_killed_process_ends_the_sweep_with_a_sentence():
    with processes(1) as executor:
        assert isinstance(executor, Processes)
        execution = Execution(grid({"training.steps": 100_000}), executor, {})
        executor.submit(os._exit, 1)
        for process in list(executor._processes.values()):
            process.kill()
        deadline = time.monotonic() + 30.0
        while not execution.finished and time.monotonic() < deadline:
            execution.wait(0.2)
    assert execution.failure.startswith("A process of the sweep has died")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except OSError:
        return False


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20.0
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


def test_stopping_ends_processes_in_the_middle_of_a_cell():
    executor = Processes(2)
    execution = Execution(grid({"training.steps": 1_000_000}), executor, {})
    execution.wait(0.5)
    pids = list(executor._processes)
    assert len(pids) == 2
    execution.abandon()
    executor.stop()
    assert execution.finished and gone(pids)


def test_processes_end_with_a_program_that_is_killed(tmp_path):
    """Nobody is left to tell them: the system closes the pipe they listen to."""
    program = tmp_path / "sweeper.py"
    program.write_text(
        "import time\n"
        "from gradflow.sim.sweep import Processes\n"
        "if __name__ == '__main__':\n"
        "    executor = Processes(2)\n"
        "    executor.submit(time.sleep, 0).result()\n"
        "    [executor.submit(time.sleep, 600) for _ in range(2)]\n"
        "    print(*executor._processes, flush=True)\n"
        "    time.sleep(600)\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(sweeps.__file__).parents[3])}
    done = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment)
    assert done.stdout is not None
    pids = [int(pid) for pid in done.stdout.readline().split()]
    assert len(pids) == 2 and all(map(alive, pids))
    done.kill()
    done.wait()
    done.stdout.close()
    assert gone(pids)


def test_there_is_a_core():
    assert cores() >= 1


def test_a_dask_cluster_of_two_workers_gives_the_same_numbers():
    distributed = pytest.importorskip("distributed")
    sweep = grid()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as local,
        cluster(local.scheduler_address) as executor,
    ):
        there = executed(sweep, executor)
    assert numbers(there) == numbers(executed(sweep, InThisThread()))


def test_theory_and_measurement_agree_which_side_of_the_critical_line_is_which():
    """ReLU drawn by Xavier is critical at scale √2: below it the gradient vanishes, above it explodes."""
    base = edit(Experiment(), {"network.activation": "relu", "network.width": 64})
    sweep = Sweep(base, Axis.parse("init.scale=0.7:2.8:3:log"), Axis.parse("network.depth=10,30"))
    results = executed(sweep, InThisThread())
    line, _ = theory_curves(sweep)
    assert np.allclose(line.x, 1.0 + math.log(math.sqrt(2.0) / 1.4) / math.log(2.0), atol=1e-6)
    for cell, result in results.items():
        scale, depth = sweep.values(cell).values()
        expected = (depth - 1) * math.log10(scale / math.sqrt(2.0))
        assert result.values["gradient-ratio"] == pytest.approx(expected, abs=0.02 * depth)
