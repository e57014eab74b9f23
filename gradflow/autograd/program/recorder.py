"""The graph while it grows: each node is computed once, counted, and noted with its place in the text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from gradflow.autograd.operation import Operator
from gradflow.autograd.program.limits import Budget
from gradflow.autograd.program.source import Source
from gradflow.autograd.program.trace import Cut, Trace, TraceNode
from gradflow.autograd.recording import is_grad_enabled
from gradflow.autograd.table import OPERATORS
from gradflow.autograd.variable import Variable
from gradflow.errors import AutogradError

_LONGEST_NAME = 40


class Recorder:
    """Computes nodes and keeps them in order."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._budget = Budget()
        self.nodes: list[TraceNode] = []
        self._consumed: set[int] = set()
        # Whether each node would ask for a gradient, were there no no_grad and no detach.
        self._asks: list[bool] = []

    def variable(self, index: int) -> Variable:
        """Return what a node holds."""
        return self.nodes[index].variable

    def leaf(self, node: ast.expr, value: Any, name: str = "", wanted: bool = False) -> int:
        """Add numbers: a leaf if its gradient is wanted, else a constant."""
        text = name or self._source.excerpt(node)
        try:
            variable = Variable(value, requires_grad=wanted, name=_short(text))
            self._budget.add(variable.size)
        except AutogradError as error:
            raise self._source.error(node, str(error).removeprefix("Variable: ")) from None
        return self._add(node, "leaf" if wanted else "constant", name or text, (), variable, name=name)

    def operation(
        self, node: ast.expr, name: str, inputs: Sequence[int], reads: Sequence[int] = (),
        comparison: Callable[..., Any] | None = None, **parameters: Any,
    ) -> int:  # fmt: skip
        """Compute an operation of earlier nodes and add it; raises ProgramError for what cannot be computed."""
        operator = OPERATORS[name]
        assert isinstance(operator, Operator)
        variables = [self.variable(index) for index in inputs]
        try:
            self._budget.compute(operator, [x.shape for x in variables], parameters)
            result = operator(*variables, **parameters)
        except AutogradError as error:
            raise self._source.error(node, str(error)) from None
        cut: Cut = "no_grad" if any(self._asks[index] for index in inputs) and not is_grad_enabled() else ""
        return self._add(
            node, name, operator.symbol, inputs, result, cut=cut, reads=reads, parameters=parameters,
            comparison=comparison,
        )  # fmt: skip

    def compare(self, node: ast.expr, comparison: Callable[..., Any], reads: Sequence[int]) -> Any:
        """Return where a comparison of two nodes holds, as a plain array: it is a setting and no node."""
        left, right = (self.variable(index) for index in reads)
        try:
            self._budget.check((left.shape, right.shape))
            return comparison(left, right)
        except AutogradError as error:
            raise self._source.error(node, str(error)) from None

    def detach(self, node: ast.expr, index: int) -> int:
        """Add the same numbers, cut off from what computed them."""
        return self._add(node, "detach", "detach", (index,), self.variable(index).detach(), cut="detach")

    def _add(
        self, node: ast.expr, operation: str, symbol: str, inputs: Sequence[int], variable: Variable, *,
        name: str = "", cut: Cut = "", reads: Sequence[int] = (),
        parameters: Mapping[str, Any] = MappingProxyType({}), comparison: Callable[..., Any] | None = None,
    ) -> int:  # fmt: skip
        text = self._source.excerpt(node)
        if not name:
            variable.name = _short(text)
        line, column, end = self._source.place(node)
        index = len(self.nodes)
        self.nodes.append(
            TraceNode(
                index, operation, symbol, name, text, line, column, end, tuple(inputs), variable, cut, tuple(reads),
                parameters, comparison,
            )
        )  # fmt: skip
        self._asks.append(any(self._asks[i] for i in inputs) if inputs else variable.requires_grad)
        self._consumed.update(inputs, reads)
        return index

    def call(self, index: int, name: str) -> None:
        """Give a node that has none yet the name it is assigned to."""
        if not self.nodes[index].name:
            self.nodes[index].variable.name = name
            self.nodes[index] = replace(self.nodes[index], name=name)

    def trace(self, inputs: Sequence[str], names: Mapping[str, int], asked: int | None) -> Trace:
        """Return the finished graph; `asked` is the node of a last line without a name."""
        sinks = [node.index for node in reversed(self.nodes) if node.index not in self._consumed]
        outputs = tuple(dict.fromkeys([*([] if asked is None else [asked]), *sinks]))
        return Trace(
            text=self._source.text,
            nodes=tuple(self.nodes),
            inputs=tuple(inputs),
            names=MappingProxyType(dict(names)),
            outputs=outputs,
        )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
