"""Starting from a saved run: what is taken over, what is drawn, and one clear sentence for every unusable file."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from sim_kit import bits, small, take, trainer

from gradflow.engine.nodes import NORMS
from gradflow.errors import ConfigError
from gradflow.sim import archive
from gradflow.sim.report import Report
from gradflow.sim.run import Run
from gradflow.sim.transfer import parameter_names


def saved(folder: Path, changes: dict[str, Any] | None = None) -> Run:
    """Train a small run for a while and leave its report in a folder; return it."""
    run = Run(small({"training.steps": 9} | (changes or {})))
    with Report(folder, run) as report:
        while not run.finished:
            report.record(run.advance())
    return run


def start_from(path: Path, changes: dict[str, Any] | None = None) -> Run:
    """Return a run that starts from a saved one, with another seed."""
    return Run(small({"init.scheme": "saved", "init.path": str(path), "seed": 3} | (changes or {})))


class Refusal(NamedTuple):
    """What is said about a saved run that cannot be used."""

    field: str
    reason: str


def refusal(path: Path | str, changes: dict[str, Any] | None = None) -> Refusal:
    """Return what is said, in one line about init.path."""
    try:
        trainer({"init.scheme": "saved", "init.path": str(path)} | (changes or {}))
    except ConfigError as error:
        said = Refusal(error.field, error.reason)
    assert said.field == "init.path"
    assert "\n" not in said.reason
    return said


KINDS: dict[str, dict[str, Any]] = {
    "dense": {},
    **{norm: {"network.norm": norm} for norm in NORMS},
    "projections": {"network.layers": [{"units": 4}, {"units": 7, "skip_from": 1}, {"units": 5, "skip_from": 1}]},
    "convolutions": {
        "data.name": "digits",
        "network.layers": [{"kind": "conv", "units": 3}, {"kind": "average-pool"}, {"units": 5}],
    },
    "float32": {"training.precision": "float32"},
    "float16": {"training.precision": "float16"},
}


# Taking over


@pytest.mark.parametrize("form", ["file", "folder"])
@pytest.mark.parametrize("kind", KINDS)
def test_run_starts_with_every_parameter_of_the_saved_one(tmp_path: Path, kind: str, form: str) -> None:
    source = saved(tmp_path, KINDS[kind])
    started = start_from(tmp_path if form == "folder" else tmp_path / "weights.npz", KINDS[kind])
    np.testing.assert_array_equal(started.trainer.network.parameters, source.trainer.network.parameters)
    np.testing.assert_array_equal(started.trainer.network.master, source.trainer.network.master)


@pytest.mark.parametrize("kind", KINDS)
def test_every_array_of_a_saved_run_has_a_name_of_its_own(tmp_path: Path, kind: str) -> None:
    run = saved(tmp_path, KINDS[kind])
    named = parameter_names(run.trainer.network)
    assert len({name for name, _ in named}) == len(named)
    network = run.trainer.network
    assert sum(values.size for _, values in named) == network.parameters.size + network.state.size
    with np.load(tmp_path / "weights.npz") as arrays:
        for when in ("initial", "final"):
            assert {name for name in arrays.files if name.startswith(when)} == {f"{when}/{name}" for name, _ in named}


@pytest.mark.parametrize("kind", KINDS)
def test_run_validates_at_the_start_as_the_saved_one_did_at_its_end(tmp_path: Path, kind: str) -> None:
    """Batch norm has brought its running statistics with it."""
    source = saved(tmp_path, KINDS[kind])
    run = trainer(KINDS[kind] | {"init.scheme": "saved", "init.path": str(tmp_path)})
    score = run.evaluator.score(run.split.x_validation, run.validation_targets)
    assert score == (source.snapshot.validation_loss, source.snapshot.validation_accuracy)


def test_only_the_start_is_saved_and_the_network_learns_on(tmp_path: Path) -> None:
    source = saved(tmp_path)
    started = start_from(tmp_path)
    for _ in range(4):
        assert started.advance().finite
    assert not np.array_equal(started.trainer.network.parameters, source.trainer.network.parameters)


def test_task_with_other_classes_draws_the_output_layer_and_takes_over_the_rest(tmp_path: Path) -> None:
    """Two moons (two inputs, one output) taught these layers; blobs have two inputs too, and more classes."""
    source = saved(tmp_path).trainer.network
    run = start_from(tmp_path, {"data.name": "blobs"}).trainer
    drawn = trainer({"data.name": "blobs", "seed": 3, "init.scheme": "xavier-normal"}).network
    for new, old in zip(run.network.layers[:-1], source.layers[:-1], strict=True):
        np.testing.assert_array_equal(new.linear.W, old.linear.W)
        np.testing.assert_array_equal(new.linear.b, old.linear.b)
    assert run.network.layers[-1].linear.W.shape != source.layers[-1].linear.W.shape
    np.testing.assert_array_equal(run.network.layers[-1].linear.W, drawn.layers[-1].linear.W)


def test_deeper_and_wider_networks_take_over_what_fits_and_draw_the_rest(tmp_path: Path) -> None:
    source = saved(tmp_path).trainer.network
    rows = [{"units": 6}, {"units": 6}, {"units": 9}, {"units": 6}, {"units": 6}]
    network = start_from(tmp_path, {"network.layers": rows}).trainer.network
    equal = [
        new.linear.W.shape == old.linear.W.shape and np.array_equal(new.linear.W, old.linear.W)
        for new, old in zip(network.layers, source.layers, strict=False)
    ]
    assert equal == [True, True, False, False]


def test_layer_is_taken_over_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """The saved layer has no norm: its weights without γ and β would not be that layer."""
    source = saved(tmp_path, {"network.layers": [{}, {}, {}]}).trainer.network
    changes = {"network.layers": [{}, {"norm": "layer-norm"}, {}]}
    network = start_from(tmp_path, changes).trainer.network
    equal = [np.array_equal(a.linear.W, b.linear.W) for a, b in zip(network.layers, source.layers, strict=True)]
    assert equal == [True, False, True, True]


def test_single_rows_can_start_from_a_saved_run(tmp_path: Path) -> None:
    source = saved(tmp_path).trainer.network
    rows = [{"scheme": "saved"}, {}, {"scheme": "saved", "trainable": False}]
    run = start_from(tmp_path, {"init.scheme": "he-normal", "network.layers": rows}).trainer
    equal = [np.array_equal(a.linear.W, b.linear.W) for a, b in zip(run.network.layers, source.layers, strict=True)]
    assert equal == [True, False, True, False]
    take(run, 3)
    np.testing.assert_array_equal(run.network.layers[2].linear.W, source.layers[2].linear.W)


def test_frozen_transfer_trains_the_new_output_layer_only(tmp_path: Path) -> None:
    source = saved(tmp_path).trainer.network
    run = start_from(tmp_path, {"data.name": "blobs", "training.freeze": 3}).trainer
    before = run.network.layers[-1].linear.W.copy()
    take(run, 5)
    for new, old in zip(run.network.layers[:-1], source.layers[:-1], strict=True):
        np.testing.assert_array_equal(new.linear.W, old.linear.W)
    assert not np.array_equal(run.network.layers[-1].linear.W, before)


def test_a_run_from_a_saved_one_is_repeated_by_its_file_bit_for_bit(tmp_path: Path) -> None:
    saved(tmp_path)
    first = start_from(tmp_path)
    again = archive.parse(archive.render(first.experiment), "again.toml")
    assert bits(take(Run(again).trainer, 6)) == bits(take(first.trainer, 6))


def test_the_topology_of_saved_weights_claims_no_spread(tmp_path: Path) -> None:
    saved(tmp_path)
    layer = start_from(tmp_path).trainer.topology.layers[0]
    assert layer.init_n is None
    assert np.isnan(layer.init_std)


def test_path_says_nothing_without_the_scheme() -> None:
    assert trainer({"init.path": "no such thing"}).preview().finite


# Files that cannot be used


def written(path: Path, **arrays: np.ndarray) -> Path:
    """Write arrays as a saved run has them; underscores stand for slashes."""
    np.savez(path, **{name.replace("_", "/"): values for name, values in arrays.items()})
    return path


def zipped(path: Path, content: bytes) -> Path:
    """Write a zip file whose only member claims to be the weights of layer 1."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("final/1/W.npy", content)
    return path


