"""Jacobians by backprop of identity matrices, against finite differences and against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from literature_kit import hidden, init
from numpy.typing import NDArray
from sim_kit import small

from gradflow.engine.graph import Graph, Node
from gradflow.engine.losses import MeanSquaredError
from gradflow.engine.network import LayerSpec, Network
from gradflow.engine.nodes import Activate, Conv, Dense, Flatten, Norm
from gradflow.engine.nodes.merge import Add
from gradflow.sim.jacobian import Jacobians
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.run import Run
from gradflow.sim.trainer import Trainer

Array = NDArray[Any]


def conv(units: int, **options: Any) -> LayerRow:
    return LayerRow(kind="conv", units=units, padding="same", **options)


NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {},
    "relu": {"network.activation": "relu"},
    "prelu": {"network.activation": "prelu-per-unit"},
    "dropout": {"network.dropout": 0.3},
    "layer norm": {"network.norm": "layer-norm"},
    "RMS norm": {"network.norm": "rms-norm"},
    "batch norm": {"network.norm": "batch-norm"},
    "residual": {"network.depth": 5, "network.skip_every": 2},
    "residual, sum before φ": {"network.depth": 5, "network.skip_every": 2, "network.residual": "post-activation"},
    "residual, φ first": {
        "network.depth": 5,
        "network.skip_every": 2,
        "network.residual": "pre-activation",
        "network.norm": "layer-norm",
        "network.branch_scale": 0.5,
    },
    "uneven, side by side": {
        "network.layers": (
            LayerRow(units=5),
            LayerRow(units=7, skip_from=0),
            LayerRow(units=4, skip_from=1, join="concat"),
            LayerRow(units=6),
        )
    },
    "images": {
        "data.name": "digits",
        "network.layers": (
            conv(2, norm="batch-norm"),
            conv(2, skip_from=1),
            LayerRow(kind="max-pool"),
            conv(3, stride=2),
            LayerRow(kind="global-average"),
            LayerRow(units=6),
        ),
    },
    "half precision": {"training.precision": "float16"},
}


def jacobians(changes: dict[str, Any], steps: int = 3) -> tuple[Jacobians, Array]:
    """Return those of a small network after a few steps, and its first training sample."""
    run = Run(small(changes))
    for _ in range(steps):
        run.advance()
    return Jacobians(run.trainer.network), run.trainer.training_set[0][0].astype(float)


def by_differences(of: Jacobians, x: Array, node: Node, source: Node, step: float = 1e-6) -> Array:
    """Return ∂node/∂source by central differences: `source` replaced, all after it run again."""
    count = source.units
    of._prepare(2 * count)
    of._load(x, 2 * count)
    here = source.value[0].copy()
    source.value[:count] = here + step * np.eye(count)
    source.value[count:] = here - step * np.eye(count)
    for other in of._order[of._place[source] + 1 : of._place[node] + 1]:
        other.forward()
    return (node.value[:count] - node.value[count:]).T / (2 * step)


@pytest.mark.parametrize("changes", NETWORKS.values(), ids=list(NETWORKS))
def test_jacobians_agree_with_finite_differences(changes: dict[str, Any]) -> None:
    """Of every layer, from the layer before and from the input, and the largest singular value without a matrix."""
    of, x = jacobians(changes)
    assert of.whole
    pairs = list(of.pairs(x))
    assert [pair.layer for pair in pairs] == list(range(len(of._z)))
    for pair in pairs:
        z, before = of._z[pair.layer], of._previous(of._z[pair.layer])
        own, path = by_differences(of, x, z, before), by_differences(of, x, z, of._copy.input)
        np.testing.assert_allclose(pair.own, own, atol=1e-7 * np.abs(own).max())
        np.testing.assert_allclose(pair.path * 10**pair.decades, path, atol=1e-7 * np.abs(path).max())
        assert of.largest(x, pair.layer) == pytest.approx(np.linalg.norm(pair.own, 2), rel=1e-3)
    last = pairs[-1]
    np.testing.assert_allclose(of.to_output(x), last.path * 10**last.decades, rtol=1e-9, atol=1e-13)


def test_a_network_without_skips_multiplies_its_layers() -> None:
    of, x = jacobians({"network.depth": 6})
    product = np.eye(2)
    for pair in of.pairs(x):
        product = pair.own @ product
        np.testing.assert_allclose(pair.path * 10**pair.decades, product, rtol=1e-12)


def test_a_dense_layers_jacobian_is_the_weights_times_the_slopes_before_it() -> None:
    of, x = jacobians({})
    own = {pair.layer: pair.own for pair in of.pairs(x)}
    of._load(x, of._size)
    for layer in (1, 2, 3):
        slope = 1 - np.tanh(of._z[layer - 1].value[0]) ** 2
        np.testing.assert_allclose(own[layer], of._copy.layers[layer].linear.W.T * slope, rtol=1e-12)
    np.testing.assert_array_equal(own[0], of._copy.layers[0].linear.W.T)


def test_batch_norm_is_held_at_the_statistics_of_the_training_batch() -> None:
    """A batch of the same sample many times would have no variance at all."""
    run = Run(small({"network.norm": "batch-norm"}))
    run.advance()
    network = run.trainer.network
    of = Jacobians(network)
    list(of.pairs(run.trainer.training_set[0][0]))
    for mine, other in zip(of._copy.layers, network.layers, strict=True):
        if other.norm is not None:
            np.testing.assert_allclose(mine.norm.state_views["running_mean"], other.linear.value.mean(axis=0))
            assert not np.allclose(other.norm.state_views["running_mean"], other.linear.value.mean(axis=0))


@pytest.mark.parametrize("changes", NETWORKS.values(), ids=list(NETWORKS))
def test_the_training_goes_on_as_if_nobody_had_looked(changes: dict[str, Any]) -> None:
    looked, alone = (Run(small(changes)) for _ in range(2))
    for _ in range(4):
        snapshots = [run.advance() for run in (looked, alone)]
        list(Jacobians(looked.trainer.network).pairs(looked.trainer.training_set[0][0]))
        assert snapshots[0].stats.tobytes() == snapshots[1].stats.tobytes()
    assert looked.trainer.network.state.tobytes() == alone.trainer.network.state.tobytes()


def test_a_vanishing_product_keeps_its_exponent() -> None:
    """200 layers that shrink to 1e-3 each end at 1e-600, far below float64."""
    of, x = jacobians({"network.depth": 200, "init.scale": 1e-3}, steps=0)
    *_, last = of.pairs(x)
    assert last.decades < -500
    assert 1.0 <= np.abs(last.path).max() < 10.0


def test_looking_can_be_interrupted_at_any_layer() -> None:
    class Enough(Exception):
        pass

    of, x = jacobians({})
    calls = 0

    def pause() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Enough

    with pytest.raises(Enough):
        list(of.pairs(x, pause))
    assert len(list(of.pairs(x))) == 4


def test_glorots_layers_have_the_published_mean_singular_value() -> None:
    """A4: "around 0.5" with the standard initialisation and 0.8 with theirs (Glorot & Bengio 2010, section 4.2.2).

    Exactly .460 .480 .487 .489 and .666 .722 .745 .759 for layers 2–5 of tanh, which is (8/3π)·√(σ_w²·E φ′²).
    Their Jacobian goes from a to a and has φ′ of its own layer: the one from z to z that comes after.
    """
    expected = {1 / 3: (0.460, 0.480, 0.487, 0.489), 1.0: (0.666, 0.722, 0.745, 0.759)}
    for square, means in expected.items():
        network = Network(200, hidden(6, 200, "tanh"), MeanSquaredError, init("lecun-uniform", square), None)
        found = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            network.initialize(rng)
            own = [pair.own for pair in Jacobians(network).pairs(rng.standard_normal(200))]
            found.append([np.linalg.svd(J, compute_uv=False).mean() for J in own[2:6]])
            chi = [(J**2).sum() / 200 for J in own[2:6]]
            formula = 8 / (3 * np.pi) * np.sqrt(chi)
            np.testing.assert_allclose(found[-1], formula, rtol=0.04)
        np.testing.assert_allclose(np.mean(found, axis=0), means, rtol=0.04)


# PyTorch


def in_torch(graph: Graph, torch: Any, source: Any) -> dict[Node, Any]:
    """Return every value of a graph of dense layers, convolutions, tanh, layer norm and sums, for one sample."""
    values: dict[Node, Any] = {graph.order[0]: source}
    for node in graph.order[1:-1]:
        inputs = [values[other] for other in node.inputs]
        if isinstance(node, Conv):
            kernel = torch.tensor(node.W).reshape(*node.kernel, -1, node.channels).permute(3, 2, 0, 1)
            image = inputs[0].reshape(1, *node.inputs[0].shape).permute(0, 3, 1, 2)
            z = torch.nn.functional.conv2d(image, kernel, torch.tensor(node.b), node.stride, node.padding)
            values[node] = z.permute(0, 2, 3, 1).reshape(-1)
        elif isinstance(node, Dense):
            bias = torch.tensor(node.b) if node.b.size else 0.0
            values[node] = inputs[0] @ torch.tensor(node.W) + bias
        elif isinstance(node, Norm):
            views = (torch.tensor(node.parameter_views[name]) for name in ("gamma", "beta"))
            values[node] = torch.nn.functional.layer_norm(inputs[0], (node.units,), *views, eps=1e-5)
        elif isinstance(node, Add):
            values[node] = inputs[0] + node.scale * inputs[1]
        elif isinstance(node, Activate):
            values[node] = torch.tanh(inputs[0])
        else:
            assert isinstance(node, Flatten)
            values[node] = inputs[0]
    return values


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network.norm": "layer-norm"},
        {"network.depth": 5, "network.skip_every": 2, "network.branch_scale": 0.7},
        {"data.name": "digits", "network.layers": (conv(2), conv(2, stride=2), LayerRow(units=6))},
    ],
    ids=["dense", "layer norm", "residual", "convolution"],
)
def test_jacobians_are_pytorchs(changes: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    trainer = Trainer(small(changes))
    trainer.preview()
    of, x = Jacobians(trainer.network), trainer.training_set[0][0]
    for pair in of.pairs(x):
        z = of._z[pair.layer]
        exact = torch.autograd.functional.jacobian(
            lambda source, z=z: in_torch(of._copy.graph, torch, source)[z], torch.tensor(x)
        ).numpy()
        np.testing.assert_allclose(pair.path * 10**pair.decades, exact, rtol=1e-9, atol=1e-12)


def test_layers_that_are_too_wide_are_not_taken_whole() -> None:
    wide = Network(3, [LayerSpec(600), LayerSpec(2)], MeanSquaredError, init(), np.random.default_rng(0))
    of = Jacobians(wide)
    assert not of.whole
    x = np.ones(3)
    exact = wide.layers[0].linear.W.T
    assert of.largest(x, 0) == pytest.approx(np.linalg.norm(exact, 2), rel=1e-4)
    np.testing.assert_allclose(of.to_output(x), wide.layers[1].linear.W.T @ exact, rtol=1e-12)
