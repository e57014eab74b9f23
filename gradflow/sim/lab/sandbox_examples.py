"""The worked examples of the sandbox: each is a program whose first line says what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from gradflow.assets import resource


@cache
def examples() -> Mapping[str, str]:
    """Return the programs by their titles, in the order of their files' names."""
    found = {}
    for file in sorted(resource("autograd").iterdir(), key=lambda path: path.name):
        text = file.read_text(encoding="utf-8").rstrip() + "\n"
        first = text.partition("\n")[0]
        found[first.lstrip("# ").rstrip(". ")] = text
    return found
