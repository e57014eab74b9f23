"""Garbage is collected on the window's thread alone.

Python collects on whichever thread makes the object that is one too many. What is freed on the training's thread may be
Qt's: Qt then holds a lock and waits for Python, while the window holds Python and waits for that lock, for ever.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

COLLECT_MS = 1000


class Collector(QTimer):
    """Collects, once it is started, on the thread it was made on; Python no longer does so by itself."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent, interval=COLLECT_MS)
        gc.disable()
        self.timeout.connect(collect)


def collect() -> None:
    """Collect what Python would have collected by now: the youngest generations of objects that are too many."""
    due = [count > most > 0 for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if any(due):
        gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))
