"""Whatever is typed or pasted: a trace, or a place and a reason; no other error, no hang, nothing run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.autograd.program import ProgramError, Trace, run
from gradflow.autograd.program.examples import examples
from gradflow.autograd.program.functions import WORDS

PATIENCE_S = 3.0
"""Of this thread's own computing: a busy machine is not the program's fault."""

WORDS_OF_PYTHON = (
    "if else for in lambda with import def not and is del async await yield return class print eval match case "
    "True False None no_grad no_grad(): x y W z1 f T axis= keepdims= _ __"
)
SIGNS = "- + * / ** @ ( ) [ ] , : = == < > ; # . { } % // ^ & | ~ << ! $ ? ` := -> ... · − … ' \" f' b' \\"
NUMBERS_AS_TYPED = ["0", "1", "2", "3.5", "1e300", "1j", "0x1f", "1_0", "9" * 30]
SPACES = [" ", "\n", "\n  ", "\t", "\r", "\f", "\0", "\ud800", "\u2028", "\ufeff", "é", "𝒙"]
TOKENS = st.sampled_from([*WORDS_OF_PYTHON.split(), *SIGNS.split(), *NUMBERS_AS_TYPED, *SPACES, *sorted(WORDS)])

VALID = [example.text for example in examples()] + [
    "f = where(x > 0, x, 0.1*x)",
    "A = [[1, 2], [3, 4]]; f = sum(A @ A[0, :] + A[:, 1], axis=0) * constant(2)",
    "with no_grad():\n    s = mean(exp([x, y, 2]), axis=0, keepdims=True)\nf = concat([[1, 2], [x]]) / s[0]",
    "reshape([1, 2, 3, 4], (2, 2))[:, [0, 1]] @ transpose([[1, 2], [3, 4]])",
]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Return a valid program with pieces cut out, doubled, moved or replaced."""
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 8)))
        kind = draw(st.integers(0, 3))
        piece = text[start:end]
        middle = [draw(TOKENS), "", piece * 2, draw(st.text(max_size=3))][kind]
        text = text[:start] + middle + text[end:]
    return text


def answer(text: str, inputs: dict[str, Any] | None = None) -> Trace | ProgramError:
    """Run a program and check what every answer must be like."""
    start = time.thread_time()
    try:
        result: Trace | ProgramError = run(text, inputs)
    except ProgramError as error:
        result = error
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert error.reason
        assert "\n" not in error.reason
    assert time.thread_time() - start < PATIENCE_S
    if isinstance(result, Trace):
        check(result)
    return result


def check(trace: Trace) -> None:
    """Check that a trace hangs together."""
    assert trace.nodes
    assert trace.outputs
    for index, node in enumerate(trace.nodes):
        assert node.index == index
        assert all(earlier < index for earlier in (*node.inputs, *node.reads))
        assert 1 <= node.column < node.end_column
        if node.variable.grad_fn:
            assert [trace.nodes[i].variable for i in node.inputs] == list(node.variable.grad_fn.inputs)
    first = trace.nodes[trace.outputs[0]].variable
    if first.requires_grad:
        first.backward(np.ones(first.shape), retain_graph=True)


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    answer(text)


@given(st.text(st.characters(), max_size=60))
def test_any_unicode_is_answered(text: str) -> None:
    answer(text)


@given(st.lists(TOKENS, max_size=40).map("".join))
def test_any_row_of_tokens_is_answered(text: str) -> None:
    answer(text)


@given(st.lists(TOKENS, max_size=25).map(" ".join))
def test_any_spaced_row_of_tokens_is_answered(text: str) -> None:
    answer(text)


@given(mutations())
def test_any_mutation_of_a_program_is_answered(text: str) -> None:
    answer(text)


NUMBERS = st.floats() | st.integers(-(10**320), 10**320)
NESTED = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=4), max_leaves=12)


@given(mutations(), st.dictionaries(st.sampled_from(["x", "y", "W", "z1"]), NESTED | st.none() | st.text(max_size=3)))
def test_any_input_is_answered(text: str, inputs: dict[str, Any]) -> None:
    answer(text, inputs)


ROWS = [
    *(
        "-",
        "(",
        "[",
        "{",
        "x+",
        "x*",
        "x**",
        "not ",
        "x.",
        "x[",
        "x(",
        "1,",
        "x=",
        "\n",
        ";",
        "\\\n",
        "lambda:",
        "*",
        "~",
    ),
    *(
        "if x:\n",
        "x if x else ",
        "x<",
        "@x\n",
        "with no_grad():\n ",
        "'",
        '"""',
        "f'{",
        "#",
        "\t",
        "await ",
        "x:=",
        "9",
    ),
]


@pytest.mark.parametrize("token", ROWS)
def test_long_rows_of_one_token_are_answered(token: str) -> None:
    for count in (60, 200, 1000, 5000):
        text = token * count
        answer(text)
        answer(f"y = {text}x")
        answer(f"y = {text}1" + {"(": ")", "[": "]", "{": "}"}.get(token, "") * count)
