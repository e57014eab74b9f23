"""The kinds of node: one noun per module, forward and backward on one screen."""

from gradflow.engine.nodes.activate import Activate
from gradflow.engine.nodes.dense import Dense
from gradflow.engine.nodes.merge import Add

__all__ = ["Activate", "Add", "Dense"]
