"""Optimisers: the rules by hand, beside torch.optim, and in whatever pieces the vectors are cut.

All but the references is parametrised over the registry: a new optimiser is tested by being registered, and asks for
its reference by failing the test that counts them.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from gradflow.engine.optimizers import OPTIMIZERS, Hyper, Optimizer
from gradflow.engine.update import PIECE, Update

every = pytest.mark.parametrize("name", OPTIMIZERS)

PLAIN = Hyper()
SIZES = (1, 7, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5)


class Run:
    """One vector of parameters and an optimiser that walks it."""

    def __init__(self, name: str, start: Any, dtype: type = np.float64) -> None:
        self.parameters = np.array(start, dtype)
        self.gradients = np.zeros_like(self.parameters)
        self.optimizer = OPTIMIZERS[name].part(self.parameters.size, dtype)
        self.update = Update(self.parameters, self.gradients, self.optimizer)

    def step(self, gradient: Any, hyper: Hyper = PLAIN, learning_rate: float = 0.1) -> np.ndarray:
        """Take one step and return its direction."""
        self.gradients[:] = gradient
        self.update.prepare(hyper, grad_norm=float(np.linalg.norm(self.gradients)))
        self.update.take(learning_rate)
        return self.update.direction.copy()


def whole(optimizer: Optimizer, g: np.ndarray, hyper: Hyper) -> np.ndarray:
    """Return the direction of one step on the whole vectors at once, without an update around it."""
    optimizer.begin(hyper)
    return optimizer.direction(g, np.empty_like(g), optimizer.memory, np.empty_like(g)).copy()


# By hand


GRADIENTS = (3.0, 4.0, 12.0)
BY_HAND: dict[str, tuple[Hyper, tuple[float, ...]]] = {
    # v = 3, 4 + 3/2, 12 + 11/4
    "sgd": (Hyper(momentum=0.5), (3.0, 5.5, 14.75)),
    # g + v/2
    "nesterov": (Hyper(momentum=0.5), (4.5, 6.75, 19.375)),
    # v = 9/4, 27/16 + 16/4, (3/4)·(91/16) + 144/4
    "rmsprop": (Hyper(beta2=0.75, epsilon=1.0), (3 / 2.5, 4 / (5.6875**0.5 + 1), 12 / (40.265625**0.5 + 1))),
    # √v = 3, 5, 13
    "adagrad": (Hyper(epsilon=1.0), (3 / 4, 4 / 6, 12 / 14)),
    # m = 3/2, 11/4, 59/8 over 1/2, 3/4, 7/8; v as in RMSProp over 1/4, 7/16, 37/64
    "adam": (
        Hyper(beta1=0.5, beta2=0.75, epsilon=1.0),
        (3 / (3 + 1), (11 / 3) / (13**0.5 + 1), (59 / 7) / ((2577 / 37) ** 0.5 + 1)),
    ),
}
BY_HAND["adamw"] = BY_HAND["adam"]
BY_HAND["lion"] = (Hyper(beta1=0.5, beta2=0.75), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("name", BY_HAND)
def test_first_three_directions_by_hand(name: str) -> None:
    hyper, expected = BY_HAND[name]
    run = Run(name, [1.0])
    np.testing.assert_allclose([run.step([g], hyper)[0] for g in GRADIENTS], expected, rtol=1e-15)
    assert run.parameters[0] == pytest.approx(1.0 - 0.1 * sum(expected), rel=1e-15)


def test_lion_walks_by_its_mean_and_not_by_the_last_gradient() -> None:
    """m = 0.75, 0.4375: the second gradient is negative, but ½·0.75 − ½·0.5 is not; the third outweighs the mean."""
    run, hyper = Run("lion", [1.0]), Hyper(beta1=0.5, beta2=0.75)
    assert [run.step([g], hyper)[0] for g in (3.0, -0.5, -4.0)] == [1.0, 1.0, -1.0]
    assert run.optimizer.memory[0, 0] == 0.75 * 0.4375 - 0.25 * 4.0
    assert Run("lion", [1.0]).step([0.0])[0] == 0.0


def test_ten_steps_of_adam_divide_by_the_bias_correction() -> None:
    """m̂ = m/(1−β₁ᵏ), v̂ = v/(1−β₂ᵏ); multiplied instead, the first step would be a hundred times too small."""
    run, rng = Run("adam", [0.5]), np.random.default_rng(0)
    w, m, v = 0.5, 0.0, 0.0
    for k in range(1, 11):
        g = float(rng.standard_normal())
        run.step([g], learning_rate=0.01)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        w -= 0.01 * (m / (1 - 0.9**k)) / (math.sqrt(v / (1 - 0.999**k)) + 1e-8)
        assert run.parameters[0] == pytest.approx(w, rel=1e-14)


@pytest.mark.parametrize("gradient", [1e-3, -7.0, 1e5])
@pytest.mark.parametrize("name", ["adam", "adamw", "lion"])
def test_first_step_is_one_learning_rate_long_however_small_the_gradient(name: str, gradient: float) -> None:
    run = Run(name, [0.0])
    run.step([gradient], learning_rate=0.01)
    assert run.parameters[0] == pytest.approx(-math.copysign(0.01, gradient), rel=2e-5)


@pytest.mark.parametrize("name", ["sgd", "nesterov"])
def test_momentum_switched_off_and_on_again_starts_from_rest(name: str) -> None:
    """At rest the first velocity is the first gradient."""
    run, g = Run(name, [0.0, 0.0]), np.ones(2)
    first = run.step(g, Hyper(momentum=0.9))[0]
    assert run.step(g, Hyper(momentum=0.9))[0] > first
    assert run.step(g, Hyper(momentum=0.0))[0] == 1.0
    assert run.step(g, Hyper(momentum=0.9))[0] == first


def test_adamw_is_adam_plus_decay_and_adam_divides_the_decay_like_the_gradient() -> None:
    """First step: m̂/(√v̂+ε) is sign g, so 1 + λW for AdamW, and the sign of g + λW = 0.1 − 0.5 for Adam."""
    hyper = Hyper(weight_decay=0.25)
    assert Run("adamw", [-2.0]).step([0.1], hyper)[0] == pytest.approx(1.0 - 0.5)
    assert Run("adam", [-2.0]).step([0.1], hyper)[0] == pytest.approx(-1.0)


def test_own_numbers_are_torchs() -> None:
    """(β₁, β₂, ε), nan where an optimiser has none; Lion's are the paper's."""
    expected = {
        "rmsprop": (math.nan, 0.99, 1e-8),
        "adagrad": (math.nan, math.nan, 1e-10),
        "adam": (0.9, 0.999, 1e-8),
        "adamw": (0.9, 0.999, 1e-8),
        "lion": (0.9, 0.99, math.nan),
    }
    for name, numbers in expected.items():
        part = OPTIMIZERS[name].part
        np.testing.assert_array_equal((part.beta1, part.beta2, part.epsilon), numbers)


@every
def test_decoupled_decay_joins_the_direction_and_the_other_the_gradient(name: str) -> None:
    """With a gradient of 0: decoupled, the direction is λW itself; else it is what the rule makes of a gradient λW."""
    w = np.array([2.0, -3.0])
    part = OPTIMIZERS[name].part
    found = Run(name, w).step(np.zeros(2), Hyper(weight_decay=0.1))
    expected = 0.1 * w if part.decoupled else whole(part(2), 0.1 * w, Hyper())
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("rate", "grows"), [(1.99, False), (2.01, True)])
def test_plain_descent_on_a_parabola_diverges_beyond_two_over_the_curvature(rate: float, grows: bool) -> None:
    """θ ← (1 − ηλ)θ is stable for η < 2/λ only."""
    run = Run("sgd", [1.0])
    for _ in range(500):
        run.step(run.parameters, learning_rate=rate)
    assert (abs(run.parameters[0]) > 1) == grows


# Beside torch.optim


def torch_twin(name: str, w: Any, learning_rate: float, hyper: Hyper) -> Any:
    """Return torch's optimiser on `w` with the same numbers, its own defaults where ours are asked for."""
    import torch

    decay = {"weight_decay": hyper.weight_decay}
    if name in ("sgd", "nesterov"):
        momentum = {"momentum": hyper.momentum, "nesterov": name == "nesterov" and hyper.momentum > 0}
        return torch.optim.SGD([w], learning_rate, **momentum, **decay)
    kind = {"rmsprop": "RMSprop", "adagrad": "Adagrad", "adam": "Adam", "adamw": "AdamW"}[name]
    numbers: dict[str, Any] = {"eps": hyper.epsilon}
    if name == "rmsprop":
        numbers["alpha"] = hyper.beta2
    if name in ("adam", "adamw"):
        numbers["betas"] = (hyper.beta1, hyper.beta2) if hyper.beta1 else None
    given = {key: value for key, value in numbers.items() if value is not None}
    return getattr(torch.optim, kind)([w], learning_rate, **given, **decay)


