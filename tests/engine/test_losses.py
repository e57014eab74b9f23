"""Losses: values by hand, gradients by differences and by PyTorch, the tails, extremes, and what counts as correct."""

from __future__ import annotations

import math
import tracemalloc
import typing
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.graph import Node
from gradflow.engine.losses import LOSSES, Loss, Task, default_loss, make_loss, smooth

Array = np.ndarray
CASES = [(name, task) for name, entry in LOSSES.items() for task in entry.part.tasks]
every = pytest.mark.parametrize(("name", "task"), CASES)
on_classes = pytest.mark.parametrize(("name", "task"), [case for case in CASES if case[1] != "regression"])


class Given(Node):
    """A source whose value is set by hand and whose gradient is read."""


def outputs_of(name: str, task: str) -> int:
    """Return the number of outputs that an experiment gives a network for such data."""
    return {"regression": 2, "multiclass": 3, "binary": 2 if name == "softmax-cross-entropy" else 1}[task]


def sample(name: str, task: str, batch: int, seed: int = 0, size: float = 1.5) -> tuple[Array, Array]:
    """Return random predictions and fitting targets."""
    rng, outputs = np.random.default_rng(seed), outputs_of(name, task)
    z = size * rng.standard_normal((batch, outputs))
    if task == "regression":
        return z, rng.standard_normal(z.shape)
    if outputs == 1:
        return z, rng.integers(2, size=z.shape).astype(float)
    return z, np.eye(outputs)[rng.integers(outputs, size=batch)]


def made(name: str, outputs: int, capacity: int, dtype: Any = np.float64, delta: float = 1.0) -> Loss:
    """Return a loss on a source set by hand, with memory for `capacity` samples."""
    source = Given((), outputs)
    loss = make_loss(name, delta)(source)
    for node in (source, loss):
        node.dtype = np.dtype(dtype)
        node.allocate(capacity)
        node.resize(capacity)
    return loss


def load(loss: Loss, z: Array, y: Array) -> None:
    loss.inputs[0].value[:], loss.targets[:] = z, y


def turn(loss: Loss) -> Array:
    """Run both passes; return ∂L/∂z."""
    with np.errstate(all="ignore"):
        loss.forward()
        loss.backward()
    return loss.inputs[0].grad


def run(name: str, z: Array, y: Array, dtype: Any = np.float64, delta: float = 1.0) -> tuple[Loss, Array]:
    """Return the loss after both passes on logits `z` and targets `y`, and ∂L/∂z."""
    loss = made(name, z.shape[1], len(z), dtype, delta)
    load(loss, z, y)
    return loss, turn(loss)


def assert_gradient_is_the_difference_quotient(loss: Loss, z: Array, y: Array) -> None:
    """Move every prediction by ±h; leave out those that cross a kink, but not many."""
    load(loss, z, y)
    gradient, h, crossed = turn(loss).copy(), 1e-5, 0
    for entry in np.ndindex(*z.shape):
        losses, sides = [], []
        for step in (h, -h):
            loss.inputs[0].value[entry] = z[entry] + step
            loss.forward()
            losses.append(loss.loss)
            sides.append(loss.kink_sides())
        loss.inputs[0].value[entry] = z[entry]
        if any(not np.array_equal(above, below) for above, below in zip(*sides, strict=True)):
            crossed += 1
            continue
        # The quotient is off by h²·L‴/6 ≈ 1e-11 and by ε·L/h ≈ 1e-10.
        assert gradient[entry] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-7, abs=1e-9)
    assert crossed <= 1


# The contract, for every loss on every kind of data


@every
@pytest.mark.parametrize("delta", [0.3, 1.0, 2.5])
def test_gradient_is_the_difference_quotient_of_the_loss(name: str, task: str, delta: float) -> None:
    for seed in range(5):
        z, y = sample(name, task, 6, seed)
        assert_gradient_is_the_difference_quotient(made(name, z.shape[1], 6, delta=delta), z, y)


@on_classes
def test_gradient_is_right_for_softened_targets_too(name: str, task: str) -> None:
    for seed in range(3):
        z, y = sample(name, task, 6, seed)
        assert_gradient_is_the_difference_quotient(made(name, z.shape[1], 6), z, smooth(y, 0.2))


@every
@pytest.mark.parametrize("size", [800.0, 1e8])
def test_extreme_logits_give_finite_losses_and_gradients(name: str, task: str, size: float) -> None:
    z, y = sample(name, task, 4)
    for signs in (1.0, -1.0):
        loss, gradient = run(name, signs * size * np.resize([1.0, -1.0], z.shape), y)
        assert math.isfinite(loss.loss)
        assert np.isfinite(gradient).all()


