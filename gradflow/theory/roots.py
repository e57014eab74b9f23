"""Where a curve crosses zero and where it turns: SciPy's solvers, imported when first needed, as they take 0.2 s."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType

Curve = Callable[[float], float]


def crossing(curve: Curve, left: float, right: float, within: float = 1e-15) -> float:
    """Return where a curve crosses zero that has different signs at both ends."""
    return float(_optimize().brentq(curve, left, right, xtol=within, rtol=max(within, 1e-15)))


def lowest(curve: Curve, left: float, right: float) -> float:
    """Return where a curve is lowest between two places."""
    options = {"xatol": 1e-10}
    return float(_optimize().minimize_scalar(curve, bounds=(left, right), method="bounded", options=options).x)


@cache
def _optimize() -> ModuleType:
    return import_module("scipy.optimize")
