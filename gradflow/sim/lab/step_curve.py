"""The step-size curve: how far a difference quotient is from the derivative, for every step ε, and why.

Two errors work against each other. The truncation error is what Taylor's series leaves out: ½|f″|·ε for the forward
difference and ⅙|f‴|·ε² for the central one. The round-off error is what is left of f after the subtraction of two
numbers that agree in almost all digits: about u·|f|/ε, u being the machine precision (Nocedal & Wright 2006, section
8.1, whose letters these are). Any function of one number will do, not only a network's loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.table import Table

Array = NDArray[np.float64]
Function = Callable[[float], float]
Crossed = Callable[[float, float], str]

U = float(np.finfo(float).eps) / 2.0
"""Machine precision: no number is off by more than this share of it when it is rounded, 2⁻⁵³."""

PER_DECADE = 8
STEPS = 10.0 ** (-np.arange(16 * PER_DECADE + 1) / PER_DECADE)
"""The steps ε from 1 to 10⁻¹⁶, falling."""

CLEAR = 100.0
"""How many times the round-off an error must be to be taken for truncation."""


@dataclass(frozen=True)
class Errors:
    """Where one difference's two errors lie: truncation = `factor`·ε^`order`, round-off = `noise`/ε; nan if not seen.

    `slope` and `noise_slope` are fitted to the measured points on a log-log scale.
    """

    order: int
    factor: float
    noise: float
    slope: float
    noise_slope: float

    @property
    def best_step(self) -> float:
        """The ε at which the two add up to the least: (noise / order·factor)^(1/(order+1))."""
        if not (self.factor > 0.0 and self.noise > 0.0):
            return math.nan
        return float((self.noise / (self.order * self.factor)) ** (1.0 / (self.order + 1)))

    @np.errstate(all="ignore")
    def truncation(self, steps: Array) -> Array:
        """Return the truncation error at these steps."""
        return self.factor * steps**self.order

    @np.errstate(all="ignore")
    def round_off(self, steps: Array) -> Array:
        """Return the round-off error at these steps."""
        return self.noise / steps


@dataclass(frozen=True, eq=False, repr=False)
class StepCurve(Frozen):
    """The difference quotients of a function at `x`, one for each step; nan where it is not computed yet.

    `forward` is (f(x+ε) − f(x))/ε, `central` (f(x+ε) − f(x−ε))/2ε, and `printed` has ε² in place of 2ε. `kinks` names
    what lies between x − ε and x + ε, "" for nothing, and `kinks_above` what lies between x and x + ε.
    """

    x: float
    value: float
    exact: float
    steps: Array
    forward: Array
    central: Array
    printed: Array
    kinks: tuple[str, ...]
    kinks_above: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every step is computed."""
        return bool(self.done.all())

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which steps are computed."""
        return np.array([kink != _UNKNOWN for kink in self.kinks])

    @np.errstate(all="ignore")
    def errors(self, which: str) -> Array:
        """Return |quotient − exact| of "forward", "central" or "printed" for every step."""
        found: Array = np.abs(getattr(self, which) - self.exact)
        return found

    def least(self, which: str) -> float:
        """Return the step at which the error of a difference was least, of those that straddle no kink; nan if none."""
        errors = self.errors(which)
        usable = np.flatnonzero(self.done & np.isfinite(errors) & (np.array(self.kinks) == ""))
        return float(self.steps[usable[errors[usable].argmin()]]) if usable.size else np.nan

    @np.errstate(all="ignore")
    def fit(self, which: str) -> Errors:
        """Return where the errors of the "forward" or the "central" difference lie, away from kinks."""
        order = 1 if which == "forward" else 2
        kinks = self.kinks_above if which == "forward" else self.kinks
        smooth = np.array([not kink for kink in kinks]) & self.done
        return _fit(self.steps, self.errors(which), smooth, order, self._round_off())

    def table(self, title: str) -> Table:
        """Return all of it, row by row."""
        done = np.flatnonzero(self.done)
        names = ("forward", "central", "printed")
        columns = [self.steps, *(getattr(self, name) for name in names), *(self.errors(name) for name in names)]
        return Table(
            title,
            [f"{self.steps[i]:.6g}" for i in done],
            ["ε", "forward", "central", "over ε² as printed", *(f"error, {name}" for name in names)],
            np.stack([column[done] for column in columns], axis=1) if len(done) else np.empty((0, 7)),
            [("kink", [self.kinks[i] for i in done])],
        )

    def _round_off(self) -> float:
        """Return about what two evaluations cannot agree on: the last digits of f, and of x + ε."""
        return 2.0 * U * max(abs(self.value), abs(self.x * self.exact), np.finfo(float).tiny)


_UNKNOWN = "not computed yet"


def curve(f: Function, x: float, exact: float, crossed: Crossed | None = None) -> StepCurve:
    """Return the step-size curve of any function of one number whose derivative at x is `exact`.

    `crossed(a, b)` names the kink between two points at which f was just evaluated, "" if there is none.
    """
    *_, last = refine(f, x, exact, crossed)
    return last


def refine(
    f: Function, x: float, exact: float, crossed: Crossed | None = None, first: int | None = None
) -> Iterator[StepCurve]:
    """Yield the curve again and again, from few steps to all of them; the step numbered `first` comes first."""
    count = len(STEPS)
    quotients = np.full((3, count), np.nan)
    kinks, kinks_above = [_UNKNOWN] * count, [_UNKNOWN] * count
    pause = Pause()

    def so_far() -> StepCurve:
        forward, central, printed = quotients.copy()
        return StepCurve(x, value, exact, STEPS, forward, central, printed, tuple(kinks), tuple(kinks_above))

    with np.errstate(all="ignore"):
        value = f(x)
        for level in _coarse_to_fine(count, first):
            for i in level:
                step = float(STEPS[i])
                above = f(x + step)
                kinks_above[i] = crossed(x, x + step) if crossed else ""
                below = f(x - step)
                kinks[i] = kinks_above[i] or (crossed(x, x - step) if crossed else "")
                twice = above - below
                quotients[:, i] = (above - value) / step, twice / (2.0 * step), twice / (step * step)
                if pause.due():
                    yield so_far()
            yield so_far()


def _coarse_to_fine(count: int, first: int | None) -> Iterator[list[int]]:
    """Yield all numbers below `count`: one, then every eighth, then the others between them."""
    seen: set[int] = set()
    if first is not None:
        seen.add(first)
        yield [first]
    for every in (8, 4, 2, 1):
        level = [i for i in range(0, count, every) if i not in seen]
        seen.update(level)
        yield level


def _fit(steps: Array, errors: Array, smooth: NDArray[np.bool_], order: int, round_off: float) -> Errors:
    usable = smooth & np.isfinite(errors) & (errors > 0.0)
    # Truncation: far above what round-off could be; of that the smallest steps, where the first term is all there is.
    clear = np.flatnonzero(usable & (errors > CLEAR * round_off / steps))[-2 * PER_DECADE :]
    factor = slope = noise = noise_slope = math.nan
    if len(clear) >= 3:
        slope = _slope(steps[clear], errors[clear])
        if abs(slope - order) < 0.3:
            last = clear[-PER_DECADE:]
            factor = float(np.median(errors[last] / steps[last] ** order))
    # Round-off: from where truncation would be a tenth of it, down to where not a digit is left.
    reached = (0.1 * round_off / factor) ** (1.0 / (order + 1)) if factor > 0.0 else 1e-6
    rough = usable & (steps < reached) & (steps > reached * 1e-5)
    if np.count_nonzero(rough) >= PER_DECADE:
        noise_slope = _slope(steps[rough], errors[rough])
        # Anything else is no round-off, but a difference that tends to another number.
        if abs(noise_slope + 1.0) < 0.5:
            noise = float(np.sqrt(np.mean((errors[rough] * steps[rough]) ** 2)))
    return Errors(order, factor, noise, slope, noise_slope)


def _slope(steps: Array, errors: Array) -> float:
    """Return the slope of the straight line through points on a log-log scale."""
    x: NDArray[Any] = np.log10(steps)
    y = np.log10(errors)
    x = x - x.mean()
    return float(x @ (y - y.mean()) / (x @ x)) if len(x) > 1 else math.nan
