"""What `gradflow train --out DIR` leaves behind: the contract's files, columns and numbers, and a second opinion."""

from __future__ import annotations

import csv
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.cli import run as command
from gradflow.errors import FileError
from gradflow.sim.archive import open_experiment, save_experiment
from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.report import Report
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.sim.statistics import STATISTICS

HISTORY = "step,epoch,train_loss,val_loss,train_accuracy,val_accuracy,learning_rate,grad_norm,grad_norm_clipped,finite"
LAYERS = (
    "step,layer,name,units,weight_norm,weight_grad_norm,bias_grad_norm,delta_norm,predicted_delta_norm,"
    "activation_mean,activation_std,update_ratio,dead_fraction,saturated_fraction"
)
FILES = ["experiment.toml", "history.csv", "layers.csv", "statistics.csv", "weights.npz"]
STEPS = 7
DEAR = ",".join(("step", "layer", "name", "underflow_fraction", *STATISTICS))
Table = list[dict[str, str]]


def table(path: Path) -> Table:
    """Read a CSV file into rows by column name."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def train(folder: Path, experiment: Experiment, *options: str) -> int:
    """Run `gradflow train` on an experiment, without pictures; return its exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "given.toml"
    save_experiment(experiment, file)
    return command(["train", str(file), "--out", str(folder / "out"), "--no-png", *options])


@pytest.fixture
def report(tmp_path: Path, fast: Callable[..., Experiment]) -> Path:
    """The folder of a run of two-moons over seven steps."""
    assert train(tmp_path, fast({"training.steps": STEPS})) == 0
    return tmp_path / "out"


def test_the_folder_holds_the_files_of_the_contract_and_no_leftovers(report):
    assert sorted(path.name for path in report.iterdir()) == FILES


@pytest.mark.parametrize(
    ("name", "header"), [("history.csv", HISTORY), ("layers.csv", LAYERS), ("statistics.csv", DEAR)]
)
def test_the_columns_are_those_of_the_contract(report, name, header):
    assert (report / name).read_text(encoding="utf-8").splitlines()[0] == header


def test_there_is_a_row_per_step_and_a_row_per_step_and_layer(report):
    assert [int(row["step"]) for row in table(report / "history.csv")] == list(range(STEPS + 1))
    layers = table(report / "layers.csv")
    assert [(int(row["step"]), int(row["layer"])) for row in layers] == [
        (step, layer) for step in range(STEPS + 1) for layer in range(1, 8)
    ]
    assert [row["name"] for row in layers[:7]] == [*(f"hidden {n}" for n in range(1, 7)), "output"]
    assert [row["units"] for row in layers[:7]] == [*["16"] * 6, "1"]


def test_the_numbers_are_those_of_the_run(report, fast):
    run = Run(fast({"training.steps": STEPS}))
    layers = iter(table(report / "layers.csv"))
    for row in table(report / "history.csv"):
        snapshot = run.advance()
        assert float(row["epoch"]) == snapshot.epoch
        assert float(row["train_loss"]) == snapshot.train_loss
        assert float(row["train_accuracy"]) == snapshot.train_accuracy
        assert float(row["learning_rate"]) == snapshot.learning_rate
        assert float(row["grad_norm"]) == snapshot.grad_norm
        assert row["finite"] == "1"
        for i in range(7):
            cells = next(layers)
            written = [stat for stat in Stat if stat in cells]
            assert len(written) == 8
            for stat in written:
                value = snapshot.stat(stat)[i]
                assert cells[stat] == ("" if math.isnan(value) else repr(float(value))), stat
            assert float(cells["update_ratio"]) == snapshot.update_ratio[i]


