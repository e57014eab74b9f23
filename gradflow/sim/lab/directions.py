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
from gradflow.sim.lab.trajectory import Trajectory
from gradflow.sim.words import counted

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


@dataclass(frozen=True, eq=False)
class Ground:
    """What directions are made from: the loss, the specimen, and the run's trajectory where a kind asks for it."""

    objective: Objective
    specimen: Specimen
    trajectory: Trajectory | None = None

    def travelled(self) -> Trajectory:
        """Return the trajectory; raises ValueError where there is none."""
        if self.trajectory is None:
            raise ValueError("The run’s trajectory is not known here.")
        return self.trajectory


_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
Maker = Callable[[Ground, Ask], Array]
DIRECTIONS: Registry[Maker] = Registry("direction")
direction = DIRECTIONS.register

EXAMPLE = "1/W[0, 0] = 1; 1/b[0] = −2"
MOST_TYPED = 200
"""To more parameters nobody types a number each, though it can be done."""

WITH_SEED = ("random", "filter-normalised")
WITH_TEXT = ("coordinate", "typed")
WITH_TRAJECTORY = ("last-update", "principal-1", "principal-2", "principal-last")


def title(kind: str) -> str:
    """Return what a kind of direction is called where nothing stands beside it."""
    short = DIRECTIONS[kind].title
    return f"{short} of the trajectory" if "principal" in kind else short


def make(ask: Ask, ground: Ground) -> Array:
    """Return the direction as a flat vector; raises ValueError in words where there is none."""
    h = DIRECTIONS[ask.kind].part(ground, ask)
    length = float(np.linalg.norm(h))
    if not np.isfinite(length):
        raise ValueError("This direction is not finite.")
    if length == 0.0:
        raise ValueError("This direction is zero: nothing moves along it.")
    return h / length if ask.unit else h


@direction("update", "The next update")
def update(ground: Ground, ask: Ask) -> Array:
    """What the optimiser adds to the parameters in the next step: at t = 1 stands the next step itself."""
    return ground.specimen.update.copy()


@direction("last-update", "The last update")
def last_update(ground: Ground, ask: Ask) -> Array:
    """What the last step has added to the parameters: at t = −1 stands where the run came from."""
    return ground.travelled().last_update()


@direction("gradient", "The gradient")
def gradient(ground: Ground, ask: Ask) -> Array:
    """∇L: no direction of the same length climbs faster, and its slope is ‖∇L‖²."""
    return ground.objective.gradient.copy()


@direction("descent", "Against the gradient")
def descent(ground: Ground, ask: Ask) -> Array:
    """−∇L: the direction of gradient descent, with the slope −‖∇L‖²."""
    return -ground.objective.gradient


@direction("random", "Random")
def random(ground: Ground, ask: Ask) -> Array:
    """Normal numbers. In n dimensions it is almost at right angles to the gradient: cos ∠ is about 1/√n."""
    rng = np.random.default_rng([ask.seed, 41])
    return rng.standard_normal(ground.objective.start.size)


@direction("filter-normalised", "Filter-normalised")
def filter_normalised(ground: Ground, ask: Ask) -> Array:
    """Random, with each unit's weights scaled to the length that they have in the network; biases and norms rest.

    Makes pictures of networks comparable where a rescaling of the weights changes nothing (Li et al. 2018).
    """
    h = np.zeros_like(ground.objective.start)
    drawn = random(ground, ask)
    for _, node in ground.objective.network.learning:
        if isinstance(node, Linear):
            size = node.W.size
            start = node.span.start
            W = ground.objective.start[start : start + size].reshape(node.W.shape)
            new = drawn[start : start + size].reshape(node.W.shape)
            h[start : start + size] = (new * np.linalg.norm(W, axis=0) / np.linalg.norm(new, axis=0)).ravel()
    return h


@direction("coordinate", "One coordinate")
def coordinate(ground: Ground, ask: Ask) -> Array:
    """One parameter alone, such as "2/W[0, 3]": the slope is one entry of the gradient."""
    h = np.zeros_like(ground.objective.start)
    h[_place(ground.objective.network, ask.text.strip() or "1/W[0, 0]")] = 1.0
    return h


@direction("typed", "Typed")
def typed(ground: Ground, ask: Ask) -> Array:
    """Entries such as "2/W[0, 3] = 1; 2/b[3] = −0.5", the others 0; or as many numbers as there are parameters."""
    h = np.zeros_like(ground.objective.start)
    text = ask.text.replace("−", "-").strip()
    if not text:
        raise ValueError(f"Type {_wanted(h.size)}.")
    if not any(sign in text for sign in "=[/"):
        numbers = [_number(word) for word in text.replace(",", " ").replace(";", " ").split()]
        if len(numbers) != h.size:
            some = "This is 1 number" if len(numbers) == 1 else f"These are {counted(len(numbers))} numbers"
            raise ValueError(f"{some}, and there are {counted(h.size)} parameters: type {_wanted(h.size)}.")
        return np.array(numbers)
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if "=" in number:
            raise ValueError(f"Put a semicolon between two entries, as {EXAMPLE}.")
        place = _place(ground.objective.network, name)
        if not number:
            raise ValueError(f"“{name[:30]}” has no number: type {name[:30]} = 1.")
        h[place] = _number(number)
    return h


def _wanted(size: int) -> str:
    return f"the entries that are not 0, as {EXAMPLE}" + (f", or all {size} numbers" if size <= MOST_TYPED else "")


@direction("principal-1", "First principal direction")
def principal_first(ground: Ground, ask: Ask) -> Array:
    """The first principal direction of the trajectory: along no other does θ vary more (PCA of up to 160 θ)."""
    return ground.travelled().principal(0)


@direction("principal-2", "Second principal direction")
def principal_second(ground: Ground, ask: Ask) -> Array:
    """The second principal direction of the trajectory: no plane shows more of it than that of the first two."""
    return ground.travelled().principal(1)


@direction("principal-last", "Last principal direction")
def principal_last(ground: Ground, ask: Ask) -> Array:
    """The last principal direction of the trajectory: of all in which the run has moved, that of the least variance."""
    return ground.travelled().principal(-1)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"“{text.strip()[:30]}” is not a number; an entry is typed as 1/W[0, 0] = 1.") from None


def _place(network: Network, text: str) -> int:
    """Return where a parameter such as 2/W[0, 3] or W₂[0, 3] stands in the flat vector."""
    found = re.fullmatch(r"(\w+(?:/\w+)?)\s*(\[[^\[\]]*\])", text.translate(_DIGITS))
    if not found:
        raise ValueError(f"“{text[:30]}” is no parameter: type 2/W[0, 3] for one of layer 2, or 2/b[3].")
    block = _block(network, found[1])
    return block.place(*block.read(found[2]))


def _block(network: Network, key: str) -> Block:
    """Return the matrix or row of this name, 2/W as in a file or W2 as on screen."""
    own = [block for block in blocks(network) if block.key != INPUT]
    known = {name: block for block in own for name in (block.key, f"{block.name}{block.layer}")}
    if key not in known:
        near = ", ".join(block.key for block in own if str(block.layer) == key.split("/")[0])
        raise ValueError(f"There is no {key}" + (f"; this layer has {near}." if near else "."))
    return known[key]
