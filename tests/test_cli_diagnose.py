"""The command that says what is wrong: findings with remedies that can be typed, and the trial's tables."""

from __future__ import annotations

import json
import shlex

import pytest

from gradflow.cli import run

SMALL = ("--set", "network.width=16", "--set", "data.samples=200")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_sick_network_is_told_with_cause_formula_and_remedies_and_fails(capsys):
    status, out, err = answer(capsys, "diagnose", "vanishing", *SMALL, "--steps", "5")
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == "▼ The gradient vanishes towards the input (layer 1)"
    assert "Layer 1 receives ‖δ₁‖ =" in out
    assert "√χ" in out
    assert "  1. Set the init scale to 1: " in out
    assert "     --set init.scale=1.0" in lines


def test_a_healthy_network_is_good(capsys):
    status, out, _ = answer(capsys, "diagnose", "healthy", "--steps", "5")
    assert status == 0
    assert out.startswith("● The gradient keeps its size\n")


def test_the_options_of_a_remedy_can_be_typed(capsys):
    _, out, _ = answer(capsys, "diagnose", "vanishing", *SMALL, "--steps", "0")
    remedy = next(line for line in out.splitlines() if line.startswith("     --set"))
    status, out, _ = answer(capsys, "diagnose", "vanishing", *SMALL, *shlex.split(remedy), "--steps", "0")
    assert status == 0 and "vanishes" not in out


def test_findings_as_json(capsys):
    status, out, _ = answer(capsys, "diagnose", "exploding", *SMALL, "--steps", "0", "--json")
    first = json.loads(out)[0]
    assert status == 1
    assert (first["name"], first["severity"], first["layer"]) == ("exploding", "warning", 1)
    assert first["remedies"][0]["changes"]["init.scale"] == 1.0


def test_a_network_of_rows_has_its_remedies_in_words(capsys):
    rows = '[{kind = "dense", scale = 0.1}, {kind = "dense", scale = 0.1}, {kind = "dense", scale = 0.1}, {}]'
    arguments = ("diagnose", "healthy", *SMALL, "--set", f"network.layers={rows}", "--steps", "0")
    assert "(the rows of network.layers follow the experiment)" in answer(capsys, *arguments)[1]
    assert isinstance(json.loads(answer(capsys, *arguments, "--json")[1]), list)


def test_a_small_trial_prints_its_tables(capsys):
    status, out, err = answer(capsys, "diagnose", "--trial", "--experiments", "2", "--seed", "7", "--cures")
    assert (status, err) == (0, "")
    assert "2 networks with one known fault" in out
    assert "2 networks treated with the first remedy" in out


def test_a_trial_as_json(capsys):
    status, out, _ = answer(capsys, "diagnose", "--trial", "--experiments", "1", "--json")
    tables = json.loads(out)
    assert status == 0
    assert sum(row["cases"] for row in tables["findings"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name an experiment, or --trial"),
        (("healthy", "--trial"), "name an experiment, or --trial"),
        (("--trial", "--experiments", "0"), "--experiments must be at least 1"),
        (("--trial", "--seed", "-1"), "--seed must be 0 or more"),
        (("healthy", "--steps", "-1"), "training.steps"),
        (("nothing-like-it",), "nothing-like-it"),
    ],
)
def test_a_mistake_is_one_line(capsys, arguments, words):
    status, out, err = answer(capsys, "diagnose", *arguments)
    assert (status, out) == (2, "")
    assert words in err and err.count("\n") == 1
