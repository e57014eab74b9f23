"""What the window is told when a command could not be carried out."""

from __future__ import annotations

import traceback

from gradflow.errors import ConfigError, GradflowError
from gradflow.sim.frame import Failed, Frame


def failure(error: Exception, frame: Frame | None) -> Failed:
    """Return the event for an error: one sentence, the field at fault if known, and details of our own mistakes."""
    if isinstance(error, ConfigError):
        return Failed(frame, error.reason, error.field)
    if isinstance(error, GradflowError):
        return Failed(frame, str(error))
    if isinstance(error, MemoryError):
        return Failed(frame, "There is not enough memory for this network; choose a smaller one.")
    sentence = f"Something went wrong inside gradflow ({type(error).__name__}: {error})."
    return Failed(frame, sentence, details="".join(traceback.format_exception(error)))
