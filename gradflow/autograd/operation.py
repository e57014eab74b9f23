"""What is recorded: an `Operator` is one entry of the table of operations, an `Operation` one use of it.

An operator is a function. On Variables it computes and records; on plain arrays it only computes. The rules that
differentiate it are written once, with operators: on arrays they give a gradient, and on Variables a gradient that
can be differentiated again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias, TypeVar
from weakref import ref

import numpy as np

from gradflow.autograd.arrays import Array, Shape, frozen, shape_text
from gradflow.autograd.recording import is_grad_enabled
from gradflow.autograd.table import OPERATORS
from gradflow.autograd.variable import Variable
from gradflow.errors import AutogradError

Rule: TypeAlias = Callable[..., Any]
"""rule(g, y, *inputs, **parameters): g carried through one edge; y is the operation's result."""

Count: TypeAlias = Callable[..., int]
"""count(result shape, *input shapes): how many multiplications (a division is one)."""

T = TypeVar("T")

_serial = count()


class Every(Sequence[T]):
    """One entry for every input of an operator that takes any number of them."""

    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make

    def __getitem__(self, index: Any) -> Any:
        return self._make(index)

    def __len__(self) -> int:
        return sys.maxsize


@dataclass(frozen=True, eq=False, repr=False)
class Operator:
    """One entry of the table: how to compute an operation, and how a change and a gradient pass through it.

    `vjp[i]` takes g = ∂L/∂y to ∂L/∂input i, before axes that were broadcast are summed. `jvp[i]` takes the tangent of
    input i to its share of y's tangent. `formulas[i]` is that local derivative in words of the field, with a, b for
    the inputs and y for the result. `size` predicts how many elements the result has, before it is computed;
    `work` and `carry[i]` count the multiplications of computing it and of carrying a vector through one edge, which
    forwards and backwards costs the same.
    """

    name: str
    symbol: str
    forward: Callable[..., Any]
    vjp: Sequence[Rule]
    jvp: Sequence[Rule]
    formulas: Sequence[str]
    work: Count
    carry: Sequence[Count]
    size: Count
    complain: Callable[..., str] | None = None
    elementwise: bool = False
    """Whether entry k of the result depends on entry k of each (broadcast) input alone."""

    def __post_init__(self) -> None:
        if self.name in OPERATORS:
            raise ValueError(f"operation {self.name!r} stands in the table twice")
        OPERATORS[self.name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __call__(self, *inputs: Any, **parameters: Any) -> Any:
        """Compute; and record, if one of the inputs is a Variable that asks for a gradient."""
        if not any(isinstance(x, Variable) for x in inputs):
            return self.compute(inputs, parameters)
        variables = tuple([x if isinstance(x, Variable) else Variable(x) for x in inputs])
        values = tuple([x._data for x in variables])
        output = self.compute(values, parameters, variables)
        operation = None
        if is_grad_enabled() and any(x._requires_grad for x in variables):
            operation = Operation(self, variables, values, output, parameters)
        return Variable._of(output, operation)

    def compute(self, values: Sequence[Any], parameters: dict[str, Any], variables: Sequence[Any] = ()) -> Any:
        """Return the read-only result; infinities and NaN are values here, neither warnings nor errors."""
        try:
            with np.errstate(all="ignore"):
                output = self.forward(*values, **parameters)
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            names = [getattr(x, "name", "") for x in variables] or [""] * len(values)
            raise AutogradError(f"{self.name}: {self._complaint(names, values, parameters, error)}") from None
        except MemoryError:
            raise AutogradError(f"{self.name}: the result does not fit into memory") from None
        return output if output.__class__ is np.float64 else frozen(output)

    def _complaint(self, names: list[str], values: Sequence[Any], parameters: dict[str, Any], error: Exception) -> str:
        shapes = [np.shape(value) for value in values]
        words = self.complain(shapes, names, **parameters) if self.complain else ""
        given = ", ".join(f"{name} {shape_text(shape)}".strip() for name, shape in zip(names, shapes, strict=True))
        return words or f"{error} (given {given})"


class Operation:
    """One recorded use of an operator: a node of the graph, with edges to its inputs.

    `inputs` are the Variables it was given, `values` and `output` the arrays as they were then, `parameters` such as
    the axis of a sum. `serial` grows from operation to operation, so that sorting by it is a topological order.
    """

    __slots__ = ("__weakref__", "inputs", "operator", "output", "parameters", "retained", "serial", "targets", "values")

    def __init__(
        self,
        operator: Operator,
        inputs: tuple[Variable, ...],
        values: tuple[Array, ...],
        output: Array,
        parameters: dict[str, Any],
    ) -> None:
        self.operator = operator
        self.inputs = inputs
        self.values: tuple[Array, ...] | None = values
        self.output = output
        self.parameters = parameters
        self.serial = next(_serial)
        # Where gradients go: on to the operation that made an input, or to the leaf itself, or nowhere.
        self.targets = tuple([(x.grad_fn or x) if x._requires_grad else None for x in inputs])
        self.retained: ref[Variable] | None = None

    def __repr__(self) -> str:
        return f"<{self.name} (freed)>" if self.freed else f"<{self.name}>"

    @property
    def name(self) -> str:
        """The operator's name, "mul"."""
        return self.operator.name

    @property
    def symbol(self) -> str:
        """The operator's sign on a drawing, "·"."""
        return self.operator.symbol

    @property
    def freed(self) -> bool:
        """Whether a backward walk has been here and has let go of what was stored."""
        return self.values is None

    def retain(self, result: Variable) -> None:
        """Let `backward` leave its gradient at the result too, for as long as somebody holds the result."""
        self.retained = ref(result)

    def free(self) -> None:
        """Let go of values, inputs and the way to them."""
        self.values, self.inputs, self.targets = None, (), ()

    def stored(self) -> tuple[Array, ...]:
        """Return the recorded result and inputs, as rules take them; raises AutogradError if they were freed."""
        if self.values is None:
            raise AutogradError(
                f"backward: a second walk through {self.name!r}, whose numbers the first one freed; call the first "
                "one with retain_graph=True, or compute the value again"
            )
        return (self.output, *self.values)

    def formula(self, index: int) -> str:
        """Return the local derivative by input `index` in letters, such as "∂(a·b)/∂a = b"."""
        return self.operator.formulas[index]

    def vjp(self, index: int, gradient: Any) -> Array:
        """Return the gradient by input `index` for the gradient by the result: the edge, walked backwards."""
        stored = self.stored()
        with np.errstate(all="ignore"):
            part = self.operator.vjp[index](gradient, *stored, **self.parameters)
        return frozen(np.asarray(fit(part, stored[index + 1].shape)))

    def jvp(self, index: int, tangent: Any) -> Array:
        """Return the change of the result for a change of input `index`: the edge, walked forwards."""
        stored = self.stored()
        with np.errstate(all="ignore"):
            part = self.operator.jvp[index](tangent, *stored, **self.parameters)
        return frozen(np.array(np.broadcast_to(part, self.output.shape)))

    def local(self, index: int) -> Array:
        """Return the Jacobian ∂output/∂input, (size of the output, size of the input), both flattened by rows."""
        stored = self.stored()
        shape, size = stored[index + 1].shape, stored[index + 1].size
        jacobian = np.zeros((self.output.size, size))
        if self.operator.elementwise:
            # By unit vectors, 0·∞ would put NaN where nothing depends on anything.
            with np.errstate(all="ignore"):
                slopes = self.operator.vjp[index](np.ones(self.output.shape), *stored, **self.parameters)
            sources = np.broadcast_to(np.arange(size).reshape(shape), self.output.shape)
            jacobian[np.arange(self.output.size), sources.ravel()] = np.broadcast_to(slopes, self.output.shape).ravel()
        else:
            for column in range(size):
                direction = np.zeros(size)
                direction[column] = 1.0
                jacobian[:, column] = np.ravel(self.jvp(index, direction.reshape(shape)[()]))
        return frozen(jacobian)

    @property
    def multiplications(self) -> int:
        """How many multiplications it took to compute the result."""
        return self.operator.work(self.output.shape, *self._shapes())

    def carry_multiplications(self, index: int) -> int:
        """Return how many multiplications it takes to carry a vector through one edge, in either direction."""
        return self.operator.carry[index](self.output.shape, *self._shapes())

    def _shapes(self) -> list[Shape]:
        return [value.shape for value in self.stored()[1:]]


def fit(gradient: Any, shape: Shape) -> Any:
    """Return the gradient by an input of this shape: what was broadcast forwards is summed backwards."""
    if gradient.shape == shape:
        return gradient
    extra = len(gradient.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[extra + axis] != 1
    )
    return OPERATORS["reshape"](OPERATORS["sum"](gradient, axis=axes, keepdims=False), shape=shape)
