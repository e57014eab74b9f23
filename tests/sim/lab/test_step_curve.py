"""The step-size curve of any function: the slopes of its two errors, its best step, kinks, and the slide's slip."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from gradflow.sim.lab import step_words
from gradflow.sim.lab.step_curve import STEPS, U, curve, refine

SMOOTH: dict[str, tuple[Callable[[float], float], float, float]] = {
    "sine": (math.sin, 1.0, math.cos(1.0)),
    "exponential": (math.exp, 0.3, math.exp(0.3)),
    "logistic loss": (lambda t: math.log1p(math.exp(-t)), 0.4, -1.0 / (1.0 + math.exp(0.4))),
    "a large tanh": (lambda t: 1e6 * math.tanh(t), 0.2, 1e6 / math.cosh(0.2) ** 2),
}


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_truncation_falls_as_the_step_and_its_square_and_round_off_rises_as_one_over_it(name: str) -> None:
    found = curve(*SMOOTH[name])
    forward, central = found.fit("forward"), found.fit("central")
    assert forward.slope == pytest.approx(1.0, abs=0.01)
    assert central.slope == pytest.approx(2.0, abs=0.01)
    assert forward.noise_slope == pytest.approx(-1.0, abs=0.15)
    assert central.noise_slope == pytest.approx(-1.0, abs=0.15)


def test_the_factors_are_those_of_taylors_series() -> None:
    found = curve(math.exp, 0.3, math.exp(0.3))
    assert found.fit("forward").factor == pytest.approx(math.exp(0.3) / 2, rel=1e-3)
    assert found.fit("central").factor == pytest.approx(math.exp(0.3) / 6, rel=1e-3)


@pytest.mark.parametrize(("which", "root"), [("forward", 1 / 2), ("central", 1 / 3)])
def test_the_best_step_is_a_root_of_the_machine_precision_and_nearly_as_good_as_any(which: str, root: float) -> None:
    found = curve(math.exp, 0.3, math.exp(0.3))
    best = found.fit(which).best_step
    assert U**root / 5 < best < U**root * 5
    errors = found.errors(which)
    near = np.abs(np.log10(STEPS / best)) < 0.5
    # Single errors may be small by luck: the mean over a decade is what counts.
    means = np.convolve(errors, np.full(8, 1 / 8), "valid")
    assert errors[near].mean() < 3 * means.min()


def test_a_parabola_has_no_truncation_error_in_the_central_difference() -> None:
    found = curve(lambda t: 3 * t * t - t, 0.7, 3.2)
    assert math.isnan(found.fit("central").factor) and found.fit("forward").factor == pytest.approx(3.0, rel=1e-3)
    assert found.errors("central")[0] < 1e-14
    assert "no truncation error" in step_words.best_step(found, "central")


def test_a_constant_is_exact_at_every_step() -> None:
    found = curve(lambda t: 2.0, 0.5, 0.0)
    assert not found.errors("central").any() and not found.errors("printed").any()
    assert "exactly 0" in step_words.best_step(found, "forward")


def test_the_slides_denominator_diverges_as_the_step_shrinks() -> None:
    found = curve(math.sin, 1.0, math.cos(1.0))
    small = (found.steps < 1e-2) & (found.steps > 1e-6)
    np.testing.assert_allclose(found.printed[small] * found.steps[small] / 2, math.cos(1.0), rtol=1e-4)
    errors = found.errors("printed")[small]
    assert (np.diff(errors) > 0).all() and errors[-1] > 1e5
    assert "2.00·10⁵ times" in step_words.as_printed(1e-5)


def test_kinks_within_the_step_are_named_and_left_out_of_the_fit() -> None:
    at = 0.01

    def relu(t: float) -> float:
        return max(t - at, 0.0) + t**3

    found = curve(relu, 0.02, 1.0 + 3 * 0.02**2, lambda a, b: "a kink of φ" if (a > at) != (b > at) else "")
    assert found.kinks[0] and not found.kinks_above[0] and not found.kinks[-1]
    assert found.fit("central").factor == pytest.approx(1.0, rel=1e-2)
    assert "From ε = 0.01" in step_words.kinks(found)
    on_it = curve(relu, at, 3 * at**2, lambda a, b: "a kink of φ" if (a > at) != (b > at) else "")
    assert all(on_it.kinks[:80])


def test_it_comes_from_coarse_to_fine_and_the_chosen_step_first() -> None:
    seen = list(refine(math.sin, 1.0, math.cos(1.0), first=41))
    assert seen[0].done.nonzero()[0].tolist() == [41] and not seen[0].complete
    counts = [one.done.sum() for one in seen]
    assert counts == sorted(counts) and seen[-1].complete and len(seen[-1].table("t").rows) == len(STEPS)


def test_what_is_not_finite_stays_a_result() -> None:
    found = curve(lambda t: math.inf if t > 1.0 else t, 0.95, 1.0)
    assert np.isinf(found.forward[0]) and found.errors("forward")[-40:].max() < 1.0
    found.fit("forward")
    assert curve(lambda t: math.nan, 0.0, math.nan).complete