def test_the_dear_statistics_are_written_at_powers_of_two_and_at_the_end(tmp_path, fast):
    experiment = fast({"training.steps": 21, "training.precision": "float16", "network.dropout": 0.2})
    assert train(tmp_path, experiment) == 0
    rows = table(tmp_path / "out" / "statistics.csv")
    assert list(rows[0]) == ["step", "layer", "name", "underflow_fraction", *STATISTICS]
    assert [int(row["step"]) for row in rows[::7]] == [0, 1, 2, 4, 8, 16, 21]
    assert [row["layer"] for row in rows[:7]] == [*map(str, range(1, 8))]
    run = Run(experiment)
    for step in range(22):
        snapshot = run.advance()
        mine = [row for row in rows if row["step"] == str(step)]
        if not mine:
            continue
        found = run.measure({Want.STATISTICS}).statistics
        for i, cells in enumerate(mine):
            assert float(cells["underflow_fraction"]) == snapshot.stat(Stat.UNDERFLOW)[i]
            for name, values in found.items():
                assert cells[name] == ("" if math.isnan(values[i]) else repr(float(values[i]))), name


def test_statistics_on_file_change_no_number_of_the_run(tmp_path, fast):
    """They take a gradient of the whole training set, with dropout and running statistics about."""
    experiment = fast({"training.steps": 9, "network.dropout": 0.2, "network.norm": "batch-norm"})
    written, alone = Run(experiment), Run(experiment)
    with Report(tmp_path, written) as report:
        for _ in range(10):
            report.record(written.advance())
            alone.advance()
    assert written.history.view().stats.tobytes() == alone.history.view().stats.tobytes()
    assert written.history.view().scalars.tobytes() == alone.history.view().scalars.tobytes()


def test_what_is_clipped_is_written_beside_what_it_was(tmp_path, fast):
    changes = {"training.clip_norm": 0.01, "training.schedule": "cosine", "training.steps": 4}
    assert train(tmp_path, fast(changes)) == 0
    rows = table(tmp_path / "out" / "history.csv")
    assert all(float(row["grad_norm"]) > float(row["grad_norm_clipped"]) for row in rows)
    assert [float(row["grad_norm_clipped"]) for row in rows] == pytest.approx([0.01] * 5, rel=1e-3)
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == sorted(rates, reverse=True) and rates[0] > rates[-1] == pytest.approx(0.0, abs=1e-12)


def test_layers_row_by_row_are_written_with_their_kinds_of_units(tmp_path, fast):
    rows = [{"kind": "conv", "units": 3}, {"kind": "average-pool"}, {"units": 5, "norm": "layer-norm"}]
    assert train(tmp_path, fast({"data.name": "digits", "network.layers": rows, "training.steps": 1})) == 0
    cells = [(row["layer"], row["name"], row["units"]) for row in table(tmp_path / "out" / "layers.csv")[:3]]
    assert cells == [("1", "hidden 1", "108"), ("2", "hidden 2", "5"), ("3", "output", "10")]
    with np.load(tmp_path / "out" / "weights.npz") as arrays:
        shapes = {name: arrays[name].shape for name in arrays.files if name.startswith("final")}
    assert shapes == {
        "final/1/W": (9, 3),
        "final/1/b": (3,),
        "final/2/W": (27, 5),
        "final/2/b": (5,),
        "final/2/gamma": (5,),
        "final/2/beta": (5,),
        "final/3/W": (5, 10),
        "final/3/b": (10,),
    }


def test_the_gradients_norm_is_that_of_all_its_parts(report):
    layers = table(report / "layers.csv")
    for row in table(report / "history.csv"):
        mine = [cells for cells in layers if cells["step"] == row["step"]]
        parts = [float(cells[name]) for cells in mine for name in ("weight_grad_norm", "bias_grad_norm")]
        assert float(row["grad_norm"]) == pytest.approx(math.hypot(*parts), rel=1e-12)


