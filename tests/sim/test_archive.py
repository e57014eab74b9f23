"""Experiments in files: there and back, and one sentence for every kind of bad file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from sim_kit import experiments, take

from gradflow.errors import ConfigError, FileError, GradflowError
from gradflow.sim import archive
from gradflow.sim.config import FIELDS, Experiment, differing, edit
from gradflow.sim.datasets import DATASETS
from gradflow.sim.trainer import Trainer


def refusal(text: str) -> str:
    with pytest.raises(GradflowError) as caught:
        archive.parse(text, "lesson.toml")
    message = str(caught.value)
    assert message.startswith("lesson.toml: ")
    assert "\n" not in message
    return message


@given(experiments())
@settings(max_examples=60, deadline=None)
def test_rendered_experiment_is_parsed_back_to_an_equal_one(experiment: Experiment) -> None:
    assert archive.parse(archive.render(experiment), "x.toml") == experiment


def test_rendered_experiment_is_complete() -> None:
    """The file reproduces the run even if a default changes one day."""
    table = tomllib.loads(archive.render(Experiment()))
    flat = {
        f"{k}.{j}" if isinstance(v, dict) else k for k, v in table.items() for j in (v if isinstance(v, dict) else [0])
    }
    assert flat == set(FIELDS) - {"network.layers"}, "a list of no rows is not written"


def test_short_file_takes_the_defaults_for_what_it_does_not_say() -> None:
    experiment = archive.parse("format = 1\n[network]\ndepth = 3\n", "x.toml")
    assert differing(experiment, Experiment()) == ("network.depth",)
    assert archive.parse("", "x.toml") == Experiment()


def test_text_that_is_not_toml_says_where() -> None:
    assert "is not TOML" in refusal("[network\ndepth = 3")
    assert "is not TOML" in refusal("seed = 1\nseed = 2")
    assert "line 2" in refusal("seed = 1\nformat = 1 2")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[network]\ndept = 3", "network.dept: unknown key; did you mean 'network.depth'?"),
        ("[netwrk]\ndepth = 3", "netwrk: unknown key; did you mean 'network'?"),
        ("[network]\ndepth = '3'", "network.depth: '3' is not valid; must be a whole number from 1 to 5000"),
        ("[network]\ndepth = 3.0", "network.depth: must be a whole number from 1 to 5000, not 3.0"),
        ("[network]\ndepth = true", "network.depth: must be a whole number from 1 to 5000, not true"),
        ("[network]\ndepth = 0", "network.depth: must be a whole number from 1 to 5000, not 0"),
        ("[network]\nactivation = 'rlu'", "network.activation: 'rlu' is not valid; did you mean 'relu'?"),
        ("[init]\nscale = nan", "init.scale: must be a number from 1e-06 to 1e+06, not nan"),
        ("[init]\nscale = [1.0]", "init.scale: must be a number"),
        ("seed = 1979-05-27", "seed: must be a whole number"),
        ("network = 3", "network: must be a table"),
        ("format = 2", "format: 2 is newer than this gradflow reads (1); update gradflow"),
        ("format = 99\n[brand-new]\nx = 1", "format: 99 is newer"),
        ("format = 0", "format: must be a whole number from 1 to 1, not 0"),
        ("format = '2'", "format: '2' is not valid"),
        ("format = true", "format: must be a whole number"),
    ],
)
def test_bad_file_is_refused_naming_file_field_and_what_is_valid(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize("text", ["seed = " + "9" * 5000, "seed = " + "[" * 5000], ids=["digits", "brackets"])
def test_absurd_toml_is_refused_like_any_other(text: str) -> None:
    refusal(text)


def test_byte_order_mark_of_windows_editors_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    assert archive.open_experiment(str(path)).seed == 3


def test_nothing_in_a_file_can_run_code() -> None:
    assert "data.name" in refusal("[data]\nname = \"__import__('os').system('true')\"")


# Files


def test_saved_experiment_opens_as_it_was(tmp_path: Path) -> None:
    experiment = edit(Experiment(), {"network.depth": 3, "init.scale": 0.72, "training.batch_size": "all"})
    archive.save_experiment(experiment, tmp_path / "new" / "mine.toml")
    assert archive.open_experiment(str(tmp_path / "new" / "mine.toml")) == experiment


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nothing\.toml: cannot be read \(no such file"):
        archive.open_experiment(str(tmp_path / "nothing.toml"))


def test_directory_is_not_an_experiment(tmp_path: Path) -> None:
    (tmp_path / "dir.toml").mkdir()
    with pytest.raises(FileError, match=r"dir\.toml: cannot be read \(is a directory"):
        archive.open_experiment(str(tmp_path / "dir.toml"))


def test_binary_file_is_not_an_experiment(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(FileError, match=r"w\.toml: is not a text file"):
        archive.open_experiment(str(tmp_path / "w.toml"))


def test_error_inside_a_file_names_the_file_and_keeps_the_field(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[network]\ndepth = 0\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        archive.open_experiment(str(path))
    assert str(caught.value).startswith(f"{path}: network.depth: ")
    assert caught.value.field == "network.depth"


# Presets


@pytest.mark.parametrize("name", archive.presets())
def test_every_preset_opens_and_gives_a_finite_profile(name: str) -> None:
    experiment = archive.open_experiment(name)
    first = take(Trainer(experiment), 1)[0]
    assert first.finite
    assert (first.stats[:, :-1] > 0).any()


@pytest.mark.parametrize("name", [name for name, path in archive.presets().items() if path])
def test_every_preset_says_what_it_shows_and_where(name: str) -> None:
    shown = archive.introduction(name)
    assert shown.words.endswith(".") and len(shown.words) > 40
    assert shown.view and archive.FIGURE not in shown.words


def test_a_data_set_needs_no_introduction() -> None:
    assert archive.introduction("iris") == archive.introduction("nothing") == archive.Introduction()


def test_every_data_set_is_a_preset_with_the_defaults() -> None:
    assert set(DATASETS) <= set(archive.presets())
    for name in DATASETS:
        assert archive.open_experiment(name) == edit(Experiment(), {"data.name": name})


def test_the_first_start_opens_on_a_preset() -> None:
    assert archive.FIRST in archive.presets()


def test_unknown_preset_is_told_the_nearest() -> None:
    with pytest.raises(FileError, match="digts: no such file and no such preset; did you mean 'digits'"):
        archive.open_experiment("digts")


def test_directory_named_like_a_preset_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after ``gradflow train digits --out digits``."""
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    assert archive.open_experiment("digits").data.name == "digits"


def test_name_too_long_for_a_file_is_just_an_unknown_name() -> None:
    with pytest.raises(FileError):
        archive.open_experiment("x" * 5000)
