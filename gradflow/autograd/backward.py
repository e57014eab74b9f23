"""Reverse mode: one walk from the outputs back to the leaves, each operation once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from gradflow.autograd.arrays import as_array, shape_text
from gradflow.autograd.broadcasting import fit
from gradflow.autograd.operation import Operation
from gradflow.autograd.recording import enable_grad
from gradflow.autograd.variable import Variable
from gradflow.errors import AutogradError

Target: TypeAlias = Operation | Variable
"""Where a gradient goes: the operation that made something, or a leaf."""

by_serial = attrgetter("serial")


def target_of(variable: Variable) -> Target:
    """Return where the gradient of a Variable arrives."""
    return variable.grad_fn or variable


def operations_of(outputs: Iterable[Variable]) -> list[Operation]:
    """Return every operation the outputs were computed with, earliest first: a topological order.

    Raises AutogradError if an earlier walk has freed one of them.
    """
    waiting = [x.grad_fn for x in outputs if x.grad_fn is not None]
    found = set(waiting)
    while waiting:
        operation = waiting.pop()
        if operation.values is None:
            operation.stored()  # raises, with the sentence about it
        for target in operation.targets:
            if target.__class__ is Operation and target not in found:
                found.add(target)
                waiting.append(target)
    return sorted(found, key=by_serial)


def backward(output: Variable, v: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
    """Add the gradient of v·output to every leaf that asks for it; see `Variable.backward`."""
    require_history("backward", output)
    seed = seed_for("backward", output, v)
    retain = create_graph if retain_graph is None else retain_graph
    gradients = walk([output], [seed], create_graph=create_graph, retain=retain)
    for leaf, gradient in gradients.items():
        if isinstance(leaf, Variable):
            arrive(leaf, gradient)


def walk(
    outputs: Sequence[Variable],
    seeds: Sequence[Variable],
    wanted: Sequence[Target] | None = None,
    create_graph: bool = False,
    retain: bool = True,
) -> dict[Target, Any]:
    """Return the gradients at the leaves, or at the `wanted` targets.

    They are arrays, and with `create_graph` Variables.
    """
    order = operations_of(outputs)
    needed = None if wanted is None else _on_the_way(order, wanted)
    kept = set() if wanted is None else {target for target in wanted if isinstance(target, Operation)}
    gradients: dict[Target, Any] = {}
    for output, seed in zip(outputs, seeds, strict=True):
        if output._requires_grad:
            _add(gradients, target_of(output), seed if create_graph else seed._data)
    recording: AbstractContextManager[Any] = enable_grad() if create_graph else nullcontext()
    # The sweep. It visits an operation when all that consumed its result have sent their share.
    with recording, np.errstate(all="ignore"):
        for operation in reversed(order):
            gradient = gradients.get(operation) if operation in kept else gradients.pop(operation, None)
            if gradient is None:
                continue
            if wanted is None and operation.retained is not None:
                _arrive_retained(operation, gradient)
            _carry(operation, gradient, gradients, needed, create_graph)
            if not retain:
                operation.free()
    return gradients


def _carry(
    operation: Operation, gradient: Any, gradients: dict[Target, Any], needed: set[Target] | None, create_graph: bool
) -> None:
    """Send a gradient through every edge of one operation: multiply by the local derivative, add where edges meet."""
    values = operation.values
    stored = _as_variables(operation) if create_graph else (operation.output, *values)  # type: ignore[misc]
    rules, parameters = operation.operator.vjp, operation.parameters
    for index, target in enumerate(operation.targets):
        if target is None or (needed is not None and target not in needed):
            continue
        part = rules[index](gradient, *stored, **parameters)
        shape = values[index].shape  # type: ignore[index]
        if part.shape != shape:
            part = fit(part, shape)
        before = gradients.get(target)
        gradients[target] = part if before is None else before + part


def _as_variables(operation: Operation) -> tuple[Variable, ...]:
    """Return the result and the inputs as Variables, so that what is computed from them is recorded."""
    for x, value in zip(operation.inputs, operation.stored()[1:], strict=True):
        if x._data is not value:
            raise AutogradError(
                f"backward: {x.name or 'a leaf'} was given new data after {operation.name!r} had used it; a gradient "
                "that can be differentiated again (create_graph=True) needs it as it was"
            )
    return (Variable._of(operation.output, operation), *operation.inputs)


def _on_the_way(order: Sequence[Operation], wanted: Sequence[Target]) -> set[Target]:
    """Return the wanted targets and every operation that depends on one of them."""
    needed = set(wanted)
    for operation in order:
        if not needed.isdisjoint(operation.targets):
            needed.add(operation)
    return needed


def _add(gradients: dict[Target, Any], target: Target, part: Any) -> None:
    gradients[target] = gradients[target] + part if target in gradients else part


def arrive(leaf: Variable, gradient: Any) -> None:
    """Add a gradient to what a Variable has already."""
    new = gradient if isinstance(gradient, Variable) else Variable._of(as_array(gradient), None)
    with np.errstate(all="ignore"):
        leaf.grad = new if leaf.grad is None else leaf.grad + new


def _arrive_retained(operation: Operation, gradient: Any) -> None:
    variable = operation.retained() if operation.retained is not None else None
    if variable is not None:
        arrive(variable, gradient)


def require_history(asked: str, output: Variable) -> None:
    """Raise AutogradError if nothing that asks for a gradient led to the output."""
    if not output._requires_grad:
        raise AutogradError(
            f"{asked}: {output.name or 'the output'} depends on nothing that asks for a gradient; give a leaf "
            "requires_grad=True, or look for a no_grad() or detach() on the way"
        )


def seed_for(asked: str, output: Variable, v: Any) -> Variable:
    """Return what the walk starts with: `v`, or 1 for a single number."""
    name, shape = output.name or "the output", shape_text(output.shape)
    if v is None:
        if output._data.size != 1:
            raise AutogradError(
                f"{asked}: {name} has {output.size} elements; give v of shape {shape}, the weight of each, or make it "
                "one number first, as with sum()"
            )
        return Variable(np.ones(output.shape))
    seed = v if isinstance(v, Variable) else Variable(v)
    if seed.shape != output.shape:
        raise AutogradError(f"{asked}: v has shape {shape_text(seed.shape)}, but {name} has {shape}")
    return seed