def test_the_update_ratio_is_that_of_the_weights_written(tmp_path, fast):
    assert train(tmp_path, fast({"training.steps": 1})) == 0
    rows = [row for row in table(tmp_path / "out" / "layers.csv") if row["step"] == "0"]
    with np.load(tmp_path / "out" / "weights.npz") as arrays:
        for row in rows:
            before, after = (arrays[f"{when}/{row['layer']}/W"] for when in ("initial", "final"))
            ratio = np.linalg.norm(after - before) / np.linalg.norm(before)
            assert float(row["update_ratio"]) == pytest.approx(ratio, rel=1e-9)


def test_what_does_not_exist_is_an_empty_field(tmp_path, fast):
    changes = {
        "data.name": "diabetes",
        "data.samples": 400,
        "data.validation_fraction": 0.5,
        "network.activation": "relu",
        "training.batch_size": 16,
        "training.steps": 130,
    }
    assert train(tmp_path, fast(changes)) == 0
    history = table(tmp_path / "out" / "history.csv")
    assert {row["train_accuracy"] for row in history} == {row["val_accuracy"] for row in history} == {""}
    assert {row["grad_norm_clipped"] for row in history} == {""}
    validated = [int(row["step"]) for row in history if row["val_loss"]]
    assert validated[0] == 0 and 1 < len(validated) < len(history)
    for row in table(tmp_path / "out" / "layers.csv"):
        # Theory predicts the initialisation; after it, each hidden layer from the next, where φ′ is looked at.
        steps = {0, 1, 2, 4, 8, 16, 32, 64, 128, 130}
        predicted = row["step"] == "0" or (int(row["step"]) in steps and row["name"] != "output")
        assert (row["predicted_delta_norm"] != "") == predicted
        # A ReLU layer has dead units but no plateau to saturate on; the linear output has neither.
        assert (row["dead_fraction"] == "") == (row["name"] == "output")
        assert row["saturated_fraction"] == ""


def test_tanh_units_saturate_and_are_not_dead(report):
    hidden = [row for row in table(report / "layers.csv") if row["name"] != "output"]
    assert all(0.0 <= float(row["saturated_fraction"]) <= 1.0 and float(row["dead_fraction"]) == 0.0 for row in hidden)


def test_without_validation_samples_its_columns_are_empty(tmp_path, fast):
    assert train(tmp_path, fast({"data.validation_fraction": 0.0, "training.steps": 3})) == 0
    rows = table(tmp_path / "out" / "history.csv")
    assert all(row["val_loss"] == row["val_accuracy"] == "" and row["train_accuracy"] for row in rows)


def test_zero_weights_have_an_update_ratio_that_does_not_exist(tmp_path, fast):
    assert train(tmp_path, fast({"init.scheme": "zeros", "training.steps": 0})) == 0
    rows = table(tmp_path / "out" / "layers.csv")
    assert {row["weight_norm"] for row in rows} == {"0.0"}
    assert {row["update_ratio"] for row in rows} == {""}


def test_the_weights_file_loads_without_pickle_and_has_the_contracts_keys(report):
    with np.load(report / "weights.npz", allow_pickle=False) as arrays:
        shapes = {key: arrays[key].shape for key in arrays.files}
    inputs, outputs = [2, *[16] * 6], [*[16] * 6, 1]
    expected: dict[str, tuple[int, ...]] = {"batch/x": (32, 2), "batch/y": (32, 1)}
    for when in ("initial", "final"):
        for number, shape in enumerate(zip(inputs, outputs, strict=True), start=1):
            expected |= {f"{when}/{number}/W": shape, f"{when}/{number}/b": shape[1:]}
    assert shapes == expected


def test_the_file_written_reproduces_every_bit(report, tmp_path):
    assert command(["train", str(report / "experiment.toml"), "--out", str(tmp_path / "again"), "--no-png"]) == 0
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (report / name).read_bytes(), name


def test_the_file_written_holds_what_the_options_changed(tmp_path, fast):
    assert train(tmp_path, fast(), "--set", "network.depth=2", "--steps", "1") == 0
    expected = edit(fast(), {"network.depth": 2, "training.steps": 1})
    assert open_experiment(str(tmp_path / "out" / "experiment.toml")) == expected


