"""Forward mode: changes of the inputs pushed through the recorded operations, in the order of computing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from gradflow.autograd.backward import Target, _as_variables, operations_of, target_of
from gradflow.autograd.recording import enable_grad
from gradflow.autograd.table import OPERATORS
from gradflow.autograd.variable import Variable


def push(
    outputs: Sequence[Variable],
    inputs: Sequence[Variable],
    tangents: Sequence[Variable],
    create_graph: bool = False,
) -> list[Any]:
    """Return the change of each output for the changes of the inputs, to first order.

    They are arrays, and with `create_graph` Variables that can be differentiated.
    """
    found: dict[Target, Any] = {}
    for x, tangent in zip(inputs, tangents, strict=True):
        _add(found, target_of(x), tangent if create_graph else tangent._data)
    recording: AbstractContextManager[Any] = enable_grad() if create_graph else nullcontext()
    with recording, np.errstate(all="ignore"):
        for operation in operations_of(outputs):
            stored = _as_variables(operation) if create_graph else operation.stored()
            for index, target in enumerate(operation.targets):
                if target is None or target not in found:
                    continue
                part = operation.operator.jvp[index](found[target], *stored, **operation.parameters)
                if part.shape != operation.output.shape:
                    part = OPERATORS["broadcast_to"](part, shape=operation.output.shape)
                _add(found, operation, part)
    return [found.get(target_of(output), np.zeros(output.shape)) for output in outputs]


def _add(found: dict[Target, Any], target: Target, part: Any) -> None:
    found[target] = found[target] + part if target in found else part
