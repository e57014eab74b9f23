"""The second run beside the one on screen: a remedy that is previewed, a pinned run, or the one before a remedy.

A preview goes before the others for as long as it lasts.
"""

from __future__ import annotations

import dataclasses

from gradflow.sim.frame import Frame
from gradflow.sim.preview import Asked, Preview


class Comparison:
    """Holds what is compared with; `other` is drawn as an outline."""

    def __init__(self) -> None:
        self._preview = Preview()
        self._pinned: Frame | None = None
        self._kept: Frame | None = None

    @property
    def other(self) -> Frame | None:
        """The second run as it is now, labelled; None if there is none."""
        return self._preview.frame or self._pinned or self._kept

    @property
    def pinned(self) -> bool:
        """Whether a run was pinned."""
        return self._pinned is not None

    def preview(self, asked: Asked) -> None:
        """Run something in the background and show it while it runs, until `end_preview`."""
        self._preview.show(asked)

    def end_preview(self) -> None:
        """Show no preview any more."""
        self._preview.end()

    def failure(self) -> str:
        """Return and forget why a preview could not be run; "" if it could."""
        return self._preview.failure()

    def pin(self, frame: Frame) -> None:
        """Compare with this state of a run until it is unpinned."""
        self._pinned = _labelled(frame, "pinned run")

    def unpin(self) -> None:
        """Compare with the pinned run no more."""
        self._pinned = None

    def keep(self, frame: Frame, label: str) -> None:
        """Compare with a run that has just been replaced, until `forget`."""
        self._kept = _labelled(frame, label)

    def forget(self) -> None:
        """Compare with the replaced run no more."""
        self._kept = None

    def stop(self) -> bool:
        """End the preview's thread; return whether it has ended."""
        return self._preview.stop()


def _labelled(frame: Frame, label: str) -> Frame:
    return dataclasses.replace(frame, label=label, other=None)
