"""What the nodes of a network, their parameters and their gradients are called in formulas."""

from __future__ import annotations

import re

from gradflow.engine.graph import Node, ParameterNode
from gradflow.engine.network import Network
from gradflow.engine.nodes import (
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Dropout,
    Flatten,
    GlobalAverage,
    Linear,
    MaxPool,
    Norm,
)
from gradflow.sim.words import subscript

_LETTERS: dict[type[Node], tuple[str, str]] = {
    Linear: ("z", "pre-activations"),
    Norm: ("y", "normalised"),
    Activate: ("a", "activations"),
    Dropout: ("d", "thinned out"),
    Add: ("s", "sum with the skip"),
    Concatenate: ("c", "side by side"),
    MaxPool: ("p", "pooled"),
    AveragePool: ("p", "pooled"),
    GlobalAverage: ("g", "means of the channels"),
    Flatten: ("f", "as one row"),
}
"""The letter for a node's value, and what its value is."""

_PARAMETERS = {"gamma": "γ", "beta": "β", "a": "α"}


_IN_FILES = str.maketrans(
    {"δ": "delta", "∂": "d", "φ": "phi", "′": "-slope", "Δ": "Delta-", "γ": "gamma", "β": "beta", "α": "alpha"}
    | {"/": "-", "ᵀ": "T", "ẑ": "z-hat-", "ℓ": "l", "+": "plus", " ": "-", "(": "-", ")": "", "[": "-", "]": ""}
    | dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
)


def file_name(symbol: str) -> str:
    """Return a symbol in letters that every file system has."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", symbol.translate(_IN_FILES)).strip("-")


class Symbols:
    """The symbols of one network: zₗ, aₗ, yₗ … for values, δₗ for ∂L/∂zₗ, Wₗ and bₗ for parameters.

    Layers count from 1; what belongs to none counts by itself. Projections of skips are rₗ = x·Vₗ.
    """

    def __init__(self, network: Network) -> None:
        self._names: dict[int, str] = {id(network.input): "x", id(network.loss): "L"}
        self._words: dict[int, str] = {id(network.input): "inputs", id(network.loss): "the loss"}
        self._weights: dict[int, str] = {}
        self._number: dict[int, int] = {}
        counts: dict[str, int] = {}
        self._name_layers(network)
        taken = set(self._names.values())
        for node in network.graph.order:
            if id(node) in self._names:
                continue
            letter, words = self._letter(node)
            layer = self.layer(node) or self.layer(node.inputs[-1])
            name = f"{letter}{subscript(layer)}" if layer and not isinstance(node, Flatten) else ""
            while not name or name in taken:
                counts[letter] = counts.get(letter, 0) + 1
                name = f"{letter}{subscript(counts[letter])}"
            taken.add(name)
            self._names[id(node)], self._words[id(node)] = name, words
            if isinstance(node, Dropout | Add | Concatenate) and layer:
                self._number[id(node)] = layer

    def value(self, node: Node) -> str:
        """Return what a node's value is called."""
        return self._names[id(node)]

    def gradient(self, node: Node) -> str:
        """Return what ∂L/∂value is called."""
        name = self.value(node)
        return f"δ{name[1:]}" if isinstance(node, Linear) and name.startswith("z") else f"∂L/∂{name}"

    def parameter(self, node: ParameterNode, name: str) -> str:
        """Return what a parameter of a node is called."""
        index = subscript(self._number[id(node)])
        if name == "W":
            return self._weights[id(node)]
        return f"{_PARAMETERS.get(name, name)}{index}"

    def words(self, node: Node) -> str:
        """Return what a node's value is, in words."""
        return self._words[id(node)]

    def layer(self, node: Node) -> int | None:
        """Return the parameter layer that a node belongs to."""
        return self._number.get(id(node))

    def _name_layers(self, network: Network) -> None:
        for layer in network.layers:
            index = subscript(layer.number)
            for node, letter in ((layer.linear, "z"), (layer.norm, "y"), (layer.activate, "a")):
                if node is not None:
                    self._names[id(node)], self._number[id(node)] = f"{letter}{index}", layer.number
                    self._words[id(node)] = self._letter(node)[1]
            self._weights[id(layer.linear)] = f"W{index}"
            for other in layer.learning:
                if id(other) not in self._names:
                    self._names[id(other)], self._number[id(other)] = f"r{index}", layer.number
                    self._weights[id(other)], self._words[id(other)] = f"V{index}", "projection of the skip"

    @staticmethod
    def _letter(node: Node) -> tuple[str, str]:
        return next(found for kind, found in _LETTERS.items() if isinstance(node, kind))
