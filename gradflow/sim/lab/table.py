"""A matrix with names for its rows and columns, and the same as text for a spreadsheet or a paper."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen

Array = NDArray[Any]

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "_": r"\_",
        "^": r"\^{}",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "~": r"\~{}",
    }
)


@dataclass(frozen=True, eq=False, repr=False)
class Table(Frozen):
    """Numbers on screen: `values` (rows, columns) with a name for each row and column, and words before them.

    `notes` are further columns of text, each a heading and one entry per row.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Array
    notes: Sequence[tuple[str, Sequence[str]]] = ()

    def __post_init__(self) -> None:
        values = np.array(self.values, float)
        if values.shape != (len(self.rows), len(self.columns)):
            raise ValueError(f"{values.shape} numbers for {len(self.rows)} rows and {len(self.columns)} columns")
        object.__setattr__(self, "values", values)
        super().__post_init__()

    def csv(self) -> str:
        """Return the table as comma-separated values with every digit; what is not a number is an empty field."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["", *self.columns, *(heading for heading, _ in self.notes)])
        for i, name in enumerate(self.rows):
            numbers = ["" if math.isnan(v) else repr(v + 0.0) for v in self.values[i].tolist()]
            writer.writerow([name, *numbers, *(entries[i] for _, entries in self.notes)])
        return text.getvalue()

    def latex(self, digits: int = 4) -> str:
        """Return the table as a LaTeX tabular (booktabs) with so many significant digits."""
        heads = ["", *self.columns, *(heading for heading, _ in self.notes)]
        lines = [
            rf"% {self.title}",
            "% Needs the package booktabs; for signs such as δ and ∂ typeset it with XeLaTeX or LuaLaTeX.",
            rf"\begin{{tabular}}{{l{'r' * len(self.columns)}{'l' * len(self.notes)}}}",
            r"\toprule",
            " & ".join(head.translate(_LATEX) for head in heads) + r" \\",
            r"\midrule",
        ]
        for i, name in enumerate(self.rows):
            numbers = [_in_latex(v, digits) for v in self.values[i].tolist()]
            words = [entries[i].translate(_LATEX) for _, entries in self.notes]
            lines.append(" & ".join([name.translate(_LATEX), *numbers, *words]) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _in_latex(value: float, digits: int) -> str:
    if math.isnan(value):
        return "--"
    if math.isinf(value):
        return r"$\infty$" if value > 0 else r"$-\infty$"
    mantissa, e, exponent = f"{value + 0.0:.{digits}g}".replace("-", "−").partition("e")
    mantissa = mantissa.replace("−", "-")
    power = exponent.replace("−", "-")
    return f"${mantissa} \\cdot 10^{{{int(power)}}}$" if e else f"${mantissa}$"
