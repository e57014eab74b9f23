"""The controls of the walk: back and forward, a slider over all positions, and what is looked at in which way."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Choice, Slider, ToolButton

BY_NODE, BY_LAYER = "by node", "by layer"


class WalkBar(QWidget):
    """Steps and switches; tells what is chosen, and changes nothing itself.

    `pictures` are the lists for images, which stand elsewhere.
    """

    stepped = Signal(int)
    """One position on (1) or back (−1)."""

    slid = Signal(int)
    """A position of the slider."""

    chosen = Signal()
    """One of the switches has changed."""

    def __init__(self) -> None:
        super().__init__()
        self._offered: dict[Choice, tuple[str, ...]] = {}
        self.back, self.on, self.slider = ToolButton(), ToolButton(), Slider()
        for button, words, tip, way in (
            (self.back, "◀", "One position back (Shift+←)", -1),
            (self.on, "▶", "One position on (Shift+→)", 1),
        ):
            button.setText(words)
            button.setToolTip(tip)
            button.setAccessibleName(tip.partition(" (")[0])
            button.setAutoRepeat(True)
            button.setFixedWidth(36)
            button.clicked.connect(weakly(self, lambda self, _=False, step=way: self.stepped.emit(step)))
        self.slider.setAccessibleName("Position of the walk")
        self.slider.setToolTip("All positions: forward, loss, backward, update (Shift+Home, Shift+End)")
        self.slider.setMinimumWidth(60)
        self.slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.slider.valueChanged.connect(self.slid)
        self.samples = self._choice("Samples", "The whole batch, or one of its samples alone")
        self.stride = self._choice("Stride", "Stop at every node, or once for each layer", (BY_NODE, BY_LAYER))
        self.convention = self._choice(
            "Convention",
            "Whether a sample is a row (z = a·W) or a column (z = Wᵀ·a): formulas, shapes and products turn round",
            ("rows", "columns"),
        )
        self.look = self._choice(
            "Images", "Show what an image gives as a matrix, or one channel as an image", ("images", "matrices")
        )
        self.image = self._choice("Sample of the image", "Which sample's image")
        self.channel = self._choice("Channel", "Which channel of the image")
        self._layout()

    def offer_samples(self, count: int, coupled: bool) -> None:
        """Offer the batch and its samples; the batch alone where samples are coupled."""
        names = [f"batch of {count}", *(f"sample {i}" for i in range(0 if coupled or count == 1 else count))]
        self._fill(self.samples, names)
        self.samples.setToolTip(
            "With batch norm a sample's numbers depend on the whole batch"
            if coupled
            else "The whole batch, or one of its samples alone"
        )

    def offer_images(self, names: Sequence[str], channels: int) -> None:
        """Offer the samples and channels of the images that are shown; none hides the lists."""
        self.pictures.setVisible(channels > 0)
        images = channels > 0 and self.look.currentIndex() == 0
        self._fill(self.image, [f"of sample {name}" for name in names])
        self._fill(self.channel, [f"channel {i}" for i in range(channels)])
        self.image.setVisible(images and len(names) > 1)
        self.channel.setVisible(images and channels > 1)

    def show_position(self, position: int, count: int) -> None:
        """Put the slider where the walk is."""
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(count - 1, 0))
            self.slider.setValue(position)
        self.back.setEnabled(position > 0)
        self.on.setEnabled(position < count - 1)

    def pick(self, box: Choice, index: int) -> None:
        """Choose an entry of a list without telling anybody."""
        with QSignalBlocker(box):
            box.setCurrentIndex(min(max(index, 0), box.count() - 1))

    def _choice(self, name: str, tip: str, names: Sequence[str] = ()) -> Choice:
        box = Choice()
        box.addItems(list(names))
        box.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToContents)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        box.currentIndexChanged.connect(self.chosen)
        return box

    def _fill(self, box: Choice, names: Sequence[str]) -> None:
        """Offer other names; the choice stays where it was, as far as it can."""
        if self._offered.get(box) != tuple(names):
            self._offered[box] = tuple(names)
            with QSignalBlocker(box):
                index = max(box.currentIndex(), 0)
                box.clear()
                box.addItems(list(names))
                box.setCurrentIndex(index if index < len(names) else 0)

    def _layout(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.back)
        row.addWidget(self.on)
        row.addWidget(self.slider, 1)
        for widget in (self.samples, self.stride, self.convention):
            row.addWidget(widget)
        self.pictures = QWidget()
        pictures = QHBoxLayout(self.pictures)
        pictures.setContentsMargins(0, 0, 0, 0)
        pictures.setSpacing(4)
        for widget in (self.look, self.image, self.channel):
            pictures.addWidget(widget)