def test_a_diverging_run_is_written_up_to_the_row_that_is_not_finite(tmp_path, fast, capsys):
    changes = {"data.name": "diabetes", "network.activation": "identity", "training.learning_rate": 1e5}
    assert train(tmp_path, fast(changes)) == 1
    rows = table(tmp_path / "out" / "history.csv")
    assert [row["finite"] for row in rows] == [*["1"] * (len(rows) - 1), "0"]
    assert 1 < len(rows) < 10_000
    last = [row for row in table(tmp_path / "out" / "layers.csv") if row["step"] == rows[-1]["step"]]
    values = [float(row[name]) for row in last for name in ("weight_norm", "weight_grad_norm", "delta_norm")]
    assert not all(map(math.isfinite, values)) or not math.isfinite(float(rows[-1]["train_loss"]))
    assert (tmp_path / "out" / "weights.npz").exists() and (tmp_path / "out" / "experiment.toml").exists()


def test_a_run_that_is_interrupted_keeps_what_was_recorded(tmp_path, fast):
    run = Run(fast())
    with pytest.raises(KeyboardInterrupt), Report(tmp_path, run) as report:
        for _ in range(4):
            report.record(run.advance())
        raise KeyboardInterrupt
    assert len(table(tmp_path / "history.csv")) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_a_second_report_replaces_the_first(report, tmp_path, fast):
    assert train(tmp_path, fast({"training.steps": 2})) == 0
    assert len(table(report / "history.csv")) == 3


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, fast):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be written"):
        Report(tmp_path / "file" / "out", Run(fast()))


