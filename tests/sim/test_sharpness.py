"""The sharpness: the largest eigenvalue of the loss’s Hessian, beside independent ones, and the bound beside it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sim_kit import small, take, trainer

from gradflow.sim.config import edit
from gradflow.sim.eigen import largest
from gradflow.sim.interruption import Interrupted
from gradflow.sim.sharpness import Sharpener, Sharpness
from gradflow.sim.stability import bound_of
from gradflow.sim.trainer import Trainer

Array = NDArray[Any]

NETWORKS: dict[str, dict[str, Any]] = {
    "tanh": {"network.activation": "tanh", "init.scheme": "xavier-normal"},
    "relu": {"network.activation": "relu", "init.scheme": "he-normal"},
    "regression": {"data.name": "sine", "network.activation": "tanh", "init.scheme": "xavier-normal"},
    "three classes": {"data.name": "blobs", "network.activation": "gelu", "init.scheme": "lsuv"},
}


def patiently() -> None:
    """Nobody waits."""


def measured(made: Trainer, steps: int = 0) -> Sharpness:
    """Return the sharpness after some steps."""
    return Sharpener(made).measure(take(made, steps + 1)[-1], patiently)


# The search


def drain(search: Any) -> Any:
    """Return what a generator returns."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("size", [1, 2, 3, 40])
