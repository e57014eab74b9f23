"""The command line as a person meets it: what it prints, what it returns, and one clear line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

import gradflow
from gradflow.cli import run
from gradflow.sim.archive import presets, save_experiment

DIVERGING = ("--set", "network.activation=identity", "--set", "training.learning_rate=1e5")
SMALL = ("--set", "network.depth=3", "--set", "network.width=8", "--steps", "2")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit status, its output and what it says on standard error."""
    status = run(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must be refused: exit status 2, nothing done, one line on standard error; return that line."""
    status, out, err = answer(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("gradflow: ") and err.endswith("\n") and err.count("\n") == 1
    return err


# Good.


@pytest.mark.parametrize("name", presets())
def test_every_preset_trains(capsys, name):
    status, out, err = answer(capsys, "train", name, *SMALL)
    assert (status, err) == (0, "")
    assert out.startswith("step      0  loss ")


def test_training_says_where_it_is_and_what_is_wrong(capsys):
    status, out, _ = answer(capsys, "train", "vanishing", "--steps", "30", "--set", "init.scale=0.3")
    lines = out.splitlines()
    assert status == 0
    assert [int(line.split()[1]) for line in lines[:-1]] == list(range(0, 31, 3))
    assert "accuracy" in lines[0] and "|gradient|" in lines[0]
    assert lines[-1].startswith("The gradient vanishes towards the input. Layer 1 receives")


def test_steps_0_gives_the_profile_at_initialisation(capsys, tmp_path):
    status, out, _ = answer(capsys, "train", "digits", "--steps", "0", "--out", str(tmp_path), "--no-png")
    assert status == 0 and out.startswith("step      0") and "step      1" not in out
    assert len((tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert out.splitlines()[-1] == f"written to {tmp_path}"


def test_a_file_trains_like_its_preset(capsys, tmp_path, fast):
    save_experiment(fast({"training.steps": 2}), tmp_path / "mine.toml")
    changes = (f"--set={path}" for path in ("data.samples=200", "network.depth=6", "network.width=16"))
    preset = answer(capsys, "train", "two-moons", *changes, "--set=training.batch_size=32", "--steps", "2")
    assert answer(capsys, "train", str(tmp_path / "mine.toml")) == preset


def test_the_later_of_two_changes_wins(capsys):
    once = answer(capsys, "train", "two-moons", *SMALL, "--set", "seed=5")
    assert answer(capsys, "train", "two-moons", *SMALL, "--set", "seed=4", "--set", " seed = 5 ") == once


@pytest.mark.parametrize("changes", [(), ("--set", "network.activation=relu"), ("--set", "network.skip_every=2")])
def test_the_gradient_check_is_good_in_every_layer(capsys, changes):
    status, out, err = answer(capsys, "check", "digits", "--set", "network.depth=5", *changes, "--entries", "10")
    header, *layers = out.splitlines()
    assert (status, err) == (0, "")
    assert header.split() == ["layer", "entries", "at", "kinks", "|gradient|", "relative", "error", "verdict"]
    assert [line.split()[0] for line in layers] == [*["hidden"] * 5, "output"]
    assert all(line.endswith(("agrees to 6 digits", "(a kink of φ)")) for line in layers)


def test_where_the_loss_bends_strongly_truncation_is_not_taken_for_an_error(capsys):
    """At ε = 10⁻⁵ the central difference is off by more than a millionth of the gradient in this preset's layer 2."""
    status, out, err = answer(capsys, "check", "exploding", "--entries", "10")
    assert (status, err) == (0, "") and "agrees to 6 digits (ε = 1e-06)" in out


def test_a_wrong_gradient_fails_the_check(capsys, monkeypatch):
    from gradflow.engine.nodes import Dense

    right = Dense.backward

    def wrong(self: Dense) -> None:
        right(self)
        self.b_grad *= 1.001

    monkeypatch.setattr(Dense, "backward", wrong)
    status, out, err = answer(capsys, "check", "two-moons", "--set", "network.depth=2", "--set", "init.bias_scale=0.5")
    assert status == 1 and "WRONG" in out
    assert err.startswith("gradflow: 3 layers differ by more than") and err.count("\n") == 1


def test_it_tells_its_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        run(["--version"])
    assert capsys.readouterr().out == f"gradflow {gradflow.__version__}\n"


@pytest.mark.parametrize("command", ["", "window", "train", "check", "bench"])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(capsys, command, flag):
    with pytest.raises(SystemExit, match="0"):
        run([*command.split(), flag])
    out = capsys.readouterr().out
    assert out.startswith(f"usage: gradflow {command}".rstrip())
    if command:
        assert "Example: gradflow " in out
    else:
        assert all(f"    {name} " in out for name in ("window", "train", "check", "bench"))


# What was asked for fails: exit status 1.


def test_a_run_that_diverges_is_written_and_says_when_where_and_which_way(capsys, tmp_path):
    status, _, err = answer(capsys, "train", "diabetes", *DIVERGING, "--out", str(tmp_path), "--no-png")
    assert status == 1
    assert err.startswith("gradflow: diverged: ") and err.count("\n") == 1
    assert "step 2" in err and "layer " in err and ("forward" in err or "backward" in err)
    names = {"experiment.toml", "history.csv", "layers.csv", "statistics.csv", "weights.npz"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_run_that_diverges_says_so_without_files_too(capsys):
    status, out, err = answer(capsys, "train", "diabetes", *DIVERGING)
    assert status == 1 and err.startswith("gradflow: diverged: ") and err.count("\n") == 1
    assert "The numbers have blown up." in out


# Bad input: exit status 2.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[network]\ndepht = 4", ("network.depht", "did you mean 'network.depth'")),
        ("[netwrok]\ndepth = 4", ("netwrok", "did you mean 'network'")),
        ("colour = 4", ("colour", "choose from")),
        ("[network]\ndepth = 0", ("network.depth", "a whole number from 1 to 5000", "not 0")),
        ("[network]\ndepth = 2.5", ("network.depth", "a whole number from 1 to 5000", "not 2.5")),
        ("[network]\ndepth = true", ("network.depth", "a whole number from 1 to 5000", "not true")),
        ('[network]\ndepth = "ten"', ("network.depth", "'ten'", "a whole number from 1 to 5000")),
        ("[network]\ndepth = [4, 5]", ("network.depth", "a whole number from 1 to 5000", "[4, 5]")),
        ("[training]\nlearning_rate = nan", ("training.learning_rate", "a number from 0 to 1e+06", "nan")),
        ("[training]\nlearning_rate = -1.0", ("training.learning_rate", "a number from 0 to 1e+06", "-1.0")),
        ("[training]\nbatch_size = 0", ("training.batch_size", "a whole number from 1 to 100000 or 'all'")),
        ('[network]\nactivation = "rely"', ("network.activation", "'rely'", "did you mean 'relu'")),
        ('[network]\nactivation = "swoosh"', ("network.activation", "choose from identity, sigmoid, tanh, relu")),
        ("[network]\nactivation = 3", ("network.activation", "one of identity, sigmoid", "not 3")),
        ("network = 5", ("network", "write [network] on a line of its own")),
        ("format = 2", ("format", "2 is newer", "update gradflow")),
        ("this is not toml", ("is not TOML", "line 1")),
        ("[network", ("is not TOML", "expected ']'")),
        ('[training]\nloss = "binary-cross-entropy"', ("training.loss", "does not fit 'digits'", "choose auto or")),
    ],
)
@pytest.mark.parametrize("command", ["train", "check"])
def test_a_mistake_in_a_file_is_one_line_with_the_file_the_field_and_what_is_valid(
    capsys, tmp_path, command, content, words
):
    file = tmp_path / "mine.toml"
    file.write_text(content, encoding="utf-8")
    said = complaint(capsys, command, str(file))
    assert all(word in said for word in words), said
    if "does not fit" not in said:
        assert said.startswith(f"gradflow: {file}: ")


