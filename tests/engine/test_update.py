"""The update: the order of torch, clipping, frozen parameters, no allocation, and the loss scale."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from engine_kit import small_network, turn
from hypothesis import given
from hypothesis.extra.numpy import arrays

from gradflow.engine.loss_scale import LossScale
from gradflow.engine.optimizers import OPTIMIZERS, SGD, Hyper
from gradflow.engine.update import PIECE, Update

every = pytest.mark.parametrize("name", OPTIMIZERS)

PLAIN = Hyper()
EVERYTHING = Hyper(momentum=0.9, weight_decay=0.01, l1=0.001)

numbers = st.floats(-1e150, 1e150)
vectors = arrays(float, st.integers(1, 20), elements=numbers)
limits = st.floats(1e-9, 1e9)


def make(
    parameters: Any, gradients: Any, name: str = "sgd", spans: Sequence[slice] | None = None, dtype: type = np.float64
) -> Update:
    """Return an update with a fresh optimiser."""
    optimizer = OPTIMIZERS[name].part(np.size(parameters), dtype)
    return Update(np.asarray(parameters, dtype), np.asarray(gradients, dtype), optimizer, spans)


def clipped(gradients: np.ndarray, **how: float) -> tuple[np.ndarray, float]:
    """Return what clipping makes of a gradient, and the norm it is said to have."""
    update = make(np.zeros_like(gradients), gradients)
    norm = update.prepare(PLAIN, float(np.linalg.norm(gradients)) * how.get("scale", 1.0), **how)
    return update.direction, norm


# The step


def test_one_step_of_sgd_moves_every_parameter_of_a_network_exactly_once() -> None:
    """θ − ηg bit for bit; a bias is not moved once per incoming weight."""
    network = small_network(width=6)
    turn(network)
    before = network.parameters.copy()
    update = Update(network.parameters, network.gradients, SGD(network.parameters.size))
    update.prepare(PLAIN, 1.0)
    update.take(0.3)
    np.testing.assert_array_equal(network.parameters, before - 0.3 * network.gradients)
    assert (network.parameters != before).all()


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5])
def test_pieces_of_a_step_add_up_to_the_whole(size: int) -> None:
    """g·s·c + λW + l₁·sign W with s the scale and c = clip/norm, whatever the size."""
    w, g = np.random.default_rng(0).standard_normal((2, size))
    norm = float(np.linalg.norm(g)) / 8
    update = make(w.copy(), g)
    update.prepare(Hyper(weight_decay=0.1, l1=0.2), norm, clip_norm=0.01, scale=1 / 8)
    expected = g / 8 * (0.01 / (norm + 1e-6)) + 0.1 * w + 0.2 * np.sign(w)
    np.testing.assert_allclose(update.direction, expected, rtol=1e-14, atol=1e-15)
    found = w - 0.1 * update.direction
    moved = make(w, g)
    moved.prepare(Hyper(weight_decay=0.1, l1=0.2), norm, clip_norm=0.01, scale=1 / 8)
    moved.take(0.1)
    np.testing.assert_array_equal(w, found)


def test_direction_is_the_gradient_vector_itself_where_nothing_is_changed() -> None:
    """Nothing is read or written twice for plain gradient descent."""
    g = np.ones(3)
    update = make(np.zeros(3), g)
    update.prepare(PLAIN, 2.0, clip_norm=2.1, clip_value=5.0)
    assert update.direction is g
    for hyper, how in (
        (Hyper(momentum=0.1), {}),
        (Hyper(weight_decay=0.1), {}),
        (Hyper(l1=0.1), {}),
        (PLAIN, {"scale": 0.5}),
        (PLAIN, {"clip_norm": 1.0}),
        (PLAIN, {"clip_value": 0.5}),
    ):
        update.prepare(hyper, 2.0, **how)
        assert update.direction is not g
        update.prepare(PLAIN, 2.0)
        assert update.direction is g
    frozen = make(np.zeros(3), g, spans=[slice(0, 2)])
    frozen.prepare(PLAIN, 2.0)
    assert frozen.direction is not g


@every
def test_learning_rate_of_zero_leaves_the_parameters_bit_identical(name: str) -> None:
    """−0 too, which −0 − 0·d would turn into +0 for a negative d."""
    w = np.array([-0.0, 0.0, 1e-320, -3.0, 1e308])
    before = w.tobytes()
    update = make(w, -np.ones(5), name)
    update.prepare(Hyper(momentum=0.9), 1.0)
    update.take(0.0)
    assert w.tobytes() == before


@every
def test_l1_adds_the_sign_of_the_weight_to_the_gradient(name: str) -> None:
    """So it is the same as a gradient that is larger by l₁·sign W, for every optimiser."""
    w, g = np.array([2.0, -2.0, 0.0]), np.array([0.5, 0.5, 0.5])
    with_l1, by_hand = make(w, g, name), make(w, g + 0.25 * np.sign(w), name)
    for _ in range(3):
        with_l1.prepare(Hyper(l1=0.25), 1.0)
        by_hand.prepare(PLAIN, 1.0)
        np.testing.assert_array_equal(with_l1.direction, by_hand.direction)


def test_decoupled_decay_of_an_optimiser_that_walks_the_gradient_itself() -> None:
    """W ← W − η·(g + λ·W), and the gradient vector is left alone."""

    class Decoupled(SGD):
        decoupled = True

    w, g = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    update = Update(w, g, Decoupled(2))
    update.prepare(Hyper(weight_decay=0.5), 5.0)
    np.testing.assert_array_equal(update.direction, [3.5, 5.0])
    np.testing.assert_array_equal(g, [3.0, 4.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@every
def test_hundred_steps_allocate_nothing(name: str, dtype: type) -> None:
    size = 300_000
    w, g = np.random.default_rng(0).standard_normal((2, size)).astype(dtype)
    update = make(w, g, name, [slice(0, 100_000), slice(150_000, size)], dtype)

    def steps(count: int) -> None:
        for _ in range(count):
            update.prepare(EVERYTHING, 500.0, clip_norm=1.0, clip_value=0.5, scale=0.5)
            update.take(1e-3)

    steps(2)
    tracemalloc.start()
    steps(100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80_000


# Clipping


@given(g=vectors, limit=limits)
def test_clipping_by_norm_keeps_the_direction_and_never_raises_the_norm(g: np.ndarray, limit: float) -> None:
    before = float(np.linalg.norm(g))
    d, said = clipped(g, clip_norm=limit)
    after = float(np.linalg.norm(d))
    assert after <= before * (1 + 1e-12)
    assert after <= limit * (1 + 1e-12)
    assert after == pytest.approx(said, rel=1e-9, abs=1e-160)
    coefficient = min(1.0, limit / (before + 1e-6))
    np.testing.assert_allclose(d, g * coefficient, rtol=1e-14)


@given(g=vectors, limit=limits)
def test_clipping_by_value_cuts_what_is_beyond_and_nothing_else(g: np.ndarray, limit: float) -> None:
    d, said = clipped(g, clip_value=limit)
    np.testing.assert_array_equal(d, np.clip(g, -limit, limit))
    assert said == pytest.approx(float(np.linalg.norm(d)), rel=1e-9, abs=1e-160)


@given(g=vectors, value=limits, norm=limits)
def test_value_is_clipped_first_and_then_the_norm_of_what_is_left(g: np.ndarray, value: float, norm: float) -> None:
    d, said = clipped(g, clip_value=value, clip_norm=norm)
    cut = np.clip(g, -value, value)
    expected = cut * min(1.0, norm / (float(np.linalg.norm(cut)) + 1e-6))
    np.testing.assert_allclose(d, expected, rtol=1e-9, atol=1e-160)
    assert said == pytest.approx(float(np.linalg.norm(expected)), rel=1e-9, abs=1e-160)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tiny_and_huge_gradients_keep_their_norm_under_clipping(dtype: type) -> None:
    """A gradient of 1e-30 has squares that underflow in float32, and one of 1e30 has squares that overflow."""
    for size in (1e-30, 1e30):
        g = np.full(4, size, dtype)
        update = make(np.zeros(4), g, dtype=dtype)
        norm = update.prepare(PLAIN, 2 * size, clip_value=1.0)
        assert norm == pytest.approx(2 * min(size, 1.0))
        np.testing.assert_allclose(update.direction, min(size, 1.0), rtol=1e-6)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("how", [{"clip_norm": 1.0}, {"clip_value": 1.0}, {"clip_norm": 1.0, "clip_value": 1.0}])
@every
def test_clipping_does_not_make_a_step_of_a_gradient_that_is_not_finite(
    name: str, how: dict[str, float], bad: float
) -> None:
    update = make(np.ones(3), np.array([1.0, bad, 1.0]), name)
    with np.errstate(all="ignore"):
        norm = update.prepare(Hyper(momentum=0.9), abs(bad), **how)
    assert not math.isfinite(norm)
    assert not np.isfinite(update.direction).any()


def test_scale_undoes_the_loss_scale_before_anything_else() -> None:
    """Gradients 1024 times too large with a scale of 1/1024 take the same steps, bit for bit."""
    rng = np.random.default_rng(0)
    w, g = rng.standard_normal((2, 50))
    how = {"clip_norm": 0.7, "clip_value": 0.2}
    norm = float(np.linalg.norm(g))
    plain, scaled = make(w.copy(), g, "adam"), make(w.copy(), 1024 * g, "adam")
    for _ in range(3):
        assert plain.prepare(EVERYTHING, norm, **how) == scaled.prepare(EVERYTHING, norm, scale=1 / 1024, **how)
        np.testing.assert_array_equal(plain.direction, scaled.direction)


CLIPS = {
    "none": (0.0, 0.0),
    "norm": (0.5, 0.0),
    "norm out of reach": (1e6, 0.0),
    "value": (0.0, 0.3),
    "value out of reach": (0.0, 1e6),
    "both": (0.5, 0.3),
}


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("clips", CLIPS.values(), ids=CLIPS.keys())
def test_twenty_clipped_and_decayed_steps_equal_torch(clips: tuple[float, float], name: str) -> None:
    """clip_grad_value_, clip_grad_norm_, then step with weight decay; over three tensors, cut in torch's own way."""
    torch = pytest.importorskip("torch")
    clip_norm, clip_value = clips
    rng = np.random.default_rng(1)
    cuts = [slice(0, 5), slice(5, 300), slice(300, PIECE + 10)]
    ours = rng.standard_normal(PIECE + 10)
    tensors = [torch.tensor(ours[cut]) for cut in cuts]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    theirs = kind(tensors, lr=0.01, weight_decay=0.1)
    gradients = np.zeros_like(ours)
    update = make(ours, gradients, name)
    for _ in range(20):
        gradients[:] = rng.standard_normal(ours.size) * 10.0 ** rng.integers(-3, 2)
        for tensor, cut in zip(tensors, cuts, strict=True):
            tensor.grad = torch.tensor(gradients[cut])
        if clip_value:
            torch.nn.utils.clip_grad_value_(tensors, clip_value)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_(tensors, clip_norm)
        after = torch.linalg.vector_norm(torch.cat([tensor.grad for tensor in tensors])).item()
        theirs.step()
        norm = update.prepare(Hyper(weight_decay=0.1), float(np.linalg.norm(gradients)), clip_norm, clip_value)
        update.take(0.01)
        assert norm == pytest.approx(after, rel=1e-12)
    np.testing.assert_allclose(ours, torch.cat(tensors).numpy(), rtol=1e-12, atol=1e-13)