@every
def test_numbers_that_are_not_finite_reach_the_loss(name: str, task: str) -> None:
    z, y = sample(name, task, 3)
    z[1, 0] = np.nan
    loss, gradient = run(name, z, y)
    assert not math.isfinite(loss.loss)
    assert np.isnan(gradient[1, 0])
    assert np.isfinite(gradient[[0, 2]]).all(), "other samples are not touched"


@every
def test_mean_over_the_batch_not_the_sum(name: str, task: str) -> None:
    """Every sample twice: the same loss, and half the gradient per row."""
    z, y = sample(name, task, 5)
    (once, gradient), (twice, halves) = run(name, z, y), run(name, np.tile(z, (2, 1)), np.tile(y, (2, 1)))
    assert twice.loss == pytest.approx(once.loss, rel=1e-14)
    np.testing.assert_allclose(np.tile(gradient, (2, 1)), 2 * halves, rtol=1e-13)


@every
def test_backward_leaves_predictions_and_targets_alone_and_can_be_repeated(name: str, task: str) -> None:
    z, y = sample(name, task, 5)
    loss, gradient = run(name, z, y)
    first = gradient.copy()
    loss.inputs[0].grad.fill(np.nan)
    loss.backward()
    np.testing.assert_array_equal(gradient, first)
    np.testing.assert_array_equal(loss.inputs[0].value, z)
    np.testing.assert_array_equal(loss.targets, y)


@every
@pytest.mark.parametrize("samples", [1, 4])
def test_short_batch_has_the_loss_and_gradient_of_its_own_size(name: str, task: str, samples: int) -> None:
    z, y = sample(name, task, 6)
    long, own = made(name, z.shape[1], 6), run(name, z[:samples], y[:samples])
    load(long, z, y)
    turn(long)
    for node in (long.inputs[0], long):
        node.resize(samples)
    load(long, z[:samples], y[:samples])
    np.testing.assert_array_equal(turn(long), own[1])
    assert long.loss == own[0].loss
    assert [side.shape for side in long.kink_sides()] == [(samples, z.shape[1])] * len(long.kink_sides())


@every
def test_single_precision_stays_single_and_the_loss_is_a_plain_number(name: str, task: str) -> None:
    z, y = (array.astype(np.float32) for array in sample(name, task, 50))
    loss, gradient = run(name, z, y, np.float32)
    exact, exact_gradient = run(name, z.astype(float), y.astype(float))
    arrays = {key: value for key, value in vars(loss).items() if isinstance(value, np.ndarray)}
    assert {key: array.dtype for key, array in arrays.items()} == dict.fromkeys(arrays, np.dtype(np.float32))
    assert gradient.dtype == np.float32
    assert type(loss.loss) is float
    assert loss.loss == pytest.approx(exact.loss, rel=1e-5)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-4, atol=1e-9)


@every
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_passes_allocate_nothing_of_the_size_of_the_batch(name: str, task: str, dtype: Any) -> None:
    z, y = sample(name, task, 50_000)
    loss = made(name, z.shape[1], len(z), dtype)
    load(loss, z, y)
    turn(loss)
    tracemalloc.start()
    turn(loss)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # NumPy sums rows through a buffer of 32 kB; even one float32 number per sample would take 200 kB.
    assert peak < 100_000


@every
def test_kinks_have_a_name_exactly_where_there_are_sides(name: str, task: str) -> None:
    loss, _ = run(name, *sample(name, task, 4))
    assert bool(loss.name_of_kink) == bool(loss.kink_sides())
    kept = [side.copy() for side in loss.kink_sides()]
    seen = loss.kink_sides()
    loss.inputs[0].value.fill(40.0)
    loss.forward()
    for before, after in zip(kept, seen, strict=True):
        np.testing.assert_array_equal(before, after, "the sides are copies, not views that change with the loss")


@pytest.mark.parametrize(
    ("name", "kink", "target"),
    [
        ("mean-absolute-error", [0.7], [0.7]),
        ("huber", [2.7], [0.7]),
        ("huber", [-1.3], [0.7]),
        ("hinge", [1.0], [1.0]),
        ("hinge", [-1.0], [0.0]),
        ("hinge", [0.5, 1.5, -3.0], [0.0, 1.0, 0.0]),
    ],
)
def test_sides_change_across_a_kink_and_only_there(name: str, kink: list[float], target: list[float]) -> None:
    def sides(shift: float) -> Array:
        z = np.array([kink])
        z[0, 0] += shift
        return run(name, z, np.array([target]), delta=2.0)[0].kink_sides()[0]

    assert not np.array_equal(sides(1e-5), sides(-1e-5))
    np.testing.assert_array_equal(sides(1e-5), sides(3e-5))
    np.testing.assert_array_equal(sides(-1e-5), sides(-3e-5))


