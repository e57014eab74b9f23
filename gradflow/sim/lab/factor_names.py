"""What a Jacobian is called: W₂, diag(φ′(z₂)), and for a longer way the product and the sum over ways of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradflow.engine import nodes
from gradflow.engine.graph import Node
from gradflow.engine.losses import Loss
from gradflow.engine.nodes import norm
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.points import Point

LONGEST = 120
"""Names with more characters than this say nothing any more."""

TOGETHER = "all nodes on the way as one factor, by backprop in one pass; where ways meet, their sum"
"""What a factor of several nodes is."""

Points = Mapping[Node, Point]


def local_name(node: Node, source: int, points: Points, convention: Convention) -> str:
    """Return what ∂node/∂(its source-th input) is called."""
    point = points[node]
    before, index = point.sources[source], point.symbol.lstrip("abcdefghijklmnopqrstuvwxyzL")
    turned = "" if convention is Convention.COLUMNS else "ᵀ"
    if isinstance(node, nodes.Conv):
        return f"K{index}{turned}"
    if isinstance(node, nodes.Linear):
        return f"{point.weights}{turned}"
    if isinstance(node, nodes.Activate):
        return f"diag(φ′({before}))"
    if isinstance(node, nodes.Dropout):
        return f"diag(m{index})"
    if isinstance(node, norm.BatchNorm):
        return f"diag(γ{index}/σ{index})"
    if isinstance(node, nodes.Norm):
        return f"N{index}{turned}"
    if isinstance(node, nodes.Add):
        return "I" if source == 0 or node.scale == 1.0 else f"{node.scale:g}·I"
    if isinstance(node, nodes.Flatten):
        return "I"
    if isinstance(node, Loss):
        return f"∂{point.symbol}/∂{before}"
    if isinstance(node, nodes.AveragePool | nodes.GlobalAverage):
        return f"A{index}{turned}"
    if isinstance(node, nodes.Concatenate) and len(node.shape) == 1:
        return f"{('[I 0]', '[0 I]')[source]}{turned}"
    return f"S{index}{turned}{'′' if source else ''}"


def local_words(node: Node) -> str:
    """Say what a node's Jacobian is made of."""
    if isinstance(node, nodes.Conv):
        height, width = node.kernel
        return f"the convolution as a sparse matrix: the {height}×{width} kernel again and again, once per place"
    if isinstance(node, nodes.Linear):
        return "the weights themselves, whatever the input is"
    if isinstance(node, nodes.Activate):
        return "diagonal: φ′ of each entry, because φ is applied entry by entry"
    if isinstance(node, nodes.Dropout):
        return "diagonal: the mask, 0 or 1/(1−p)"
    if isinstance(node, norm.BatchNorm):
        return "diagonal, with the batch's mean and σ held: what the sample does to them is left out"
    if isinstance(node, nodes.Norm):
        inside = "(1 + ẑᵢ·ẑₖ)" if isinstance(node, norm.LayerNorm) else "ẑᵢ·ẑₖ"
        return f"∂yᵢ/∂zₖ = γᵢ·([i = k] − {inside}/n)/σ: every unit has a part in σ, so it is full"
    if isinstance(node, nodes.MaxPool):
        return "a selection: each output takes the largest of its window"
    if isinstance(node, nodes.AveragePool | nodes.GlobalAverage):
        return "each output takes an equal share of all that it averages"
    if isinstance(node, nodes.Concatenate):
        return "the identity beside zeros: one part of what is put together"
    if isinstance(node, nodes.Add | nodes.Flatten):
        return "the identity: nothing is changed on this way"
    return "the gradient of the loss, one number for each output"


def name_between(window: Sequence[Node], points: Points, convention: Convention) -> str:
    """Return ∂last/∂first of a window of the order as products and sums of local ones; "" where that gets too long."""
    names: dict[Node, list[list[str]]] = {window[0]: [[]]}
    for node in window[1:]:
        ways: list[list[str]] = []
        for i, before in enumerate(node.inputs):
            if before not in names:
                continue
            local = local_name(node, i, points, convention)
            ways.extend([*way, local] for way in _gathered(names[before], node, convention))
        if ways:
            names[node] = ways
        if len(ways) > 8 or sum(len(name) for way in ways for name in way) > 4 * LONGEST:
            return ""
    text = _sum(names.get(window[-1], []), convention)
    return text if len(text) <= LONGEST else ""


def _gathered(ways: list[list[str]], node: Node, convention: Convention) -> list[list[str]]:
    """Turn a sum of ways into one factor before something is multiplied to it, except into a further sum."""
    if len(ways) == 1 or isinstance(node, nodes.Add):
        return ways
    return [[f"({_sum(ways, convention)})"]]


def _sum(ways: list[list[str]], convention: Convention) -> str:
    return " + ".join(_product(way, convention) for way in ways)


def _product(way: list[str], convention: Convention) -> str:
    kept = [name for name in way if name != "I"]
    return convention.product(kept) if kept else "I"
