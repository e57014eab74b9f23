"""The bar of colours names its decades in round steps."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ui.axes import power_of_ten
from gradflow.ui.color_bar import WIDTH, ColorBar, decade_ticks


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


def test_the_bar_is_as_wide_as_its_numbers_need(qtbot):
    bar = ColorBar()
    qtbot.addWidget(bar)
    table = np.zeros((256, 3), np.uint8)
    bar.show_scale(table, [(0.0, "0.1"), (1.0, "10")])
    assert bar.width() == WIDTH
    bar.show_scale(table, [(0.0, "0.352571"), (1.0, "0.3525764512")])
    assert bar.width() > WIDTH + 16
