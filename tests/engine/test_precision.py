"""Precisions: rounding bit for bit beside NumPy and PyTorch, what underflows, loss scales and the master copy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from engine_architectures import Architecture, images, rows
from engine_kit import Array, distance, network_of, turn
from hypothesis import given, settings

from gradflow.engine.activations import Sigmoid, Tanh
from gradflow.engine.graph import Node
from gradflow.engine.layers import LayerSpec
from gradflow.engine.network import Network
from gradflow.engine.nodes import (
    NORMS,
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    LearnableActivate,
    MaxPool,
)
from gradflow.engine.optimizers import SGD, Hyper
from gradflow.engine.precision import PRECISIONS, BFloat16, Float16, Float32, Float64
from gradflow.engine.update import Update

HALVES = [name for name, entry in PRECISIONS.items() if entry.part.rounds]
halves = pytest.mark.parametrize("name", HALVES)


def rounded(name: str, values: Array) -> Array:
    """Return the values in a half precision, as float32."""
    out = np.array(values, np.float32)
    with np.errstate(over="ignore"):
        PRECISIONS[name].part().round(out)
    return out


def bits(values: Array) -> Array:
    return np.asarray(values, np.float32).view(np.uint32)


def neighbours(name: str) -> Array:
    """Return every positive number of a half precision, 0 and infinity among them, in order."""
    if name == "float16":
        return np.arange(0x7C01, dtype=np.uint16).view(np.float16).astype(np.float32)
    return (np.arange(0x7F81, dtype=np.uint32) << 16).view(np.float32)


# Rounding


def test_float16_rounds_as_numpy_does_over_all_its_range() -> None:
    rng = np.random.default_rng(0)
    values = np.ldexp(rng.standard_normal(200_000), rng.integers(-30, 18, 200_000)).astype(np.float32)
    special = [0.0, -0.0, np.inf, -np.inf, 65504.0, 65519.99, 65520.0, -65520.0, 2**-24, 2**-25, 2**-25 * 1.001, 1e-30]
    values = np.append(values, np.array(special, np.float32))
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(bits(rounded("float16", values)), bits(expected))


def test_bfloat16_rounds_as_torch_does_for_every_upper_half_and_every_kind_of_lower_half() -> None:
    """All 2¹⁶ upper halves, just below, at and above a tie: the subnormals, the largest and the infinities too."""
    torch = pytest.importorskip("torch")
    upper = np.arange(2**16, dtype=np.uint32) << 16
    for lower in (0x0000, 0x0001, 0x7FFF, 0x8000, 0x8001, 0xFFFF):
        values = (upper | np.uint32(lower)).view(np.float32)
        values = values[~np.isnan(values)]
        expected = torch.tensor(values).to(torch.bfloat16).to(torch.float32).numpy()
        np.testing.assert_array_equal(bits(rounded("bfloat16", values)), bits(expected))


@halves
def test_not_a_number_stays_one(name: str) -> None:
    with np.errstate(invalid="ignore"):
        made = np.array([np.nan, -np.nan, np.float32(np.inf) - np.float32(np.inf)], np.float32)
    assert np.isnan(rounded(name, made)).all()


@halves
def test_every_number_of_the_precision_stays_what_it_is(name: str) -> None:
    numbers = neighbours(name)
    for sign in (1, -1):
        np.testing.assert_array_equal(bits(rounded(name, sign * numbers)), bits(sign * numbers))


@halves
def test_what_lies_between_goes_to_the_nearer_and_a_tie_to_the_even_one(name: str) -> None:
    numbers = neighbours(name)[:-1]
    low, high = numbers[:-1], numbers[1:]
    middle = ((low.astype(float) + high) / 2).astype(np.float32)
    even = np.where(np.arange(len(low)) % 2 == 0, low, high)
    np.testing.assert_array_equal(rounded(name, middle), even)
    np.testing.assert_array_equal(rounded(name, np.nextafter(middle, low)), low)
    np.testing.assert_array_equal(rounded(name, np.nextafter(middle, high)), high)


@halves
def test_limits_of_a_half_precision_are_those_it_announces(name: str) -> None:
    part, numbers = PRECISIONS[name].part, neighbours(name).astype(float)
    assert part.smallest == numbers[1]
    assert part.largest == numbers[-2]
    assert part.epsilon == numbers[np.searchsorted(numbers, 1.0) + 1] - 1.0
    spacing = np.diff(numbers[:-1])
    # Below the smallest normal number the steps are all alike, and at twice it they double for the first time.
    assert (spacing[numbers[:-2] < 2 * part.smallest_normal] == part.smallest).all()
    assert spacing[np.searchsorted(numbers, 2 * part.smallest_normal)] == 2 * part.smallest


@pytest.mark.parametrize(("part", "dtype"), [(Float64, np.float64), (Float32, np.float32), (Float16, np.float16)])
def test_limits_are_those_of_numpy(part: type[Float64], dtype: type) -> None:
    info = np.finfo(dtype)
    assert (part.smallest, part.smallest_normal) == (info.smallest_subnormal, info.smallest_normal)
    assert (part.largest, part.epsilon) == (info.max, info.eps)


def test_limits_of_bfloat16_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    info = torch.finfo(torch.bfloat16)
    assert (BFloat16.largest, BFloat16.epsilon, BFloat16.smallest_normal) == (info.max, info.eps, info.smallest_normal)


@pytest.mark.parametrize("name", PRECISIONS)
def test_docstring_states_epsilon_and_the_type_fits(name: str) -> None:
    part = PRECISIONS[name].part
    assert f"{part.epsilon:.1e}".split("e")[0] in (PRECISIONS[name].doc)
    assert part.dtype == (np.float64 if name == "float64" else np.float32)


@pytest.mark.parametrize("name", [name for name in PRECISIONS if name not in HALVES])
def test_precisions_of_the_processor_round_nothing(name: str) -> None:
    values = np.array([1e-30, 1 / 3, 1e30], PRECISIONS[name].part.dtype)
    PRECISIONS[name].part().round(rounded_by := values.copy())
    np.testing.assert_array_equal(rounded_by, values)


@halves
@pytest.mark.parametrize("shape", [(0,), (3, 4), (2, 3, 4)])
def test_arrays_of_any_shape_are_rounded_where_they_stand(name: str, shape: tuple[int, ...]) -> None:
    """One precision serves large and small arrays in turn."""
    precision = PRECISIONS[name].part()
    for size in (shape, (500,), shape):
        values = np.full(size, 1 / 3, np.float32)
        precision.round(values)
        np.testing.assert_array_equal(values, np.full(size, rounded(name, np.array([1 / 3]))[0]))


# A network in half precision

KINDS = (
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    LearnableActivate,
    MaxPool,
    *(entry.part for entry in NORMS.values()),
)


def look_at_backward(patch: pytest.MonkeyPatch, look: Callable[[Node], None]) -> None:
    """Let every node of the graphs built from now on be looked at just before its backward runs."""
    for kind in KINDS:

        def backward(node: Node, run: Callable[[Node], None] = kind.backward) -> None:
            look(node)
            run(node)

        patch.setattr(kind, "backward", backward)


@halves
@settings(max_examples=40)
@given(architecture=rows(dropout=0.3) | images(dropout=0.3))
def test_every_value_and_every_gradient_is_a_number_of_the_precision_when_it_is_used(
    name: str, architecture: Architecture
) -> None:
    seen: list[Node] = []

    def assert_representable(array: Array) -> None:
        np.testing.assert_array_equal(rounded(name, array), array)

    def look(node: Node) -> None:
        assert_representable(node.grad)
        seen.append(node)

    with pytest.MonkeyPatch.context() as patch, np.errstate(over="ignore", invalid="ignore"):
        look_at_backward(patch, look)
        network = architecture.build(PRECISIONS[name].part())
        turn(network)
    assert seen == list(network.graph.order[-2:0:-1])
    for node in network.graph.order[:-1]:
        assert_representable(node.value)
    for layer in network.layers:
        assert_representable(layer.linear.grad)
    assert_representable(network.gradients)
    assert_representable(network.parameters)


@halves
def test_half_precision_is_near_single_precision_but_not_equal_to_it(name: str) -> None:
    specs = [LayerSpec(20, Tanh()), LayerSpec(20, Tanh(), norm="layer-norm")]
    single, half = (network_of(specs, 5, batch=20, precision=PRECISIONS[n].part()) for n in ("float32", name))
    turn(single)
    turn(half)
    apart = distance(half.gradients, single.gradients)
    epsilon = PRECISIONS[name].part.epsilon
    assert 0.05 * epsilon < apart < 20 * epsilon


# Underflow


def test_gradients_that_round_to_zero_are_counted_at_the_node_where_it_happens() -> None:
    """A weight of 2⁻¹³ takes δ from 2⁻¹² to 2⁻²⁵: half of the smallest number, which goes to zero, the even one."""
    specs = [LayerSpec(2), LayerSpec(2)]
    network = network_of(specs, 2, batch=3, precision=Float16())
    assert network.rounding is not None
    one, two, out = network.layers
    network.parameters.fill(0.0)
    two.linear.W[:] = np.eye(2) * 2.0**-13
    out.linear.W[:] = np.eye(2)
    # ∂L/∂z = 2(z − y)/6 with z = 0: 2⁻¹² everywhere, but 0 in one place.
    network.loss.targets[:] = -3 * 2.0**-12
    network.loss.targets[0, 1] = 0.0
    turn(network)
    lost = {layer.number: network.rounding.lost[id(layer.linear)] for layer in network.layers}
    assert out.linear.grad[1, 0] == 2.0**-12
    assert lost == {1: 5, 2: 0, 3: 0}, "what is zero already is not lost"
    assert not one.linear.grad.any()
    network.loss.targets[1, 0] *= 4.0
    turn(network)
    assert network.rounding.lost[id(one.linear)] == 4, "the count is that of the last turn"
    assert one.linear.grad[1, 0] == 2.0**-23


def test_float16_loses_what_bfloat16_keeps() -> None:
    """Fourteen sigmoids: the gradient falls to 4⁻¹⁴ ≈ 4·10⁻⁹ of what it was, below 6·10⁻⁸."""
    lost = {}
    for name in HALVES:
        network = deep_sigmoids(name, layers=14)
        turn(network)
        assert network.rounding is not None
        lost[name] = sum(network.rounding.lost.values())
        assert network.layers[0].linear.grad.any() == (name == "bfloat16")
    assert lost["float16"] >= 400, "each of 20 · 20 entries somewhere on its way"
    assert lost["bfloat16"] == 0


def deep_sigmoids(precision: str, layers: int) -> Network:
    return network_of([LayerSpec(20, Sigmoid())] * layers, 20, batch=20, precision=PRECISIONS[precision].part())


# The loss scale


@pytest.mark.parametrize("scale", [2.0**10, 2.0**-3, 1000.0])
@settings(max_examples=30)
@given(architecture=rows(most=3, fewest=3) | images(most=3, fewest=3))
def test_loss_scale_multiplies_every_gradient_and_nothing_else(architecture: Architecture, scale: float) -> None:
    plain, scaled = architecture.build(), architecture.build()
    scaled.loss_scale = scale
    assert turn(scaled) == turn(plain)
    assert distance(scaled.gradients / scale, plain.gradients) <= 1e-11
    for ours, theirs in zip(scaled.layers, plain.layers, strict=True):
        assert distance(ours.linear.grad / scale, theirs.linear.grad) <= 1e-11
        np.testing.assert_array_equal(ours.linear.value, theirs.linear.value)


def test_loss_scale_of_a_power_of_two_changes_no_bit_where_nothing_underflows() -> None:
    plain, scaled = deep_sigmoids("bfloat16", 10), deep_sigmoids("bfloat16", 10)
    scaled.loss_scale = 2.0**15
    turn(plain)
    turn(scaled)
    np.testing.assert_array_equal(scaled.gradients, plain.gradients * np.float32(2.0**15))


def test_loss_scale_saves_the_gradients_of_float16_that_would_underflow() -> None:
    exact, plain, scaled = (deep_sigmoids(name, 11) for name in ("float32", "float16", "float16"))
    scaled.loss_scale = 2.0**14
    for network in (exact, plain, scaled):
        turn(network)
    assert plain.rounding is not None and scaled.rounding is not None
    assert sum(plain.rounding.lost.values()) > 400
    assert sum(scaled.rounding.lost.values()) < 5
    first = exact.layers[0].linear.span
    assert distance(plain.gradients[first], exact.gradients[first]) > 0.5
    assert distance(scaled.gradients[first] / 2.0**14, exact.gradients[first]) < 0.02


def test_too_large_a_loss_scale_overflows_to_infinity_and_is_seen() -> None:
    network = network_of([LayerSpec(20, Tanh())], 20, batch=2, precision=Float16())
    network.loss_scale = 2.0**20
    with np.errstate(over="ignore", invalid="ignore"):
        turn(network)
    assert not np.isfinite(network.gradients).all()


# The master copy


@halves
def test_network_computes_with_the_rounded_copy_of_what_the_optimiser_moves(name: str) -> None:
    network = network_of([LayerSpec(20, Tanh())], 5, precision=PRECISIONS[name].part())
    assert network.master is not network.parameters
    np.testing.assert_array_equal(rounded(name, network.master), network.parameters)
    assert (network.master != network.parameters).mean() > 0.5, "the master copy keeps its digits"
    network.master += 0.01
    before = network.parameters.copy()
    turn(network)
    np.testing.assert_array_equal(network.parameters, before)
    network.publish()
    np.testing.assert_array_equal(rounded(name, network.master), network.parameters)


@halves
def test_steps_too_small_for_the_precision_add_up_in_the_master_copy(name: str) -> None:
    """1 + 2⁻¹³ rounds back to 1 in both; ninety of them in a row do not."""
    network = network_of([LayerSpec(4)], 3, precision=PRECISIONS[name].part())
    network.take_over(np.ones(network.master.size))
    network.gradients.fill(-1.0)
    update = Update(network.master, network.gradients, SGD(network.master.size, np.float32))
    values = []
    for _ in range(90):
        update.prepare(Hyper(), 1.0)
        update.take(2.0**-13)
        network.publish()
        values.append(network.parameters[0])
    assert values[0] == 1.0
    assert values[-1] == rounded(name, np.array([1 + 90 * 2.0**-13]))[0] > 1.0


@pytest.mark.parametrize("name", [name for name in PRECISIONS if name not in HALVES])
def test_precisions_of_the_processor_need_no_copy(name: str) -> None:
    network = network_of([LayerSpec(4)], 3, precision=PRECISIONS[name].part())
    assert network.master is network.parameters
    before = network.parameters.copy()
    network.publish()
    np.testing.assert_array_equal(network.parameters, before)
    assert network.rounding is None


@halves
def test_twin_in_half_precision_reads_the_same_rounded_parameters(name: str) -> None:
    network = network_of([LayerSpec(20, Tanh())], 5, precision=PRECISIONS[name].part())
    twin = network.twin()
    twin.allocate(4)
    twin.input.value[:], twin.loss.targets[:] = network.input.value, network.loss.targets
    assert twin.forward() == network.forward()
    network.master *= 2.0
    network.publish()
    assert twin.forward() == network.forward()