def test_a_file_that_cannot_be_read_is_named_with_the_reason(capsys, tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (tmp_path / "folder.toml").mkdir()
    assert "binary.toml: is not a text file" in complaint(capsys, "train", str(tmp_path / "binary.toml"))
    assert "folder.toml: cannot be read (is a directory)" in complaint(capsys, "train", str(tmp_path / "folder.toml"))
    assert "none.toml: cannot be read (no such file" in complaint(capsys, "train", str(tmp_path / "none.toml"))
    assert f"{tmp_path}: " in complaint(capsys, "train", str(tmp_path))
    assert "none.toml: cannot be read" in complaint(capsys, str(tmp_path / "none.toml"))


def test_a_folder_called_like_a_preset_does_not_hide_it(capsys, tmp_path, monkeypatch):
    """As left behind by `gradflow train digits --out digits`."""
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    assert answer(capsys, "train", "digits", *SMALL)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "digitz"], ("digitz", "no such preset", "did you mean 'digits'")),
        (["digitz"], ("digitz", "no such command", "preset", "did you mean 'digits'")),
        (["train", "qqq"], ("qqq", "choose from", "vanishing", "diabetes")),
        (["train"], ("FILE", "gradflow train --help")),
        (["train", "digits", "iris"], ("iris", "gradflow")),
        (["--frob"], ("--frob", "gradflow --help")),
        (["train", "digits", "--frob"], ("--frob", "gradflow")),
        (["train", "digits", "--steps", "-1"], ("steps", "a whole number from 0 to 10000000", "-1")),
        (["train", "digits", "--steps", "many"], ("--steps", "many")),
        (["train", "digits", "--steps", "0", "--scale", "100"], ("--scale", "0.25 to 8", "100")),
        (["train", "digits", "--steps", "0", "--scale", "nan"], ("--scale", "0.25 to 8", "nan")),
        (["train", "digits", "--set", "network.depht=3"], ("network.depht", "did you mean 'network.depth'")),
        (["train", "digits", "--set", "network.depth"], ("network.depth", "PATH=VALUE")),
        (["train", "digits", "--set", "depth=3"], ("depth: no such field", "network.depth")),
        (["train", "digits", "--set", "network.depth="], ("network.depth", "a whole number from 1 to 5000")),
        (["train", "digits", "--set", "network.depth=3.5"], ("network.depth", "a whole number from 1 to 5000", "3.5")),
        (["train", "digits", "--set", "network.depth=-3"], ("network.depth", "a whole number from 1 to 5000", "-3")),
        (["train", "digits", "--set", "init.scale=inf"], ("init.scale", "a number from 1e-06 to 1e+06", "inf")),
        (["train", "digits", "--set", "network.activation=rely"], ("network.activation", "did you mean 'relu'")),
        (["train", "digits", "--set", "=3"], ("--set =3", "choose from format, seed, data.name")),
        (["train", "diabetes", "--set", "training.loss=softmax-cross-entropy"], ("training.loss", "choose auto or")),
        (
            ["train", "digits", "--set", "network.depth=5000", "--set", "network.width=8192"],
            ("network.width", "the limit is 4 GB", "choose fewer layers"),
        ),
        (["check", "digits", "--entries", "0"], ("--entries", "from 1", "0")),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_that_names_it(capsys, arguments, words):
    said = complaint(capsys, *arguments)
    assert all(word in said for word in words), said