# Single losses


def test_mean_squared_error_averages_over_samples_and_outputs() -> None:
    loss, gradient = run("mean-squared-error", np.array([[1.0, 2.0], [3.0, 5.0]]), np.zeros((2, 2)))
    assert loss.loss == (1 + 4 + 9 + 25) / 4
    np.testing.assert_array_equal(gradient, [[0.5, 1.0], [1.5, 2.5]])


def test_mean_absolute_error_averages_over_samples_and_outputs_and_rests_at_ties() -> None:
    loss, gradient = run("mean-absolute-error", np.array([[1.0, -2.0], [0.5, 5.0]]), np.array([[0, 0], [0.5, 4.0]]))
    assert loss.loss == (1 + 2 + 0 + 1) / 4
    np.testing.assert_array_equal(gradient, [[0.25, -0.25], [0.0, 0.25]])


def test_huber_is_a_parabola_inside_delta_and_a_line_outside() -> None:
    loss, gradient = run("huber", np.array([[1.0], [-2.0], [5.0], [-7.0]]), np.zeros((4, 1)), delta=2.0)
    assert loss.loss == (0.5 + 2.0 + 2 * (5 - 1) + 2 * (7 - 1)) / 4
    np.testing.assert_array_equal(gradient, np.array([[1.0], [-2.0], [2.0], [-2.0]]) / 4)


def test_huber_lies_between_half_the_squared_and_the_absolute_error() -> None:
    z, y = sample("huber", "regression", 20)
    (square, _), (line, _) = run("mean-squared-error", z, y), run("mean-absolute-error", z, y)
    assert run("huber", z, y, delta=1e6)[0].loss == pytest.approx(square.loss / 2, rel=1e-13)
    assert run("huber", z, y, delta=1e-6)[0].loss == pytest.approx(1e-6 * line.loss, rel=1e-5)


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan])
def test_huber_refuses_a_delta_that_is_not_positive(delta: float) -> None:
    with pytest.raises(ValueError, match="delta must be above 0"):
        made("huber", 1, 1, delta=delta)


def test_hinge_by_hand() -> None:
    loss, gradient = run("hinge", np.array([[0.5], [2.0], [0.5], [-3.0]]), np.array([[1.0], [1.0], [0.0], [0.0]]))
    assert loss.loss == (0.5 + 0 + 1.5 + 0) / 4
    np.testing.assert_array_equal(gradient, [[-0.25], [0.0], [0.25], [0.0]])
    # Margins of the first sample to the others: 1 − 1 + 0.5 and 1 − 1 + 3; the second sample is right by far.
    loss, gradient = run("hinge", np.array([[1.0, 0.5, 3.0], [-5.0, -5.0, 5.0]]), np.eye(3)[[0, 2]])
    assert loss.loss == (0.5 + 3.0) / 3 / 2
    np.testing.assert_array_equal(gradient, np.array([[-2.0, 1.0, 1.0], [0.0, 0.0, 0.0]]) / 6)


def test_untrained_classifier_starts_at_the_logarithm_of_the_number_of_classes() -> None:
    assert run("softmax-cross-entropy", np.zeros((4, 10)), np.eye(10)[:4])[0].loss == pytest.approx(math.log(10))
    assert run("binary-cross-entropy", np.zeros((4, 1)), np.ones((4, 1)))[0].loss == pytest.approx(math.log(2))


@given(z=st.floats(-700, 700), y=st.sampled_from([0.0, 1.0]))
@settings(max_examples=200, deadline=None)
def test_binary_cross_entropys_gradient_keeps_its_digits_in_both_tails(z: float, y: float) -> None:
    """σ(z) − y cancels where σ rounds to y; the exact value is ±σ(∓z), down to 1e-304."""
    _, gradient = run("binary-cross-entropy", np.array([[z]]), np.array([[y]]))
    away = z if y == 0.0 else -z
    exact = 1 / (1 + math.exp(-away)) if away >= 0 else math.exp(away) / (1 + math.exp(away))
    assert math.isclose(gradient[0, 0], exact if y == 0.0 else -exact, rel_tol=1e-13)


