"""Averages by table, against those by quadrature: in the table, beyond its ends, and added up over deep networks."""

from __future__ import annotations

import numpy as np
import pytest
from theory_kit import NAMES, of

from gradflow.theory.tables import AVERAGES, table_of


@pytest.mark.parametrize("name", NAMES)
def test_tables_have_the_averages_to_five_digits(name: str) -> None:
    moments, lengths = of(name), np.exp(np.random.default_rng(0).uniform(np.log(1e-9), np.log(1e5), 60))
    for average, found in zip(AVERAGES, table_of(moments)(lengths, *AVERAGES), strict=True):
        np.testing.assert_allclose(found, getattr(moments, average)(lengths), rtol=1e-5, err_msg=average)


@pytest.mark.parametrize("name", NAMES)
def test_tables_have_the_mean_also_beyond_their_ends(name: str) -> None:
    moments, lengths = of(name), np.geomspace(1e-20, 1e6, 40)
    value = np.asarray(moments.value(lengths))
    apart = table_of(moments).mean(lengths, value) - moments.mean(lengths)
    assert (np.abs(apart) < 1e-5 * np.sqrt(value)).all()


@pytest.mark.parametrize("name", NAMES)
def test_tables_know_how_the_averages_grow(name: str) -> None:
    """As ratios of derivatives: d ln V₂/d ln q and d ln D₂/d ln q, which are all that finite width asks for."""
    moments, table, lengths = of(name), table_of(of(name)), np.geomspace(1e-8, 1e4, 50)
    elasticity = lengths * moments.value_growth(lengths) / moments.value(lengths)
    np.testing.assert_allclose(table.growth("value", lengths), elasticity, atol=2e-4)
    low, high = (np.log(moments.slope(lengths * np.exp(side * 1e-4))) for side in (-1.0, 1.0))
    np.testing.assert_allclose(table.growth("slope", lengths), (high - low) / 2e-4, atol=2e-4)


def test_a_table_knows_the_ends_of_the_scale() -> None:
    table = table_of(of("tanh"))
    with np.errstate(all="ignore"):
        value, slope = table(np.array([0.0, 1e-30, 1e30, np.nan]), "value", "slope")
    np.testing.assert_allclose(value, [0.0, 1e-30, 1.0, np.nan], rtol=2e-5)
    np.testing.assert_allclose(slope[:2], 1.0, rtol=1e-8)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sine"])
@pytest.mark.parametrize("square", [0.8, 1.0, 2.0, 4.0])
def test_errors_do_not_add_up_over_deep_networks(name: str, square: float) -> None:
    """Two hundred layers by table end at the length that quadrature gives, and their factors at its product."""
    moments, table = of(name), table_of(of(name))
    apart = exact = by_table = 1.0
    for _ in range(200):
        exact, by_table = square * exact, square * by_table
        (slope,) = table(np.array([by_table]), "slope")
        apart *= float(slope[0]) / float(moments.slope(exact))
        exact, by_table = float(moments.value(exact)), float(table(np.array([by_table]), "value")[0][0])
    assert by_table == pytest.approx(exact, rel=1e-3)
    assert np.sqrt(apart) == pytest.approx(1.0, abs=1e-3)
