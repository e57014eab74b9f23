"""Random networks, step by step: the same in law whether their weights are drawn or not, and as formulas say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from recursion_kit import follow
from theory_kit import Array, of

from gradflow.engine.activations import make_activation
from gradflow.theory import random_steps
from gradflow.theory.finite_width import RandomLayer
from gradflow.theory.propagation import Graph
from gradflow.theory.random_networks import RandomNetworks
from gradflow.theory.steps import BatchRescale, Bend, Beside, Data, Drop, Linear, Rescale, Step, Sum, root

SAMPLES = 6


def chained(samples: Array, *steps: Step) -> Graph:
    return Graph((Data(samples), *steps), ((), *((i,) for i in range(len(steps)))))


def chain(samples: Array, activation: str, square: float, depth: int = 8, width: int = 60) -> Graph:
    hidden = [(Linear(width, square), Bend(make_activation(activation))) for _ in range(depth)]
    return chained(samples, *[step for pair in hidden for step in pair], Linear(10, square))


def logs(graph: Graph, delta: Callable[[Array], Array], pairs: Array | None = None, seed: int = 1) -> Array:
    """Return ln‖δ‖² and ln‖∂L/∂W‖² of sums over pairs, (2, layers, networks)."""
    data = graph.steps[0]
    assert isinstance(data, Data)
    places = [i for i, step in enumerate(graph.steps) if isinstance(step, Linear)]
    weights = np.ones((1, len(data.samples), len(data.samples))) if pairs is None else pairs[None]
    found = RandomNetworks(graph, places, delta, weights, np.random.default_rng(seed)).follow(data.samples)
    return np.array(found)[:, 0]


def given(gram: Array) -> Callable[[Array], Array]:
    """Return a loss whose δ has this Gram matrix, whatever comes out."""
    columns = np.pad(root(gram), ((0, 0), (0, 10 - len(gram))))
    return lambda outputs: np.broadcast_to(columns, outputs.shape)


def rows(kernel: Array) -> Array:
    """Return samples with this kernel, a hundred features each."""
    return root(kernel) @ np.linalg.qr(np.random.default_rng(0).standard_normal((100, len(kernel))))[0].T * 10.0


@pytest.mark.parametrize(("activation", "square"), [("tanh", 1.0), ("relu", 2.0), ("identity", 1.0), ("selu", 1.0)])
def test_samples_that_are_all_the_same_scatter_as_one(activation: str, square: float) -> None:
    same = np.ones((SAMPLES, SAMPLES))
    layer = RandomLayer(60, square, 0.0, of(activation))
    one = follow(1.0, 60, [*[layer] * 8, RandomLayer(10, square, 0.0, of("identity"))])
    delta, gradient = logs(chain(rows(same), activation, square), given(same)).std(axis=2)
    # 128 networks know their spread to 6 %, and it is that of the first order to a tenth; δ of the output is given.
    assert delta == pytest.approx(np.sqrt(one.delta_variance), rel=0.25, abs=1e-12)
    assert gradient == pytest.approx(np.sqrt(one.weight_grad_variance), rel=0.25)


@pytest.mark.parametrize(("activation", "square"), [("tanh", 1.0), ("identity", 1.0)])
def test_samples_with_nothing_in_common_average_their_deviations_out(activation: str, square: float) -> None:
    """δ of m unrelated samples deviates by the m-th part of one sample's variance."""
    apart, layer = np.eye(SAMPLES), RandomLayer(60, square, 0.0, of(activation))
    one = follow(1.0, 60, [*[layer] * 8, RandomLayer(10, square, 0.0, of("identity"))])
    found = logs(chain(rows(apart), activation, square), given(apart))[0].std(axis=1)
    assert found[:-1] == pytest.approx(np.sqrt(one.delta_variance[:-1] / SAMPLES), rel=0.3)
    assert found[-1] < 1e-12


def test_the_mean_over_networks_is_what_wide_layers_have() -> None:
    """E G_l of linear layers is G at the output, and E K/N the data's kernel, whatever the width N."""
    kernel = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    delta, gradient = np.log(np.exp(logs(chain(rows(kernel), "identity", 1.0, width=400), given(kernel))).mean(axis=2))
    assert delta == pytest.approx(np.log(3.0), abs=0.05)
    assert gradient == pytest.approx(np.log(np.sum(kernel * kernel) * np.array([100, *[400] * 8])), abs=0.1)