@pytest.mark.parametrize(("z", "y"), [(-40.0, 0.0), (40.0, 1.0)])
def test_binary_cross_entropys_loss_keeps_its_digits_where_the_network_is_right(z: float, y: float) -> None:
    """L = log(1 + e⁻⁴⁰) for a confident right answer of either class, as in PyTorch."""
    loss, _ = run("binary-cross-entropy", np.array([[z]]), np.array([[y]]))
    assert math.isclose(loss.loss, math.log1p(math.exp(-40.0)), rel_tol=1e-12)


def test_binary_cross_entropy_of_a_confident_wrong_answer_is_its_logit() -> None:
    assert run("binary-cross-entropy", np.array([[1000.0]]), np.zeros((1, 1)))[0].loss == 1000.0
    assert run("binary-cross-entropy", np.array([[-1000.0]]), np.ones((1, 1)))[0].loss == 1000.0


@given(st.floats(-1e6, 1e6))
@settings(max_examples=50, deadline=None)
def test_softmax_does_not_mind_a_constant_added_to_all_logits(shift: float) -> None:
    z, y = np.array([[0.5, -1.0, 2.0]]), np.array([[0.0, 0.0, 1.0]])
    (plain, gradient), (shifted, same) = run("softmax-cross-entropy", z, y), run("softmax-cross-entropy", z + shift, y)
    assert shifted.loss == pytest.approx(plain.loss, rel=1e-9)
    np.testing.assert_allclose(same, gradient, rtol=1e-8)
    assert abs(gradient.sum()) < 1e-15, "probabilities and targets both add up to 1"


def test_softmax_of_a_confident_wrong_answer_is_the_distance_of_the_logits() -> None:
    loss, gradient = run("softmax-cross-entropy", np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]]))
    assert loss.loss == 2000.0
    np.testing.assert_array_equal(gradient, [[1.0, -1.0]])


def test_softmax_keeps_the_digits_of_the_tiny_gradients_of_the_other_classes() -> None:
    _, gradient = run("softmax-cross-entropy", np.array([[0.0, -30.0, -700.0]]), np.eye(3)[:1])
    np.testing.assert_allclose(gradient[0, 1:], np.exp([-30.0, -700.0]), rtol=1e-12)


# Names, targets, and what is right


def test_correct_counts_the_samples_on_the_right_side() -> None:
    z = np.array([[2.0], [-1.0], [0.5], [-3.0]])
    y = np.array([[1.0], [1.0], [0.0], [0.0]])
    assert run("binary-cross-entropy", z, y)[0].correct() == 2
    assert run("hinge", z, y)[0].correct() == 2
    assert run("softmax-cross-entropy", np.hstack([z, -z]), np.eye(2)[[0, 0, 1, 1]])[0].correct() == 2
    assert run("hinge", np.hstack([z, -z]), np.eye(2)[[0, 0, 1, 1]])[0].correct() == 2
    assert run("mean-squared-error", z, y)[0].correct() == 3


@on_classes
def test_softened_targets_leave_the_right_answer_what_it_was(name: str, task: str) -> None:
    z, y = sample(name, task, 40)
    assert run(name, z, smooth(y, 0.3))[0].correct() == run(name, z, y)[0].correct()


@pytest.mark.parametrize("task", typing.get_args(Task))
def test_every_kind_of_data_has_a_default_loss_that_fits(task: Task) -> None:
    assert task in LOSSES[default_loss(task)].part.tasks


def test_defaults_are_the_usual_ones() -> None:
    assert [default_loss(task) for task in ("regression", "binary", "multiclass")] == [
        "mean-squared-error",
        "binary-cross-entropy",
        "softmax-cross-entropy",
    ]


@pytest.mark.parametrize("name", LOSSES)
def test_delta_reaches_the_losses_that_have_one_and_no_other(name: str) -> None:
    loss = make_loss(name, 0.25)(Given((), 2))
    assert type(loss) is LOSSES[name].part
    assert getattr(loss, "delta", None) == (0.25 if name == "huber" else None)


def test_smoothing_spreads_a_share_over_all_classes() -> None:
    np.testing.assert_allclose(smooth(np.eye(4)[[2]], 0.2), [[0.05, 0.05, 0.85, 0.05]], rtol=1e-15)
    np.testing.assert_allclose(smooth(np.array([[0.0], [1.0]]), 0.2), [[0.1], [0.9]], rtol=1e-15)
    y = np.eye(3, dtype=np.float32)
    assert smooth(y, 0.1).dtype == np.float32
    np.testing.assert_array_equal(smooth(y, 0.0), y)
    np.testing.assert_allclose(smooth(np.eye(7), 0.3).sum(axis=1), 1.0, rtol=1e-15)


