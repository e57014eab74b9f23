"""Statements and formulas, walked by our own code: what is not on the list is refused, and nothing is ever evaluated
by Python itself.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from gradflow.autograd.program.calls import read_index, read_settings
from gradflow.autograd.program.functions import FUNCTIONS, SPECIAL, WORDS
from gradflow.autograd.program.names import Names
from gradflow.autograd.program.recorder import Recorder
from gradflow.autograd.program.refusals import attribute_refusal, constant_refusal, no_function, refusal
from gradflow.autograd.program.source import Source
from gradflow.autograd.program.trace import Trace
from gradflow.autograd.recording import no_grad
from gradflow.autograd.table import OPERATORS

Operand: TypeAlias = "int | np.float64 | np.ndarray[Any, Any]"
"""A node, by its index; or numbers that are written out and no node yet."""

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.MatMult: "matmul",
}

COMPARISONS: dict[type[ast.cmpop], Any] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Interpreter:
    """Runs one program."""

    def __init__(self, source: Source, inputs: Mapping[str, Any]) -> None:
        self._source = source
        self._given = inputs
        self._recorder = Recorder(source)
        self._names: dict[str, int] = {}
        self._spelling = Names()
        self._inputs: list[str] = []
        self._asked: int | None = None

    def run(self) -> Trace:
        """Return the trace; raises ProgramError."""
        for statement in self._source.body:
            self._statement(statement, last=statement is self._source.body[-1])
        return self._recorder.trace(self._inputs, self._names, self._asked)

    # Statements

    def _statement(self, node: ast.stmt, last: bool) -> None:
        if isinstance(node, ast.Assign):
            self._assign(node)
        elif isinstance(node, ast.With):
            self._no_grad(node, last)
        elif isinstance(node, ast.AugAssign):
            sign = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/"}.get(type(node.op).__name__, "**")
            name = self._source.excerpt(node.target)
            reason = (
                f"nothing is changed in place, because the record needs it as it was; write {name} = {name} {sign} …"
            )
            raise self._source.error(node, reason)
        elif isinstance(node, ast.Expr):
            if type(node.value) not in FORMULAS:
                raise self._refused(node.value)
            if not last:
                raise self._source.error(node, "only the last line can stand without a name; write z = … here")
            self._asked = self._node(node.value, self._formula(node.value))
        else:
            raise self._refused(node)

    def _assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if len(node.targets) > 1 or isinstance(target, ast.Tuple | ast.List | ast.Starred):
            raise self._source.error(node, "one name is assigned at a time, as in z = x*y")
        if isinstance(target, ast.Subscript):
            raise self._source.error(target, "an element cannot be assigned; write the whole vector, as in [x1, x2]")
        if not isinstance(target, ast.Name):
            raise self._refused(target)
        name = self._plain_name(target)
        if name in WORDS:
            raise self._source.error(target, f"{name} is a function; choose another name")
        value = self._formula(node.value)
        if isinstance(value, int):
            self._recorder.call(value, name)
            self._names[name] = value
        else:
            self._names[name] = self._recorder.leaf(node.value, value, name, wanted=True)

    def _no_grad(self, node: ast.With, last: bool) -> None:
        item = node.items[0]
        call = item.context_expr
        if isinstance(call, ast.Call) and not call.args and not call.keywords:
            call = call.func
        if isinstance(call, ast.Attribute):
            raise self._refused(call)
        if len(node.items) > 1 or item.optional_vars or not (isinstance(call, ast.Name) and call.id == "no_grad"):
            raise self._source.error(item.context_expr, "after with, only no_grad() is known: `with no_grad():`")
        with no_grad():
            for statement in node.body:
                self._statement(statement, last and statement is node.body[-1])

    # Formulas

    def _formula(self, node: ast.expr) -> Operand:
        walk = FORMULAS.get(type(node))
        if walk is None:
            raise self._refused(node)
        return walk(self, node)  # type: ignore[no-any-return]

    def _node(self, node: ast.expr, operand: Operand) -> int:
        """Return the node of an operand; numbers become a constant."""
        return operand if isinstance(operand, int) else self._recorder.leaf(node, operand)

    def _constant(self, node: ast.Constant) -> Operand:
        value = node.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._source.error(node, constant_refusal(value))
        try:
            number = np.float64(value)
        except OverflowError:
            number = np.float64(np.inf)
        if np.isinf(number):
            raise self._source.error(node, "this number is larger than double precision can hold, 1.8e308")
        return number

    def _name(self, node: ast.Name) -> Operand:
        name = self._plain_name(node)
        if name in WORDS:
            written = SPECIAL[name] if name in SPECIAL else FUNCTIONS[name].signature(name)
            raise self._source.error(node, f"{name} is a function; write {written}")
        if name not in self._names:
            self._names[name] = self._recorder.leaf(node, self._given.get(name, 1.0), name, wanted=True)
            self._inputs.append(name)
        return self._names[name]

    def _plain_name(self, node: ast.Name) -> str:
        reason = self._spelling.refusal(node.id)
        if reason:
            raise self._source.error(node, reason)
        return node.id

    def _binary(self, node: ast.BinOp) -> Operand:
        # Down the left side in a loop: a sum of a thousand terms is a thousand deep.
        row = [node]
        while isinstance(row[-1].left, ast.BinOp):
            row.append(row[-1].left)
        for part in row:
            if type(part.op) not in BINARY:
                raise self._source.error(part, refusal(part.op))
        left = self._formula(row[-1].left)
        for part in reversed(row):
            right = self._formula(part.right)
            name = BINARY[type(part.op)]
            if isinstance(left, np.float64) and isinstance(right, np.float64) and name != "matmul":
                left = np.float64(OPERATORS[name](left, right))
            else:
                inputs = (self._node(part.left, left), self._node(part.right, right))
                left = self._recorder.operation(part, name, inputs)
        return left

    def _unary(self, node: ast.UnaryOp) -> Operand:
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise self._source.error(node, refusal(node.op))
        operand = self._formula(node.operand)
        if isinstance(node.op, ast.UAdd):
            return operand
        if isinstance(operand, int):
            return self._recorder.operation(node, "neg", [operand])
        return -operand

    def _list(self, node: ast.List) -> Operand:
        if not node.elts:
            raise self._source.error(node, "a vector needs at least one element")
        parts = [self._formula(element) for element in node.elts]
        if any(isinstance(part, int) for part in parts):
            inputs = [self._node(element, part) for element, part in zip(node.elts, parts, strict=True)]
            return self._recorder.operation(node, "stack", inputs, axis=0)
        shapes = [np.shape(part) for part in parts]
        for element, shape in zip(node.elts, shapes, strict=True):
            if shape != shapes[0]:
                reason = f"the rows of a matrix have the same length: here {shape}, in the first {shapes[0]}"
                raise self._source.error(element, reason)
        return np.array(parts)

    def _subscript(self, node: ast.Subscript) -> Operand:
        owner = self._node(node.value, self._formula(node.value))
        return self._recorder.operation(node, "index", [owner], index=read_index(self._source, node.slice))

    def _call(self, node: ast.Call) -> Operand:
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Attribute):
                raise self._refused(node.func)
            raise self._source.error(node.func, "only a function can be called, and a product needs its *, as in 2*(x)")
        name = self._plain_name(node.func)
        starred = next((part for part in node.args if isinstance(part, ast.Starred)), None)
        if starred is not None or any(keyword.arg is None for keyword in node.keywords):
            raise self._source.error(starred or node, "there is no *; write the arguments out")
        if name in SPECIAL:
            return self._special(name, node)
        if name not in FUNCTIONS:
            if name in self._names or len(name) == 1:
                raise self._source.error(node, f"{name} is no function; a product needs its *, as in {name}*(…)")
            raise self._source.error(node, no_function(name, FUNCTIONS))
        function = FUNCTIONS[name]
        operands, settings = read_settings(self._source, name, function, node)
        inputs = [self._node(part, self._formula(part)) for part in operands]
        return self._recorder.operation(node, function.operation, inputs, **settings)

    def _special(self, name: str, node: ast.Call) -> Operand:
        wanted = 3 if name == "where" else 1
        if name == "no_grad" or len(node.args) != wanted or node.keywords:
            raise self._source.error(node, f"{name} is written {SPECIAL[name]}")
        if name == "where":
            return self._where(node)
        argument = self._formula(node.args[0])
        if name == "detach":
            return self._recorder.detach(node, self._node(node.args[0], argument))
        if isinstance(argument, int):
            raise self._source.error(node, "constant takes numbers; what is computed is cut off with detach(x)")
        return self._recorder.leaf(node, argument)

    def _where(self, node: ast.Call) -> Operand:
        condition, reads, comparison = self._condition(node.args[0])
        inputs = [self._node(part, self._formula(part)) for part in node.args[1:]]
        return self._recorder.operation(node, "where", inputs, reads, comparison, condition=condition)

    def _condition(self, node: ast.expr) -> tuple[Any, list[int], Callable[..., Any]]:
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            raise self._source.error(node, "where begins with one comparison, as in where(x > 0, y, z)")
        parts = [node.left, node.comparators[0]]
        reads = [self._node(part, self._formula(part)) for part in parts]
        comparison = COMPARISONS[type(node.ops[0])]
        return self._recorder.compare(node, comparison, reads), reads, comparison

    def _refused(self, node: ast.AST) -> Exception:
        if isinstance(node, ast.Attribute):
            owner = self._source.excerpt(node.value)
            return self._source.error(node, attribute_refusal(node, WORDS, owner if len(owner) < 30 else "…"))
        return self._source.error(node, refusal(node))


FORMULAS: dict[type[ast.expr], Any] = {
    ast.Constant: Interpreter._constant,
    ast.Name: Interpreter._name,
    ast.BinOp: Interpreter._binary,
    ast.UnaryOp: Interpreter._unary,
    ast.List: Interpreter._list,
    ast.Subscript: Interpreter._subscript,
    ast.Call: Interpreter._call,
}
"""The whole language of formulas; whatever else Python knows is refused."""