# Frozen parameters


SPANS = {
    "first": [slice(0, 40)],
    "last": [slice(PIECE, None)],
    "two apart": [slice(3, 50), slice(60, PIECE + 7)],
    "neighbours": [slice(10, 20), slice(20, 30), slice(30, 30), slice(30, 25), slice(30, PIECE + 20)],
    "all": [slice(0, 10), slice(10, PIECE + 20)],
    "none": [],
}


@pytest.mark.parametrize("spans", SPANS.values(), ids=SPANS.keys())
@every
def test_frozen_parameters_never_move_and_the_others_move_as_if_alone(name: str, spans: list[slice]) -> None:
    """What is frozen is not even read: its gradient is nan here."""
    rng = np.random.default_rng(0)
    size = PIECE + 20
    trainable = np.zeros(size, bool)
    for span in spans:
        trainable[span] = True
    w, g = rng.standard_normal(size), np.full(size, np.nan)
    start = w.copy()
    lonely_w, lonely_g = w[trainable], np.zeros(int(trainable.sum()))
    update, alone = make(w, g, name, spans), make(lonely_w, lonely_g, name)
    for _ in range(5):
        g[trainable] = lonely_g[:] = rng.standard_normal(lonely_g.size)
        norm = float(np.linalg.norm(lonely_g))
        for one in (update, alone):
            one.prepare(EVERYTHING, norm, clip_norm=0.9 * norm)
            one.take(0.1)
    np.testing.assert_array_equal(w[~trainable], start[~trainable])
    np.testing.assert_array_equal(w[trainable], lonely_w)
    assert not update.direction[~trainable].any()
    assert lonely_w.size == 0 or (w != start)[trainable].any()


