"""What was computed of a specimen and took long is there at once the next time, for a picture or after a look aside."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from gradflow.sim.lab.specimen import Specimen

T = TypeVar("T")

MOST = 6
"""How many answers are kept of one specimen, the last ones."""

_KEPT: WeakKeyDictionary[Specimen, dict[Hashable, tuple[Any, ...]]] = WeakKeyDictionary()


def remembered(specimen: Specimen, question: Hashable, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
    """Yield the answers to a question; the second time only the last of each type.

    They are kept as long as the specimen is, and only if there was time for all of them.
    """
    kept = _KEPT.setdefault(specimen, {})
    if (known := kept.get(question)) is not None:
        yield from known
        return
    last: dict[type, T] = {}
    for answer in answers():
        last[type(answer)] = answer
        yield answer
    kept[question] = tuple(last.values())
    while len(kept) > MOST:
        kept.pop(next(iter(kept)), None)
