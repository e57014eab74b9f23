"""The norms of the single samples' gradients: each against a network that has only that sample in its batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gradflow.engine.graph import Graph, Input, Node
from gradflow.engine.losses import MeanSquaredError
from gradflow.engine.nodes import Conv, Dense, Flatten
from gradflow.engine.nodes.dense import Linear, row_norms

Array = NDArray[Any]


def conv(source: Node, **how: Any) -> Conv:
    return Conv(source, 3, **how)


LAYERS: dict[str, tuple[tuple[int, ...], Any]] = {
    "dense": ((5,), lambda source: Dense(source, 4)),
    "dense without bias": ((5,), lambda source: Dense(source, 4, bias=False)),
    "convolution": ((5, 6, 2), lambda source: conv(source, padding=1)),
    "convolution with stride": ((7, 7, 1), lambda source: conv(source, stride=2)),
    "convolution without bias": ((5, 5, 2), lambda source: conv(source, bias=False)),
    "convolution in pieces": ((40, 40, 4), lambda source: conv(source, kernel=(5, 5), padding=2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_norms_of_the_samples_are_those_of_each_alone(name: str) -> None:
    shape, make = LAYERS[name]
    rng = np.random.default_rng(3)
    data = Input(shape)
    layer: Linear = make(data)
    loss = MeanSquaredError(layer if len(layer.shape) == 1 else Flatten(layer))
    graph = Graph(loss)
    layer.bind(rng.standard_normal(layer.parameter_count), np.zeros(layer.parameter_count))
    x = rng.standard_normal((4, data.units))
    x[2] = 0.0
    targets = rng.standard_normal((4, layer.units))

    def run(rows: slice) -> None:
        graph.allocate(len(x[rows]))
        data.value[:], loss.targets[:] = x[rows], targets[rows]
        graph.forward()
        graph.backward()

    run(slice(0, 4))
    of_W, of_b = layer.sample_norms()
    for i in range(4):
        run(slice(i, i + 1))
        # Alone, a sample's gradient is not divided by 4.
        assert 4 * of_W[i] == pytest.approx(np.linalg.norm(layer.W_grad), rel=1e-12)
        assert 4 * of_b[i] == pytest.approx(np.linalg.norm(layer.b_grad), rel=1e-12)
    assert of_W[2] == 0.0


def test_norms_of_rows_survive_numbers_whose_squares_do_not() -> None:
    rows = np.array([[3e-200, 4e-200], [3e200, 4e200], [0.0, 0.0], [3.0, 4.0], [5e-324, 0.0]])
    np.testing.assert_allclose(row_norms(rows), [5e-200, 5e200, 0.0, 5.0, 5e-324], rtol=1e-14)
    with np.errstate(invalid="ignore"):
        assert not math.isfinite(row_norms(np.array([[1.0, np.inf]]))[0])


def test_norms_of_rows_of_single_precision_are_summed_in_double() -> None:
    rows = np.full((1, 1000), 1e-30, np.float32)
    assert row_norms(rows)[0] == pytest.approx(float(np.float32(1e-30)) * math.sqrt(1000), rel=1e-12)
