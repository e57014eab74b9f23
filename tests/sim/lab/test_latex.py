"""The lab's words as LaTeX: what pdfLaTeX needs is checked without it, on any text and on the tables of all views."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradflow
from gradflow.sim.lab.chain import Direction
from gradflow.sim.lab.chain_reading import read_product
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.jacobians import SampleJacobians
from gradflow.sim.lab.latex import in_latex
from gradflow.sim.lab.layer_checks import check_layers
from gradflow.sim.lab.neuron_graph import Window
from gradflow.sim.lab.neurons import neuron_graph
from gradflow.sim.lab.path_list import list_paths
from gradflow.sim.lab.path_tables import tables_of
from gradflow.sim.lab.sandbox_examples import Example, beginning, examples
from gradflow.sim.lab.sandbox_program import open_program
from gradflow.sim.lab.sandbox_steps import moment, positions
from gradflow.sim.lab.sandbox_table import node_table
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.walk import Walk
from gradflow.sim.layer_rows import LayerRow

Make = Callable[[dict[str, Any]], Specimen]

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[_^]|.", re.DOTALL)
COMMANDS = re.compile(
    r"\\(alpha|beta|gamma|delta|varepsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|varphi|chi"
    r"|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Upsilon|Phi|Psi|Omega|sum|partial|nabla|cdot|times|div|pm|odot|circ|ast"
    r"|to|leftarrow|mapsto|approx|neq|leq|geq|in|infty|ell|angle|surd|dots|backslash|sim|mathsf|mathbf|mathrm|prime"
    r"|sqrt|tfrac|text|textbackslash|hat|dot|ddot|bar|tilde|acute|tanh|max|min|exp|sin|cos|ln|log|ss|toprule|midrule"
    r"|bottomrule|begin|end)"
)


def sound(text: str) -> None:
    """Assert that pdfLaTeX has nothing to complain about: ASCII, known commands, braces and scripts in their places."""
    assert text.isascii() and text.isprintable(), text
    formula, scripts, waits = False, [set[str]()], False
    for token in TOKEN.findall(text):
        assert not re.fullmatch(r"\\[A-Za-z]+", token) or COMMANDS.fullmatch(token), (token, text)
        assert token not in "#%&" and (formula or token not in "<>|"), text
        if token in "_^":
            # A second index, or a second power, of one sign is an error.
            assert formula and not waits and token not in scripts[-1], text
            scripts[-1].add(token)
        elif token == "}":
            assert len(scripts) > 1, text
            scripts.pop()
        elif not waits:
            scripts[-1].clear()
        if token == "{":
            scripts.append(set())
        if token == "$":
            formula = not formula
        waits = token in "_^"
    assert not formula and not waits and len(scripts) == 1, text


def sound_table(table: Table) -> str:
    """Assert that all lines of a table can be set, each with as many cells as there are columns."""
    text = table.latex()
    assert text.isascii()
    for line in text.splitlines():
        if line.startswith("%"):
            continue
        cells = re.split(r"(?<!\\)&", line.removesuffix(r"\\"))
        assert len(cells) in (1, 1 + len(table.columns) + len(table.notes)), line
        for cell in cells:
            sound(cell)
    return text


@pytest.mark.parametrize(
    ("words", "latex"),
    [
        ("z₁[0]", "$z_{1}[0]$"),
        ("δ₃", r"$\delta_{3}$"),
        ("φ′(z₁)[0; 4,3,0]", r"$\varphi^{\prime}(z_{1})[0; 4,3,0]$"),
        ("∂L/∂a₁ via z₂[0, 3]", r"$\partial L/\partial a_{1}$ via $z_{2}[0, 3]$"),
        ("2.32·10⁻⁵", r"$2.32\cdot10^{-5}$"),
        ("1/√(σ²+ε)", r"$1/\sqrt{\sigma^{2}+\varepsilon}$"),
        ("− ẑ·mean(g·ẑ)", r"$- \hat{z}\cdot\mathrm{mean}(g\cdot\hat{z})$"),
        ("x[0; 4,3,0] → z₁[2] → L", r"$x[0; 4,3,0] \to z_{1}[2] \to L$"),
        ("W₂ᵀ", r"$W_{2}^{\mathsf{T}}$"),
        ("S₁ᵀ′", r"$S_{1}^{\mathsf{T}\prime}$"),
        ("‖h‖² of a step", r"$\|h\|^{2}$ of a step"),
        ("r = 3", "$r = 3$"),
        ("sample 3; 0,3", "sample 3; 0,3"),
        ("unit_1: 50 % & more", r"unit\_1: 50 \% \& more"),
        ("naïve “größe” 中", r"na\"{i}ve ``gr\"{o}\ss{}e'' [U+4E2D]"),
    ],
)
def test_names_and_formulas_become_mathematics_and_words_stay_words(words: str, latex: str) -> None:
    assert in_latex(words) == latex


SIGNS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("z₁²ᵀ′_^√(){}[]$\\%&# ∂δ̂"))


@given(st.text(alphabet=SIGNS))
def test_any_text_is_set_by_pdflatex(text: str) -> None:
    sound(in_latex(text))


def test_every_sign_that_the_lab_writes_has_a_form_of_its_own() -> None:
    package = Path(gradflow.__file__).parent
    files = [*(package / "sim" / "lab").rglob("*.py"), *(package / "autograd").rglob("*.py"), package / "sim/words.py"]
    # What that module lists are letters that no program may use.
    files.remove(package / "autograd/program/names.py")
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    texts = [n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    signs = {
        sign for text in texts if isinstance(text, str) for sign in text if not sign.isascii() and sign.isprintable()
    }
    assert len(signs) > 60
    assert {sign for sign in signs if "[U+" in in_latex(f"z{sign}")} == set()


IMAGES = {
    "data.name": "digits",
    "network.layers": (
        LayerRow(kind="conv", units=2, stride=3, norm="batch-norm"),
        LayerRow(kind="max-pool", kernel=2, stride=1),
        LayerRow(units=3, dropout=0.5),
        LayerRow(units=3, skip_from=3),
    ),
}


def tables(specimen: Specimen) -> Iterator[Table]:
    """Yield what the views of the lab export."""
    walk = Walk(specimen)
    for position in range(walk.positions()):
        for convention in Convention:
            for shown in walk.station(position, False, convention).matrices:
                if shown.values.size < 2000:
                    yield shown.table()
                found = shown.unfold(*shown.largest)
                if found.terms is not None and found.factors is not None and len(found.names) < 100:
                    yield Table(found.formula, found.names, [*found.heads, "term"], np.c_[found.factors, found.terms])
    graph = neuron_graph(specimen, 0, Window(units=3))
    yield from tables_of(graph, list_paths(graph, 0, 5)).values()
    jacobians = SampleJacobians(specimen, 0)
    chain = jacobians.chain(jacobians.symbols[-4], jacobians.symbols[-1])
    for convention in Convention:
        yield read_product(chain, 0, Direction.REVERSE, convention).table()
        unfolded = chain.unfold(2, Direction.REVERSE, convention, 0, 0)
        assert unfolded is not None
        yield unfolded.table()
    *_, checked = check_layers(specimen, 0)
    yield checked.table()


@pytest.mark.parametrize("changes", [{"network.depth": 2, "network.width": 4}, IMAGES], ids=["dense", "images"])
def test_the_tables_of_a_network_are_set_by_pdflatex(changes: dict[str, Any], specimen_with: Make) -> None:
    texts = [sound_table(table) for table in tables(specimen_with(changes))]
    assert len(texts) > 20 and any(r"\delta_{1}" in text for text in texts)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_the_tables_of_every_program_are_set_by_pdflatex(example: Example) -> None:
    opened = open_program(beginning(example))
    sandbox, walk = opened.sandbox, opened.walk
    sound_table(node_table(opened, moment(sandbox, walk, positions(sandbox, walk))))
