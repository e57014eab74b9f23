"""The signs and methods of a Variable: each looks up one operation of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd.sentences import do_not_broadcast
from gradflow.autograd.table import OPERATORS
from gradflow.errors import AutogradError

if TYPE_CHECKING:
    from gradflow.autograd.variable import Variable


class Operands:
    """What can be written with Variables: ``x * w + b``, ``A @ x``, ``x[0]``, ``x.sum(axis=0)``, ``A.T``."""

    __slots__ = ()
    _data: Any
    name: str

    def _changed(self, result: Variable) -> Variable:
        raise NotImplementedError

    def __add__(self, other: Any) -> Variable:
        return OPERATORS["add"](self, other)

    def __radd__(self, other: Any) -> Variable:
        return OPERATORS["add"](other, self)

    def __iadd__(self, other: Any) -> Variable:
        return self._changed(OPERATORS["add"](self, other))

    def __sub__(self, other: Any) -> Variable:
        return OPERATORS["sub"](self, other)

    def __rsub__(self, other: Any) -> Variable:
        return OPERATORS["sub"](other, self)

    def __isub__(self, other: Any) -> Variable:
        return self._changed(OPERATORS["sub"](self, other))

    def __mul__(self, other: Any) -> Variable:
        return OPERATORS["mul"](self, other)

    def __rmul__(self, other: Any) -> Variable:
        return OPERATORS["mul"](other, self)

    def __imul__(self, other: Any) -> Variable:
        return self._changed(OPERATORS["mul"](self, other))

    def __truediv__(self, other: Any) -> Variable:
        return OPERATORS["div"](self, other)

    def __rtruediv__(self, other: Any) -> Variable:
        return OPERATORS["div"](other, self)

    def __itruediv__(self, other: Any) -> Variable:
        return self._changed(OPERATORS["div"](self, other))

    def __pow__(self, other: Any) -> Variable:
        return OPERATORS["pow"](self, other)

    def __rpow__(self, other: Any) -> Variable:
        return OPERATORS["pow"](other, self)

    def __ipow__(self, other: Any) -> Variable:
        return self._changed(OPERATORS["pow"](self, other))

    def __matmul__(self, other: Any) -> Variable:
        return OPERATORS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Variable:
        return OPERATORS["matmul"](other, self)

    def __neg__(self) -> Variable:
        return OPERATORS["neg"](self)

    def __pos__(self) -> Operands:
        return self

    def __abs__(self) -> Variable:
        return OPERATORS["abs"](self)

    def __getitem__(self, index: Any) -> Variable:
        return OPERATORS["index"](self, index=plain_index(index))

    # Comparisons have no gradient: they give plain arrays of True and False.

    def __lt__(self, other: Any) -> NDArray[np.bool_]:
        return _compare(np.less, self, other)

    def __le__(self, other: Any) -> NDArray[np.bool_]:
        return _compare(np.less_equal, self, other)

    def __gt__(self, other: Any) -> NDArray[np.bool_]:
        return _compare(np.greater, self, other)

    def __ge__(self, other: Any) -> NDArray[np.bool_]:
        return _compare(np.greater_equal, self, other)

    def __eq__(self, other: Any) -> NDArray[np.bool_]:  # type: ignore[override]
        return _compare(np.equal, self, other)

    def __ne__(self, other: Any) -> NDArray[np.bool_]:  # type: ignore[override]
        return _compare(np.not_equal, self, other)

    # Methods

    def sum(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Return the sum over all elements, one axis or several."""
        return OPERATORS["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Return the mean over all elements, one axis or several."""
        return OPERATORS["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Return the largest element; if several are, they share its gradient equally."""
        return OPERATORS["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Variable:
        """Return the smallest element; if several are, they share its gradient equally."""
        return OPERATORS["min"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Variable:
        """Return the same elements, row by row, in another shape; one length may be −1."""
        only = shape[0] if len(shape) == 1 else shape
        return OPERATORS["reshape"](self, shape=tuple(only) if hasattr(only, "__len__") else (only,))

    def transpose(self, *axes: int) -> Variable:
        """Return the axes in another order, by default the reverse."""
        return OPERATORS["transpose"](self, axes=axes or None)

    @property
    def T(self) -> Variable:
        """The transpose."""
        return OPERATORS["transpose"](self, axes=None)


def _compare(ufunc: np.ufunc, left: Operands, right: Any) -> NDArray[np.bool_]:
    plain = right._data if isinstance(right, Operands) else right
    try:
        return ufunc(left._data, plain)  # type: ignore[no-any-return]
    except (ValueError, TypeError):
        names, shapes = (left.name, getattr(right, "name", "")), (left._data.shape, np.shape(plain))
        words = do_not_broadcast(shapes, names) or "only numbers can be compared"
        raise AutogradError(f"{ufunc.__name__}: {words}") from None


def plain_index(index: Any) -> Any:
    """Return an index whose Variables are whole-number arrays; anything else stays as it is."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Operands):
        return np.asarray(index._data).astype(np.int64)
    return np.array(index) if isinstance(index, list) else index
