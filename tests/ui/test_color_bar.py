"""The bar of colours names its decades in round steps."""

from __future__ import annotations

import pytest

from gradflow.ui.axes import power_of_ten
from gradflow.ui.color_bar import decade_ticks


@pytest.mark.parametrize(
    ("low", "high", "named"),
    [
        (-3, 0, [-3, -2, -1, 0]),
        (-9, 200, [0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200]),
        (-74.0, 6.0, [-70, -60, -50, -40, -30, -20, -10, 0]),
        (-20, 2, [-20, -18, -16, -14, -12, -10, -8, -6, -4, -2, 0, 2]),
    ],
)
def test_many_decades_are_named_in_round_steps(low, high, named):
    ticks = decade_ticks(low, high)
    assert [words for _, words in ticks] == [power_of_ten(decade) for decade in named]
    assert [share for share, _ in ticks] == pytest.approx([(decade - low) / (high - low) for decade in named])
