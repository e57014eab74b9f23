"""A table as text: every digit for a spreadsheet, readable numbers for a paper."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.sim.lab.table import Table


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=6), st.text(max_size=8))
def test_a_spreadsheet_reads_back_the_same_numbers_and_names(numbers: list[float], name: str) -> None:
    name = name.replace("\r", "").replace("\0", "")
    table = Table("t", [name], [f"c{i}" for i in range(len(numbers))], np.array([numbers]))
    _, row = csv.reader(io.StringIO(table.csv(), newline=""))
    assert row[0] == name and [float(cell) for cell in row[1:]] == numbers


def test_latex_gives_all_numbers_as_many_digits_and_leaves_whole_ones_whole() -> None:
    values = np.array([[1.25e-12, np.inf, 0.25, 3.0], [-1234.5, np.nan, 0.0, 1.0]])
    table = Table("∂L/∂W", ["unit_1", "[0, 2]"], ["a", "b", "c", "n"], values, [("why", ["50 %", ""])])
    text = table.latex()
    assert r"unit\_1 & $1.250\cdot10^{-12}$ & $\infty$ & $0.2500$ & $3$ & 50 \% \\" in text
    assert r"{}[0, 2] & $-1234$ & -- & $0$ & $1$ &  \\" in text
    assert "% $\\partial L/\\partial W$\n% Needs the packages amsmath and booktabs.\n" in text


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 rows and 1 columns"):
        Table("t", ["a", "b"], ["c"], np.zeros((1, 1)))
