"""How many multiplications one pass of forward mode or of reverse mode takes, and a whole gradient by each."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.engine.graph import Node
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Dropout, LearnableActivate, Linear, Norm
from gradflow.sim.jacobian import positions


@dataclass(frozen=True)
class Multiplications:
    """Multiplications of one pass over a batch, beyond those of the values themselves.

    `forward` carries the velocities along one direction to the loss and gives one number; `reverse` brings the gradient
    back and gives all `parameters` partial derivatives at once.
    """

    forward: int
    reverse: int
    parameters: int

    @property
    def gradient_forwards(self) -> int:
        """A whole gradient in forward mode: one pass for each parameter."""
        return self.forward * self.parameters


def count(network: Network) -> Multiplications:
    """Count them from the shapes, for the samples that are loaded; sums, slopes and roots are left out."""
    samples = network.graph.samples
    forward = reverse = 0
    for node in network.graph.order:
        if isinstance(node, Linear):
            product = samples * positions(node) * node.W.size
            # x·Ẇ or xᵀ·δ, and beyond the first layer ẋ·W or δ·Wᵀ.
            passes = 1 if _is_data(node.inputs[0], network) else 2
            forward, reverse = forward + passes * product, reverse + passes * product
        elif isinstance(node, Norm):
            # Forward γ·x̂̇, x̂·γ̇, x̂·mean and mean(x̂·ẋ) and 1/σ; back as many.
            forward, reverse = forward + 5 * samples * node.units, reverse + 5 * samples * node.units
        elif isinstance(node, LearnableActivate):
            forward, reverse = forward + 2 * samples * node.units, reverse + 2 * samples * node.units
        elif isinstance(node, Activate | Dropout):
            forward, reverse = forward + samples * node.units, reverse + samples * node.units
    # The loss: ∂L/∂z · ż is one product more than the way back has.
    forward += samples * network.loss.inputs[0].units
    return Multiplications(forward, reverse, network.parameters.size)


def _is_data(node: Node, network: Network) -> bool:
    while node.shows_input:
        node = node.inputs[0]
    return node is network.input
