"""Derivatives asked for by name: `grad`, `vjp`, `jvp`, `jacobian`, `hessian`, as in `torch.autograd`.

What is differentiated is either a Variable, through the record of how it was computed, or a function of the inputs,
which is then called once, with copies that ask for gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from gradflow.autograd.arrays import shape_text
from gradflow.autograd.backward import require_history, seed_for, target_of, walk
from gradflow.autograd.forward import push
from gradflow.autograd.recording import enable_grad
from gradflow.autograd.table import OPERATORS
from gradflow.autograd.variable import Variable
from gradflow.errors import AutogradError

LARGEST_JACOBIAN = 25_000_000
"""The most entries a Jacobian is written out with."""

Inputs: TypeAlias = Variable | Sequence[Variable]
Of: TypeAlias = Variable | Callable[..., Variable]
"""What is differentiated: a recorded Variable, or a function of the inputs."""


def grad(
    outputs: Inputs,
    inputs: Inputs,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Variable | None, ...]:
    """Return ∂(Σ grad_outputs·outputs)/∂input for each input, and leave every `grad` alone.

    An input need not be a leaf. One that the outputs do not depend on is an error, or None with `allow_unused`.
    """
    ends, starts = _variables("grad", "output", outputs), _asking("grad", inputs)
    alone = isinstance(outputs, Variable)
    weights = [grad_outputs] if alone else [None] * len(ends) if grad_outputs is None else list(grad_outputs)
    if len(weights) != len(ends):
        raise AutogradError(f"grad: {len(ends)} outputs need as many grad_outputs, and {len(weights)} were given")
    seeds = [seed_for("grad", output, v) for output, v in zip(ends, weights, strict=True)]
    for output in ends:
        require_history("grad", output)
    retain = create_graph if retain_graph is None else retain_graph
    found = walk(ends, seeds, [target_of(x) for x in starts], create_graph, retain)
    result = [_as_variable(found[target_of(x)]) if target_of(x) in found else None for x in starts]
    for number, (x, gradient) in enumerate(zip(starts, result, strict=True)):
        if gradient is None and not allow_unused:
            raise AutogradError(
                f"grad: the output does not depend on {_called(x, number)}; with allow_unused=True its gradient is None"
            )
    return tuple(result)


def vjp(of: Of, inputs: Inputs, v: Any = None, create_graph: bool = False) -> tuple[Variable, Any]:
    """Return the output and vᵀJ, the vector-Jacobian product: one walk backwards, whatever the number of inputs."""
    output, starts = _recorded("vjp", of, inputs, create_graph)
    parts = _rows("vjp", output, starts, seed_for("vjp", output, v), create_graph)
    return output, parts[0] if isinstance(inputs, Variable) else tuple(parts)


def jvp(of: Of, inputs: Inputs, v: Any = None, create_graph: bool = False) -> tuple[Variable, Variable]:
    """Return the output and J·v, the Jacobian-vector product: one walk forwards, whatever the number of outputs.

    This is forward mode: the changes `v` of the inputs, of their shapes, are pushed through the recorded operations in
    the order in which they were computed.
    """
    output, starts = _recorded("jvp", of, inputs, create_graph)
    given = [v] if isinstance(inputs, Variable) else [None] * len(starts) if v is None else list(v)
    if len(given) != len(starts):
        raise AutogradError(f"jvp: {len(starts)} inputs need as many directions, and v has {len(given)}")
    tangents = [_direction(x, one, number) for number, (x, one) in enumerate(zip(starts, given, strict=True))]
    return output, _as_variable(push([output], starts, tangents, create_graph)[0])


def jacobian(of: Of, inputs: Inputs, create_graph: bool = False) -> Any:
    """Return ∂output/∂input with the output's axes first, one array per input if a sequence of inputs is given.

    It is made row by row, with one walk backwards per element of the output.
    """
    output, starts = _recorded("jacobian", of, inputs, create_graph)
    parts = _jacobians("jacobian", output, starts, create_graph)
    return parts[0] if isinstance(inputs, Variable) else tuple(parts)


def hessian(of: Of, inputs: Inputs, create_graph: bool = False) -> Any:
    """Return the second derivatives of a single number: the Jacobian of its gradient.

    For a sequence of inputs, ``[i][j]`` is the block of input i and input j.
    """
    output, starts = _recorded("hessian", of, inputs, create_graph)
    if output.size != 1:
        raise AutogradError(f"hessian: only a single number has one, and the output is {shape_text(output.shape)}")
    gradients = _rows("hessian", output, starts, seed_for("hessian", output, None), True)
    blocks = [tuple(_jacobians("hessian", gradient, starts, create_graph)) for gradient in gradients]
    return blocks[0][0] if isinstance(inputs, Variable) else tuple(blocks)


# What they share


def _listed(variables: Inputs) -> list[Variable]:
    return [variables] if isinstance(variables, Variable) else list(variables)


def _called(x: Variable, number: int) -> str:
    return x.name or f"input {number}"


def _variables(asked: str, what: str, given: Any) -> list[Variable]:
    if not isinstance(given, Variable | Sequence) or isinstance(given, str):
        raise AutogradError(f"{asked}: the {what} has to be a Variable or a list of them, not {type(given).__name__}")
    for number, x in enumerate(listed := _listed(given)):
        if not isinstance(x, Variable):
            raise AutogradError(f"{asked}: {what} {number} is not a Variable")
    return listed


def _asking(asked: str, given: Any) -> list[Variable]:
    inputs = _variables(asked, "input", given)
    for number, x in enumerate(inputs):
        if not x.requires_grad:
            raise AutogradError(f"{asked}: {_called(x, number)} does not ask for a gradient (requires_grad=True)")
    return inputs


def _recorded(asked: str, of: Of, inputs: Inputs, create_graph: bool) -> tuple[Variable, list[Variable]]:
    """Return the output and the inputs its record leads back to."""
    if isinstance(of, Variable):
        return of, _asking(asked, inputs)
    starts = [_fresh(x, create_graph) for x in _listed(inputs)]
    with enable_grad():
        output = of(*starts)
    if not isinstance(output, Variable):
        raise AutogradError(f"{asked}: the function must return one Variable, not {type(output).__name__}")
    return output, starts


def _fresh(x: Any, create_graph: bool) -> Variable:
    """Return a copy to differentiate by; with `create_graph` it keeps its own history, to be differentiated again."""
    if create_graph and isinstance(x, Variable) and x.requires_grad:
        with enable_grad():
            return OPERATORS["reshape"](x, shape=x.shape)
    return Variable(x, requires_grad=True, name=getattr(x, "name", ""))


def _as_variable(gradient: Any) -> Variable:
    return gradient if isinstance(gradient, Variable) else Variable(gradient)


def _rows(asked: str, output: Variable, starts: list[Variable], seed: Variable, create_graph: bool) -> list[Variable]:
    """Return one walk's gradient for every input, zeros where the output does not depend on it."""
    if not output.requires_grad:
        return [Variable(np.zeros(x.shape)) for x in starts]
    found = walk([output], [seed], [target_of(x) for x in starts], create_graph, retain=True)
    return [_as_variable(found.get(target_of(x), np.zeros(x.shape))) for x in starts]


