"""The table of operations, by name. `gradflow.autograd.operators` fills it, one entry per operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradflow.autograd.variable import Variable

OPERATORS: dict[str, Callable[..., Variable]] = {}
"""Every `Operator`, by name, in the order in which they are explained."""
