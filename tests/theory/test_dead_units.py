"""How many ReLU units die by chance: closed forms, the table of THEORY.md section 6, and many random units."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradflow.theory.dead_units import dead_by_chance


def test_independent_samples_halve_the_chance_each_and_equal_ones_do_not() -> None:
    for samples in (1, 2, 7, 64):
        found = dead_by_chance(np.array([0.0, 1.0]), samples)
        np.testing.assert_allclose(found, [0.5**samples, 0.5], rtol=1e-12)


@pytest.mark.parametrize("c", [1e-6, 0.01, 0.3, 0.5, 0.51, 0.9, 0.999, 1 - 1e-9])
def test_two_and_three_samples_have_the_orthant_probabilities(c: float) -> None:
    """P(two negative) = ¼ + asin(c)/2π, P(three negative) = ⅛ + 3·asin(c)/4π (Sheppard 1899)."""
    pair, triple = (dead_by_chance(np.array([c]), samples)[0] for samples in (2, 3))
    assert pair == pytest.approx(0.25 + math.asin(c) / (2 * math.pi), abs=1e-12)
    assert triple == pytest.approx(0.125 + 3 * math.asin(c) / (4 * math.pi), abs=1e-12)


def test_deep_he_networks_lose_as_many_units_as_the_table_says() -> None:
    """Layers 1, 5, 10, 20 and 40 with 256 uncorrelated samples: 0, .030, .125, .248 and .350."""
    c = [0.0]
    for _ in range(40):
        angle = math.acos(c[-1])
        c.append((math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi)
    found = dead_by_chance(np.array([c[layer - 1] for layer in (1, 5, 10, 20, 40)]), 256)
    np.testing.assert_allclose(found, [0.0, 0.030, 0.125, 0.248, 0.350], atol=6e-4)


def test_random_units_die_as_often(samples: int = 24, units: int = 40_000) -> None:
    rng = np.random.default_rng(3)
    for c in (0.5, 0.95):
        shared, own = rng.normal(size=(units, 1)), rng.normal(size=(units, samples))
        dead = ((math.sqrt(c) * shared + math.sqrt(1 - c) * own) < 0).all(axis=1).mean()
        expected = dead_by_chance(np.array([c]), samples)[0]
        assert abs(dead - expected) < 4 * math.sqrt(expected / units)


def test_a_negative_correlation_counts_as_none_and_an_unknown_one_stays_unknown() -> None:
    found = dead_by_chance(np.array([-0.3, math.nan]), 8)
    assert found[0] == pytest.approx(0.5**8) and math.isnan(found[1])
