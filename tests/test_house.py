"""The rules of the house, executed: who may import whom, what is documented, and what nobody may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import gradflow

PACKAGE = Path(gradflow.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
MOST_LINES = 300

BELOW_UI = [m for m in MODULES if m.startswith(("engine/", "autograd/", "theory/", "sim/"))]
CELLAR = ("registry.py", "errors.py", "assets.py", "files.py", "system.py")


@cache
def source(module: str) -> str:
    return (PACKAGE / module).read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(source(module), module)


def dotted(module: str) -> str:
    """Return the dotted name of a module file."""
    parts = ["gradflow", *Path(module).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: str) -> Iterator[str]:
    """Yield the dotted name of everything a module imports, wherever the import stands."""
    package = dotted(module) if module.endswith("__init__.py") else dotted(module).rpartition(".")[0]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
            start = ".".join(part for part in (base, node.module) if part)
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)


def offending(modules: list[str], *forbidden: str) -> list[str]:
    """Return "module imports name" for every forbidden import."""
    return sorted(
        {
            f"{module} imports {name}"
            for module in modules
            for name in imports(module)
            if any(name == f or name.startswith(f"{f}.") for f in forbidden)
        }
    )


def calls(modules: list[str]) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the place it stands at."""
    for module in modules:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Call):
                yield f"{module}:{node.lineno}", node


# Who may import whom


def test_no_qt_below_the_window() -> None:
    modules = [*BELOW_UI, *(m for m in MODULES if m in CELLAR)]
    assert offending(modules, "PySide6", "shiboken6", "pyqtgraph", "gradflow.ui", "gradflow.app", "gradflow.cli") == []


def test_engine_knows_no_experiment_and_the_cellar_no_floor_above() -> None:
    assert offending([m for m in MODULES if m.startswith("engine/")], "gradflow.sim") == []
    assert offending([m for m in MODULES if m in CELLAR], "gradflow.engine", "gradflow.sim", "gradflow.ui") == []


@pytest.mark.parametrize(("room", "other"), [("views", "panels"), ("panels", "views")])
def test_views_and_panels_know_neither_engine_nor_session_nor_each_other(room: str, other: str) -> None:
    """A view draws frames, a panel edits experiments; only the session knows both."""
    modules = [m for m in MODULES if m.startswith(f"ui/{room}/") and not m.endswith("__init__.py")]
    outside = ("gradflow.engine", "gradflow.ui.session", "gradflow.sim.worker", f"gradflow.ui.{other}")
    for module in modules:
        siblings = [dotted(m) for m in modules if m != module]
        assert offending([module], *outside, *siblings) == []


def test_importing_the_engine_and_the_simulation_loads_no_qt() -> None:
    """Not even by way of somebody else."""
    names = ", ".join(map(dotted, BELOW_UI))
    code = f"import sys, {names}; print([m for m in sys.modules if m.startswith(('PySide6', 'pyqtgraph'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_import_contracts_of_pyproject_are_kept() -> None:
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


# What nobody may do


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_IMPORTS = ("pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "runpy")


def test_nothing_runs_code_from_data() -> None:
    assert offending(MODULES, *FORBIDDEN_IMPORTS) == []
    for place, call in calls(MODULES):
        assert not (isinstance(call.func, ast.Name) and call.func.id in FORBIDDEN_CALLS), place
        for keyword in call.keywords:
            assert keyword.arg != "allow_pickle" or ast.unparse(keyword.value) == "False", place


def test_only_the_front_doors_write_to_the_terminal() -> None:
    inside = [m for m in MODULES if m not in ("cli/common.py", "__main__.py", "app.py")]
    for place, call in calls(inside):
        assert ast.unparse(call.func) not in ("print", "input", "breakpoint"), place
        assert not ast.unparse(call.func).startswith(("sys.stdout.", "sys.stderr.")), place


def test_randomness_enters_only_as_a_generator() -> None:
    """The same experiment and seed give the same history: no global state and no unseeded generator."""
    assert offending(BELOW_UI, "random", "secrets", "uuid") == []
    for place, call in calls(BELOW_UI):
        name = ast.unparse(call.func)
        assert not name.endswith("default_rng") or call.args, f"{place} draws an unseeded generator"
        if name.startswith(("np.random.", "numpy.random.")):
            assert name.endswith((".default_rng", ".Generator", ".SeedSequence")), f"{place} uses global state"


# What everybody must do


def test_every_module_says_what_it_is() -> None:
    assert [m for m in MODULES if len(ast.get_docstring(tree(m)) or "") < 20] == []


def test_public_classes_and_functions_below_the_window_have_docstrings() -> None:
    bare = [
        f"{module}:{node.lineno} {node.name}"
        for module in BELOW_UI
        for node in tree(module).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []


@pytest.mark.parametrize("module", MODULES)
def test_module_is_short_enough_to_be_read(module: str) -> None:
    lines = len(source(module).splitlines())
    assert lines < MOST_LINES, f"{module} has {lines} lines, the guide is {MOST_LINES}: which noun could move out?"


def test_names_are_the_fields_own() -> None:
    """No Manager, Helper or Utils: such a name says nothing about what is inside."""
    nodes = [(module, node) for module in MODULES for node in ast.walk(tree(module))]
    names = [(m, node.name) for m, node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    empty_words = ("manager", "helper", "utils")
    found = [
        (m, name) for m, name in [*names, *((m, m) for m in MODULES)] if any(w in name.lower() for w in empty_words)
    ]
    assert found == []
