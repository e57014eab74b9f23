"""What was computed of a specimen is remembered, and not longer than the specimen is there."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

from test_specimen import specimen_of

from gradflow.sim.lab.memory import MOST, remembered


def test_the_second_time_there_is_only_the_last_of_each_type() -> None:
    _, specimen = specimen_of({})
    asked = []

    def answers() -> Iterator[object]:
        asked.append(1)
        yield from (1, 2.0, 2)

    assert list(remembered(specimen, "q", answers)) == [1, 2.0, 2]
    assert list(remembered(specimen, "q", answers)) == [2, 2.0] and len(asked) == 1
    _, other = specimen_of({})
    assert list(remembered(other, "q", answers)) == [1, 2.0, 2]


def test_an_answer_that_was_broken_off_is_not_kept() -> None:
    _, specimen = specimen_of({})
    next(remembered(specimen, "q", lambda: iter([1, 2])))
    assert list(remembered(specimen, "q", lambda: iter([3, 4]))) == [3, 4]


def test_only_the_last_few_answers_are_kept_and_none_longer_than_the_specimen() -> None:
    run, specimen = specimen_of({})
    for number in range(MOST + 1):
        list(remembered(specimen, number, lambda number=number: iter([number])))
    assert list(remembered(specimen, 0, lambda: iter(["anew"]))) == ["anew"]
    gone = weakref.ref(specimen)
    del run, specimen
    gc.collect()
    assert gone() is None
