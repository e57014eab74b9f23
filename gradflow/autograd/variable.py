"""A number, vector or matrix that remembers how it was computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd.arrays import Array, Shape, as_array, shape_text
from gradflow.autograd.operands import Operands
from gradflow.autograd.recording import is_grad_enabled
from gradflow.autograd.table import OPERATORS
from gradflow.errors import AutogradError

if TYPE_CHECKING:
    from gradflow.autograd.operation import Operation


@final
class Variable(Operands):
    """An array of float64 with a gradient, by the names and rules of `torch.Tensor`.

    A leaf is made by hand, and `requires_grad=True` asks for its gradient; everything computed from such a leaf is
    recorded, and `backward` walks the record and adds to the leaf's `grad`. `name` appears in error messages. The
    numbers cannot be written into, because what was recorded counts on them; a leaf's `data` can be replaced.
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_requires_grad", "grad_fn", "name")

    def __init__(self, data: Any, requires_grad: bool = False, name: str = "") -> None:
        self._data: Array = as_array(data._data if isinstance(data, Variable) else data)
        self._requires_grad = bool(requires_grad)
        self.grad_fn: Operation | None = None
        """The operation that computed this, None for a leaf."""
        self._grad: Variable | None = None
        self.name = name

    @classmethod
    def _of(cls, data: Array, operation: Operation | None) -> Variable:
        """Return a result; this is the short way in, for arrays that are float64 and read-only already."""
        made = cls.__new__(cls)
        made._data = data
        made._requires_grad = operation is not None
        made.grad_fn = operation
        made._grad = None
        made.name = ""
        return made

    # What it is

    @property
    def data(self) -> Array:
        """The numbers, read-only; a single number is `np.float64`. A leaf may be given new ones of the same shape."""
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        if self.grad_fn is not None:
            raise AutogradError(
                f"data: {self} was computed by {self.grad_fn.name!r}, and its gradient needs the numbers it has; "
                "compute a new Variable, or start from detach()"
            )
        new = as_array(data._data if isinstance(data, Variable) else data)
        if new.shape != self._data.shape:
            have, given = shape_text(self.shape), shape_text(new.shape)
            raise AutogradError(f"data: a leaf keeps its shape; {self.name or 'it'} has {have} and was given {given}")
        self._data = new

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted: said by hand for a leaf, inherited by everything computed from it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.grad_fn is not None and not wanted:
            raise AutogradError("requires_grad: only a leaf can be told not to ask for a gradient; use detach()")
        self._requires_grad = bool(wanted)

    @property
    def grad(self) -> Variable | None:
        """The gradient that `backward` has added up here, None before the first; one of the same shape can be given."""
        return self._grad

    @grad.setter
    def grad(self, gradient: Any) -> None:
        new = gradient if gradient is None or isinstance(gradient, Variable) else Variable(gradient)
        if new is not None and new.shape != self.shape:
            have, given = shape_text(self.shape), shape_text(new.shape)
            raise AutogradError(f"grad: a gradient has the shape of {self.name or 'its leaf'}, {have}, not {given}")
        self._grad = new

    @property
    def is_leaf(self) -> bool:
        """Whether this was made by hand, or computed where nothing was recorded."""
        return self.grad_fn is None

    @property
    def shape(self) -> Shape:
        """The length of every axis, () for a single number."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self._data.size

    def item(self) -> float:
        """Return the number of a Variable that holds only one."""
        if self._data.size != 1:
            raise AutogradError(f"item: only one element makes a number, and the shape is {shape_text(self.shape)}")
        return float(self._data.item())

    def numpy(self) -> NDArray[np.float64]:
        """Return the numbers as a read-only array, also of what asks for a gradient: nothing can be spoilt."""
        return frozen_view(self._data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._data, dtype=dtype) if copy else np.asarray(self._data, dtype=dtype)

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self._data), separator=", ", threshold=20)
        parts = [values if self.ndim else repr(float(self._data))]
        parts += [f"name={self.name!r}"] if self.name else []
        if self.grad_fn is not None:
            parts.append(f"grad_fn={self.grad_fn!r}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"Variable({', '.join(parts)})"

    # Gradients

    def backward(self, v: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add ∂(v·self)/∂leaf to the `grad` of every leaf that asks for it.

        `v` weights the elements and has their shape; a single number needs none. The record is freed on the way
        unless `retain_graph`; `create_graph` makes gradients that can be differentiated again, and retains.
        """
        from gradflow.autograd.backward import backward

        backward(self, v, retain_graph=retain_graph, create_graph=create_graph)

    def zero_grad(self) -> None:
        """Forget the gradient, so that the next one is not added to it."""
        self.grad = None

    def retain_grad(self) -> None:
        """Let `backward` leave its gradient here too, although this is not a leaf."""
        if not self._requires_grad:
            raise AutogradError("retain_grad: no gradient passes here; nothing in it has requires_grad=True")
        if self.grad_fn is not None:
            self.grad_fn.retain(self)

    def detach(self) -> Variable:
        """Return the same numbers, cut off from their history: no gradient passes."""
        made = Variable._of(self._data, None)
        made.name = self.name
        return made

    # Changes in place

    def _changed(self, result: Variable) -> Variable:
        """Return what ``x += …`` leaves in x: a new Variable, or the same leaf with new numbers in `no_grad`."""
        if not self._requires_grad:
            return result
        if is_grad_enabled() and self.is_leaf:
            raise AutogradError(
                f"{self.name or 'a leaf'} asks for a gradient and cannot be changed in place while operations are "
                "recorded; update it inside `with no_grad():`"
            )
        if not is_grad_enabled():
            self.data = result._data
            return self
        return result

    def __setitem__(self, index: Any, value: Any) -> None:
        raise AutogradError(
            "an element cannot be assigned: what was recorded needs the numbers as they are; build the new array with "
            "where, concatenate or stack"
        )

    # As a container and as a number

    def __len__(self) -> int:
        if not self.ndim:
            raise AutogradError("len: a single number has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Variable]:
        return iter([self[row] for row in range(len(self))])

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        try:
            return int(self.item())
        except (OverflowError, ValueError):
            raise AutogradError(f"int: {self.item()} is no whole number") from None

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if form else str(self)

    __hash__ = object.__hash__

    # NumPy's functions and an array on the left come here

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> Any:
        if method == "__call__" and not named:
            if ufunc.__name__ in COMPARISONS:
                return ufunc(*[x._data if isinstance(x, Variable) else x for x in inputs])
            if ufunc.__name__ in UFUNCS:
                return OPERATORS[UFUNCS[ufunc.__name__]](*inputs)
        raise AutogradError(
            f"np.{ufunc.__name__}: is not recorded; use a function of gradflow.autograd, or np.{ufunc.__name__}(x.data)"
        )

    def __array_function__(self, function: Any, types: Any, inputs: Any, named: Any) -> Any:
        if function.__name__ in QUESTIONS:
            return function(*[x._data if isinstance(x, Variable) else x for x in inputs], **named)
        name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
        raise AutogradError(f"{name}: is not recorded; use a function of gradflow.autograd, or {name}(x.data)")


COMPARISONS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}

QUESTIONS = {"shape", "ndim", "size", "allclose", "isclose", "array_equal", "zeros_like", "ones_like"}
"""NumPy's functions whose answer has no gradient."""

UFUNCS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "power": "pow", "negative": "neg",
    "matmul": "matmul", "exp": "exp", "log": "log", "sqrt": "sqrt", "absolute": "abs", "sin": "sin", "cos": "cos",
    "tanh": "tanh", "maximum": "maximum", "minimum": "minimum",
}  # fmt: skip
"""NumPy's names of what the table calls something else, or the same."""


def frozen_view(array: Array) -> Array:
    """Return a read-only array with an axis count of its own, of a number too."""
    view = np.asarray(array)
    view.setflags(write=False)
    return view
