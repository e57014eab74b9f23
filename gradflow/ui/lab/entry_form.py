"""Which number the loss is differentiated by: the block, the place in it, and the samples that the loss is of."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.lab.differences import Block, Entry, Study
from gradflow.sim.lab.specimen import Specimen
from gradflow.ui.lab.checked_box import CheckedBox
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Choice

COUPLED = "With batch norm a sample's numbers depend on the whole batch."
MOST_SAMPLES = 256


class EntryForm(QWidget):
    """Shows an entry and lets another one be chosen; `changed` tells of it, with the sample or None for all."""

    changed = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.block, self.place, self.sample = Choice(), CheckedBox(), Choice()
        self.block.setAccessibleName("Differentiate by")
        self.block.setToolTip("A matrix or row of parameters, or the input x")
        self.place.setAccessibleName("Which entry")
        self.place.setFixedWidth(72)
        self.sample.setAccessibleName("Loss of which samples")
        self.sample.setToolTip("The loss is the mean over these samples")
        self.block.setMinimumWidth(120)
        self.sample.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToContents)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        for name, widget in (("∂L/∂", self.block), ("entry", self.place), ("L of", self.sample)):
            label = QLabel(name)
            label.setObjectName("muted")
            box.addWidget(label)
            box.addWidget(widget)
        self._blocks: tuple[Block, ...] = ()
        self._shown = Entry()
        self._samples = -1
        self.block.activated.connect(self._choose_block)
        self.place.editingFinished.connect(self._choose_place)
        self.sample.activated.connect(weakly(self, lambda self, _: self._tell(self._shown)))

    def show_specimen(self, specimen: Specimen | None) -> None:
        """Offer the samples of a batch."""
        count = specimen.samples if specimen else 0
        coupled = specimen is not None and specimen.coupled
        self.sample.setEnabled(not coupled)
        self.sample.setToolTip(COUPLED if coupled else "The loss is the mean over these samples")
        if count != self._samples:
            self._samples = count
            chosen = self.sample.currentData()
            self.sample.clear()
            self.sample.addItem(f"all {count} samples", None)
            for i in range(min(count, MOST_SAMPLES)):
                self.sample.addItem(f"sample {i}", i)
            self.sample.setCurrentIndex(max(self.sample.findData(chosen), 0) if chosen is not None else 0)

    def show_entry(self, found: Study, sample: int | None) -> None:
        """Show what is differentiated by, and all that it could be."""
        if found.blocks != self._blocks:
            self._blocks = found.blocks
            self.block.clear()
            # All at once: there may be thousands.
            self.block.addItems([block.title for block in found.blocks])
        self.block.setCurrentIndex(found.blocks.index(found.block))
        self.sample.setCurrentIndex(0 if sample is None else max(self.sample.findData(sample), 0))
        if found.block.key != self._shown.block:
            self.place.refuse("")
        self._shown = Entry(found.block.key, found.row, found.column)
        typing = self.place.isModified() and self.place.hasFocus()
        if not (typing or self.place.refused):
            self._write()
        self.place.setToolTip(f"Type {found.block.choices()}")

    def _choose_block(self, number: int) -> None:
        self._tell(Entry(self._blocks[number].key, 0, 0))

    def _choose_place(self) -> None:
        block = next((block for block in self._blocks if block.key == self._shown.block), None)
        if block is None or not self.place.isModified():
            return
        self.place.setModified(False)
        try:
            row, column = block.read(self.place.text())
        except ValueError as error:
            self.place.refuse(str(error))
            return
        self._tell(Entry(block.key, row, column))

    def _tell(self, entry: Entry) -> None:
        self.place.refuse("")
        self._shown = entry
        self.changed.emit(entry, self.sample.currentData())

    def _write(self) -> None:
        block = next((block for block in self._blocks if block.key == self._shown.block), None)
        if block is not None:
            place = f"{self._shown.row}, {self._shown.column}" if block.paired else str(self._shown.column)
            self.place.setText(place)
