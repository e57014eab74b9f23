"""The graph of the program that is at the desk, in boxes and edges that can be chosen and read; and its curve."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QWidget

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.ui.lab.autograd_scene import GraphDrawing
from gradflow.ui.lab.dag_canvas import DagCanvas
from gradflow.ui.lab.dag_scene import Scene

MOST_NODES = 800
"""A larger graph is not drawn."""


GRAPH, CURVE = 300, 400
"""How the height is shared where both are shown: the curve alone would take all there is."""


class ProgramGraph(DagCanvas):
    """The drawing of what is at the desk, made anew only if something has changed."""

    node_chosen = Signal(object)
    """The node of the box that a person chose, or None."""

    edge_hovered = Signal(object)
    """The number of the edge under the mouse, or None."""

    def __init__(self) -> None:
        super().__init__()
        self.drawing: GraphDrawing | None = None
        self._of: tuple[object, ...] = ()
        self.chosen.connect(self._choose)
        self.hovered.connect(self._hover)

    def show_desk(self, desk: Desk, forward: bool) -> None:
        """Draw the moment, with the tangents of forward mode in the boxes or else the gradients."""
        self._draw_anew(desk, forward)
        now = desk.now
        if self.drawing is None or now is None:
            self.show_scene(Scene())
            return
        self.show_scene(self.drawing.scene(now, desk.chosen_node, desk.stale))
        if now.node is not None:
            self.reveal_node(now.node)

    def reveal_node(self, node: int) -> None:
        """Have the box of a node in sight."""
        if self.drawing and node in self.drawing.boxes:
            self.reveal(self.drawing.boxes[node])

    def why_not(self, desk: Desk) -> str:
        """Return why nothing is drawn, "" if something is."""
        count = len(desk.opened.sandbox.nodes) if desk.opened else 0
        return f"A graph of {count} nodes is not drawn; up to {MOST_NODES} are." if count > MOST_NODES else ""

    def _draw_anew(self, desk: Desk, forward: bool) -> None:
        opened = desk.opened
        if opened is None or self.why_not(desk):
            self.drawing, self._of = None, ()
            return
        of = (opened, desk.grads, forward)
        if not self._of or any(one is not other for one, other in zip(of, self._of, strict=True)):
            stored = desk.grads.by_node(opened.sandbox)
            self.drawing = GraphDrawing(opened.sandbox, opened.walk, opened.tangents, opened.missing, stored, forward)
            self._of = of

    def _choose(self, box: int | None) -> None:
        self.node_chosen.emit(self.drawing.nodes[box] if self.drawing and box is not None else None)

    def _hover(self, wire: int | None) -> None:
        self.edge_hovered.emit(self.drawing.edges[wire] if self.drawing and wire is not None else None)


class GraphAndCurve(QSplitter):
    """The graph above the curve of its differences, which has room only when they are wanted."""

    def __init__(self, graph: QWidget, curve: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._graph, self._curve = graph, curve
        self.addWidget(graph)
        self.addWidget(curve)
        self.setChildrenCollapsible(False)
        curve.hide()

    def show_curve(self, wanted: bool, beside: bool) -> None:
        """Show the curve or not, and beside it the graph or, where there is little height, nothing."""
        opens = wanted and self._curve.isHidden()
        self._curve.setVisible(wanted)
        self._graph.setVisible(beside or not wanted)
        if opens:
            self.setSizes([GRAPH, CURVE])
