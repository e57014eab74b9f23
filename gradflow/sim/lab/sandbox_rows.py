"""The leaves of a program as they stand beside its graph: what is typed for each, and what is in its .grad."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.sim.lab.sandbox_grads import Grads
from gradflow.sim.lab.sandbox_program import Choices, Opened, value_in
from gradflow.sim.lab.sandbox_words import numbers


@dataclass(frozen=True)
class LeafRow:
    """A leaf beside the graph; `wrong` says why what was typed as "value" or "direction" is not used."""

    name: str
    value: str
    asks: bool
    grad: str
    direction: str
    wrong: tuple[tuple[str, str], ...] = ()


def leaf_rows(opened: Opened, choices: Choices, grads: Grads, visits: int) -> list[LeafRow]:
    """Return the leaves of the opened program after so many visits, with what is now typed and chosen for them."""
    sandbox, found = opened.sandbox, []
    for node in sandbox.nodes:
        if node.inputs or not node.variable.requires_grad:
            continue
        label, free = sandbox.label(node.index), sandbox.is_free(node.index)
        grad, direction = grads.now(opened, node.index, visits), opened.direction.get(node.index)
        typed = choices.direction.get(label, "")
        about = (("value", node.name if free else ""), ("direction", label))
        wrong = [(what, opened.wrong[what, name]) for what, name in about if (what, name) in opened.wrong]
        written = value_in(choices.text, opened.choices.text, node)
        value = choices.values.get(node.name, "1") if free else node.expression if written is None else written
        found.append(
            LeafRow(
                label,
                value.replace("-", "−"),
                node.index not in sandbox.plain,
                "None" if grad is None else numbers(grad),
                typed.replace("-", "−") or ("0" if direction is None else numbers(direction)),
                tuple(wrong),
            )
        )
    return found
