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

from gradflow.autograd.arrays import Array, Shape, as_array, frozen, shape_text
from gradflow.autograd.broadcasting import fit
from gradflow.autograd.local import local_jacobian
from gradflow.autograd.recording import is_grad_enabled
from gradflow.autograd.table import OPERATORS
from gradflow.autograd.variable import Variable
from gradflow.errors import AutogradError

Rule: TypeAlias = Callable[..., Any]
"""rule(g, y, *inputs, **parameters): g carried through one edge; y is the operation's result."""

Count: TypeAlias = Callable[..., int]
"""count(result shape, *input shapes): how many multiplications (a division is one)."""

Formula: TypeAlias = str | Callable[[str, str], str]
"""A local derivative with {a}, {b} for the inputs, {x} for the one it is by, {y} for the result; or made of a and b."""

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


@dataclass(frozen=True)
class Kink:
    """Where an operation's slope jumps, or is not there: between two points on different sides it is no derivative.

    `words` name the place, with {a}, {b} for the inputs and {y} for the result; `sides(y, *inputs, **parameters)` says
    on which side of it everything lies.
    """

    words: str
    sides: Callable[..., Any]


@dataclass(frozen=True, eq=False, repr=False)
class Operator:
    """One entry of the table: how to compute an operation, and how a change and a gradient pass through it.

    `vjp[i]` takes g = ∂L/∂y to ∂L/∂input i, before axes that were broadcast are summed. `jvp[i]` takes the tangent of
    input i to its share of y's tangent. `formulas[i]` is that local derivative in words of the field. `size` predicts
    how many elements the result has, before it is computed; `work` and `carry[i]` count the multiplications of
    computing it and of carrying a vector through one edge, which forwards and backwards costs the same.
    """

    name: str
    symbol: str
    forward: Callable[..., Any]
    vjp: Sequence[Rule]
    jvp: Sequence[Rule]
    formulas: Sequence[Formula]
    work: Count
    carry: Sequence[Count]
    size: Count
    complain: Callable[..., str] | None = None
    kink: Kink | None = None
    elementwise: bool = False
    """Whether entry k of the result depends on entry k of each (broadcast) input alone."""
    bilinear: bool = False
    """Whether the result is a sum of products of one entry of each of two inputs."""

    def __post_init__(self) -> None:
        if self.name in OPERATORS:
            raise ValueError(f"operation {self.name!r} stands in the table twice")
        OPERATORS[self.name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __call__(self, *inputs: Any, **parameters: Any) -> Any:
        """Compute; and record, if one of the inputs is a Variable that asks for a gradient."""
        if Variable not in map(type, inputs):
            return self.compute([x if _is_plain(x) else as_array(x) for x in inputs], parameters)
        variables = tuple([x if isinstance(x, Variable) else Variable(x) for x in inputs])
        values = tuple([x._data for x in variables])
        output = self.compute(values, parameters, variables)
        operation = None
        if True in [x._requires_grad for x in variables] and is_grad_enabled():
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


def _is_plain(x: Any) -> bool:
    """Return whether the rules can compute with this as it is."""
    return isinstance(x, np.ndarray) and x.dtype == np.float64


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

    def formula(self, index: int, inputs: Sequence[str] = (), result: str = "y") -> str:
        """Return the local derivative by input `index` in these names, such as "∂(a·b)/∂a = b"."""
        letters = inputs or [*"ab", *("x" for _ in self.inputs[2:])]
        a, b = (*letters[:2], "")[:2]
        words = self.operator.formulas[index]
        return words.format(a=a, b=b, x=letters[index], y=result) if isinstance(words, str) else words(a, b)

    def vjp(self, index: int, gradient: Any) -> Array:
        """Return the gradient by input `index` for the gradient by the result: the edge, walked backwards."""
        stored = self.stored()
        given = self._of_shape("gradient", gradient, self.output.shape)
        with np.errstate(all="ignore"):
            part = fit(self.operator.vjp[index](given, *stored, **self.parameters), stored[index + 1].shape)
        return as_array(part)

    def jvp(self, index: int, tangent: Any) -> Array:
        """Return the change of the result for a change of input `index`: the edge, walked forwards."""
        stored = self.stored()
        given = self._of_shape("tangent", tangent, stored[index + 1].shape)
        with np.errstate(all="ignore"):
            part = self.operator.jvp[index](given, *stored, **self.parameters)
        return as_array(np.broadcast_to(part, self.output.shape))

    def _of_shape(self, what: str, given: Any, shape: Shape) -> Array:
        array = as_array(given)
        if array.shape != shape:
            have, wanted = shape_text(array.shape), shape_text(shape)
            raise AutogradError(f"{self.name}: the {what} has shape {have}, and {wanted} is carried here")
        return array

    def local(self, index: int) -> Array:
        """Return the Jacobian ∂output/∂input, (size of the output, size of the input), both flattened by rows.

        Raises AutogradError if it would have more than `LARGEST_LOCAL` entries.
        """
        return local_jacobian(self, index)

    @property
    def multiplications(self) -> int:
        """How many multiplications it took to compute the result."""
        return self.operator.work(self.output.shape, *self._shapes())

    def carry_multiplications(self, index: int) -> int:
        """Return how many multiplications it takes to carry a vector through one edge, in either direction."""
        return self.operator.carry[index](self.output.shape, *self._shapes())

    def _shapes(self) -> list[Shape]:
        return [value.shape for value in self.stored()[1:]]
