"""Which number the loss is differentiated by: the block, the place in it, and the samples that the loss is of."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.lab.differences import INPUT, Block, Entry, Study
from gradflow.sim.lab.specimen import Specimen
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Choice, TextBox

COUPLED = "With batch norm a sample's numbers depend on the whole batch."
MOST_SAMPLES = 256


class EntryForm(QWidget):
    """Shows an entry and lets another one be chosen; `changed` tells of it, with the sample or None for all."""

    changed = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.block, self.place, self.sample = Choice(), TextBox(), Choice()
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
        self.place.textEdited.connect(weakly(self, lambda self, _: self._mark(valid=True)))
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
            for block in found.blocks:
                self.block.addItem(block.title, block.key)
        self.block.setCurrentIndex(self.block.findData(found.block.key))
        self.sample.setCurrentIndex(0 if sample is None else max(self.sample.findData(sample), 0))
        self._shown = Entry(found.block.key, found.row, found.column)
        if not self.place.hasFocus() or not self.place.isModified():
            self.place.setText(_written(found.block, found.row, found.column))
            self._mark(valid=True)
        rows, columns = found.block.rows, found.block.columns
        of = ("sample, input" if found.block.key == INPUT else "row d, column k") if rows else "number k"
        size = f"{rows} × {columns}" if rows else str(columns)
        self.place.setToolTip(f"{of}, counted from 0; there are {size}")

    def _choose_block(self, _: int) -> None:
        self._tell(Entry(str(self.block.currentData()), 0, 0))

    def _choose_place(self) -> None:
        block = next((block for block in self._blocks if block.key == self._shown.block), None)
        if block is None or not self.place.isModified():
            return
        self.place.setModified(False)
        numbers = [int(word) for word in re.findall(r"\d{1,9}", self.place.text())]
        wanted = 2 if block.rows else 1
        row, column = (numbers[0], numbers[1]) if len(numbers) == 2 else (0, numbers[0] if numbers else -1)
        try:
            if len(numbers) != wanted:
                raise ValueError
            block.place(row, column)
        except ValueError:
            self._mark(valid=False)
            return
        self._mark(valid=True)
        self._tell(Entry(block.key, row, column))

    def _tell(self, entry: Entry) -> None:
        self._shown = entry
        self.changed.emit(entry, self.sample.currentData())

    def _mark(self, valid: bool) -> None:
        self.place.setProperty("invalid", not valid)
        self.place.style().unpolish(self.place)
        self.place.style().polish(self.place)


def _written(block: Block, row: int, column: int) -> str:
    return f"{row}, {column}" if block.rows else str(column)
