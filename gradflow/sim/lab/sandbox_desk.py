"""The sandbox as a person leaves it: the program, the choices beside it, and where the sequence stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.errors import ProgramError
from gradflow.sim.lab.sandbox_check import Entry, entry_name, entry_of, no_entry
from gradflow.sim.lab.sandbox_grads import Grads
from gradflow.sim.lab.sandbox_program import Choices, Opened, numbers_in, open_program, with_value
from gradflow.sim.lab.sandbox_rows import LeafRow, leaf_rows
from gradflow.sim.lab.sandbox_state import choices_of, state_of
from gradflow.sim.lab.sandbox_steps import Moment, moment, position_of, positions
from gradflow.sim.lab.sandbox_words import happening, numbers
from gradflow.sim.lab.step_curve import PER_DECADE, STEPS

USUAL = 5 * PER_DECADE
"""The number of the step that is shown at first: 10⁻⁵, the usual one of a central difference."""


MOST_SAID = 2
"""Of what is typed in vain beside the program so much is explained at once."""

STALE = "The graph is that of the last text without an error; what is chosen beside it waits until that is mended."


class Desk:
    """Choices, and what came of them; a text that is wrong leaves the last good graph standing, which is then `stale`.

    `chosen` is the label of a node that is looked at, "" for none; `entry` is what differences move, such as w[0, 1],
    "" for the first; `step` is the number of their step ε, and `printed` whether the slide's ε² is among them.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.opened: Opened | None = None
        self.error: ProgramError | None = None
        self.grads = Grads()
        self.chosen, self.entry = "", ""
        self.step, self.printed = USUAL, False
        self._position = 0
        self.run()

    # The program.

    def begin(self, choices: Choices) -> None:
        """Take another program, and show its values."""
        self.grads, self.opened, self.chosen, self.entry = Grads(), None, "", ""
        self.change(choices)

    def change(self, choices: Choices) -> None:
        """Take other choices for the same program, or another text for it."""
        self.choices = choices
        self.run()

    def run(self) -> None:
        """Run the program; where the graph has the same nodes the sequence stays where it is."""
        try:
            opened = open_program(self.choices)
        except ProgramError as error:
            self.error = error
            return
        before, self.opened, self.error = self.opened, opened, None
        same = before is not None and [node.inputs for node in before.sandbox.nodes] == [
            node.inputs for node in opened.sandbox.nodes
        ]
        self._position = self._position if same else len(opened.sandbox.steps)
        self.go(self._position)

    @property
    def chosen_node(self) -> int | None:
        """The node that is looked at, None for none."""
        return self.opened.sandbox.find(self.chosen) if self.opened and self.chosen else None

    @property
    def stale(self) -> bool:
        """Whether the graph is not that of the text, which is wrong."""
        return self.error is not None

    # The sequence.

    @property
    def positions(self) -> int:
        """How many moments there are."""
        return positions(self.opened.sandbox, self.opened.walk) if self.opened else 1

    @property
    def position(self) -> int:
        """The moment that is shown, from 0."""
        return self._position

    def go(self, position: int) -> None:
        """Show a moment; what lies outside of the sequence is its end."""
        self._position = min(max(position, 0), self.positions - 1)

    @property
    def now(self) -> Moment | None:
        """What happens at the moment."""
        return moment(self.opened.sandbox, self.opened.walk, self._position) if self.opened else None

    def said(self) -> str:
        """Return the moment in a sentence, after what is wrong with anything that was typed."""
        opened, now = self.opened, self.now
        if opened is None or now is None:
            return "There is no graph yet: the program has an error, which is said below it."
        words = [STALE] if self.stale else []
        wrong = list(opened.wrong.values())
        words += [f"{reason}." for reason in wrong[:MOST_SAID]]
        more = len(wrong) - MOST_SAID
        words += [f"{more} more of what is typed beside the program cannot be used either."] if more > 0 else []
        return " ".join([*words, happening(opened.sandbox, opened.walk, now)])

    def backward_again(self) -> None:
        """Let the walk end and its gradients stay in .grad, and begin another."""
        if self.opened and self.opened.sandbox.differentiable:
            self.grads = self.grads.after(self.opened)
            self.go(position_of(self.opened.sandbox, self.opened.walk, 0))

    def zero_grad(self) -> None:
        """Forget what earlier walks have left in .grad."""
        self.grads = Grads()

    # What is chosen beside the program.

    @property
    def output(self) -> str:
        """The label of the node that is differentiated, "" if there is none."""
        sandbox = self.opened.sandbox if self.opened else None
        return sandbox.label(sandbox.output) if sandbox and sandbox.output is not None else ""

    def outputs(self) -> list[str]:
        """Return the labels of what can be differentiated: what nobody reads, then everything with a name."""
        if not self.opened:
            return []
        sandbox = self.opened.sandbox
        named = [i for i in reversed(sandbox.steps) if sandbox.nodes[i].name]
        found = [*sandbox.trace.outputs, *named, *([sandbox.output] if sandbox.output is not None else [])]
        return list(dict.fromkeys(map(sandbox.label, found)))

    def detach(self, label: str, cut: bool) -> None:
        """Cut a node off by hand, or no longer."""
        detached = self.choices.detached | {label} if cut else self.choices.detached - {label}
        if label:
            self.change(replace(self.choices, detached=detached))

    def ask(self, name: str, asks: bool) -> None:
        """Let a leaf ask for a gradient, or not."""
        plain = self.choices.plain - {name} if asks else self.choices.plain | {name}
        self.change(replace(self.choices, plain=plain))

    def direct(self, name: str, text: str) -> None:
        """Type a leaf's part of the direction."""
        self.change(replace(self.choices, direction={**self.choices.direction, name: text}))

    def give(self, name: str, text: str) -> str:
        """Type a leaf's value: beside the program for a free name, else into it; return why that cannot be, or ""."""
        opened = self.opened
        leaf = opened.sandbox.find_leaf(name) if opened else None
        if opened is None or leaf is None:
            return f"There is no input {name}."
        node = opened.sandbox.nodes[leaf]
        if opened.sandbox.is_free(leaf):
            self.change(replace(self.choices, values={**self.choices.values, node.name: text}))
            return ""
        value = " ".join(text.split()).replace("−", "-")
        try:
            numbers_in(value)
        except ProgramError as error:
            return f"{name} stays as it is, and “{text.strip()[:20]}” is not used: {error.reason}."
        changed = with_value(self.choices.text, opened.choices.text, node, value)
        if changed is None:
            return f"The value of {name} can be changed in the program only: {self._why_only_there()}."
        self.change(replace(self.choices, text=changed))
        return ""

    def _why_only_there(self) -> str:
        return "its error has to be mended first" if self.stale else "it spans several lines"

    def rows(self) -> list[LeafRow]:
        """Return the leaves as they stand."""
        now = self.now
        return leaf_rows(self.opened, self.choices, self.grads, now.visits) if self.opened and now else []

    # Finite differences.

    def leaves(self) -> list[tuple[str, tuple[int, ...]]]:
        """Return the leaves that can be moved, by label and shape."""
        sandbox = self.opened.sandbox if self.opened else None
        return [(sandbox.label(i), np.shape(sandbox.value(i))) for i in sandbox.leaves] if sandbox else []

    def moved(self) -> Entry | None:
        """Return the entry that is moved: the chosen one, else the first; None if there is nothing to move."""
        sandbox = self.opened.sandbox if self.opened else None
        if sandbox is None or sandbox.output is None or not sandbox.leaves:
            return None
        return entry_of(sandbox, self.entry) or Entry(sandbox.leaves[0])

    @property
    def moved_name(self) -> str:
        """The entry that is moved as it is written, "" for none."""
        entry = self.moved()
        if entry is None or self.opened is None:
            return ""
        sandbox = self.opened.sandbox
        return entry_name(sandbox.label(entry.leaf), np.shape(sandbox.value(entry.leaf)), entry.place)

    def move(self, entry: str) -> bool:
        """Take another entry, such as w[0, 1]; return whether there is one of this name."""
        known = self.opened is not None and entry_of(self.opened.sandbox, entry) is not None
        if known:
            self.entry = entry
        return known

    def why_not(self, entry: str) -> str:
        """Say that there is no such entry of a leaf, and which there are."""
        label, _, place = entry.partition("[")
        return no_entry(label, dict(self.leaves()).get(label, ()), place.removesuffix("]"))

    def turn(self, step: int) -> None:
        """Take another step ε, by its number; what lies outside of the list is its end."""
        self.step = min(max(step, 0), len(STEPS) - 1)

    # The state.

    @property
    def title(self) -> str:
        """The program's first comment, or what it computes."""
        first = self.choices.text.strip().partition("\n")[0]
        return first.lstrip("# ").strip() if first.startswith("#") else f"a program for {self.output or '…'}"

    def caption(self) -> str:
        """Return what a picture shows: the program, what is differentiated, and where the sequence stands."""
        by = ", ".join(label for label, _ in self.leaves()[:6]) + (", …" if len(self.leaves()) > 6 else "")
        several = self.opened is not None and self.opened.seed.size > 1
        weights = f" with v = {numbers(self.opened.seed)}" if self.opened and several else ""
        lines = len(self.choices.text.rstrip().split("\n"))
        return (
            f"autograd: {self.title} · {self.output or 'nothing'}{weights} by {by or 'nothing'} · "
            f"moment {self.position} of {self.positions - 1} · the program ({lines} lines) is embedded in the file"
        )

    def state(self) -> dict[str, Any]:
        """Return everything as it can stand in JSON."""
        beside = {
            "grads": self.grads.state(),
            "chosen": self.chosen,
            "entry": self.entry,
            "printed": self.printed,
        }
        step = {"step": self.step} if self.step != USUAL else {}
        return {
            **state_of(self.choices),
            **{key: value for key, value in beside.items() if value},
            **step,
            "position": self._position,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned; raises KeyError, TypeError or ValueError for anything else."""
        choices = choices_of(state)
        grads = Grads.of_state(dict(state.get("grads", {})))
        position, step = state.get("position", 0), state.get("step", USUAL)
        if not (isinstance(position, int) and isinstance(step, int)):
            raise TypeError("not a position")
        self.begin(choices)
        self.grads = grads
        self.chosen, self.entry = str(state.get("chosen", "")), str(state.get("entry", ""))
        self.printed = state.get("printed") is True
        self.turn(step)
        self.go(position)
