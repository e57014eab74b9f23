"""Convolutions and pooling beside their definitions, written out as loops over every place of every window."""

from __future__ import annotations

import numpy as np
import pytest
from engine_kit import Array, Rig, distance, source
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.graph import Input
from gradflow.engine.nodes import AveragePool, Conv, GlobalAverage, MaxPool, conv
from gradflow.engine.nodes.conv import windows


def convolved(node: Conv, image: Array) -> Array:
    """z[h, w] = Σ x[s·h + i − p, s·w + j − p]·W[i, j] + b, with zeros outside the image."""
    (kernel_height, kernel_width), s, p = node.kernel, node.stride, node.padding
    rows, columns, channels = node.shape
    kernel = node.W.reshape(kernel_height, kernel_width, -1, channels)
    padded = np.pad(image, ((0, 0), (p, p), (p, p), (0, 0)))
    out = np.zeros((len(image), *node.shape))
    for h in range(rows):
        for w in range(columns):
            window = padded[:, s * h : s * h + kernel_height, s * w : s * w + kernel_width]
            out[:, h, w] = np.tensordot(window, kernel, 3)
    return out + (node.b if node.b.size else 0.0)


def pooled(node: MaxPool | AveragePool, image: Array) -> Array:
    rows, columns, _ = node.shape
    reduce = np.max if isinstance(node, MaxPool) else np.mean
    out = np.empty((len(image), *node.shape))
    for h in range(rows):
        for w in range(columns):
            top, left = node.stride * h, node.stride * w
            out[:, h, w] = reduce(image[:, top : top + node.size, left : left + node.size], axis=(1, 2))
    return out


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[tuple[int, int, int], dict[str, object]]:
    """Draw an image and a convolution that fits it; kernels need not be square."""
    image = draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, 2))
    kernel = tuple(draw(st.integers(padding + 1, max(padding + 1, min(5, side + 2 * padding)))) for side in image[:2])
    return image, {
        "channels": draw(st.integers(1, 3)),
        "kernel": kernel,
        "stride": draw(st.integers(1, 3)),
        "padding": padding,
        "bias": draw(st.booleans()),
    }


@settings(max_examples=50)
@given(how=convolutions(), batch=st.integers(1, 4))
def test_convolution_is_its_definition_and_its_gradients_are_those_of_a_sum(how, batch: int) -> None:
    """⟨δ, conv(x)⟩ is linear in x and in W: moving either by a step changes it by gradient · step, exactly."""
    image, options = how
    below = source(image)
    node = Conv(below, **options)
    rig = Rig(node, batch)
    rig.turn()
    x = below.value.reshape(batch, *image)
    assert distance(node.value.reshape(batch, *node.shape), convolved(node, x)) <= 1e-14
    delta = node.grad.reshape(batch, *node.shape)
    assert distance(node.b_grad, delta.sum(axis=(0, 1, 2)) if node.b.size else []) <= 1e-13
    rng = np.random.default_rng(0)
    W, b = node.W.copy(), node.b.copy()
    node.b[:] = 0.0
    step = rng.standard_normal(x.shape)
    through = np.vdot(delta, convolved(node, step))
    assert np.vdot(below.grad, step) == pytest.approx(through, rel=1e-11, abs=1e-13 * np.linalg.norm(below.grad))
    node.W[:] = rng.standard_normal(W.shape)
    through = np.vdot(delta, convolved(node, x))
    assert np.vdot(node.W_grad, node.W) == pytest.approx(through, rel=1e-11, abs=1e-13 * np.linalg.norm(node.W_grad))
    node.W[:], node.b[:] = W, b