HYPERS = {
    "defaults": Hyper(),
    "momentum": Hyper(momentum=0.9),
    "decay": Hyper(momentum=0.5, weight_decay=0.03),
    "own numbers": Hyper(beta1=0.7, beta2=0.8, epsilon=1e-3, weight_decay=0.1),
}


@pytest.mark.parametrize("hyper", HYPERS.values(), ids=HYPERS.keys())
@pytest.mark.parametrize("size", [1, 7, PIECE + 1])
@pytest.mark.parametrize("name", ["sgd", "nesterov", "rmsprop", "adagrad", "adam", "adamw"])
def test_fifty_steps_equal_torch(name: str, size: int, hyper: Hyper) -> None:
    """The same random gradients, some of them tiny, move the same weights to the same places."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(size)
    start = rng.standard_normal(size)
    run, w = Run(name, start), torch.tensor(start)
    twin = torch_twin(name, w, 0.01, hyper)
    sizes = 10.0 ** rng.integers(-6, 2, size)
    for _ in range(50):
        g = rng.standard_normal(size) * sizes
        run.step(g, hyper, 0.01)
        w.grad = torch.from_numpy(g)
        twin.step()
    theirs = w.numpy()
    assert np.linalg.norm(run.parameters - theirs) <= 1e-13 * np.linalg.norm(theirs)
    np.testing.assert_allclose(run.parameters, theirs, rtol=1e-12, atol=1e-13)


def lion_reference(w: list[float], gradients: list[list[float]], rate: float, hyper: Hyper) -> list[float]:
    """Lion in plain Python, weight by weight: Chen et al. 2023, the pseudocode of the paper."""
    b1 = 0.9 if hyper.beta1 is None else hyper.beta1
    b2 = 0.99 if hyper.beta2 is None else hyper.beta2
    moved = []
    for i, theta in enumerate(w):
        m = 0.0
        for g in gradients:
            c = b1 * m + (1 - b1) * g[i]
            theta -= rate * ((c > 0) - (c < 0) + hyper.weight_decay * theta)
            m = b2 * m + (1 - b2) * g[i]
        moved.append(theta)
    return moved


@pytest.mark.parametrize("hyper", HYPERS.values(), ids=HYPERS.keys())
def test_fifty_steps_of_lion_equal_plain_python(hyper: Hyper) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(200), rng.standard_normal((50, 200))
    run = Run("lion", start)
    for g in gradients:
        run.step(g, hyper, 0.01)
    expected = lion_reference(start.tolist(), gradients.tolist(), 0.01, hyper)
    np.testing.assert_allclose(run.parameters, expected, rtol=1e-12)


def test_every_registered_optimiser_has_its_reference_here() -> None:
    assert set(OPTIMIZERS) == set(BY_HAND)


# Every optimiser


@every
@pytest.mark.parametrize("size", SIZES)
def test_pieces_add_up_to_the_whole(name: str, size: int) -> None:
    """Bit for bit: where a vector is cut changes nothing."""
    rng = np.random.default_rng(0)
    run, alone = Run(name, rng.standard_normal(size)), OPTIMIZERS[name].part(size)
    hyper = Hyper(momentum=0.9)
    for _ in range(3):
        g, before = rng.standard_normal(size), run.parameters.copy()
        expected = whole(alone, g, hyper)
        np.testing.assert_array_equal(run.step(g, hyper, 0.3), expected)
        np.testing.assert_array_equal(run.parameters, before - 0.3 * expected)


@every
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_gradient_is_only_read(name: str, momentum: float) -> None:
    run = Run(name, np.ones(4))
    gradient = np.array([1.0, -2.0, 3e-200, 0.0])
    for _ in range(3):
        run.step(gradient, Hyper(momentum=momentum, weight_decay=0.1, l1=0.1))
        np.testing.assert_array_equal(run.gradients, gradient)


@every
def test_every_optimiser_walks_downhill_on_a_bowl(name: str) -> None:
    """L = ½‖w‖²: after enough small steps the loss has fallen at least a hundredfold."""
    run = Run(name, [3.0, -2.0])
    for k in range(2000):
        run.step(run.parameters.copy(), Hyper(momentum=0.5), learning_rate=0.5 / math.sqrt(1 + k))
    assert run.parameters @ run.parameters < 13 / 100


@every
def test_zero_gradient_moves_nothing(name: str) -> None:
    run = Run(name, [3.0, -2.0])
    for _ in range(3):
        assert not run.step([0.0, 0.0], Hyper(momentum=0.9)).any()
    np.testing.assert_array_equal(run.parameters, [3.0, -2.0])


@every
def test_same_gradients_give_the_same_steps_bit_for_bit(name: str) -> None:
    runs = [Run(name, np.ones(50)) for _ in range(2)]
    for g in np.random.default_rng(0).standard_normal((5, 50)):
        for run in runs:
            run.step(g, Hyper(momentum=0.9))
    np.testing.assert_array_equal(runs[0].parameters, runs[1].parameters)


@every
def test_single_precision_stays_single_and_near_double(name: str) -> None:
    rng = np.random.default_rng(0)
    start = rng.standard_normal(40)
    runs = [Run(name, start, dtype) for dtype in (np.float64, np.float32)]
    for g in rng.standard_normal((20, 40)):
        for run in runs:
            assert run.step(g, Hyper(momentum=0.9, weight_decay=0.01, l1=0.01), 0.01).dtype == run.parameters.dtype
    double, single = runs
    assert single.optimizer.memory.dtype == single.parameters.dtype == np.float32
    np.testing.assert_allclose(single.parameters, double.parameters, rtol=1e-4, atol=1e-5)


@every
def test_numbers_given_replace_the_optimisers_own_for_that_step_only(name: str) -> None:
    """None asks for the default, and giving the default changes nothing."""
    part = OPTIMIZERS[name].part
    numbers = {key: getattr(part, key) for key in ("beta1", "beta2", "epsilon")}
    given = dataclasses.replace(Hyper(), **{key: value for key, value in numbers.items() if not math.isnan(value)})
    runs = [Run(name, np.ones(5)) for _ in range(2)]
    for g in np.random.default_rng(0).standard_normal((5, 5)):
        np.testing.assert_array_equal(runs[0].step(g), runs[1].step(g, given))
    runs[0].optimizer.begin(Hyper(beta1=0.1, beta2=0.2, epsilon=0.3))
    assert (runs[0].optimizer.beta1, runs[0].optimizer.beta2, runs[0].optimizer.epsilon) == (0.1, 0.2, 0.3)
    runs[0].optimizer.begin(Hyper())
    np.testing.assert_array_equal([getattr(runs[0].optimizer, key) for key in numbers], list(numbers.values()))
