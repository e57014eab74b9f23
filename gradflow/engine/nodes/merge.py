"""Where two branches meet: their sum (a residual connection) or both side by side (a dense connection)."""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Node


class Add(Node):
    """value = left + scale·right; the gradient goes unchanged to the left and scaled to the right.

    A small scale of the branch lets very deep residual networks start out near the identity (Fixup, Zhang et al. 2019).
    """

    in_place = 1

    def __init__(self, left: Node, right: Node, scale: float = 1.0) -> None:
        if left.shape != right.shape:
            raise ValueError(f"cannot add {_shown(left)} units to {_shown(right)}")
        super().__init__((left, right), left.shape)
        self.scale = scale

    def forward(self) -> None:
        left, right = self.inputs
        if self.scale == 1.0:
            np.add(left.value, right.value, out=self.value)
        else:
            np.multiply(right.value, self.scale, out=self.value)
            np.add(left.value, self.value, out=self.value)

    def backward(self) -> None:
        # The right gradient may stand in this node's own memory: the left one is served first.
        if self.inputs[0].needs_grad:
            self._give(0, self.grad)
        right = self.inputs[1]
        if not right.needs_grad:
            return
        if self.scale != 1.0:
            np.multiply(self.grad, self.scale, out=self.grad)
        if right is not self.shares_grad_of:
            self._give(1, self.grad)


class Concatenate(Node):
    """The channels of both inputs side by side, left first (DenseNet, Huang et al. 2017)."""

    def __init__(self, left: Node, right: Node) -> None:
        if left.shape[:-1] != right.shape[:-1]:
            raise ValueError(f"cannot put {_shown(left)} units beside {_shown(right)}")
        super().__init__((left, right), (*left.shape[:-1], left.shape[-1] + right.shape[-1]))

    def resize(self, samples: int) -> None:
        super().resize(samples)
        cut = self.inputs[0].shape[-1]
        value = self.value.reshape(-1, self.shape[-1])
        self._values = value[:, :cut], value[:, cut:]
        if self.needs_grad:
            grad = self.grad.reshape(-1, self.shape[-1])
            self._grads = grad[:, :cut], grad[:, cut:]

    def forward(self) -> None:
        for part, source in zip(self._values, self.inputs, strict=True):
            part[:] = source.value.reshape(part.shape)

    def backward(self) -> None:
        for i, (part, source) in enumerate(zip(self._grads, self.inputs, strict=True)):
            if not source.needs_grad:
                continue
            into = source.grad.reshape(part.shape)
            if self.writes_first[i]:
                into[:] = part
            else:
                np.add(into, part, out=into)


def _shown(node: Node) -> str:
    return " x ".join(str(length) for length in node.shape)
