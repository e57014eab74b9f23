"""The text of a program: checked, parsed into a syntax tree, and asked for places and excerpts."""

from __future__ import annotations

import ast
import re

from gradflow.autograd.program.limits import CHARACTERS, NESTING
from gradflow.autograd.program.refusals import explain_syntax
from gradflow.errors import ProgramError

_NEW_LINE = re.compile("\r\n|\r|\n")
_ENDLESS = re.compile(r"\d[\d_]{4000,}")
_FORBIDDEN = re.compile("[\0\ud800-\udfff]")

_SIGNS = str.maketrans({"−": "-", "–": "-", "·": "*", "⋅": "*", "×": "*", "∗": "*", "÷": "/"})
"""Signs of printed formulas, each in place of one character, so that no place moves."""


class Source:
    """A program's text with its syntax tree; nothing of it is ever run by Python."""

    def __init__(self, text: str) -> None:
        """Parse the text; raises ProgramError, with the place, for what is no program."""
        self.text = text
        self.lines = _NEW_LINE.split(text)
        # What the parser reads, which counts places in bytes of it.
        self._read = _NEW_LINE.split(text.translate(_SIGNS))
        if len(text) > CHARACTERS:
            line, column = self._position(CHARACTERS)
            raise ProgramError(
                f"the program is longer than {CHARACTERS:,} characters, the most there are", line, column
            )
        odd = _FORBIDDEN.search(text)
        if odd:
            raise ProgramError(f"the character U+{ord(odd[0]):04X} cannot stand here", *self._position(odd.start()))
        self.body = self._parse().body
        self._check_nesting()

    def _parse(self) -> ast.Module:
        try:
            return ast.parse(self.text.translate(_SIGNS))
        except SyntaxError as error:
            line = min(max(error.lineno or 1, 1), len(self.lines))
            column = min(max(error.offset or 1, 1), len(self.lines[line - 1]) + 1)
            reason = explain_syntax(error.msg, self.lines[line - 1], column)
            endless = _ENDLESS.search(self.lines[line - 1]) if not error.offset else None
            column = endless.start() + 1 if endless else column
            raise ProgramError(reason, line, column) from None
        except (RecursionError, MemoryError):
            raise ProgramError("this is nested too deeply; give its parts names, on lines of their own", 1, 1) from None
        except (ValueError, OverflowError, UnicodeError) as error:
            raise ProgramError(f"this cannot be read: {error}", 1, 1) from None

    def _check_nesting(self) -> None:
        waiting: list[tuple[ast.AST, int]] = [(statement, 0) for statement in self.body]
        while waiting:
            node, depth = waiting.pop()
            if depth > NESTING:
                line, column, _ = self.place(node)
                reason = f"this is nested more than {NESTING} deep; give its parts names, on lines of their own"
                raise ProgramError(reason, line, column)
            for child in ast.iter_child_nodes(node):
                # A long sum is nested to the left only for the parser; a reader sees a row.
                in_row = isinstance(node, ast.BinOp) and child is node.left
                waiting.append((child, depth if in_row else depth + 1))

    def _position(self, offset: int) -> tuple[int, int]:
        before = _NEW_LINE.split(self.text[:offset])
        return len(before), len(before[-1]) + 1

    def place(self, node: ast.AST) -> tuple[int, int, int]:
        """Return line, column and the column after the end (on the first line), all counted from 1."""
        line, end_line = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
        column = self._characters(line, getattr(node, "col_offset", 0)) + 1
        whole = self.lines[line - 1] if line <= len(self.lines) else ""
        end = self._characters(line, getattr(node, "end_col_offset", 0)) if end_line == line else len(whole)
        return line, column, end + 1

    def excerpt(self, node: ast.expr) -> str:
        """Return the text of an expression, with single spaces, on one line."""
        first, last = node.lineno, node.end_lineno or node.lineno
        lines = self.lines[first - 1 : last]
        lines[-1] = lines[-1][: self._characters(last, node.end_col_offset or 0)]
        lines[0] = lines[0][self._characters(first, node.col_offset) :]
        return " ".join(" ".join(line.split("#")[0] for line in lines).split())

    def _characters(self, line: int, offset: int) -> int:
        """Return how many characters the first `offset` bytes of a line are; the parser counts bytes."""
        whole = self._read[line - 1] if line <= len(self._read) else ""
        return offset if whole.isascii() else len(whole.encode()[:offset].decode(errors="ignore"))

    def error(self, node: ast.AST, reason: str) -> ProgramError:
        """Return the error that says why a part of the program cannot be."""
        line, column, _ = self.place(node)
        return ProgramError(reason, line, column)
