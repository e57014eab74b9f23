"""Arguments that are written out, not computed: axes, shapes, slopes, and what stands in an index."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from gradflow.autograd.program.functions import Function, Setting
from gradflow.autograd.program.source import Source


def read_settings(
    source: Source, name: str, function: Function, node: ast.Call
) -> tuple[list[ast.expr], dict[str, Any]]:
    """Return the operands of a call, still to be computed, and its settings; raises ProgramError."""
    wanted = function.operands or 1
    written = f"{name} is written {function.signature(name)}{function.hint}"
    rest = node.args[wanted:]
    takes_shape = bool(function.settings) and function.settings[0].kind == "shape"
    if len(node.args) < wanted or (len(rest) > len(function.settings) and not takes_shape):
        raise source.error(node, written)
    if takes_shape and len(rest) > 1:
        rest = [ast.copy_location(ast.Tuple(rest, ast.Load()), rest[0])]
    settings = {setting.name: setting.default for setting in function.settings}
    known = {setting.name: setting for setting in function.settings}
    given = [(setting, value) for setting, value in zip(function.settings, rest, strict=False)]
    for keyword in node.keywords:
        setting = known.get(keyword.arg or "")
        if setting is None or any(setting is other for other, _ in given):
            raise source.error(keyword, written)
        given.append((setting, keyword.value))
    for setting, value in given:
        settings[setting.name] = _read(source, setting, value, function)
    if takes_shape and settings[function.settings[0].name] is None:
        raise source.error(node, f"{name} is written {name}(x, (2, 3))")
    operands = node.args[:wanted]
    if not function.operands:
        parts = operands[0]
        if not isinstance(parts, ast.List | ast.Tuple) or not parts.elts:
            raise source.error(parts, written)
        operands = parts.elts
    return list(operands), settings


def _read(source: Source, setting: Setting, node: ast.expr, function: Function) -> Any:
    value = literal(node)
    whole, several = _is_whole(value), isinstance(value, tuple) and all(map(_is_whole, value))
    if setting.kind == "flag" and isinstance(value, bool):
        return value
    if setting.kind == "axis" and whole:
        return value
    if setting.kind == "axes" and (value is None or whole or several):
        return value
    if setting.kind == "shape" and (whole or several):
        return (value,) if whole else value
    if setting.kind == "order" and (value is None or several):
        return value
    if setting.kind == "number" and isinstance(value, int | float) and abs(value) <= 1e300:
        return float(value)
    kinds = {
        "flag": "True or False",
        "axis": "a whole number",
        "axes": "a whole number, as in axis=0, or several, as in axis=(0, 1)",
        "shape": "whole numbers, as in (2, 3)",
        "order": "the axes in their new order, as in (1, 0)",
        "number": "a number that is written out",
    }
    raise source.error(node, f"{setting.name} must be {kinds[setting.kind]}{function.hint}")


class _NoLiteral:
    """What `literal` returns for anything that would have to be computed."""


def literal(node: ast.expr) -> object:
    """Return a number, a truth value, None, or a tuple of whole numbers that is written out."""
    if isinstance(node, ast.Constant) and (node.value is None or type(node.value) in (bool, int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        number = node.operand.value
        return -number if type(number) in (int, float) else _NoLiteral  # type: ignore[operator]
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(literal(element) for element in node.elts)
    return _NoLiteral


def read_index(source: Source, node: ast.expr) -> tuple[Any, ...]:
    """Return an index that is written out: whole numbers, slices, and at most one list of whole numbers."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    index = tuple(_read_part(source, part) for part in parts)
    if sum(isinstance(part, np.ndarray) for part in index) > 1:
        raise source.error(node, "only one list can stand in an index")
    return index


def _read_part(source: Source, node: ast.expr) -> Any:
    if isinstance(node, ast.Slice):
        ends = [None if end is None else literal(end) for end in (node.lower, node.upper, node.step)]
        if any(end is not None and not _is_whole(end) for end in ends) or ends[2] == 0:
            raise source.error(node, "a slice is written with whole numbers, as in x[1:3] or x[::2]")
        return slice(*ends)
    value = literal(node)
    if _is_whole(value):
        return value
    if isinstance(node, ast.List) and isinstance(value, tuple) and value and all(map(_is_whole, value)):
        return np.array(value)
    raise source.error(node, "an index is written with whole numbers, as in x[0], A[1, :] or x[[0, 2]]")


def _is_whole(value: object) -> bool:
    # Beyond that, a length or an axis would be NumPy's error, not ours.
    return type(value) is int and abs(value) < 2**31
