"""The derivative of the loss along a direction h of the parameters: ∇L·h by backprop, by tangents, by differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine import gradcheck
from gradflow.engine.forward_mode import tangents
from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.mode_cost import Multiplications, count
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.settled import settled
from gradflow.sim.lab.table import Table

Array = NDArray[Any]

CUBE_ROOT = float(np.finfo(float).eps ** (1 / 3))
"""The best relative step of a central difference."""


@dataclass(frozen=True, eq=False, repr=False)
class Slope(Frozen):
    """The derivative of the batch's loss along h at one step, in three ways, and how each layer has a part in it.

    `reverse` is ∇L·h by backprop, `forward` the same by tangents (a Jacobian–vector product), `quotient` the central
    difference (L(θ+t·h) − L(θ−t·h))/2t at `t`, with the names of the `kinks` it straddles. Of each layer: ‖h_l‖, the
    size of its tangent ‖ż_l‖ on the way forward and of δ_l on the way back, and its part ∇_l L·h_l. With `stand_in` the
    exact numbers came through a slope that is no derivative (that of the activation "step").
    """

    step: int
    length: float
    cosine: float
    reverse: float
    forward: float
    quotient: float
    t: float
    kinks: str
    stand_in: bool
    lengths: Array
    tangents: Array
    deltas: Array
    parts: Array
    work: Multiplications

    @np.errstate(all="ignore")
    def table(self) -> Table:
        """Return the layers' parts, a row for each."""
        return Table(
            "The derivative along h, layer by layer",
            [str(i + 1) for i in range(len(self.parts))],
            ["‖hₗ‖", "forward: ‖żₗ‖", "reverse: ‖δₗ‖", "∇ₗL · hₗ", "their sum so far"],
            np.stack([self.lengths, self.tangents, self.deltas, self.parts, np.cumsum(self.parts)], axis=1),
        )


def slope(objective: Objective, h: Array) -> Slope:
    """Return the derivative of the batch's loss along h."""
    network, theta, g = objective.network, objective.start, objective.gradient
    with np.errstate(all="ignore"):
        objective.gradient_at(theta)
        layers = network.layers
        deltas = np.array([np.linalg.norm(layer.linear.grad) for layer in layers])
        moving, without_slope = tangents(network, h), gradcheck.below_stand_ins(network)
        spans = [[node.span for node in layer.learning] for layer in layers]
        length = float(np.linalg.norm(h))

        def quotient(t: float) -> tuple[float, str]:
            above = objective(theta + t * h)
            sides = gradcheck.kink_sides(network)
            below = objective(theta - t * h)
            return (above - below) / (2.0 * t), ", ".join(gradcheck.crossed(sides, gradcheck.kink_sides(network)))

        difference = settled(quotient, small_step(theta, h), agree=1e-6)
        reverse = float(g @ h)
        return Slope(
            step=objective.step,
            length=length,
            cosine=reverse / (length * float(np.linalg.norm(g))) if np.any(g) else float("nan"),
            reverse=reverse,
            forward=float(moving[network.loss][0]),
            quotient=difference.value,
            t=difference.step,
            kinks=difference.kinks,
            stand_in=any(node in without_slope for layer in layers for node in layer.learning if h[node.span].any()),
            lengths=np.array([np.linalg.norm(np.concatenate([h[span] for span in of])) for of in spans]),
            tangents=np.array([np.linalg.norm(moving[layer.linear]) for layer in layers]),
            deltas=deltas,
            parts=np.array([sum(g[span] @ h[span] for span in of) for of in spans]),
            work=count(network),
        )


def small_step(theta: Array, h: Array) -> float:
    """Return the t for which t·h is a good step of a central difference at θ."""
    typical = float(np.linalg.norm(theta)) / np.sqrt(max(theta.size, 1))
    return float(CUBE_ROOT * max(1.0, typical) / np.linalg.norm(h))