def test_value_clipped_norm_is_that_of_the_trainable_part() -> None:
    update = make(np.zeros(4), [3.0, np.nan, 4.0, 100.0], spans=[slice(0, 1), slice(2, 3)])
    assert update.prepare(PLAIN, 5.0, clip_value=3.5) == pytest.approx(math.hypot(3.0, 3.5))
    np.testing.assert_array_equal(update.direction, [3.0, 0.0, 3.5, 0.0])


def test_plain_descent_of_a_frozen_network_walks_a_copy_of_the_gradient() -> None:
    w, g = np.ones(4), np.array([1.0, 2.0, 3.0, 4.0])
    update = make(w, g, spans=[slice(1, 3)])
    update.prepare(PLAIN, 1.0)
    update.take(1.0)
    np.testing.assert_array_equal(update.direction, [0.0, 2.0, 3.0, 0.0])
    np.testing.assert_array_equal(w, [1.0, -1.0, -2.0, 1.0])


# The loss scale


def test_fixed_loss_scale_stays_and_skips_nothing() -> None:
    scale = LossScale(1024.0, dynamic=False)
    assert all(scale.accept(finite) for finite in (True, False, True, False))
    assert scale.scale == 1024.0


def test_dynamic_loss_scale_halves_and_skips_on_overflow_and_doubles_after_2000_good_steps() -> None:
    scale = LossScale()
    assert scale.scale == 65536.0
    assert not scale.accept(False)
    assert scale.scale == 32768.0
    assert all(scale.accept(True) for _ in range(1999))
    assert scale.scale == 32768.0
    assert scale.accept(True)
    assert scale.scale == 65536.0
    assert all(scale.accept(True) for _ in range(1999))
    assert not scale.accept(False)
    assert all(scale.accept(True) for _ in range(1999))
    assert scale.scale == 32768.0, "an overflow starts the count anew"


