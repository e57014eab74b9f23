"""Directions h in the space of all parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network
from gradflow.engine.nodes import Linear
from gradflow.registry import Registry
from gradflow.sim.lab.differences import INPUT, Block, blocks
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.specimen import Specimen

Array = NDArray[Any]



@dataclass(frozen=True)
class Ask:
    """Which direction is wanted: its kind, the seed of a random one, and what is typed for one that takes a text.

    `unit` gives it length 1; otherwise it is as long as it comes.
    """

    kind: str = "update"
    seed: int = 0
    text: str = ""
    unit: bool = False


Maker = Callable[[Objective, Specimen, Ask], Array]
DIRECTIONS: Registry[Maker] = Registry("direction")
direction = DIRECTIONS.register

WITH_SEED = ("random", "filter-normalised")
WITH_TEXT = ("coordinate", "typed")


def make(ask: Ask, objective: Objective, specimen: Specimen) -> Array:
    """Return the direction as a flat vector; raises ValueError in words where there is none."""
    h = DIRECTIONS[ask.kind].part(objective, specimen, ask)
    length = float(np.linalg.norm(h))
    if not np.isfinite(length):
        raise ValueError("this direction is not finite")
    if length == 0.0:
        raise ValueError("this direction is zero: nothing moves along it")
    return h / length if ask.unit else h


@direction("update", "The next update")
def update(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """What the optimiser adds to the parameters in the next step: at t = 1 stands the next step itself."""
    return specimen.update.copy()


@direction("gradient", "The gradient")
def gradient(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """∇L: no direction of the same length climbs faster, and its slope is ‖∇L‖²."""
    return objective.gradient.copy()


@direction("descent", "Against the gradient")
def descent(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """−∇L: the direction of gradient descent, with the slope −‖∇L‖²."""
    return -objective.gradient


@direction("random", "Random")
def random(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """Normal numbers. In n dimensions it is almost at right angles to the gradient: cos ∠ is about 1/√n."""
    return np.random.default_rng([ask.seed, 41]).standard_normal(objective.start.size)


@direction("filter-normalised", "Random, filter-normalised")
def filter_normalised(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """Normal numbers, each unit's weights scaled to the length that they have in the network; biases and norms rest.

    Makes pictures of networks comparable where a rescaling of the weights changes nothing (Li et al. 2018).
    """
    h = np.zeros_like(objective.start)
    drawn = random(objective, specimen, ask)
    for _, node in objective.network.learning:
        if isinstance(node, Linear):
            size = node.W.size
            start = node.span.start
            W = objective.start[start : start + size].reshape(node.W.shape)
            new = drawn[start : start + size].reshape(node.W.shape)
            h[start : start + size] = (new * np.linalg.norm(W, axis=0) / np.linalg.norm(new, axis=0)).ravel()
    return h


@direction("coordinate", "One coordinate")
def coordinate(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """One parameter alone, such as "2/W[0, 3]": the slope is one entry of the gradient."""
    h = np.zeros_like(objective.start)
    h[_place(objective.network, ask.text.strip() or "1/W[0, 0]")] = 1.0
    return h


@direction("typed", "Typed")
def typed(objective: Objective, specimen: Specimen, ask: Ask) -> Array:
    """Entries such as "2/W[0, 3] = 1; 2/b[3] = −0.5", the others 0; or as many numbers as there are parameters."""
    h = np.zeros_like(objective.start)
    text = ask.text.replace("−", "-")
    if "=" not in text:
        numbers = [_number(word) for word in text.replace(",", " ").split()]
        if len(numbers) != h.size:
            raise ValueError(f"{len(numbers)} numbers for {h.size} parameters; or type 1/W[0, 0] = 1; 1/b[0] = −2")
        return np.array(numbers)
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, _, number = part.partition("=")
        h[_place(objective.network, name.strip())] = _number(number)
    return h


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"“{text.strip()[:30]}” is not a number") from None


def _place(network: Network, text: str) -> int:
    """Return where a parameter such as 2/W[0, 3] stands in the flat vector."""
    found = re.fullmatch(r"(\w+/\w+)\s*\[\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\]", text)
    if not found:
        raise ValueError(f"“{text[:30]}” is no parameter; write 2/W[0, 3] for layer 2, or 2/b[3]")
    block = _block(network, found[1])
    numbers = [int(found[2]), *([int(found[3])] if found[3] else [])]
    if len(numbers) != (2 if block.rows else 1):
        raise ValueError(f"{block.key} takes {'[row, column]' if block.rows else '[number]'}")
    return block.place(numbers[0] if block.rows else 0, numbers[-1])


def _block(network: Network, key: str) -> Block:
    known = {block.key: block for block in blocks(network) if block.key != INPUT}
    if key not in known:
        near = ", ".join(name for name in known if name.split("/")[0] == key.split("/")[0])
        raise ValueError(f"there is no {key}" + (f"; this layer has {near}" if near else ""))
    return known[key]