def array_bytes() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((2, 6)))
    return buffer.getvalue()


def test_no_path_at_all_says_what_to_name() -> None:
    assert refusal("").reason == "the init scheme saved needs a saved run: name its weights.npz or its folder"


def test_missing_file_and_folder_without_weights_are_named(tmp_path: Path) -> None:
    for path, named in ((tmp_path / "gone.npz", "gone.npz"), (tmp_path, "weights.npz")):
        assert f"{tmp_path / named}: cannot be read (no such file or directory)" in refusal(path).reason


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and nothing", b"\x93NUMPY\x01\x00", array_bytes()])
def test_file_that_is_no_archive_of_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    assert refusal(path).reason == f"{path}: is not the weights.npz of a saved run"


def test_file_that_is_refused_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(b"PK\x03\x04 and nothing")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        refusal(path)
    assert [str(warning.message) for warning in told] == []


def test_objects_in_a_file_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, **{"final/1/W": np.array([{}], object)})
    assert "is not the weights.npz" in refusal(path).reason


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_half_a_file_is_refused(tmp_path: Path, part: float) -> None:
    saved(tmp_path)
    path = tmp_path / "weights.npz"
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    assert "is not the weights.npz" in refusal(path).reason


def test_flipped_bits_are_refused_or_harmless(tmp_path: Path) -> None:
    """Zip files carry checksums: whatever bit it is, a layer is as it was saved or is drawn, or the file is refused."""
    source, drawn = saved(tmp_path).trainer.network, trainer({"seed": 3}).network
    whole = (tmp_path / "weights.npz").read_bytes()
    path, refused = tmp_path / "spoilt.npz", 0
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            network = start_from(path).trainer.network
        except ConfigError as error:
            assert error.field == "init.path"
            refused += 1
        else:
            for new, *known in zip(network.layers, source.layers, drawn.layers, strict=True):
                assert any(np.array_equal(new.linear.W, layer.linear.W) for layer in known)
    assert refused > 0