@pytest.mark.parametrize("cached", [1, 5_000, 10_000_000], ids="{} bytes".format)
@pytest.mark.parametrize("stride", [1, 2])
def test_batch_cut_into_pieces_of_any_size_gives_the_same(
    stride: int, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> Rig:
        below = source((5, 6, 2))
        rig = Rig(Conv(below, 3, (3, 3), stride, 1), batch=7)
        for samples in (7, 4, 7):
            rig.graph.resize(samples)
            rig.turn()
        return rig

    expected = run()
    monkeypatch.setattr(conv, "CACHED_BYTES", cached)
    found = run()
    assert found.loss.loss == pytest.approx(expected.loss.loss, rel=1e-14)
    assert distance(found.gradients, expected.gradients) <= 1e-13
    assert distance(found.output.inputs[0].grad, expected.output.inputs[0].grad) <= 1e-13


def test_weights_are_ordered_by_kernel_row_then_column_then_channel() -> None:
    """A single one in W picks one place of one channel of the window."""
    data = Input((3, 3, 2))
    node = Conv(data, 1, (2, 2))
    rig = Rig(node, batch=1)
    image = data.value.reshape(3, 3, 2)
    for row, column, channel in np.ndindex(2, 2, 2):
        node.W[:], node.b[:] = 0.0, 0.0
        node.W[(row * 2 + column) * 2 + channel] = 1.0
        rig.graph.forward()
        np.testing.assert_array_equal(node.value.reshape(2, 2), image[row : row + 2, column : column + 2, channel])


def test_padded_border_is_zero_again_after_every_batch() -> None:
    data = Input((2, 2, 1))
    node = Conv(data, 1, (3, 3), padding=2)
    rig = Rig(node, batch=2)
    node.b[:] = 0.0
    for _ in range(2):
        data.value[:] = 1e9
        rig.turn()
    data.value[:] = 0.0
    rig.graph.forward()
    assert not node.value.any()


def test_rows_of_delta_are_those_of_the_output_image() -> None:
    node = Conv(source((4, 5, 2)), 3, (3, 3))
    rig = Rig(node, batch=2)
    rig.turn()
    assert node.delta_rows.shape == (2 * 2 * 3, 3)
    assert np.shares_memory(node.delta_rows, node.grad)
    assert node.channels_in == 2 and node.channels == 3


FITTING = [(5, 3, 1, 3), (5, 3, 2, 2), (6, 3, 2, 2), (3, 3, 9, 1)]


@pytest.mark.parametrize(("side", "kernel", "stride", "count"), FITTING)
def test_as_many_windows_as_fit(side: int, kernel: int, stride: int, count: int) -> None:
    assert windows(side, side + 1, (kernel, kernel + 1), stride) == (count, count)


def test_kernel_larger_than_the_image_and_padding_as_large_as_the_kernel_are_refused() -> None:
    with pytest.raises(ValueError, match="a kernel of 3 x 3 does not fit an image of 2 x 4"):
        Conv(Input((2, 4, 1)), 1, (3, 3))
    with pytest.raises(ValueError, match="padding 3 must be smaller than the kernel 3 x 3"):
        Conv(Input((4, 4, 1)), 1, (3, 3), padding=3)
    with pytest.raises(ValueError, match="a kernel of 3 x 3 does not fit an image of 2 x 2"):
        MaxPool(Input((2, 2, 1)), 3)


# Pooling


@settings(max_examples=50)
@given(
    image=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 3)),
    size=st.integers(1, 4),
    stride=st.none() | st.integers(1, 4),
    kind=st.sampled_from([MaxPool, AveragePool]),
    batch=st.integers(1, 3),
)
def test_pooling_is_its_definition_and_shares_the_gradient_out(image, size, stride, kind, batch) -> None:
    size = min(size, *image[:2])
    below = source(image)
    node = kind(below, size, stride)
    rig = Rig(node, batch)
    rig.turn()
    x = below.value.reshape(batch, *image)
    delta = 2 / node.value.size * (node.value - rig.loss.targets).reshape(batch, *node.shape)
    assert node.stride == (stride or size)
    assert distance(node.value.reshape(delta.shape), pooled(node, x)) <= 1e-15
    expected = np.zeros_like(x)
    for n, h, w, c in np.ndindex(delta.shape):
        top, left = node.stride * h, node.stride * w
        window = (n, slice(top, top + size), slice(left, left + size), c)
        if kind is MaxPool:
            place = np.unravel_index(x[window].argmax(), (size, size))
            expected[n, top + place[0], left + place[1], c] += delta[n, h, w, c]
        else:
            expected[window] += delta[n, h, w, c] / size**2
    assert distance(below.grad.reshape(x.shape), expected) <= 1e-14


def test_tie_in_a_pooling_window_gives_the_gradient_to_the_first_place_once() -> None:
    """Rows first, as in PyTorch; the others of the tie get nothing."""
    below = source((2, 4, 1))
    node = MaxPool(below, 2)
    rig = Rig(node, batch=1)
    below.W[:] = 0.0
    for bias in (0.0, 3.0):
        below.b[:] = bias
        rig.turn()
        first, second = 2 / 2 * (bias - rig.loss.targets[0])
        np.testing.assert_allclose(below.grad.reshape(2, 4), [[first, 0, second, 0], [0, 0, 0, 0]], rtol=1e-15)


def test_largest_of_overlapping_windows_collects_the_gradient_of_all_of_them() -> None:
    below = source((3, 3, 1))
    node = MaxPool(below, 2, 1)
    rig = Rig(node, batch=1)
    below.W[:], below.b[:] = 1.0, 0.0
    below.inputs[0].value[:] = [[0, 1, 0, 2, 9, 3, 0, 4, 0]]
    rig.turn()
    delta = 2 / 4 * (9.0 - rig.loss.targets)
    expected = np.zeros(9)
    expected[4] = delta.sum()
    np.testing.assert_allclose(below.grad[0], expected, rtol=1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pooling_hides_no_value_that_is_not_finite(bad: float) -> None:
    for kind in (MaxPool, AveragePool):
        data = Input((2, 2, 1))
        node = kind(data, 2)
        rig = Rig(node, batch=1)
        data.value[0, 1] = bad
        rig.graph.forward()
        np.testing.assert_equal(node.value[0, 0], bad)


def test_global_average_is_the_mean_over_the_places_of_an_image() -> None:
    below = source((3, 4, 2))
    node = GlobalAverage(below)
    rig = Rig(node, batch=5)
    rig.turn()
    delta = 2 / 10 * (node.value - rig.loss.targets)
    assert node.shape == (2,)
    assert distance(node.value, below.value.reshape(5, 12, 2).mean(axis=1)) <= 1e-15
    expected = np.broadcast_to(delta[:, None] / 12, (5, 12, 2))
    assert distance(below.grad.reshape(5, 12, 2), expected) <= 1e-15
