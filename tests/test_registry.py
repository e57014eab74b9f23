"""Registries: names are unique, parts are documented, and a wrong name is told the right one."""

from __future__ import annotations

from typing import Any

import pytest

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import LOSSES
from gradflow.engine.nodes import NORMS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.precision import PRECISIONS
from gradflow.engine.schedules import SCHEDULES
from gradflow.errors import GradflowError, UnknownNameError, suggestion
from gradflow.registry import Registry
from gradflow.sim.datasets import DATASETS
from gradflow.sim.statistics import STATISTICS

REGISTRIES: tuple[Registry[Any], ...] = (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    NORMS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    DATASETS,
    STATISTICS,
)
ENTRIES = [pytest.param(r[name], id=f"{r.kind}: {name}") for r in REGISTRIES for name in r]


def fresh() -> Registry[Any]:
    """Return a registry of two parts."""
    registry: Registry[Any] = Registry("shape")

    @registry.register("round", "Round")
    def round_shape() -> None:
        """A circle."""

    @registry.register("square-ish", "Square")
    def square() -> None:
        """Four corners.

        More or less.
        """

    return registry


def test_entry_carries_name_title_tooltip_and_part() -> None:
    entry = fresh()["square-ish"]
    assert (entry.name, entry.title, entry.doc) == ("square-ish", "Square", "Four corners.\n\nMore or less.")
    assert entry.part.__name__ == "square"


def test_order_is_that_of_registration() -> None:
    assert list(fresh()) == ["round", "square-ish"]
    assert len(fresh()) == 2
    assert "round" in fresh()
    assert "cube" not in fresh()


def test_decorator_returns_the_part_unchanged() -> None:
    def part() -> None:
        """A part."""

    assert fresh().register("new", "New")(part) is part


def test_name_can_be_taken_only_once() -> None:
    def part() -> None:
        """Another circle."""

    with pytest.raises(ValueError, match="shape 'round' is registered twice"):
        fresh().register("round", "Round again")(part)


@pytest.mark.parametrize("doc", [None, "", "   \n  "])
def test_part_without_a_docstring_is_refused(doc: str | None) -> None:
    def part() -> None: ...

    part.__doc__ = doc
    with pytest.raises(ValueError, match="shape 'bare' needs a docstring: it is the tooltip"):
        fresh().register("bare", "Bare")(part)


def test_docstring_of_a_base_class_does_not_count() -> None:
    class Base:
        """The contract."""

    class Part(Base):
        pass

    with pytest.raises(ValueError, match="needs a docstring"):
        fresh().register("part", "Part")(Part)


def test_near_miss_is_told_the_name_and_a_far_one_the_list() -> None:
    with pytest.raises(UnknownNameError, match="unknown shape 'rond'; did you mean 'round'\\?"):
        fresh()["rond"]
    with pytest.raises(UnknownNameError, match="unknown shape 'xyz'; choose from round, square-ish"):
        fresh()["xyz"]
    assert issubclass(UnknownNameError, GradflowError)


@pytest.mark.parametrize("key", [None, 3, ["round"], {}])
def test_key_that_is_no_name_is_an_unknown_name(key: Any) -> None:
    with pytest.raises(UnknownNameError):
        fresh()[key]


def test_get_returns_the_default_as_every_mapping_does() -> None:
    assert fresh().get("cube") is None


@pytest.mark.parametrize("entry", ENTRIES)
def test_registered_part_is_fit_to_be_shown(entry: Any) -> None:
    """A name for files, a title for the combo box, a tooltip that says more than the title."""
    assert entry.name == entry.name.lower()
    # What is measured is also the name of a column.
    separator = "_" if entry in STATISTICS.values() else "-"
    assert set(entry.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789" + separator)
    assert entry.title
    assert len(entry.doc) >= 40, "the docstring is the tooltip: say what it computes and when to use it"
    assert len(entry.doc.splitlines()) <= 11
    assert max(map(len, entry.doc.splitlines())) <= 120


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_titles_tell_the_parts_apart(registry: Registry[Any]) -> None:
    titles = [entry.title for entry in registry.values()]
    assert len(titles) == len(set(titles)) > 0


def test_suggestion_prefers_the_nearest_name() -> None:
    assert suggestion("he-norma", ["he-normal", "he-uniform"]) == "did you mean 'he-normal'?"
    assert suggestion("zzz", ["a", "b"]) == "choose from a, b"
