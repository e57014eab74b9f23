"""Numbers beside each other: which digits agree."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gradflow.sim.lab.digits import told_apart, written_alike

ANY = st.floats(allow_nan=True, allow_infinity=True)


def test_digits_agree_up_to_the_first_that_differs() -> None:
    assert written_alike(-0.00123, -0.00124) == ("−1.2300000000000000", "−1.2", "400000000000000", "·10⁻³")
    assert written_alike(12.5, 12.5)[1:] == ("+1.2500000000000000", "", "·10¹")
    assert written_alike(1e-5, 3.0) == ("+1.0000000000000001·10⁻⁵", "", "+3.0000000000000000·10⁰", "")
    assert written_alike(0.0, 1e-9)[0] == "+0"


@given(ANY, ANY)
def test_any_two_numbers_can_be_written(one: float, other: float) -> None:
    whole, same, different, _ = written_alike(one, other)
    assert whole and same + different
    if one == other and one != 0.0 and math.isfinite(one):
        assert (same + different).strip() == whole.strip()


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_different_numbers_look_different(values: list[float]) -> None:
    words = told_apart(*values)
    assert len(words) == len(values)
    if len({f"{value:.12e}" for value in values}) == len(set(values)):
        assert len(set(words)) == len(set(values)) or 0.0 in values


def test_a_loss_that_hardly_moves_shows_that_it_does() -> None:
    assert told_apart(2.3005, 2.3004) == ["2.3005", "2.3004"]
    assert told_apart(2.0, 1.5) == ["2", "1.5"]
    assert told_apart(1.23456, math.nan, math.nan, math.inf) == ["1.23", "not a number", "not a number", "∞"]