# The pictures, drawn by the command line in a process of its own, with no screen.


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, python, fast):
    """Two folders of the same run with pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    save_experiment(fast({"training.steps": 5, "seed": 11}), folder / "given.toml")
    runs = [
        threading.Thread(
            target=lambda name=name: done.append(
                python("-m", "gradflow", "train", str(folder / "given.toml"), "--out", str(folder / name))
            )
        )
        for name in ("one", "two")
    ]
    done: list[Any] = []
    for process in runs:
        process.start()
    for process in runs:
        process.join()
    assert [(process.returncode, process.stderr) for process in done] == [(0, ""), (0, "")]
    return folder


def test_there_is_a_picture_of_every_view_that_draws_and_of_the_dashboard(pictures):
    """The table of numbers does not fit on one, and is in the CSV files; a map is drawn by a sweep, the lab by hand."""
    from gradflow.ui import export
    from gradflow.ui.lab import LAB

    names = {path.stem for path in (pictures / "one").glob("*.png")}
    assert (
        names == set(export.names()) - {"numbers", "map", *LAB} and {"dashboard", "profile", "heatmap", "loss"} <= names
    )


def test_the_same_run_gives_the_same_bytes(pictures):
    for path in (pictures / "one").iterdir():
        assert path.read_bytes() == (pictures / "two" / path.name).read_bytes(), path.name


def test_every_picture_carries_its_experiment(pictures, fast):
    from PySide6.QtGui import QImage

    from gradflow.sim.archive import parse

    for path in (pictures / "one").glob("*.png"):
        image = QImage(str(path))
        assert parse(image.text("gradflow:experiment"), path.name) == fast({"training.steps": 5, "seed": 11})
        assert (image.text("gradflow:seed"), image.text("gradflow:step")) == ("11", "5")


def test_no_picture_is_blank_and_all_have_two_pixels_per_point(pictures, colors):
    from PySide6.QtGui import QImage

    for path in (pictures / "one").glob("*.png"):
        image = QImage(str(path))
        assert (image.width(), image.height()) == ((2880, 1800) if path.stem == "dashboard" else (1760, 960))
        assert colors(image) > 40, path.name


# PyTorch reads the weights and the batch, and must find the row of step 0.


def torch_norms(torch: Any, arrays: Any, experiment: Experiment, loss: str) -> tuple[float, list[tuple[float, ...]]]:
    """Return the loss and per layer the norms of ∂L/∂W, ∂L/∂b and ∂L/∂z, by a float64 network written out by hand."""
    functional, shape = torch.nn.functional, experiment.network
    functions = {
        "tanh": torch.tanh,
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "identity": lambda z: z,
        "leaky-relu": lambda z: functional.leaky_relu(z, shape.negative_slope),
    }
    count = shape.depth + 1
    W, b = (
        [torch.tensor(arrays[f"initial/{n}/{letter}"], requires_grad=True) for n in range(1, count + 1)]
        for letter in "Wb"
    )
    carried, pre = torch.tensor(arrays["batch/x"]), []
    block_input = None
    for n in range(1, count + 1):
        z = carried @ W[n - 1] + b[n - 1]
        z.retain_grad()
        pre.append(z)
        carried = functions[shape.activation](z) if n < count else z
        # From layer 1 on, every block of `skip_every` layers adds its input to its output.
        if shape.skip_every and n < count and (n - 1) % shape.skip_every == 0:
            carried = carried if block_input is None else carried + block_input
            block_input = carried
    target = torch.tensor(arrays["batch/y"])
    if loss == "softmax":
        value = functional.cross_entropy(carried, target)
    elif loss == "binary":
        value = functional.binary_cross_entropy_with_logits(carried, target)
    else:
        value = functional.mse_loss(carried, target)
    value.backward()
    norms = [tuple(torch.linalg.vector_norm(t.grad).item() for t in parts) for parts in zip(W, b, pre, strict=True)]
    return value.item(), norms


@pytest.mark.parametrize(
    ("loss", "changes"),
    [
        ("softmax", {"data.name": "digits", "network.depth": 20, "network.width": 64, "training.batch_size": 64}),
        ("softmax", {"data.name": "wine", "network.activation": "relu", "init.scheme": "he-normal"}),
        ("binary", {"data.name": "two-moons", "init.bias_scale": 0.3}),
        ("binary", {"data.name": "breast-cancer", "network.activation": "sigmoid", "training.batch_size": "all"}),
        ("mean", {"data.name": "diabetes", "network.activation": "leaky-relu", "network.negative_slope": 0.2}),
        ("mean", {"data.name": "sine", "network.activation": "relu", "network.skip_every": 2, "network.depth": 7}),
        ("softmax", {"data.name": "iris", "network.skip_every": 2, "network.depth": 8}),
        ("softmax", {"data.name": "iris", "network.skip_every": 1, "network.depth": 5}),
        ("mean", {"data.name": "iris", "training.loss": "mean-squared-error"}),
    ],
    ids=str,
)
def test_pytorch_finds_the_row_of_step_0_from_the_weights_and_the_batch(tmp_path, fast, loss, changes):
    torch = pytest.importorskip("torch")
    experiment = fast({"data.samples": "all"} | changes | {"training.steps": 0})
    assert train(tmp_path, experiment) == 0
    with np.load(tmp_path / "out" / "weights.npz") as arrays:
        if loss == "mean" and changes["data.name"] == "iris":
            arrays = {**arrays, "batch/y": np.eye(3)[arrays["batch/y"]]}
        value, norms = torch_norms(torch, arrays, experiment, loss)
    row = table(tmp_path / "out" / "history.csv")[0]
    assert float(row["train_loss"]) == pytest.approx(value, rel=1e-10)
    layers = table(tmp_path / "out" / "layers.csv")
    for cells, expected in zip(layers, norms, strict=True):
        found = [float(cells[name]) for name in ("weight_grad_norm", "bias_grad_norm", "delta_norm")]
        assert found == pytest.approx(list(expected), rel=1e-10), f"layer {cells['layer']}"
