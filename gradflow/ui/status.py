"""The line at the bottom: where the run is, how fast it goes, and what the worker is doing."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QLabel, QStatusBar

from gradflow.sim.frame import Frame


class Status(QStatusBar):
    """Step, epoch, losses, speed, parameters, precision, state."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.left, self.right = QLabel(), QLabel()
        for label in (self.left, self.right):
            label.setObjectName("muted")
        self.addWidget(self.left, 1)
        self.addPermanentWidget(self.right)

    def draw(self, frame: Frame) -> None:
        """Write the numbers of a frame."""
        snapshot = frame.snapshot
        parts = [f"step {snapshot.step:,}".replace(",", " "), f"epoch {snapshot.epoch:.2f}"]
        parts.append(f"loss {snapshot.train_loss:.4g}")
        _, validation = frame.history.envelope("validation_loss", 4)
        if len(validation):
            parts.append(f"validation {validation[-1]:.4g}")
        if not math.isnan(snapshot.train_accuracy):
            parts.append(f"accuracy {100 * snapshot.train_accuracy:.0f} %")
        self.left.setText("     ".join(parts))
        speed = f"{frame.steps_per_second:.3g} steps/s     " if frame.steps_per_second else ""
        samples = f"{frame.topology.training_samples} + {frame.topology.validation_samples} samples"
        parameters = f"{frame.topology.parameters:,} parameters".replace(",", " ")
        precision = frame.experiment.training.precision
        self.right.setText(f"{speed}{samples}     {parameters}     {precision}     {frame.state}")