def test_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    assert "is not the weights.npz" in refusal(zipped(tmp_path / "weights.npz", b"hello")).reason


def test_member_with_a_broken_header_is_refused(tmp_path: Path) -> None:
    content = array_bytes().replace(b"(2, 6), }      ", b"(2, 60000000000")
    assert "is not the weights.npz" in refusal(zipped(tmp_path / "weights.npz", content)).reason


@pytest.mark.parametrize(
    "values",
    [np.ones((2, 6), int), np.full((2, 6), np.nan), np.full((2, 6), np.inf), np.ones((2, 6), complex)],
    ids=str,
)
def test_arrays_of_anything_but_finite_numbers_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    path = written(tmp_path / "weights.npz", final_1_W=values, final_1_b=np.ones(6))
    assert refusal(path).reason == f"{path}: final/1/W is not an array of finite numbers"


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.ones(3)},
        {"initial_1_W": np.ones((2, 6)), "initial_1_b": np.ones(6)},
        {"final_1_W": np.ones((2, 6))},
        {"final_1_W": np.ones((6, 2)), "final_1_b": np.ones(6)},
        {"final_2_W": np.ones((2, 6)), "final_2_b": np.ones(6)},
        {"final_1_W": np.ones(()), "final_1_b": np.ones(6)},
    ],
    ids=["foreign", "no final weights", "no bias", "transposed", "another layer", "a scalar"],
)
def test_file_without_a_fitting_layer_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = written(tmp_path / "weights.npz", **arrays)
    assert refusal(path).reason == f"no layer of {path} has the shape of a layer of this network"


def test_network_of_other_shapes_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    assert "no layer of" in refusal(tmp_path, {"data.name": "digits", "network.width": 9}).reason


@pytest.mark.parametrize("path", ["x" * 5000, "a/" * 3000])
def test_path_too_long_for_the_file_system_is_refused(path: str) -> None:
    assert "cannot be read" in refusal(path).reason
