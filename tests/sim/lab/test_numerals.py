"""Numbers as they stand in the lab."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeral_kit import read

from gradflow.sim.lab.numerals import factor, full, operand, setting, short, told


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 3, "0"),
        (-0.0312, 3, "−0.0312"),
        (12345.6, 3, "1.23·10⁴"),
        (1234.5, 3, "1234"),
        (-3.44e-7, 2, "−3.4·10⁻⁷"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "−∞"),
        (math.nan, 3, "nan"),
    ],
)
def test_short(value: float, digits: int, text: str) -> None:
    assert short(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_full_number_reads_back_and_a_short_one_is_near(value: float) -> None:
    assert read(full(value)) == value
    near = read(short(value, 3))
    assert math.isinf(near) or abs(near - value) <= 0.0051 * abs(value)


def test_a_setting_keeps_its_own_digits_and_an_approximation_says_that_it_is_one() -> None:
    assert [setting(v) for v in (0.9, 1e-8, -1e-5, 2.5e-7)] == ["0.9", "10⁻⁸", "−10⁻⁵", "2.5·10⁻⁷"]
    assert (told(2.5e-7), told(1 / 3e7)) == ("= 2.50·10⁻⁷", "≈ 3.33·10⁻⁸")


def test_what_would_be_misread_stands_in_brackets() -> None:
    assert (factor(-0.2), factor(0.31), factor(3e-5)) == ("(−0.2)", "0.31", "3.00·10⁻⁵")
    assert (operand(-0.2), operand(0.31), operand(3e-5)) == ("(−0.2)", "0.31", "(3.00·10⁻⁵)")
