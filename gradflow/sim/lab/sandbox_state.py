"""What is chosen in the sandbox as it stands in JSON, and back again: whatever does not fit is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradflow.autograd.program.limits import CHARACTERS as LONGEST_PROGRAM
from gradflow.sim.lab.sandbox_program import Choices
from gradflow.sim.lab.sandbox_walk import Order


def state_of(choices: Choices) -> dict[str, Any]:
    """Return choices as they can stand in JSON; what is as usual is left out."""
    state: dict[str, Any] = {
        "text": choices.text,
        "values": dict(choices.values),
        "plain": sorted(choices.plain),
        "direction": dict(choices.direction),
        "output": choices.output,
        "seed": choices.seed,
        "order": choices.order.value if choices.order is not Order.REVERSE else "",
        "detached": sorted(choices.detached),
    }
    return {key: value for key, value in state.items() if value or key == "text"}


def choices_of(state: Mapping[str, Any]) -> Choices:
    """Return the choices that `state_of` gave; raises KeyError, TypeError or ValueError for anything else."""
    return Choices(
        text=_text(state["text"]),
        values=_texts(state.get("values", {})),
        plain=frozenset(map(_text, state.get("plain", ()))),
        direction=_texts(state.get("direction", {})),
        output=_text(state.get("output", "")),
        seed=_text(state.get("seed", "")),
        order=Order(state.get("order") or Order.REVERSE),
        detached=frozenset(map(_text, state.get("detached", ()))),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    if len(value) > LONGEST_PROGRAM:
        raise ValueError("too long to be shown")
    return value


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("not names with texts")
    return {_text(name): _text(text) for name, text in value.items()}
