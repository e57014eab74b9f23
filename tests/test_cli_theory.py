"""Measured and predicted gradients on the command line, and how often theory is right."""

from __future__ import annotations

import pytest

from gradflow.cli import run
from gradflow.sim import coverage
from gradflow.sim.coverage import Case, Coverage

SMALL = ("--set", "network.depth=4", "--set", "network.width=32")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_every_layer_stands_beside_its_prediction(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = answer(capsys, "theory", "healthy", *SMALL)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in lines[1:5]] == ["hidden"] * 4 and lines[5].startswith("output")
    measured, predicted = (float(word) for word in lines[1].split()[2:4])
    assert 0.3 < measured / predicted < 3.0
    assert lines[-1].startswith("Theory (line): gap ")


def test_where_theory_is_silent_the_reason_is_said_and_the_command_fails(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = answer(capsys, "theory", "convolution")
    assert (status, err) == (1, "")
    assert out == "Theory is silent: it has no formula for convolutions.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "theory needs an experiment (FILE), or --coverage"),
        (("--coverage", "--seeds", "1"), "--seeds must be a whole number from 2, not 1"),
        (("helthy",), "did you mean 'healthy'"),
    ],
)
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], complaint: str) -> None:
    status, out, err = answer(capsys, "theory", *arguments)
    assert (status, out) == (2, "")
    assert complaint in err and err.count("\n") == 1


def test_coverage_counts_layers_within_two_standard_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [Case("tanh", "xavier-normal", 5), Case("relu", "he-normal", 5), Case("relu", "orthogonal", 5)]
    monkeypatch.setattr(coverage, "cases", lambda: chosen)
    status, out, err = answer(capsys, "theory", "--coverage", "--seeds", "3")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in lines] == ["activation", "tanh", "relu", "all"]
    assert [line.split()[1] for line in lines[1:]] == ["5", "10", "15"]


def test_every_random_scheme_meets_every_smooth_activation() -> None:
    found = coverage.cases()
    assert len(set(found)) == len(found) > 500
    assert {case.scheme for case in found} >= {"he-normal", "orthogonal", "lsuv", "xavier-uniform"}
    assert not {"zeros", "identity", "saved"} & {case.scheme for case in found}
    assert "step" not in {case.activation for case in found}


def test_a_case_far_from_theory_is_counted_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a spread a hundred times too small hardly a layer is right."""
    case = Case("relu", "he-normal", 5)
    assert coverage.measure(case, 3).layers == 5
    monkeypatch.setattr(coverage, "ERRORS", 0.01)
    found: Coverage = coverage.measure(case, 3)
    assert found.right <= 1 and found.largest > 0.1
