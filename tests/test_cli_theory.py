"""Measured and predicted gradients on the command line, and how often theory is right."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.cli import run
from gradflow.cli.theory import _share
from gradflow.sim import coverage
from gradflow.sim.coverage import Case, Coverage

SMALL = ("--set", "network.depth=4", "--set", "network.width=32")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_both_norms_of_every_layer_stand_beside_their_prediction_with_gap_and_spread(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = answer(capsys, "theory", "healthy", *SMALL)
    names, heads, *lines = out.splitlines()
    assert (status, err) == (0, "")
    assert names.replace("-", "").split() == ["|delta|", "|dL/dW|", "|delta|", "factor"]
    assert heads.split() == ["layer", *2 * ["measured", "predicted", "gap", "typical"], "measured", "theory"]
    assert [line.split()[0] for line in lines[:4]] == ["hidden"] * 4 and lines[4].startswith("output")
    for line in lines[:4]:
        words = line.replace(" %", "").split()[2:]
        for measured, predicted, apart, typical in (words[:4], words[4:8]):
            assert 0.3 < float(measured) / float(predicted) < 3.0
            assert float(apart) == pytest.approx(100 * (float(measured) / float(predicted) - 1), abs=1.0)
            assert typical[0] == "±" and 0 < int(typical[1:]) < 100
    for line, name in zip(lines[5:7], ("|delta|", "|dL/dW|"), strict=True):
        assert line.startswith(f"{name}: gap ±") and ", expected ±" in line


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        (("init.scheme=he-normal", "network.activation=relu"), "critical: q* = "),
        (("init.scheme=xavier-normal", "network.activation=sigmoid"), "ordered: q* = 0.2647 (stable), χ₁ = 0.0557"),
        (("init.scheme=xavier-normal", "network.activation=tanh", "init.scale=2"), "chaotic: q* = "),
        (("init.scheme=lsuv",), ""),
        (("network.norm=layer-norm",), ""),
        (("network.skip_every=2",), ""),
        (("network.depth=1",), ""),
    ],
)
def test_the_phase_of_layers_that_are_alike_is_said(
    capsys: pytest.CaptureFixture[str], changes: tuple[str, ...], phase: str
) -> None:
    options = [word for change in changes for word in ("--set", change)]
    status, out, err = answer(capsys, "theory", "healthy", *SMALL, "--set", "init.scale=1", *options)
    assert (status, err) == (0, "")
    assert (f"Many such layers would be {phase}" in out) if phase else ("Many such layers" not in out)


def test_where_networks_differ_by_an_unknown_amount_the_reason_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = answer(capsys, "theory", "healthy", *SMALL, "--set", "init.scheme=sparse")
    lines = out.splitlines()
    assert (status, err) == (0, "") and "±" not in "".join(lines[2:7])
    assert lines[7].startswith("|delta|: gap ±") and lines[8].startswith("|dL/dW|: gap ±") and "expected" not in out
    assert lines[9].startswith("No typical gap: how much networks differ is not known where weights are sparse")


def test_a_gap_that_is_no_small_share_is_a_factor() -> None:
    assert [_share(value, "+") for value in (0.174, -0.5, 8.9, 99.0, np.inf, np.nan)] == [
        "+17 %", "-50 %", "+890 %", "×100", "", ""
    ]  # fmt: skip
    assert _share(0.2, "±") == "±20 %" and _share(-0.001, "+") == "+0 %"


def test_where_theory_is_silent_the_reason_is_said_and_the_command_fails(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = answer(capsys, "theory", "convolution")
    assert (status, err) == (1, "")
    assert out == "Theory is silent: it has no formula for max pooling.\n"


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