def test_smoothing_one_output_is_smoothing_the_two_classes_it_stands_for() -> None:
    """σ(z) is the softmax of (0, z)."""
    z, y = sample("binary-cross-entropy", "binary", 9)
    one, gradient = run("binary-cross-entropy", z, smooth(y, 0.1))
    two, both = run("softmax-cross-entropy", np.hstack([0 * z, z]), smooth(np.hstack([1 - y, y]), 0.1))
    assert one.loss == pytest.approx(two.loss, rel=1e-13)
    np.testing.assert_allclose(gradient[:, 0], both[:, 1], rtol=1e-12, atol=1e-16)


# PyTorch as an independent witness


def torch_loss(name: str, z: Any, y: Any, delta: float) -> Any:
    """Return PyTorch's loss of a task's predictions and targets."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    if name == "hinge" and z.shape[1] == 1:
        return torch.clamp(1 - (2 * y - 1) * z, min=0).mean()
    return {
        "mean-squared-error": functional.mse_loss,
        "mean-absolute-error": functional.l1_loss,
        "huber": lambda z, y: functional.huber_loss(z, y, delta=delta),
        "binary-cross-entropy": functional.binary_cross_entropy_with_logits,
        "softmax-cross-entropy": functional.cross_entropy,
        "hinge": lambda z, y: functional.multi_margin_loss(z, y.argmax(dim=1)),
    }[name](z, y)


def assert_torch_agrees(name: str, z: Array, y: Array, delta: float = 1.0) -> None:
    """Compare the loss and every entry of ∂L/∂z to 1e-12."""
    torch = pytest.importorskip("torch")
    theirs_z = torch.tensor(z, requires_grad=True)
    theirs = torch_loss(name, theirs_z, torch.tensor(y), delta)
    theirs.backward()
    loss, gradient = run(name, z, y, delta=delta)
    assert loss.loss == pytest.approx(theirs.item(), rel=1e-12, abs=0.0)
    # The cross-entropies' entries are differences of numbers up to 1/count, hence the absolute part.
    np.testing.assert_allclose(gradient, theirs_z.grad.numpy(), rtol=1e-12, atol=2e-16 / len(z))


@every
@pytest.mark.parametrize("delta", [0.3, 2.0])
def test_torch_gives_the_same_loss_and_gradient(name: str, task: str, delta: float) -> None:
    for seed in range(5):
        assert_torch_agrees(name, *sample(name, task, 20, seed), delta=delta)


@every
@pytest.mark.parametrize("size", [1e-9, 30.0, 800.0])
def test_torch_agrees_on_tiny_and_on_extreme_predictions(name: str, task: str, size: float) -> None:
    z, y = sample(name, task, 30)
    assert_torch_agrees(name, size * np.sign(z), y)
    assert_torch_agrees(name, size * z, y)


@pytest.mark.parametrize("size", [1.0, 30.0, 600.0])
def test_binary_cross_entropys_tiny_gradients_are_those_of_torchs_log_sigmoid(size: float) -> None:
    """Where torch's own binary cross-entropy rounds to 0, the logarithm of the sigmoid still knows the gradient."""
    torch = pytest.importorskip("torch")
    z, y = size * np.linspace(-1.1, 1.1, 24)[:, None], np.resize([0.0, 1.0, 1.0], (24, 1))
    theirs = torch.tensor(z, requires_grad=True)
    (-torch.nn.functional.logsigmoid(torch.tensor(2 * y - 1) * theirs).mean()).backward()
    np.testing.assert_allclose(run("binary-cross-entropy", z, y)[1], theirs.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("size", [1.5, 800.0])
def test_softmax_on_smoothed_targets_is_torchs_label_smoothing(share: float, size: float) -> None:
    torch = pytest.importorskip("torch")
    z, y = sample("softmax-cross-entropy", "multiclass", 12, size=size)
    theirs_z = torch.tensor(z, requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(theirs_z, torch.tensor(y.argmax(axis=1)), label_smoothing=share)
    theirs.backward()
    loss, gradient = run("softmax-cross-entropy", z, smooth(y, share))
    assert loss.loss == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, theirs_z.grad.numpy(), rtol=1e-12, atol=1e-17)
