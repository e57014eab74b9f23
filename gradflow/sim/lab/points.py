"""The points of a network where something can be differentiated: each node with its symbol, formula and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.engine.graph import Input, Node
from gradflow.engine.losses import LOSSES, Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Add, Concatenate, Dropout, Flatten, GlobalAverage, Linear, Norm
from gradflow.sim.graph_shape import node_name, owners
from gradflow.sim.lab.convention import Convention

_LOSSES = {entry.part: name for name, entry in LOSSES.items()}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LETTERS: dict[type[Node], str] = {
    Norm: "n",
    Activate: "a",
    Dropout: "d",
    Add: "s",
    Concatenate: "c",
    Flatten: "flat",
    GlobalAverage: "mean",
}


def subscript(number: int) -> str:
    """Return a whole number as an index."""
    return str(number).translate(_SUBSCRIPTS)


@dataclass(frozen=True)
class Point:
    """What stands at one node: its `symbol` (z₂, a₂, L), what it is in words, and how it comes about from `sources`.

    `layer` is the layer whose letters it carries (from 1), `weights` the symbol of its W where it has one, `phi` the
    name of what it applies, `scale` what a sum multiplies its branch by.
    """

    symbol: str
    words: str
    units: int
    kind: str
    sources: tuple[str, ...]
    layer: int | None
    weights: str = ""
    biased: bool = False
    phi: str = ""
    scale: float = 1.0

    def formula(self, convention: Convention) -> str:
        """Return the node's equation; what stands in a row or a column decides on which side W stands."""
        first = self.sources[0] if self.sources else ""
        if self.kind == "linear":
            across = convention is Convention.COLUMNS
            product = f"{self.weights}ᵀ·{first}" if across else f"{first}·{self.weights}"
            return f"{self.symbol} = {product}" + (f" + b{self.symbol[1:]}" if self.biased else "")
        if self.kind == "conv":
            return f"{self.symbol} = {self.weights} ∗ {first}" + (f" + b{self.symbol[1:]}" if self.biased else "")
        if self.kind == "sum":
            branch = self.sources[1] if self.scale == 1.0 else f"{self.scale:g}·{self.sources[1]}"
            return f"{self.symbol} = {first} + {branch}"
        if self.kind == "dropout":
            return f"{self.symbol} = m{self.symbol[1:]} ⊙ {first}"
        if self.kind == "loss":
            return f"{self.symbol} = {self.phi}({first}, y)"
        if self.kind == "concat":
            return f"{self.symbol} = ({', '.join(self.sources)})"
        return f"{self.symbol} = {self.phi}({first})" if first else self.symbol


def name_points(network: Network) -> dict[Node, Point]:
    """Return the points of a network in topological order, each with a symbol of its own."""
    layer_of, main = owners(network), {id(layer.linear): layer.number for layer in network.layers}
    points: dict[Node, Point] = {}
    taken: dict[str, int] = {}
    symbols: set[str] = set()
    for node in network.graph.order:
        layer = layer_of.get(id(node))
        letter = _letter(node, id(node) in main)
        if layer is None and not isinstance(node, Input | Loss):
            taken[letter] = taken.get(letter, 0) + 1
            symbol = letter + subscript(taken[letter])
        else:
            symbol = letter + (subscript(layer) if layer is not None else "")
        while symbol in symbols:
            symbol += "′"
        symbols.add(symbol)
        points[node] = _point(node, symbol, layer, tuple(points[source].symbol for source in node.inputs))
    return points


def _letter(node: Node, main: bool) -> str:
    if isinstance(node, Input | Loss):
        return "x" if isinstance(node, Input) else "L"
    if isinstance(node, Linear):
        return "z" if main else "p"
    return next((letter for kind, letter in _LETTERS.items() if isinstance(node, kind)), "pool")


def _point(node: Node, symbol: str, layer: int | None, sources: tuple[str, ...]) -> Point:
    name = node_name(node)
    kind, weights, phi, scale = "function", "", name, 1.0
    if isinstance(node, Linear):
        kind = "conv" if node.kernel != (1, 1) or len(node.shape) > 1 else "linear"
        weights = f"W{symbol[1:]}" if symbol.startswith("z") else f"P{symbol[1:]}"
    elif isinstance(node, Add):
        kind, scale = "sum", node.scale
    elif isinstance(node, Concatenate):
        kind = "concat"
    elif isinstance(node, Dropout):
        kind = "dropout"
    elif isinstance(node, Loss):
        kind, phi = "loss", _LOSSES[type(node)]
    words = name if layer is None else f"{name} of layer {layer}"
    units = 1 if isinstance(node, Loss) else node.units
    biased = isinstance(node, Linear) and bool(node.b.size)
    return Point(symbol, words, units, kind, sources, layer, weights, biased, phi, scale)
