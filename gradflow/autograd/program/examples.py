"""The worked examples of the language, read from `resources/autograd/`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from gradflow.assets import resource

_SEED = "v = "


@dataclass(frozen=True)
class Example:
    """A program with what it shows.

    In its file, the first comment is the title and the second says what to look for; a third, ``# v = [1, 2]``, gives
    the weights of an output with several elements.
    """

    name: str
    title: str
    look_for: str
    text: str
    v: tuple[float, ...] | None = None


@cache
def examples() -> tuple[Example, ...]:
    """Return all examples, the lecture's first."""
    files = sorted(resource("autograd").glob("*.txt"))
    return tuple(_read(path.stem.split("-", 1)[1], path.read_text(encoding="utf-8")) for path in files)


def _read(name: str, text: str) -> Example:
    lines = text.splitlines()
    comments = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    seeds = [comment for comment in comments[2:] if comment.startswith(_SEED)]
    v = tuple(float(part) for part in seeds[0].removeprefix(_SEED).strip("[]").split(",")) if seeds else None
    return Example(name, comments[0], comments[1], text, v)
