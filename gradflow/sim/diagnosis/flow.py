"""What the gradient goes through on its way to the input: it explodes, vanishes, or keeps its size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gradflow.sim.config import NONE, Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import STEEP, Case
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.snapshot import Stat
from gradflow.sim.words import power, spell, subscript

MILD = 1.0
"""Decades from which a gradient counts as leaning."""

FORMULA = "‖δₗ‖ ≈ ‖δₗ₊₁‖ · √χ,  χ = σ_w²·E φ′(z)²"
"""What a dense layer and its activation do (Schoenholz et al. 2017)."""

GENERAL = "δₗ = (∂zₗ₊₁/∂zₗ)ᵀ · δₗ₊₁"
"""The same with norms, skips, convolutions or layers of their own in between."""


@rule("exploding", "The gradient explodes towards the input")
def exploding(case: Case) -> Finding | None:
    """The gradient grows by decades from the last hidden layer to the first.

    Threshold: D = log₁₀ ‖δ_last‖/‖δ_1‖ ≤ −2, calibrated. The quantity is that of χ₁ > 1 (Schoenholz et al. 2017).
    """
    if not case.lost <= -STEEP:
        return None
    return Finding(
        "exploding",
        Severity.WARNING,
        "The gradient explodes towards the input",
        _evidence(case),
        1,
        "Lower the init scale, or the depth.",
        "Each layer multiplies the gradient by more than 1 on the way back, and many such factors make a huge product.",
        _formula(case, "> 1"),
        _tame(case.experiment, float(case.history.column("grad_norm")[0]) if len(case.history) else 0.0),
    )


@rule("vanishing", "The gradient vanishes towards the input")
def vanishing(case: Case) -> Finding | None:
    """The gradient shrinks by decades from the last hidden layer to the first.

    Threshold: D = log₁₀ ‖δ_last‖/‖δ_1‖ ≥ 2, calibrated, in δ and not in ∂L/∂W, which for ReLU has one size in all
    layers whatever the weights. The quantity is that of χ₁ < 1 (Schoenholz et al. 2017). Branches that start switched
    off (Fixup) do not count.
    """
    if not case.lost >= STEEP:
        return None
    return Finding(
        "vanishing",
        Severity.WARNING,
        "The gradient vanishes towards the input",
        _evidence(case),
        1,
        "Raise the init scale, choose ReLU with He initialisation, or add skip connections.",
        "Each layer multiplies the gradient by less than 1 on the way back, so little is left for the first layers.",
        _formula(case, "< 1"),
        _lift(case.experiment),
    )


@lru_cache(maxsize=16)
def _tame(experiment: Experiment, norm: float) -> tuple[Remedy, ...]:
    init, relu = try_.sound_init(experiment), try_.use_relu(experiment)
    return try_.offer(
        try_.quiet_branches(experiment),
        init,
        try_.layer_norm(experiment) if experiment.network.norm != NONE else None,
        try_.skips(experiment),
        try_.layer_norm(experiment),
        relu,
        try_.clip(experiment, norm),
    )


@lru_cache(maxsize=16)
def _lift(experiment: Experiment) -> tuple[Remedy, ...]:
    init, relu, tanh = try_.sound_init(experiment), try_.use_relu(experiment), try_.use_tanh(experiment)
    own = try_.has_own(experiment, "activation")
    # In a sigmoid no initialisation with small weights keeps the gradient: φ itself is the cause.
    phi_first = own or experiment.network.activation in try_.SQUASHING
    head = (relu, tanh, init) if phi_first else (init, try_.skips(experiment), relu)
    return try_.offer(*head, try_.skips(experiment), try_.layer_norm(experiment), try_.adam(experiment))


def healthy(case: Case) -> Finding:
    """Return the verdict where no rule has spoken: the gradient keeps its size, or leans a little."""
    hidden = len(case.delta)
    if hidden < 2:
        return _nothing_to_compare(case)
    if abs(case.lost) > MILD:
        direction = "shrinks" if case.lost > 0 else "grows"
        return Finding(
            "leaning",
            Severity.NOTE,
            f"The gradient {direction} a little towards the input",
            f"{_evidence(case)} It would matter at twice the depth.",
            1,
            cause="The factor of each layer is not quite 1, and factors multiply: the deeper, the more it matters.",
            formula=_formula(case),
            remedies=_lift(case.experiment) if case.lost > 0 else _tame(case.experiment, 0.0),
        )
    delta = case.delta[case.delta > 0.0]
    spread = power(float(np.log10(delta.max()) - np.log10(delta.min()))) if len(delta) else "1"
    compared = f"{_evidence(case)} " if len(delta) == hidden else ""
    return Finding(
        "healthy",
        Severity.GOOD,
        "The gradient keeps its size",
        f"{compared}Over all hidden layers ‖δ‖ varies by a factor of {spread}.",
        cause="No layer receives much less or much more than the others, so all of them can learn.",
        formula=_formula(case, "≈ 1"),
    )


def _nothing_to_compare(case: Case) -> Finding:
    delta = case.snapshot.stat(Stat.DELTA)[0]
    return Finding(
        "healthy",
        Severity.GOOD,
        f"{'One' if len(case.delta) else 'No'} hidden layer: nothing to compare",
        f"Its gradient ‖δ₁‖ is {spell(delta)}. Vanishing and exploding show between layers: raise the depth.",
        1,
        cause="A product of one factor can neither vanish nor explode.",
        formula="δ₁ = (W₂ᵀ·δ₂) ⊙ φ′(z₁)",
    )


def _evidence(case: Case) -> str:
    numbers = np.flatnonzero(~case.waiting)
    first, last = case.delta[numbers[0]], case.delta[numbers[-1]]
    factor = power(-case.lost / (len(numbers) - 1))
    return (
        f"Layer {numbers[0] + 1} receives ‖δ{subscript(int(numbers[0]) + 1)}‖ = {spell(first)}, which is "
        f"{power(-case.lost)} times what layer {numbers[-1] + 1} receives ({spell(last)}): on average each layer "
        f"multiplies it by {factor}."
    )


def _formula(case: Case, comparison: str = "") -> str:
    """Return the formula that holds for this network, with what χ is compared to."""
    shape = case.experiment.network
    if shape.layers or shape.skip_every or shape.norm != NONE:
        return GENERAL
    return f"{FORMULA} {comparison}".strip()
