"""The lines at the bottom: the recorded steps, where the run is, how fast it goes, and what the worker is doing."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QGridLayout, QLabel, QStatusBar, QWidget

from gradflow.sim.frame import Frame
from gradflow.sim.words import counted
from gradflow.ui.scrubber import Scrubber


class Status(QStatusBar):
    """Step, epoch, losses, speed, parameters, precision, state."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.left, self.right = QLabel(), QLabel()
        for label in (self.left, self.right):
            label.setObjectName("muted")
        self.scrubber = Scrubber()
        content = QWidget()
        box = QGridLayout(content)
        box.setContentsMargins(0, 0, 0, 0)
        box.setVerticalSpacing(2)
        box.addWidget(self.scrubber, 0, 0, 1, 2)
        box.addWidget(self.left, 1, 0)
        box.addWidget(self.right, 1, 1)
        box.setColumnStretch(0, 1)
        self.addWidget(content, 1)

    def draw(self, frame: Frame) -> None:
        """Write the numbers of a frame."""
        snapshot = frame.snapshot
        step = f"step {counted(snapshot.step)}"
        parts = [f"looking back at {step} (Esc: back to now)" if frame.past else step, f"epoch {snapshot.epoch:.2f}"]
        parts.append(f"loss {snapshot.train_loss:.4g}")
        steps, validation = frame.history.envelope("validation_loss", 4)
        if len(validation):
            when = "" if steps[-1] == snapshot.step else f" (step {steps[-1]:.0f})"
            parts.append(f"validation {validation[-1]:.4g}{when}")
        if not math.isnan(snapshot.train_accuracy):
            parts.append(f"accuracy {100 * snapshot.train_accuracy:.0f} %")
        self.left.setText("     ".join(parts))
        speed = f"{frame.steps_per_second:.3g} steps/s     " if frame.steps_per_second else ""
        samples = f"{frame.topology.training_samples} + {frame.topology.validation_samples} samples"
        parameters = f"{counted(frame.topology.parameters)} parameters"
        precision = frame.experiment.training.precision
        self.right.setText(f"{speed}{samples}     {parameters}     {precision}     {frame.state}")