def residual(samples: Array) -> Graph:
    """Return a graph of all kinds of steps but batch norm: a block, a concatenation, norms, dropout and biases."""
    bend = [Bend(make_activation("tanh")) for _ in range(3)]
    steps = [Data(samples), Linear(30, 1.5, 0.2), Rescale(True), bend[0], Linear(30, 2.0, 0.1), bend[1], Sum(0.7)]
    inputs = [(), (0,), (1,), (2,), (3,), (4,), (3, 5)]
    steps += [Beside(), Rescale(False), Drop(0.2), Linear(40, 1.0, 0.3), bend[2], Linear(3, 1.0, 0.1)]
    inputs += [(6, 3), (7,), (8,), (9,), (10,), (11,)]
    return Graph(tuple(steps), tuple(inputs))


def normed(samples: Array) -> Graph:
    """Return two layers with batch norm."""
    (one, two) = (Bend(make_activation("relu")) for _ in range(2))
    return chained(samples, Linear(30, 2.0), BatchRescale(), one, Linear(30, 2.0), BatchRescale(), two, Linear(3, 1.0))


@pytest.mark.parametrize("make", [residual, normed])
def test_weights_that_are_not_drawn_are_there_in_law(make: Callable[[Array], Graph], monkeypatch) -> None:
    """Also where δ knows them: of a squared error it contains the outputs themselves."""
    samples = np.random.default_rng(3).standard_normal((4, 20))
    both = []
    for many in (0, 1000):
        monkeypatch.setattr(random_steps, "MANY", many)
        both.append(np.concatenate([logs(make(samples), np.copy, np.eye(4) + 0.5, seed) for seed in range(8)], axis=2))
    (mean, other), (spread, others) = ([f(each, axis=2) for each in both] for f in (np.mean, np.std))
    # 1024 networks of either kind.
    assert (np.abs(mean - other) < 4.0 * spread * np.sqrt(2.0 / 1024)).all()
    np.testing.assert_allclose(others, spread, rtol=0.12)


@pytest.mark.parametrize("make", [residual, normed])
def test_gradients_are_those_of_the_values(make: Callable[[Array], Graph]) -> None:
    """Along every step, L = Σ out·c changes with its inputs as the pull says, by central differences."""
    graph, rng = make(np.random.default_rng(3).standard_normal((4, 5))), np.random.default_rng(0)
    values = [np.random.default_rng(3).standard_normal((1, 5, 4))]
    for step, sources in zip(graph.steps[1:], graph.inputs[1:], strict=True):
        inputs = [values[i] for i in sources]
        out, pull = random_steps.through(step, inputs, np.random.default_rng(7))
        values.append(out)
        c = rng.standard_normal(out.shape)
        for i, share in enumerate(pull(c)):
            way, ends = rng.standard_normal(share.shape), []
            for sign in (1.0, -1.0):
                moved = [value + sign * 1e-6 * way if j == i else value for j, value in enumerate(inputs)]
                ends.append(np.sum(random_steps.through(step, moved, np.random.default_rng(7))[0] * c))
            if isinstance(step, Linear) and inputs[0].shape[1] > random_steps.MANY * 4:
                continue
            first, last = ends
            assert np.sum(share * way) == pytest.approx((first - last) / 2e-6, rel=1e-5, abs=1e-8), step


def test_small_gradients_do_not_underflow_and_deep_networks_can_be_given_up() -> None:
    same = np.ones((2, 2))
    graph = chain(rows(same), "identity", 1e-4, depth=60)
    delta, _ = logs(graph, given(1e-200 * same))
    assert np.isfinite(delta).all() and delta[0].max() < -1000.0
    assert all(above > below for below, above in pairwise(delta.mean(axis=1)))

    def enough() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        RandomNetworks(graph, [1], np.copy, same[None], np.random.default_rng(0), enough).follow(rows(same))


def test_silent_networks_stay_silent() -> None:
    """Of zeros nothing comes back, and nothing is raised for it."""
    silent = chained(np.ones((3, 30)), Linear(20, 0.0), Bend(make_activation("relu")), Linear(10, 2.0))
    delta, gradient = logs(silent, given(np.eye(3)))
    assert np.isneginf(delta[0]).all() and np.isneginf(gradient).all() and np.isfinite(delta[1]).all()
