"""The pages beside the graph of the sandbox, as rich text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import numpy as np

from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_check import entry_name
from gradflow.sim.lab.sandbox_grads import Grads
from gradflow.sim.lab.sandbox_modes import MOST_ENTRIES
from gradflow.sim.lab.sandbox_program import Opened
from gradflow.sim.lab.sandbox_walk import Order
from gradflow.sim.lab.sandbox_words import (
    accumulated,
    cells,
    derivative,
    local_formula,
    number,
    numbers,
    typed,
    unfolded,
)
from gradflow.sim.words import counted
from gradflow.ui.theme import Theme

MOST_SIDE, MOST_BLOCKS = 8, 6


_BAD = re.compile(r"(?<!\w)nan(?!\w)|−?∞")


def marked(text: str, theme: Theme) -> str:
    """Return a page in which infinities and what is no number stand out."""
    return _BAD.sub(lambda found: f"<span style='color:{theme.error}'>{found[0]}</span>", text)


def paragraph(*lines: str) -> str:
    """Return lines that belong together."""
    return f"<p style='margin-top:0; margin-bottom:8px'>{'<br>'.join(lines)}</p>"


def muted(words: str, theme: Theme) -> str:
    """Return words in grey."""
    return f"<span style='color:{theme.muted}'>{words}</span>"


def matrix(rows: Sequence[Sequence[str]], names: Sequence[str], theme: Theme, last: str = "") -> str:
    """Return numbers as a table with a name before each row; the `last` row stands below a line."""
    body = ""
    for place, (name, row) in enumerate(zip(names, rows, strict=True)):
        below = place == len(rows) - 1 and last
        style = f"border-top:1px solid {theme.muted};" if below else ""
        color = theme.curve if below else theme.text
        entries = "".join(
            f"<td align='right' style='white-space:nowrap; {style}color:{color}'>{escape(cell)}</td>" for cell in row
        )
        body += f"<tr><td style='white-space:nowrap; {style}color:{theme.muted}'>{escape(name)}</td>{entries}</tr>"
    return f"<table cellspacing='0' cellpadding='3'>{body}</table>"


def backward_page(opened: Opened, theme: Theme) -> str:
    """Return the Jacobian, v, the weighted sum, what each way costs, and what is cut or missed."""
    sandbox = opened.sandbox
    if sandbox.output is None or not sandbox.differentiable:
        label = escape(sandbox.label(sandbox.output)) if sandbox.output is not None else "The output"
        cut = "is detached" if sandbox.output in sandbox.detached else "depends on nothing that asks for a gradient"
        return paragraph(f"{label} {cut}: there is nothing to walk back through.") + savings(sandbox)
    parts = []
    if opened.choices.order is Order.DEPTH_FIRST:
        parts.append(missed(opened, theme))
    several = sandbox.value(sandbox.output).size > 1
    leaves = [leaf for leaf in sandbox.leaves if leaf in sandbox.above]
    parts.append(paragraph(muted("At the end of the walk:", theme)))
    for leaf in leaves[:MOST_BLOCKS]:
        parts.append(_jacobian(opened, leaf, several, theme))
    if len(leaves) > MOST_BLOCKS:
        parts.append(paragraph(muted(f"… and {len(leaves) - MOST_BLOCKS} more leaves", theme)))
    parts += [second(opened, theme), costs(opened, several), savings(sandbox)]
    return "".join(parts)


def _jacobian(opened: Opened, leaf: int, several: bool, theme: Theme) -> str:
    sandbox = opened.sandbox
    assert sandbox.output is not None
    label, output = escape(sandbox.label(leaf)), escape(sandbox.label(sandbox.output))
    gradient = opened.gradients().get(leaf)
    found = "–" if gradient is None else numbers(gradient)
    symbol = escape(derivative(sandbox, leaf))
    if not several:
        return paragraph(f"{symbol} = {escape(found)}")
    table = opened.jacobian(leaf)
    size = f"{sandbox.value(sandbox.output).size}×{sandbox.value(leaf).size}"
    head = f"<b>J = ∂{output}/∂{label}</b>, {size}"
    if table is None or max(table.shape) > MOST_SIDE:
        why = "too large to be shown" if table is None else "its first entries: " + escape(numbers(table))
        return paragraph(f"{head}, {why}", f"vᵀJ = {escape(found)}")
    seed = np.ravel(opened.seed).tolist()
    names = [f"{number(weight)} ·" for weight in seed] + ["vᵀJ ="]
    weighted = cells(np.ravel(gradient), most=MOST_SIDE)[0] if gradient is not None else ("–",) * table.shape[1]
    rows = [*cells(table, most=MOST_SIDE), weighted]
    return paragraph(head) + matrix(rows, names, theme, last="sum")


def second(opened: Opened, theme: Theme) -> str:
    """Return the Hessian with its eigenvalues, where there is one to be shown."""
    sandbox, found = opened.sandbox, opened.curvature
    if found is None or sandbox.output is None:
        return ""
    names = [entry_name(sandbox.label(i), np.shape(sandbox.value(i)), place) for i, place in found.entries]
    output = escape(sandbox.label(sandbox.output))
    head = f"<b>Second derivatives</b>, the Hessian of {output} by {escape(', '.join(names))}:"
    values = escape(", ".join(map(number, found.eigenvalues.tolist())))
    rows = matrix(cells(found.hessian, most=len(names)), names, theme)
    return paragraph(head) + rows + paragraph(f"{muted('eigenvalues', theme)} {values}")


def costs(opened: Opened, several: bool) -> str:
    """Return what each way costs in multiplications."""
    cost = opened.cost
    lines = [
        f"<b>Multiplications.</b> To compute what is recorded: {counted(cost.evaluate)}.",
        f"One backward pass: {counted(cost.sweep)}.",
    ]
    if several:
        lines.append(
            f"J by {passes(cost.outputs)} backward: {counted(cost.reverse)}, "
            f"and vᵀJ from it: {counted(cost.product)} more. backward(v) needs no J: {counted(cost.sweep)} in all."
        )
    lines.append(f"Forward mode: {passes(cost.inputs)}, one for each input entry: {counted(cost.forward)}.")
    return paragraph(*lines)


def passes(count: int) -> str:
    """Return how many passes."""
    return "1 pass" if count == 1 else f"{count} passes"


def savings(sandbox: Sandbox) -> str:
    """Return what the cuts save, "" for none."""
    saved = sandbox.saving()
    lines = []
    if saved.unrecorded:
        lines.append(
            f"<b>Not recorded</b> behind no_grad or a cut: {saved.unrecorded} of {saved.operations} operations, "
            f"{counted(saved.unrecorded_bytes)} of {counted(saved.bytes)} bytes."
        )
    if saved.let_go:
        lines.append(
            f"<b>Let go</b>, as no output needs it: {saved.let_go} of {saved.operations} operations, "
            f"{counted(saved.let_go_bytes)} of {counted(saved.bytes)} bytes."
        )
    return paragraph(*lines) if lines else ""


def missed(opened: Opened, theme: Theme) -> str:
    """Return what the walk in the wrong order has left out."""
    sandbox = opened.sandbox
    lacking = [leaf for leaf in sandbox.leaves if leaf in opened.missing]
    if not lacking:
        return paragraph(
            "Depth first: nothing is missed here. Every operation had all it would receive when its turn came."
        )
    lines = [
        f"{escape(derivative(sandbox, leaf))}: <span style='color:{theme.error}'>"
        f"{escape(numbers(opened.missing[leaf]))} is missing</span>"
        for leaf in lacking[:MOST_BLOCKS]
    ]
    why = "An operation passed on what it had before the rest had arrived; what came later (red) went no further."
    return paragraph("<b>Depth first, without waiting.</b>", *lines, muted(why, theme))


def forward_page(opened: Opened, theme: Theme) -> str:
    """Return the slope along the direction in both modes, and what each costs."""
    sandbox = opened.sandbox
    if sandbox.output is None or not sandbox.differentiable:
        return paragraph("There is no output to differentiate.")
    output = sandbox.label(sandbox.output)
    several = sandbox.value(sandbox.output).size > 1
    direction = ", ".join(f"{sandbox.label(leaf)}: {numbers(step)}" for leaf, step in opened.direction.items())
    tangent = opened.tangents.get(sandbox.output)
    lines = [f"<b>h</b> = {escape(direction) or '0'} {muted('(column h of the inputs)', theme)}"]
    slope = f"<b>{number(opened.by_forward())}</b>"
    pushed = "0" if tangent is None else escape(numbers(tangent))
    lines.append(f"forward: D{escape(output)}[h] = {pushed if several else slope}")
    if several:
        lines.append(f"vᵀD{escape(output)}[h] = {slope}")
    gradient = f"∇(vᵀ{escape(output)})·h" if several else f"∇{escape(output)}·h"
    lines.append(f"reverse: {gradient} = <b>{number(opened.by_reverse())}</b>")
    cost = opened.cost
    compare = paragraph(
        f"<b>Multiplications.</b> One pass carries one vector over every edge, either way: {counted(cost.sweep)}.",
        f"The whole Jacobian, {cost.outputs}×{cost.inputs}: forward {passes(cost.inputs)} = {counted(cost.forward)}, "
        f"reverse {passes(cost.outputs)} = {counted(cost.reverse)}.",
    )
    where = muted("The boxes show D[h] in place of the gradients, which are there again with the page Backward.", theme)
    return paragraph(*lines) + paragraph(where) + compare


def differences_page(opened: Opened, entry: str) -> str:
    """Return what is done with the entry that is moved."""
    sandbox = opened.sandbox
    if sandbox.output is None or not entry:
        return paragraph("No input asks for a gradient: there is nothing to move.")
    output, x = escape(sandbox.label(sandbox.output)), escape(entry)
    f = f"vᵀ{output}" if sandbox.value(sandbox.output).size > 1 else output
    return paragraph(
        f"What depends on {x} is computed again with {x} + ε and with {x} − ε in its place, for every ε from 1 to "
        f"10⁻¹⁶, and what {f} becomes is compared with the gradient of one walk back."
    )


def node_page(opened: Opened, grads: Grads, node: int | None, visits: int, theme: Theme) -> str:
    """Return all there is to say of a node, with what earlier calls of backward() have left in a leaf."""
    sandbox = opened.sandbox
    if node is None or node >= len(sandbox.nodes):
        return paragraph("Choose a box of the graph: click it, or press ] in the graph.")
    entry, value = sandbox.nodes[node], sandbox.value(node)
    kind = "leaf" if node in sandbox.leaves else "constant" if not entry.inputs else entry.operation
    size = f", shape {np.shape(value)}" if np.ndim(value) else ""
    lines = [f"<b>{escape(sandbox.label(node))}</b> {muted(f'{kind}{size}, line {entry.line}', theme)}"]
    if entry.inputs and typed(sandbox, node) != sandbox.label(node):
        lines.append(f"= {escape(typed(sandbox, node))}")
    text = paragraph(*lines) + _whole(value, theme)
    if sandbox.output is not None and sandbox.differentiable:
        text += _sum(opened, node, visits, theme) + _added(opened, grads, node, visits)
    for number_of in sandbox.into[node]:
        edge = sandbox.edges[number_of]
        if edge.open and sandbox.value(node).size * sandbox.value(edge.source).size <= MOST_ENTRIES:
            local = sandbox.local(edge)
            head = f"∂{escape(sandbox.label(node))}/∂{escape(sandbox.label(edge.source))}"
            text += paragraph(f"{head} {muted(escape(local_formula(sandbox, edge)), theme)}") + _whole(local, theme)
    return text


def _sum(opened: Opened, node: int, visits: int, theme: Theme) -> str:
    sandbox = opened.sandbox
    lines = unfolded(sandbox, opened.walk, node, visits)
    if not lines:
        return ""
    summed = opened.walk.gradient(node, visits)
    assert summed is not None
    head = f"<b>{escape(derivative(sandbox, node))}</b> = {escape(numbers(summed))}"
    parts = [f"{'+ ' if place else ''}{escape(line)}" for place, line in enumerate(lines)]
    return paragraph(f"<span style='color:{theme.curve}'>{head}</span>", *parts)


def _added(opened: Opened, grads: Grads, node: int, visits: int) -> str:
    before, new = grads.of(opened.sandbox, node), opened.walk.gradient(node, visits)
    if before is None or new is None:
        return ""
    if np.size(new) == 1:
        return paragraph(f"<b>.grad</b> = {escape(accumulated(before, new))}")
    after = grads.now(opened, node, visits)
    assert after is not None
    return paragraph(f"<b>.grad</b> = {escape(numbers(before))}", f"+ {escape(numbers(new))}", f"= {numbers(after)}")


def _whole(array: np.ndarray, theme: Theme) -> str:
    """Return all entries of an array, or as many as a table may have."""
    if np.ndim(array) > 2 or array.size > MOST_ENTRIES // 4:
        return paragraph(escape(numbers(array)))
    rows = cells(array, most=MOST_ENTRIES)
    return matrix(rows, [""] * len(rows), theme) + paragraph("")
