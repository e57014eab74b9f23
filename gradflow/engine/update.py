"""The update: the whole way from the raw gradient to the moved parameters.

In torch's order: undo the loss scale, clip by value, clip by the global norm, add weight decay and L1, ask the
optimiser for a direction, and walk against it. Frozen parameters are left out of all of it. The flat vectors are
worked on in pieces that stay in the processor's cache, and nothing is allocated after construction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.optimizers import Hyper, Optimizer

Array = NDArray[np.floating[Any]]

PIECE = 32_768
"""Entries worked on at a time; pieces too small cost Python's time, pieces too large the cache."""

CLIP_EPSILON = 1e-6
"""Added to the norm that is divided by, as in torch.nn.utils.clip_grad_norm_."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Views of the same range of every flat vector, and of a gradient to be changed and a scratch of its length."""

    parameters: Array
    gradient: Array
    direction: Array
    memory: Array
    changed: Array
    scratch: Array


class Update:
    """Moves the trainable ranges of `parameters` by `gradients`; `prepare` computes the direction, `take` walks.

    `direction` is what `prepare` found: the gradient vector itself where it is walked unchanged, else a vector of its
    own, which is 0 where parameters are frozen.
    """

    def __init__(
        self, parameters: Array, gradients: Array, optimizer: Optimizer, spans: Sequence[slice] | None = None
    ) -> None:
        """Bind the vectors; `spans` are the trainable ranges, in order, and None is all of them."""
        ranges = _joined(spans, parameters.size) if spans is not None else [(0, parameters.size)]
        self._optimizer = optimizer
        self._gradients = gradients
        self._owned = np.zeros_like(parameters)
        self._whole = ranges == [(0, parameters.size)]
        changed, scratch = np.empty((2, min(PIECE, parameters.size)), parameters.dtype)
        self._pieces = []
        for start, stop in ranges:
            for first in range(start, stop, PIECE):
                cut = slice(first, min(first + PIECE, stop))
                size = cut.stop - cut.start
                self._pieces.append(
                    _Piece(
                        parameters=parameters[cut],
                        gradient=gradients[cut],
                        direction=self._owned[cut],
                        memory=optimizer.memory[:, cut],
                        changed=changed[:size],
                        scratch=scratch[:size],
                    )
                )
        self.direction: Array = self._owned

    def prepare(
        self,
        hyper: Hyper,
        grad_norm: float,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        scale: float = 1.0,
    ) -> float:
        """Compute `direction` and return the norm of the gradient after clipping; called once per step.

        `scale` is 1/(loss scale), `grad_norm` the norm of the trainable gradient times `scale`. A clip of 0 is none.
        The gradients are only read. With clipping a `grad_norm` that is not finite gives a direction of nan, because
        a clipped infinity would pass for an ordinary step.
        """
        # No entry is larger than the norm, so a limit above it cuts nothing and needs no second look.
        limit = clip_value if 0.0 < clip_value < grad_norm else math.inf
        norm = self._limited_norm(limit, scale) if limit < math.inf else grad_norm
        coefficient = min(1.0, clip_norm / (norm + CLIP_EPSILON)) if clip_norm else 1.0
        if (clip_norm or clip_value) and not math.isfinite(grad_norm):
            norm, coefficient = grad_norm, math.nan
        optimizer = self._optimizer
        decay = 0.0 if optimizer.decoupled else hyper.weight_decay
        late_decay = hyper.weight_decay - decay
        raw = scale == coefficient == 1.0 and limit == math.inf and not decay and not hyper.l1
        optimizer.begin(hyper)
        self.direction = self._owned
        for piece in self._pieces:
            g = piece.gradient
            if not raw:
                g = _clipped(piece, scale, limit, coefficient)
                _regularize(piece, decay, hyper.l1)
            found = optimizer.direction(g, piece.direction, piece.memory, piece.scratch)
            if found is piece.gradient and self._whole and not late_decay:
                self.direction = self._gradients
            elif found is g:
                np.copyto(piece.direction, g)
            if late_decay:
                _add_multiple(piece.direction, piece.parameters, late_decay, piece.scratch)
        return norm * coefficient

    def take(self, learning_rate: float) -> None:
        """Walk: parameters −= learning_rate · direction."""
        if learning_rate == 0.0:  # 0·∞ is nan, and taking 0·d away can turn −0 into +0
            return
        along_gradient = self.direction is self._gradients
        for piece in self._pieces:
            direction = piece.gradient if along_gradient else piece.direction
            np.multiply(direction, learning_rate, out=piece.scratch)
            np.subtract(piece.parameters, piece.scratch, out=piece.parameters)

    def _limited_norm(self, limit: float, scale: float) -> float:
        """Return the norm of the trainable gradient cut to ±limit, in units of the limit: no square leaves range."""
        squares = 0.0
        for piece in self._pieces:
            np.multiply(piece.gradient, scale / limit, out=piece.scratch)
            np.clip(piece.scratch, -1.0, 1.0, out=piece.scratch)
            squares += float(piece.scratch.dot(piece.scratch))
        return limit * math.sqrt(squares)


def _clipped(piece: _Piece, scale: float, limit: float, coefficient: float) -> Array:
    """Write coefficient · clip(scale · gradient, ±limit) into the piece's changed gradient, and return that."""
    if limit == math.inf:
        return np.multiply(piece.gradient, scale * coefficient, out=piece.changed)
    np.multiply(piece.gradient, scale, out=piece.changed)
    np.clip(piece.changed, -limit, limit, out=piece.changed)
    return np.multiply(piece.changed, coefficient, out=piece.changed)


def _regularize(piece: _Piece, decay: float, l1: float) -> None:
    """Add the gradient of ½·decay·‖W‖² + l1·‖W‖₁: g ← g + decay·W + l1·sign W."""
    if decay:
        _add_multiple(piece.changed, piece.parameters, decay, piece.scratch)
    if l1:
        np.sign(piece.parameters, out=piece.scratch)
        _add_multiple(piece.changed, piece.scratch, l1, piece.scratch)


def _add_multiple(total: Array, x: Array, factor: float, scratch: Array) -> None:
    """Add factor·x to `total`; `scratch` may be `x`."""
    np.multiply(x, factor, out=scratch)
    np.add(total, scratch, out=total)


def _joined(spans: Sequence[slice], size: int) -> list[tuple[int, int]]:
    """Return the ranges with neighbours joined, so that pieces do not end at every layer."""
    ranges: list[tuple[int, int]] = []
    for span in spans:
        start, stop, _ = span.indices(size)
        if start >= stop:
            continue
        if ranges and ranges[-1][1] == start:
            start, _ = ranges.pop()
        ranges.append((start, stop))
    return ranges