def test_dynamic_loss_scale_ends_at_one_and_then_lets_the_divergence_through() -> None:
    scale = LossScale()
    assert [scale.accept(False) for _ in range(17)] == [False] * 16 + [True]
    assert scale.scale == 1.0


@given(outcomes=st.lists(st.booleans(), max_size=200), start=st.floats(1e-3, 1e308))
def test_loss_scale_stays_a_number_and_skips_only_what_is_not_finite(outcomes: list[bool], start: float) -> None:
    scale = LossScale(start)
    scale.GOOD_STEPS = 3  # type: ignore[misc]
    for finite in outcomes:
        assert scale.accept(finite) or not finite
        assert min(start, 1.0) <= scale.scale < math.inf


def test_dynamic_loss_scale_follows_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(LossScale, "GOOD_STEPS", 5)
    ours, theirs = LossScale(), torch.amp.GradScaler("cpu", growth_interval=5)
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    for finite in np.random.default_rng(0).random(200) > 0.15:
        before = w.item()
        optimizer.zero_grad()
        theirs.scale(w.sum() * (1.0 if finite else math.inf)).backward()
        assert theirs.get_scale() == ours.scale
        theirs.step(optimizer)
        theirs.update()
        assert ours.accept(bool(finite)) == (w.item() != before)
    assert theirs.get_scale() == ours.scale > 1.0
