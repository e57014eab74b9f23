"""What is expected of a network in training, whose weights are no longer independent of each other as theory needs.

It is only what gradients without a preferred direction would do with the weights as they are.
"""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Input
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Dense, Flatten
from gradflow.sim.prediction import Prediction, predicting
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.statistics import slope_square
from gradflow.sim.subject import Subject


def isotropic(network: Network, snapshot: Snapshot) -> Prediction:
    """Return what gradients without a preferred direction would do with the weights as they are.

    ‖δ_l‖² = ‖δ_{l+1}‖²·‖W_{l+1}‖²/N_{l+1}·⟨φ′²⟩_l, each layer from the measured δ of the next: at step 0 this is what
    theory says, later the measured δ exceeds it, because training aligns δ with the weights.
    """
    layers = network.layers
    if not _plain(network):
        return predicting(
            snapshot.step, len(layers), "No prediction for a trained network with skips, norms or images."
        )
    slopes = slope_square(Subject(network))[:-1]
    slopes[[layer.activate is None for layer in layers[:-1]]] = 1.0
    weights = snapshot.stat(Stat.WEIGHT)[1:]
    units = np.array([layer.linear.units for layer in layers[1:]])
    with np.errstate(all="ignore"):
        factor = np.sqrt(weights**2 / units * slopes)
        delta = np.append(factor * snapshot.stat(Stat.DELTA)[1:], np.nan)
    return predicting(snapshot.step, len(layers), delta_norm=delta, factor=np.append(factor, np.nan))


def _plain(network: Network) -> bool:
    """Whether the network is one chain of dense layers and activations."""
    *others, _ = network.graph.order
    return all(isinstance(node, Input | Dense | Activate | Flatten) for node in others)
