"""The loss scale: a factor on the loss that lifts small gradients above the underflow of a short number format.

The loss is multiplied before the backward pass and the gradients divided after it, so that only the rounding in
between changes (Micikevicius et al. 2018, "Mixed precision training", section 3.2).
"""

from __future__ import annotations

import math


class LossScale:
    """A factor S on the loss: fixed, or dynamic by the rules of torch.amp.GradScaler.

    Dynamic: gradients that are not finite halve S and the step is skipped; after 2000 good steps in a row S doubles.
    """

    START = 2.0**16
    SMALLEST = 1.0
    """Where the dynamic scale stops falling: what overflows unscaled has diverged, and no scale is to blame."""

    GOOD_STEPS = 2000

    def __init__(self, scale: float = START, dynamic: bool = True) -> None:
        """Start at `scale`."""
        self.scale = scale
        self.dynamic = dynamic
        self._good_steps = 0

    def accept(self, finite: bool) -> bool:
        """Say whether the step may be taken, given whether its gradients are finite, and adapt the scale to them.

        A step that is refused must not reach the optimiser, whose memory would keep the infinities. A fixed scale, and
        a dynamic one that can fall no further, accepts every step: the caller sees the divergence.
        """
        if not self.dynamic:
            return True
        if finite:
            self._grow()
            return True
        self._good_steps = 0
        if self.scale <= self.SMALLEST:
            return True
        self.scale = max(self.scale / 2.0, self.SMALLEST)
        return False

    def _grow(self) -> None:
        self._good_steps += 1
        if self._good_steps == self.GOOD_STEPS:
            self._good_steps = 0
            if math.isfinite(self.scale * 2.0):
                self.scale *= 2.0