def _jacobians(asked: str, output: Variable, starts: list[Variable], create_graph: bool) -> list[Variable]:
    for number, x in enumerate(starts):
        if output.size * x.size > LARGEST_JACOBIAN:
            entries = f"{output.size:,} × {x.size:,} entries"
            raise AutogradError(f"{asked}: by {_called(x, number)} it has {entries}, too many; vjp and jvp need few")
    rows: list[list[Variable]] = []
    for element in range(output.size):
        seed = np.zeros(output.size)
        seed[element] = 1.0
        rows.append(_rows(asked, output, starts, Variable(seed.reshape(output.shape)), create_graph))
    shapes = [(*output.shape, *x.shape) for x in starts]
    if not rows:
        return [Variable(np.zeros(shape)) for shape in shapes]
    with enable_grad():
        stacked = [OPERATORS["stack"](*parts, axis=0) for parts in zip(*rows, strict=True)]
        return [OPERATORS["reshape"](part, shape=shape) for part, shape in zip(stacked, shapes, strict=True)]


def _direction(x: Variable, v: Any, number: int) -> Variable:
    if v is None:
        if prod(x.shape) != 1:
            raise AutogradError(
                f"jvp: {_called(x, number)} has {x.size} elements; give v, its change, of shape {shape_text(x.shape)}"
            )
        return Variable(np.ones(x.shape))
    direction = v if isinstance(v, Variable) else Variable(v)
    if direction.shape != x.shape:
        have, given = shape_text(x.shape), shape_text(direction.shape)
        raise AutogradError(f"jvp: v has shape {given}, but {_called(x, number)} has {have}")
    return direction
