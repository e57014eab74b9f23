"""SciPy's special functions, for what NumPy has no function for: erf and the normal distribution function.

Importing them takes 0.2 s, so it happens when an activation first needs one and not when gradflow starts.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def special() -> ModuleType:
    """Return the module scipy.special."""
    return import_module("scipy.special")
