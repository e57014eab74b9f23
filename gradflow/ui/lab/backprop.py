"""One training step, walked through: every node forwards and backwards, with its matrices and its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter

from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.station import Kind, Line, Station
from gradflow.sim.lab.symbols import file_name
from gradflow.sim.lab.table import Table
from gradflow.sim.snapshot import Topology
from gradflow.ui.lab.matrix_board import MatrixBoard
from gradflow.ui.lab.station_words import StationWords
from gradflow.ui.lab.unfolding_panel import UnfoldingPanel
from gradflow.ui.lab.walk_bar import WalkBar
from gradflow.ui.lab.walk_strip import WalkStrip
from gradflow.ui.lab.walking import Walking
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly

NARROWEST, WIDEST = 240, 400
"""How wide the terms beside the matrices are, a quarter of the view but for these."""


@view("backprop", "What happens at each step of backpropagation?")
class BackpropView(Walking):
    """One training step on your own network, node by node: forward, the loss, backward, the update.

    Each position shows the matrices involved (z, a, φ′, δ, Wᵀ, ∂L/∂W, ∂L/∂b), the formula in this layer's symbols, and
    one entry with its numbers put in. Click any entry: it unfolds into its sum. Step with Shift+→ and Shift+←, by node
    or by layer; click a box of the drawing to go there. Rumelhart, Hinton & Williams 1986. Cost: two passes of the
    batch, beside the window.
    """

    formula = "δₗ = ∂L/∂zₗ"

    def __init__(self) -> None:
        super().__init__()
        self._station: Station | None = None
        self._shown: Sequence[Line] = ()
        self._position = 0
        self._entry: tuple[str, int, int] | None = None
        self._seen: tuple[str, int, int] | None = None
        self._topology: Topology | None = None
        self._setup_ui()
        self._layout()

    # The sequence.

    def positions(self) -> int:
        """Return how many stations there are."""
        return self.walk.positions(self.by_layer) if self.walk else 1

    @property
    def position(self) -> int:
        """The station that is shown."""
        return self._position

    def go(self, position: int) -> None:
        """Show a station, at the latest when the network has been run."""
        self.hold()
        if self._held:
            last = self.positions() - 1 if self.walk else position
            self._position, self._entry = max(min(position, last), 0), None
        if self.walk is not None:
            self._show_station()
            self.moved.emit()

    @property
    def by_layer(self) -> bool:
        """Whether a step is a whole layer."""
        return self.bar.stride.currentIndex() == 1

    @property
    def convention(self) -> Convention:
        """Whether a sample is a row or a column."""
        return Convention.COLUMNS if self.bar.convention.currentIndex() == 1 else Convention.ROWS

    # What a view of the lab does.

    def reset(self, topology: Topology) -> None:
        """Begin anew, at the start if the network is another one."""
        if self._topology is not None and topology.graph != self._topology.graph:
            self._position, self._entry = 0, None
        self._topology = topology
        super().reset(topology)

    def show_walk(self) -> None:
        """Show a step of another network, at the same place."""
        walk = self.walk
        if walk is not None:
            self.bar.offer_samples(walk.specimen.samples, walk.specimen.coupled)
            self.bar.pick(self.bar.samples, 0 if self.sample is None else self.sample + 1)
            self.strip.show_graph(walk.graph)
            self._position = min(self._position, self.positions() - 1)
            if self._position or self.sample is not None or self._entry is not None:
                self.hold()
        self.waiting.setVisible(walk is None)
        for widget in (self.bar, self.strip, self.words, self.splitter):
            widget.setVisible(walk is not None)
        if walk is not None:
            self._show_station()

    def tables(self) -> Mapping[str, Table]:
        """Return every matrix on screen, and the terms of the unfolded entry."""
        found = {f"{i}-{file_name(shown.symbol)}": shown.table() for i, shown in enumerate(self.board.shown, start=1)}
        terms = self.panel.table()
        return found | ({"terms": terms} if terms is not None else {})

    def state(self) -> dict[str, Any]:
        """Return the position, the entry and all switches."""
        # Of what is held also the entry that was unfolded unasked: it depends on the room there was.
        bar, entry = self.bar, self._entry or (self._seen if self._held else None)
        return {
            "position": self._position,
            "entry": list(entry) if entry else None,
            "sample": self.sample,
            "by_layer": self.by_layer,
            "convention": str(self.convention),
            "images": bar.look.currentIndex() == 0,
            "image": bar.image.currentIndex(),
            "channel": bar.channel.currentIndex(),
            "by_size": self.panel.by_size,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a state; the position counts once there is a network."""
        position, sample, entry = int(state["position"]), state["sample"], state["entry"]
        self._position = min(max(position, 0), self.positions() - 1) if self.walk else max(position, 0)
        self.sample = max(int(sample), 0) if sample is not None else None
        self._entry = (str(entry[0]), int(entry[1]), int(entry[2])) if entry else None
        bar = self.bar
        bar.pick(bar.stride, int(bool(state["by_layer"])))
        bar.pick(bar.convention, int(state["convention"] == Convention.COLUMNS))
        bar.pick(bar.look, int(not state["images"]))
        self._image = max(int(state["image"]), 0), max(int(state["channel"]), 0)
        self.panel.sort(bool(state["by_size"]))
        if self.walk is not None and self.walk.specimen is self.specimen and self.walk.sample == self.sample:
            self.show_walk()
        elif self.specimen is not None:
            self._begin()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        for part in (self.strip, self.words, self.board):
            part.retheme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make room for the formulas."""
        super().resizeEvent(event)
        self._fit_words()
        if not self._shares_kept:
            beside = min(max(self.width() // 4, NARROWEST), WIDEST)
            self.splitter.setSizes([self.width() - beside, beside])

    def _keep_shares(self) -> None:
        """Leave matrices and terms the widths that somebody has given them."""
        self._shares_kept = True

    def _fit_words(self) -> None:
        # In a low view the matrices need the room more than the drawing does.
        self.strip.setFixedHeight(min(self.strip.sizeHint().height(), max(self.height() // 6, 52)))
        margins = self.box.contentsMargins()
        self.words.fit(self.width() - margins.left() - margins.right())

    # What it is made of.

    def _setup_ui(self) -> None:
        self.bar, self.strip = WalkBar(), WalkStrip()
        self.words = StationWords(self.bar.pictures, self.age)
        self.board, self.panel = MatrixBoard(self.bar.channel), UnfoldingPanel()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self._image, self._shares_kept = (0, 0), False
        self.bar.stepped.connect(weakly(self, lambda self, step: self.go(self._position + step)))
        self.bar.slid.connect(self.go)
        self.bar.chosen.connect(self._choose_anew)
        self.bar.samples.currentIndexChanged.connect(weakly(self, lambda self, _: self.tell("sample")))
        self.bar.convention.currentIndexChanged.connect(weakly(self, lambda self, _: self.tell("convention")))
        self.strip.clicked.connect(self._go_to_box)
        self.board.entry_clicked.connect(self._unfold)

    def _layout(self) -> None:
        self.splitter.addWidget(self.board)
        room = QScrollArea()
        room.setWidgetResizable(True)
        room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        room.setWidget(self.panel)
        room.setMinimumWidth(NARROWEST)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.splitter.addWidget(room)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.splitterMoved.connect(weakly(self, lambda self, *_: self._keep_shares()))
        self.box.setSpacing(8)
        for widget in (self.bar, self.strip, self.words):
            self.box.addWidget(widget)
        self.box.addWidget(self.splitter, 1)
        self.box.addWidget(self.waiting, 1)

    # What a person does.

    def _choose_anew(self) -> None:
        """Take what the switches say, and stay at the station as far as that is possible."""
        if self.walk is None:
            return
        self.hold()
        chosen = self.bar.samples.currentIndex()
        sample = chosen - 1 if chosen > 0 else None
        self._image = max(self.bar.image.currentIndex(), 0), max(self.bar.channel.currentIndex(), 0)
        if sample != self.sample:
            self.sample, self._entry = sample, None
            self._begin()
            return
        if self._stops_by_layer != self.by_layer:
            self._position = self.walk.matching(self._position, self._stops_by_layer)
        self._entry = None
        self._show_station()
        self.moved.emit()

    def _go_to_box(self, box: int) -> None:
        """Go to a box in the direction that the walk has at present; to its update at the end."""
        if self.walk is None:
            return
        stops = self.walk.stops(self.by_layer)
        kind = stops[self._position].kind
        same = {Kind.FORWARD, Kind.LOSS} if kind in (Kind.FORWARD, Kind.LOSS) else {kind}
        found = [i for i, stop in enumerate(stops) if stop.box == box]
        alike = [i for i in found if stops[i].kind in same]
        if found:
            self.go((alike or found)[0])

    def event(self, event: QEvent) -> bool:
        """Claim Esc while an entry is open, before the window takes it."""
        claims = event.type() == QEvent.Type.ShortcutOverride and self._entry is not None
        if claims and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the entry that was chosen (Esc)."""
        if event.key() == Qt.Key.Key_Escape and self._entry is not None:
            self._entry = None
            self._show_entry()
        else:
            super().keyPressEvent(event)

    def _unfold(self, symbol: str, row: int, column: int) -> None:
        self.hold()
        self._entry = symbol, row, column
        self._show_entry()

    # What is seen.

    def _show_station(self) -> None:
        assert self.walk is not None
        self._stops_by_layer = self.by_layer
        station = self.walk.station(self._position, self.by_layer, self.convention)
        images = [shown for shown in station.matrices if shown.image]
        names = images[0].columns if images and images[0].flipped else images[0].rows if images else ()
        self.bar.offer_images(names, max((shown.image[2] for shown in images if shown.image), default=0))
        self.bar.pick(self.bar.image, self._image[0])
        self.bar.pick(self.bar.channel, self._image[1])
        as_images = self.bar.look.currentIndex() == 0
        self._shown = [[one.picture(*self._image) if as_images else one for one in line] for line in station.lines]
        self._station = station
        self.bar.show_position(self._position, self.positions())
        self.words.show_station(station, self._position, self.positions())
        self._fit_words()
        self.board.show_lines(self._shown)
        stops = self.walk.stops(self.by_layer)[: self._position + 1]
        self.strip.show_way({stop.box: stop.kind for stop in stops}, (station.box, station.kind))
        self._show_entry()

    def _show_entry(self) -> None:
        """Unfold the chosen entry, or the largest of what comes out of the station."""
        assert self._station is not None and self._station.result is not None
        by_symbol = {shown.symbol: shown for shown in self.board.shown}
        symbol, row, column = self._entry or ("", 0, 0)
        shown = by_symbol.get(symbol)
        chosen = shown is not None and 0 <= row < shown.values.shape[0] and 0 <= column < shown.values.shape[1]
        if shown is None or not chosen:
            place = self._station.matrices.index(self._station.result)
            shown = self.board.shown[place]
            row, column = self.board.telling(place)
        self._seen = shown.symbol, row, column
        unfolding = shown.unfold(row, column)
        self.panel.show_unfolding(unfolding)
        self.words.show_entry(unfolding)
        self.board.mark(shown.symbol, (row, column), unfolding.uses, reveal=chosen)
