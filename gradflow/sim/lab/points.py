"""The points of a network where something can be differentiated: each node with its symbol, formula and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.engine.graph import Node
from gradflow.engine.losses import LOSSES, Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import Add, Concatenate, Dropout, LearnableActivate, Linear
from gradflow.sim.graph_shape import node_name, owners
from gradflow.sim.lab import entries
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.symbols import Symbols

_LOSSES = {entry.part: name for name, entry in LOSSES.items()}


GIVEN = "given"
"""The kind of a point whose equation is `phi` as it stands."""


@dataclass(frozen=True)
class Point:
    """What stands at one node: its `symbol` (z₂, a₂, L), what it is in words, and how it comes about from `sources`.

    `layer` is the layer whose letters it carries (from 1), `weights` the symbol of its W or learned slope where it has
    one, `phi` the name of what it applies, `scale` what a sum multiplies its branch by, `shape` that of an image.
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
    shape: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """What its entries are called: their numbers, row, column and channel in an image, nothing where it has one."""
        return entries.places(self.shape or (self.units,)) if self.units > 1 else ("",)

    def formula(self, convention: Convention) -> str:
        """Return the node's equation; what stands in a row or a column decides on which side W stands."""
        if self.kind == GIVEN:
            return self.phi
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
        # A slope that is learned stands beside what it is applied to.
        inside = f"{first}; {self.weights}" if self.weights else first
        return f"{self.symbol} = {self.phi}({inside})" if first else self.symbol

    @property
    def delta(self) -> str:
        """What the gradient of the loss at it is called besides: δₗ = ∂L/∂zₗ; "" for what is no pre-activation."""
        return f"δ{self.symbol[1:]}" if self.kind in ("linear", "conv") and self.symbol.startswith("z") else ""


def name_points(network: Network) -> dict[Node, Point]:
    """Return the points of a network in topological order, each with a symbol of its own."""
    symbols, layer_of = Symbols(network), owners(network)
    return {node: _point(node, symbols, layer_of.get(id(node))) for node in network.graph.order}


def _words(node: Node, symbols: Symbols, layer: int | None) -> str:
    # A projection would be called a dense layer like any other.
    name = symbols.words(node) if symbols.value(node).startswith("r") else node_name(node)
    return name if layer is None else f"{name} of layer {layer}"


def _point(node: Node, symbols: Symbols, layer: int | None) -> Point:
    kind, weights, phi, scale = "function", "", node_name(node), 1.0
    if isinstance(node, Linear):
        kind = "conv" if node.kernel != (1, 1) or len(node.shape) > 1 else "linear"
        weights = symbols.parameter(node, "W")
    elif isinstance(node, Add):
        kind, scale = "sum", node.scale
    elif isinstance(node, Concatenate):
        kind = "concat"
    elif isinstance(node, Dropout):
        kind = "dropout"
    elif isinstance(node, Loss):
        kind, phi = "loss", _LOSSES[type(node)]
    elif isinstance(node, LearnableActivate):
        weights = symbols.parameter(node, "a")
    return Point(
        symbol=symbols.value(node),
        words=_words(node, symbols, layer),
        units=1 if isinstance(node, Loss) else node.units,
        kind=kind,
        sources=tuple(symbols.value(source) for source in node.inputs),
        layer=layer,
        weights=weights,
        biased=isinstance(node, Linear) and bool(node.b.size),
        phi=phi,
        scale=scale,
        shape=() if isinstance(node, Loss) else node.shape,
    )
