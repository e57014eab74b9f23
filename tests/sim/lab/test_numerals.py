"""Numbers as they stand in the lab."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.sim.lab.numerals import factor, full, short


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 3, "0"),
        (-0.0312, 3, "−0.0312"),
        (12345.6, 3, "1.23e4"),
        (1234.5, 3, "1234"),
        (-3.44e-7, 2, "−3.4e−7"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "−∞"),
        (math.nan, 3, "nan"),
    ],
)
def test_short(value: float, digits: int, text: str) -> None:
    assert short(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_full_number_reads_back_and_a_short_one_is_near(value: float) -> None:
    assert float(full(value).replace("−", "-")) == value
    near = float(short(value, 3).replace("−", "-"))
    assert math.isinf(near) or abs(near - value) <= 0.0051 * abs(value)


def test_a_negative_factor_stands_in_brackets() -> None:
    assert (factor(-0.2), factor(0.31)) == ("(−0.2)", "0.31")
