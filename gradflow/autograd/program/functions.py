"""The functions of the language: which operation each is, how many operands it takes, and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["axes", "axis", "flag", "number", "order", "shape"]


@dataclass(frozen=True)
class Setting:
    """An argument that is written out, not computed: an axis, a shape, a slope."""

    name: str
    kind: Kind
    default: object = None


@dataclass(frozen=True)
class Function:
    """A function of the language; `operands` is how many computed arguments it takes, 0 a list of any number."""

    operation: str
    operands: int = 1
    settings: tuple[Setting, ...] = ()
    letters: str = "xyz"
    hint: str = ""

    def signature(self, name: str) -> str:
        """Return how it is written, "sum(x, axis=None, keepdims=False)"."""
        given = list(self.letters[: self.operands]) if self.operands else ["[x, y, …]"]
        settings = [s.name if s.kind == "shape" else f"{s.name}={s.default}" for s in self.settings]
        return f"{name}({', '.join([*given, *settings])})"


_REDUCTION = (Setting("axis", "axes"), Setting("keepdims", "flag", False))
_ONE_ARGUMENT = ("exp", "log", "sqrt", "abs", "sin", "cos", "tanh", "sigmoid", "relu", "softplus", "erf")

FUNCTIONS: dict[str, Function] = {
    **{name: Function(name) for name in _ONE_ARGUMENT},
    "ln": Function("log"),
    "leaky_relu": Function("leaky_relu", 1, (Setting("negative_slope", "number", 0.01),)),
    "sum": Function("sum", 1, _REDUCTION, hint="; x + y adds two"),
    "mean": Function("mean", 1, _REDUCTION),
    "max": Function("max", 1, _REDUCTION, hint="; the larger of two is maximum(x, y)"),
    "min": Function("min", 1, _REDUCTION, hint="; the smaller of two is minimum(x, y)"),
    "softmax": Function("softmax", 1, (Setting("axis", "axis", -1),)),
    "log_softmax": Function("log_softmax", 1, (Setting("axis", "axis", -1),)),
    "maximum": Function("maximum", 2),
    "minimum": Function("minimum", 2),
    "pow": Function("pow", 2),
    "dot": Function("dot", 2),
    "matmul": Function("matmul", 2),
    "transpose": Function("transpose", 1, (Setting("axes", "order"),)),
    "reshape": Function("reshape", 1, (Setting("shape", "shape"),)),
    "concat": Function("concatenate", 0, (Setting("axis", "axis", 0),)),
    "concatenate": Function("concatenate", 0, (Setting("axis", "axis", 0),)),
    "stack": Function("stack", 0, (Setting("axis", "axis", 0),)),
}

SPECIAL = {
    "constant": "constant(1.5)",
    "detach": "detach(x)",
    "where": "where(x > 0, y, z)",
    "no_grad": "with no_grad():",
}
"""Words that are no operation of one rule, with how they are written."""

WORDS = {*FUNCTIONS, *SPECIAL}
"""Names that cannot be assigned."""