@pytest.mark.parametrize("arguments", [["trian", "digits"], ["chek", "digits", "--entries", "3"], ["trian"]])
def test_a_misspelt_command_names_the_near_one(capsys, arguments):
    nearest = {"trian": "train", "chek": "check"}[arguments[0]]
    said = complaint(capsys, *arguments)
    assert arguments[0] in said and nearest in said


@pytest.mark.parametrize("below", ["", "out", "out/deeper"])
def test_a_folder_that_cannot_be_written_is_named_before_any_step(capsys, tmp_path, below):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / below
    said = complaint(capsys, "train", "digits", "--steps", "3", "--out", str(folder), "--no-png")
    assert str(folder) in said and "cannot be written" in said


def test_the_output_folder_may_be_deep_and_have_spaces(capsys, tmp_path):
    folder = tmp_path / "a b" / "ü" / "c"
    assert answer(capsys, "train", "two-moons", *SMALL, "--out", str(folder), "--no-png")[0] == 0
    assert (folder / "history.csv").exists()


# In a process of its own, with no screen.


def test_training_with_pictures_needs_no_screen(python, tmp_path):
    done = python("-m", "gradflow", "train", "two-moons", *SMALL, "--out", str(tmp_path / "out"), "--scale", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "profile.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments", [(), ("window",), ("vanishing",), ("--smoke",)])
def test_a_window_without_a_screen_is_one_sentence(python, arguments):
    done = python("-m", "gradflow", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gradflow: there is no screen") and done.stderr.count("\n") == 1


def test_smoke_opens_the_window_draws_a_frame_and_exits(python, tmp_path):
    done = python("-m", "gradflow", "--smoke", "healthy", QT_QPA_PLATFORM="offscreen", XDG_CONFIG_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("options", [[], ["--out", "out", "--no-png"]])
def test_training_without_pictures_does_not_import_qt(python, tmp_path, options):
    program = (
        "import sys; from gradflow.cli import run; "
        f"status = run(['train', 'two-moons', '--steps', '1', *{options}]); "
        "sys.exit(status or any(name.startswith(('PySide6', 'pyqtgraph')) for name in sys.modules))"
    )
    assert python("-c", program, cwd=tmp_path).returncode == 0


def test_a_mistake_is_one_line_for_a_shell_too(python, tmp_path):
    done = python("-m", "gradflow", "train", "missing.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "gradflow: missing.toml: cannot be read (no such file or directory)\n"


def test_a_reader_that_goes_away_is_no_traceback(python):
    """As in `gradflow train digits | head -1`."""
    program = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-m', 'gradflow', 'train', 'two-moons', '--steps', '400'], "
        "stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True); "
        "p.stdout.readline(); p.stdout.close(); sys.stderr.write(p.stderr.read()); sys.exit(p.wait() not in (0, 1))"
    )
    done = python("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
