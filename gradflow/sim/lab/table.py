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
from gradflow.sim.lab.latex import in_latex, number_in_latex
from gradflow.sim.lab.numerals import whole_columns

Array = NDArray[Any]


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
        """Return the table as a LaTeX tabular (booktabs), all of it in ASCII.

        Every number has so many significant digits, but for columns of whole numbers.
        """
        heads = ["", *self.columns, *(heading for heading, _ in self.notes)]
        lines = [
            f"% {in_latex(self.title)}",
            "% Needs the packages amsmath and booktabs.",
            rf"\begin{{tabular}}{{l{'r' * len(self.columns)}{'l' * len(self.notes)}}}",
            r"\toprule",
            " & ".join(map(in_latex, heads)) + r" \\",
            r"\midrule",
        ]
        whole = whole_columns(self.values)
        for i, name in enumerate(self.rows):
            numbers = [number_in_latex(v, digits, w) for v, w in zip(self.values[i].tolist(), whole, strict=True)]
            words = [in_latex(entries[i]) for _, entries in self.notes]
            # A bracket or an asterisk after the end of a line would be read as its option.
            guard = "{}" if name.startswith(("[", "*")) else ""
            lines.append(" & ".join([guard + in_latex(name), *numbers, *words]) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])
