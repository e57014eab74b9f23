"""What the language does not have, each with a sentence that says what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from difflib import get_close_matches

from gradflow.autograd.program.functions import FUNCTIONS

_NO_FUNCTIONS = "functions cannot be defined here; write the formula where it is needed"
_NO_LOOPS = "there are no loops; write each step on a line of its own"
_NO_COMPREHENSIONS = "there are no comprehensions; write the elements out, as in [x1, x2]"
_NO_TEXT = "there is no text here, only numbers and names"
_NO_LOGIC = "there is no logic here; a choice is written where(x > 0, a, b)"
_NO_ERRORS = "there are no exceptions here; infinities and NaN are values"
_NO_ASYNC = "nothing runs at the same time here; write one step after the other"
_NO_PLACES = "names cannot be declared or deleted; an assignment makes a new one"
_COMPARE = "a comparison has no gradient; it can only stand first in where(x > 0, a, b)"

REFUSED: dict[type[ast.AST], str] = {
    ast.For: _NO_LOOPS,
    ast.While: _NO_LOOPS,
    ast.AsyncFor: _NO_LOOPS,
    ast.Break: _NO_LOOPS,
    ast.Continue: _NO_LOOPS,
    ast.If: "there is no if; a choice is written where(x > 0, a, b)",
    ast.IfExp: "there is no if; a choice is written where(x > 0, a, b)",
    ast.Match: "there is no match; a choice is written where(x > 0, a, b)",
    ast.Import: "nothing can be imported; the functions are all here, such as tanh, exp and sum",
    ast.ImportFrom: "nothing can be imported; the functions are all here, such as tanh, exp and sum",
    ast.FunctionDef: _NO_FUNCTIONS,
    ast.AsyncFunctionDef: _NO_FUNCTIONS,
    ast.ClassDef: "classes cannot be defined here; write the formula where it is needed",
    ast.Lambda: _NO_FUNCTIONS,
    ast.Return: _NO_FUNCTIONS,
    ast.Yield: _NO_FUNCTIONS,
    ast.YieldFrom: _NO_FUNCTIONS,
    ast.ListComp: _NO_COMPREHENSIONS,
    ast.SetComp: _NO_COMPREHENSIONS,
    ast.DictComp: _NO_COMPREHENSIONS,
    ast.GeneratorExp: _NO_COMPREHENSIONS,
    ast.JoinedStr: _NO_TEXT,
    ast.NamedExpr: "an assignment stands on a line of its own, as in z = x*y",
    ast.Compare: _COMPARE,
    ast.BoolOp: _NO_LOGIC,
    ast.Dict: "there are no dictionaries; a vector is written [1, 2, 3]",
    ast.Set: "there are no sets; a vector is written [1, 2, 3]",
    ast.Tuple: "a vector is written with square brackets, [1, 2, 3]",
    ast.Starred: "there is no *; write the elements out, as in [x1, x2]",
    ast.Slice: "a slice stands inside an index, as in x[1:3]",
    ast.Raise: _NO_ERRORS,
    ast.Try: _NO_ERRORS,
    ast.Assert: _NO_ERRORS,
    ast.Await: _NO_ASYNC,
    ast.AsyncWith: _NO_ASYNC,
    ast.Global: _NO_PLACES,
    ast.Nonlocal: _NO_PLACES,
    ast.Delete: _NO_PLACES,
    ast.Pass: "a line that does nothing can be left out",
    ast.AnnAssign: "names have no types here; write x = 2",
    ast.FloorDiv: "// has no gradient; write / to divide",
    ast.Mod: "% has no gradient here; write / to divide",
    ast.BitXor: "a power is written **, as in x**2",
    ast.BitAnd: _NO_LOGIC,
    ast.BitOr: _NO_LOGIC,
    ast.LShift: "numbers are not shifted here; write x * 2**3",
    ast.RShift: "numbers are not shifted here; write x / 2**3",
    ast.Invert: _NO_LOGIC,
    ast.Not: _NO_LOGIC,
}

FUNCTIONS_FOR = {"T": "transpose", "t": "transpose", "clone": "detach", "data": "detach"}
"""Attributes of PyTorch and NumPy whose function has another name."""

_WRITTEN = {
    "cat": "concat([x, y])", "mm": "x @ y", "bmm": "x @ y", "square": "x**2", "power": "x**y", "reciprocal": "1/x",
    "neg": "-x", "tan": "sin(x)/cos(x)", "sinh": "(exp(x) - exp(-x))/2", "cosh": "(exp(x) + exp(-x))/2",
    "norm": "sqrt(sum(x*x))", "var": "mean((x - mean(x))**2)", "std": "sqrt(mean((x - mean(x))**2))",
    "mse_loss": "mean((x - t)**2)", "cross_entropy": "-sum(t * log_softmax(x))", "logsumexp": "log(sum(exp(x)))",
    "silu": "x * sigmoid(x)", "gelu": "x * (1 + erf(x/1.41421356))/2", "array": "[1, 2, 3]", "tensor": "[1, 2, 3]",
    "log10": "log(x)/log(10)", "log2": "log(x)/log(2)", "prod": "x[0]*x[1]", "flatten": "reshape(x, (6,))",
}  # fmt: skip
"""How what other libraries have as a function is written here."""

_SIGNS = {
    "²": "**2", "³": "**3", "“": "", "”": "",
    "‘": "", "’": "", "√": "sqrt(…)", "π": "3.14159", "∞": "1/0", "|": "abs(x)", "$": "", "?": "", "!": "",
}  # fmt: skip


_RESERVED = re.compile(r"\b(lambda|in|is|as|from|class|global|del|def|pass|return)\s*(?:=(?!=)|[-+*/@)\],]|$)")
"""What Python keeps for itself, where it is meant as a name."""


def refusal(node: ast.AST) -> str:
    """Return why a piece of Python is not part of the language, and what is."""
    return REFUSED.get(type(node), "this is not part of the language; write assignments such as z = tanh(w*x + b)")


def attribute_refusal(node: ast.Attribute, functions: set[str], owner: str) -> str:
    """Return what to write instead of ``owner.name``."""
    name = FUNCTIONS_FOR.get(node.attr, node.attr)
    if node.attr == "no_grad":
        return "write no_grad() alone, as in `with no_grad():`"
    if owner in ("np", "numpy", "math", "torch", "F", "nn", "torch.nn.functional") and name in functions:
        return f"there are no attributes; write {name} without {owner}"
    if name in functions:
        return f"there are no attributes; write {name}({owner}) instead of {owner}.{node.attr}"
    if node.attr in _WRITTEN:
        return f"there are no attributes; write {_WRITTEN[node.attr]}"
    if node.attr in ("backward", "grad", "zero_grad", "requires_grad"):
        return f"{node.attr} is not part of the program: the walk back is taken afterwards, step by step"
    return "there are no attributes; functions stand alone, as in tanh(x)"


def no_function(name: str, functions: Mapping[str, object]) -> str:
    """Return that there is no such function, and the nearest that there are."""
    wanted = name.lower().lstrip("_")
    near = get_close_matches(wanted, functions, n=3, cutoff=0.55)
    if wanted in _WRITTEN:
        return f"there is no function {name}; write {_WRITTEN[wanted]}"
    if near:
        return f"there is no function {name}; did you mean {' or '.join(near)}?"
    return f"there is no function {name}; there are {len(functions)}, such as exp, tanh, sum and maximum"


def constant_refusal(value: object) -> str:
    """Return why a literal that is no real number cannot stand."""
    if isinstance(value, complex):
        return "there are only real numbers, no j"
    if isinstance(value, bool) or value is None or value is Ellipsis:
        return f"{'…' if value is Ellipsis else value} is no number"
    return _NO_TEXT


def explain_syntax(message: str, line: str, column: int) -> str:
    """Return Python's words about a syntax error in the words of this language."""
    here = line[column - 1 : column]
    if here in _SIGNS and here:
        instead = _SIGNS[here]
        return f"the sign {here} is not understood" + (f"; write {instead}" if instead else "")
    if message.startswith("invalid character"):
        return f"the sign {here} is not understood"
    if message.startswith("invalid non-printable"):
        return f"there is something here that cannot be seen ({message.rpartition(' ')[2]}); delete it"
    if message == "too many nested parentheses":
        return "this is nested too deeply; give its parts names, on lines of their own"
    if "integer string conversion" in message:
        return "a number of so many digits is larger than double precision can hold"
    if message.startswith(("invalid decimal literal", "invalid imaginary literal")):
        return "a name cannot begin with a digit, and a product needs its *, as in 2*x"
    if re.match(r"\s*\w+\s*=[^=]*,\s*\w+\s*=", line):
        return "a comma does not part assignments; write x = 2; y = 3, or each on a line of its own"
    reserved = _RESERVED.search(line)
    if reserved:
        return f"{reserved[1]} is a reserved word and cannot be a name; write {reserved[1]}_ for it"
    if line.strip().startswith("no_grad"):
        return "write `with no_grad():`"
    if "assign to" in message or message.startswith("invalid syntax. Maybe you meant '=='"):
        return "only a name can stand to the left of =, as in z = x*y"
    if re.search("string literal|f-string", message):
        return _NO_TEXT
    if "indent" in message:
        return (
            "a line begins at the margin; only those inside `with no_grad():` stand further in, all by the same spaces"
        )
    if message == "expected ':'" and line.strip().startswith("with"):
        return "a line that begins with `with` ends with a colon: `with no_grad():`"
    if message.startswith(("invalid syntax", "expected ", "illegal target", "positional argument follows")):
        return f"this does not read as a formula{_near(line, column)}"
    return message


def _near(line: str, column: int) -> str:
    before, rest = line[: column - 1].rstrip(), line[column - 1 :].strip()
    if not rest:
        return ""
    ends, begins = re.search(r"(\w+|[)\]])$", before), re.match(r"[\w(]", rest)
    inside = before.count("[") > before.count("]")
    if ends and begins and ends[0] in FUNCTIONS:
        more = f"; what {ends[0]} is taken of stands in brackets, as in {ends[0]}(x)"
    elif inside and rest.startswith(";"):
        more = "; the rows of a matrix stand in brackets of their own, as in [[1, 2], [3, 4]]"
    elif inside and re.match(r"\w+\s+\w", rest):
        more = "; between elements there is a comma"
    else:
        more = "; a product needs its *" if ends and begins else ""
    return f", at {rest[:20]!r}{more}"