@pytest.mark.parametrize("seed", range(3))
def test_the_largest_eigenvalue_is_found_even_below_a_more_negative_one(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame, _ = np.linalg.qr(rng.standard_normal((size, size)))
    values = np.concatenate([[3.0, 1.0, -7.0], rng.uniform(-1.0, 1.0, 40)])[:size]
    matrix = frame @ np.diag(values) @ frame.T

    def product(v: Array) -> Any:
        yield
        return matrix @ v

    found = drain(largest(product, rng.standard_normal(size)))
    assert found.found
    assert found.value == pytest.approx(3.0, rel=1e-3)
    assert np.linalg.norm(matrix @ found.vector - 3.0 * found.vector) < 0.04


def test_a_flat_landscape_has_sharpness_zero() -> None:
    def product(v: Array) -> Any:
        yield
        return np.zeros_like(v)

    found = drain(largest(product, np.ones(5)))
    assert found.found and found.value == 0.0


# Against autograd


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("steps", [0, 30])
def test_it_is_that_of_the_hessian_by_autograd(name: str, steps: int) -> None:
    """To 1 %; kinks lie in no second derivative, nor do they here."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    made = trainer(NETWORKS[name] | {"training.learning_rate": 0.1, "data.samples": 60})
    found = measured(made, steps)
    shapes = [(layer.linear.W.shape, layer.linear.b.shape) for layer in made.network.layers]
    x, y = (torch.tensor(np.array(part, float)) for part in made.training_set)
    phi = {"tanh": torch.tanh, "relu": torch.relu, "gelu": torch.nn.functional.gelu}[
        NETWORKS[name]["network.activation"]
    ]

    def loss(flat: Any) -> Any:
        a, start = x, 0
        for i, (of_W, of_b) in enumerate(shapes):
            W = flat[start : start + of_W[0] * of_W[1]].reshape(of_W)
            b = flat[start + W.numel() : start + W.numel() + of_b[0]]
            start += W.numel() + b.numel()
            z = a @ W + b
            a = phi(z) if i + 1 < len(shapes) else z
        if made.loss_name == "mean-squared-error":
            return ((a - y) ** 2).mean()
        if made.loss_name == "binary-cross-entropy":
            return torch.nn.functional.binary_cross_entropy_with_logits(a, y)
        return -(y * torch.log_softmax(a, dim=1)).sum(dim=1).mean()

    theta = torch.tensor(made.network.parameters.copy())
    hessian = torch.autograd.functional.hessian(loss, theta, vectorize=True).numpy()
    assert found.value == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"network.norm": "layer-norm"},
        {"network.norm": "batch-norm"},
        {"network.skip_every": 1},
        {"network.activation": "relu", "init.bias_scale": 0.0, "network.dropout": 0.2},
        {"training.precision": "float32"},
        {"training.freeze": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_no_direction_bends_more(changes: Mapping[str, Any]) -> None:
    """Whatever the network is made of: the whole matrix, product by product, has no larger eigenvalue."""
    made = trainer({"network.width": 4, "network.depth": 2} | dict(changes))
    sharpener = Sharpener(made)
    found = sharpener.measure(take(made, 3)[-1], patiently)
    slope = sharpener._slope
    assert slope is not None
    learns = np.zeros(made.network.parameters.size)
    for span in made.network.trainable_spans():
        learns[span] = 1.0
    matrix = np.array([drain(slope.product(row)) for row in np.diag(learns)])
    assert np.allclose(matrix, matrix.T, atol=1e-5 * np.abs(matrix).max())
    assert found.value == pytest.approx(np.linalg.eigvalsh(0.5 * (matrix + matrix.T))[-1], rel=0.01)


# Over a run


def test_it_grows_over_a_run_and_remembers_what_was_measured() -> None:
    made = trainer({"data.name": "sine", "training.batch_size": "all", "training.learning_rate": 0.2})
    sharpener = Sharpener(made)
    for snapshot in islice(made.steps(), 0, 41, 20):
        found = sharpener.measure(snapshot, patiently)
        assert found.step == snapshot.step
    assert found.steps.tolist() == [0.0, 20.0, 40.0]
    assert found.bounds.tolist() == [10.0] * 3
    again = sharpener.measure(snapshot, patiently)
    assert again.values.tolist() == found.values.tolist()


def test_it_is_searched_in_slices_and_stays_that_of_the_step_it_began_with() -> None:
    """A step of the training is never held up for long: what was begun at step 0 is gone on with at step 1."""
    made, whole = trainer(), measured(trainer())
    sharpener, steps = Sharpener(made), made.steps()
    snapshot = next(steps)
    found = sharpener.measure(snapshot, patiently, seconds=1e-9)
    assert not len(found.values) and found.step == -1
    slices = 1
    while not len(found.values):
        snapshot = next(steps)
        found = sharpener.measure(snapshot, patiently, seconds=1e-5)
        slices += 1
    assert slices > 2
    assert found.step == 0
    assert found.value == pytest.approx(whole.value, rel=1e-12)


def test_it_gives_way_and_goes_on_later() -> None:
    made = trainer()
    snapshot, calls = made.preview(), 0

    def give_way() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Interrupted

    sharpener = Sharpener(made)
    with pytest.raises(Interrupted):
        sharpener.measure(snapshot, give_way)
    assert sharpener.measure(snapshot, give_way).value == pytest.approx(measured(trainer()).value, rel=1e-12)


def test_the_training_is_left_as_it_is() -> None:
    watched, alone = trainer(), trainer()
    sharpener = Sharpener(watched)
    for one, other in zip(islice(watched.steps(), 6), islice(alone.steps(), 6), strict=True):
        sharpener.measure(one, patiently)
        assert one.stats.tobytes() == other.stats.tobytes()


def test_where_there_is_none_it_says_why() -> None:
    found = measured(trainer({"network.activation": "step"}))
    assert np.isnan(found.value)
    assert "only stands in" in found.note


def test_a_network_whose_units_all_stand_on_a_kink_has_one_beside_it() -> None:
    """With no bias and an input of zeros every z is 0, where ReLU has no slope."""
    made = trainer({"network.activation": "relu", "init.scheme": "he-normal", "init.bias_scale": 0.0})
    made._inputs = np.where(np.arange(len(made._inputs))[:, None] < 5, 0.0, made._inputs)
    assert measured(made).value > 0.0


# The bound


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("name", ["sgd", "nesterov"])
def test_steps_grow_exactly_beyond_the_bound(name: str, momentum: float) -> None:
    """On a parabola of that curvature, with the engine's own optimiser and its weight decay."""
    from gradflow.engine.optimizers import OPTIMIZERS, Hyper
    from gradflow.engine.update import Update

    training = edit(
        small(), {"training.optimizer": name, "training.momentum": momentum, "training.weight_decay": 0.5}
    ).training
    rate = 0.1
    for share, grows in ((0.98, False), (1.02, True)):
        curvature = share * (bound_of(training).curvature(rate) + 0.5) - 0.5
        theta, g = np.ones(1), np.ones(1)
        update = Update(theta, g, OPTIMIZERS[name].part(1))
        for _ in range(1500):
            g[:] = curvature * theta
            update.prepare(Hyper(momentum=momentum, weight_decay=0.5), float("nan"))
            update.take(rate)
        assert (abs(theta[0]) > 1e3) == grows
        assert (abs(theta[0]) < 1e-3) == (not grows)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "lion"])
def test_optimisers_that_scale_each_weight_have_no_bound_and_say_so(name: str) -> None:
    bound = bound_of(edit(small(), {"training.optimizer": name}).training)
    assert np.isnan(bound.curvature(0.1))
    assert "2/η is no bound" in bound.why_not
