"""Work off the window's thread: the newest task wins, and giving one up holds nobody up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gradflow.sim.lab import pause
from gradflow.sim.lab.pause import Pause
from gradflow.ui.lab.background import Background


@pytest.fixture
def background(qapp: Any) -> Iterator[tuple[Background, list[Any], list[str]]]:
    """A background with all that it has given."""
    made, results, failures = Background(), [], []
    made.arrived.connect(results.append)
    made.failed.connect(failures.append)
    yield made, results, failures
    made.stop()


def test_results_arrive_in_turn_and_a_failure_in_words(background: Any) -> None:
    made, results, failures = background

    def task() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("no more")

    assert not made.busy
    made.run(task)
    made.finish()
    assert results == [1, 2] and failures == ["ValueError: no more"] and not made.busy


def test_what_is_given_up_in_a_long_pass_holds_nobody_up_and_says_nothing_more(background: Any) -> None:
    made, results, failures = background
    going, release = threading.Event(), threading.Event()

    def task() -> Iterator[int]:
        going.set()
        release.wait(10.0)
        yield 1
        raise ValueError

    made.run(task)
    assert going.wait(10.0) and made.busy
    begun = time.monotonic()
    made.stop()
    assert time.monotonic() - begun < 5.0 and not made.busy
    release.set()
    made.run(lambda: iter([2]))
    made.finish()
    assert results == [2] and failures == []


def test_a_task_comes_up_at_once_when_it_is_given_up(background: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, results, _ = background
    monkeypatch.setattr(pause, "SECONDS", 3600.0)
    going, ended = threading.Event(), threading.Event()

    def task() -> Iterator[int]:
        clock = Pause()
        going.set()
        while not clock.due():
            time.sleep(0.001)
        ended.set()
        yield 1

    made.run(task)
    assert going.wait(10.0)
    made.stop()
    assert ended.wait(10.0)
    made.finish()
    assert results == []
