"""The gradient check must be able to fail, to say where, and to say that it does not know."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from engine_architectures import SLOPE, Architecture, images, rows
from engine_kit import BRANCHED, network_of, small_network, stir, turn
from hypothesis import given, settings

from gradflow.engine.activations import ACTIVATIONS, Activation, Identity, PReLUPerUnit, ReLU, Step, Tanh
from gradflow.engine.activations import make_activation as make
from gradflow.engine.gradcheck import DIFFERENCES, SWEEP_STEPS, TOLERANCES, LayerCheck, check, sweep
from gradflow.engine.graph import Node, Phase
from gradflow.engine.layers import LayerSpec
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Network
from gradflow.engine.nodes import NORMS, Activate, Add, Conv, Dense, Dropout, Linear, MaxPool

PER_LAYER = 14


def checked(network: Network, **how: Any) -> list[LayerCheck]:
    return list(check(network, np.random.default_rng(1), **{"per_layer": PER_LAYER, **how}))


def verdicts(layers: Sequence[LayerCheck]) -> list[str]:
    return [layer.verdict for layer in layers]


# What it finds: a wrong slope


@dataclass(frozen=True)
class WrongTanh(Tanh):
    """tanh with the slope of somebody else: 1 − φ instead of 1 − φ²."""

    def slope(self, z, a, out, scratch):
        np.subtract(1.0, a, out=out)


@dataclass(frozen=True)
class SlightlyWrongTanh(Tanh):
    """tanh with a slope that is off by one part in ten thousand."""

    def slope(self, z, a, out, scratch):
        super().slope(z, a, out, scratch)
        np.multiply(out, 1.0001, out=out)


@dataclass(frozen=True)
class SilentTanh(Tanh):
    """tanh that passes no gradient on."""

    def slope(self, z, a, out, scratch):
        out.fill(0.0)


@dataclass(frozen=True)
class BrokenTanh(Tanh):
    """tanh whose slope is not a number."""

    def slope(self, z, a, out, scratch):
        out.fill(np.nan)


DIGITS = {"central": 6, "forward": 4}
WRONG = [WrongTanh(), SlightlyWrongTanh(), SilentTanh(), BrokenTanh()]


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_wrong_slope_fails_in_every_layer_below_it_and_not_above(wrong: Activation, difference: Any) -> None:
    layers = checked(small_network(wrong), difference=difference)
    if isinstance(wrong, SlightlyWrongTanh) and difference == "forward":
        # One part in ten thousand, halved by its definition, is below the forward difference's tolerance.
        assert all(layer.relative_error > 1e-6 for layer in layers[:-1])
    else:
        assert verdicts(layers) == ["WRONG"] * len(BRANCHED) + [f"agrees to {DIGITS[difference]} digits"]
        assert [layer.passed for layer in layers] == [False] * len(BRANCHED) + [True]


# What it finds: a wrong gradient of one layer


def off_by(factor: float, name: str) -> Callable[[Linear], None]:
    def spoil(node: Linear) -> None:
        node.gradient_views[name][...] *= factor

    return spoil


def swap_two(node: Linear) -> None:
    """Write the gradients of two weights into each other's place."""
    flat = node.W_grad.reshape(-1)
    flat[0], flat[1] = flat[1], flat[0]


SPOILT = {
    "weights 1 % off": off_by(1.01, "W"),
    "weights twice": off_by(2.0, "W"),
    "weights negated": off_by(-1.0, "W"),
    "bias missing": off_by(0.0, "b"),
    "bias 1 % off": off_by(1.01, "b"),
    "two weights exchanged": swap_two,
    "one entry off": lambda node: np.add.at(node.W_grad, (0, 0), 0.01),
}


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_layer_whose_own_gradient_is_wrong_is_named_and_no_other(spoil: Callable[[Linear], None], place: int) -> None:
    network = small_network()
    spoilt = network.layers[place].linear
    network.graph.tap({spoilt: lambda: spoil(spoilt)})
    layers = checked(network, per_layer=None)
    assert [layer.layer for layer in layers if not layer.passed] == [place + 1]
    assert layers[place].verdict == "WRONG"


@pytest.mark.parametrize("name", ["gamma", "beta", "a"])
def test_wrong_gradient_of_a_norm_or_a_learnt_slope_is_found_in_its_layer(name: str) -> None:
    network = stir(small_network(PReLUPerUnit(SLOPE), norm="layer-norm"))
    layer = network.layers[1]
    spoilt = layer.activate if name == "a" else layer.norm
    network.graph.tap({spoilt: lambda: off_by(1.01, name)(spoilt)})
    assert [layer.layer for layer in checked(network, per_layer=None) if not layer.passed] == [2]


def test_wrong_gradient_of_a_projection_is_found_in_the_layer_it_belongs_to() -> None:
    network = network_of([LayerSpec(3, Tanh()), LayerSpec(4, Tanh()), LayerSpec(5, Tanh(), 1)], 3)
    projection = network.layers[2].learning[1]
    network.graph.tap({projection: lambda: off_by(0.0, "W")(projection)})
    assert [layer.layer for layer in checked(network, per_layer=None) if not layer.passed] == [3]


# What it finds: a gradient that is handed down wrongly


def with_share_off(kind: type[Node], patch: pytest.MonkeyPatch) -> None:
    """Let a kind of node hand down one per cent too much."""
    right = kind.backward

    def backward(node: Node) -> None:
        right(node)
        source = node.inputs[0]
        if source.needs_grad:
            source.grad *= 1.01

    patch.setattr(kind, "backward", backward)


IMAGE = [
    LayerSpec(2, Tanh(), kind="conv", padding=1),
    LayerSpec(2, Tanh(), kind="conv", padding=1),
    LayerSpec(kind="max-pool", kernel=2, stride=2),
    LayerSpec(4, Tanh()),
]


@pytest.mark.parametrize(
    ("kind", "wrong"), [(MaxPool, [1, 2]), (Conv, [1]), (Dense, [1, 2, 3]), (Activate, [1, 2, 3])], ids=str
)
def test_node_that_hands_down_too_much_is_found_in_every_layer_below_it(
    kind: type[Node], wrong: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_share_off(kind, monkeypatch)
    layers = checked(network_of(IMAGE, (4, 4, 1)))
    assert [layer.layer for layer in layers if not layer.passed] == wrong


@pytest.mark.parametrize("name", NORMS)
def test_norm_that_forgets_a_term_is_found_below_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = NORMS[name].part

    def backward(norm: Any) -> None:
        """Treat mean and variance as constants."""
        rows = norm.grad.reshape(-1, norm.gamma.size)
        norm.gamma_grad[:] = (rows * norm._normed.reshape(rows.shape)).sum(axis=0)
        if "beta" in norm.gradient_views:
            norm.gradient_views["beta"][:] = rows.sum(axis=0)
        np.multiply(rows, norm.gamma, out=rows)
        inverse = norm._inverse if name == "batch-norm" else norm._inverse[:, None]
        np.multiply(norm.grad, inverse, out=norm.grad)

    monkeypatch.setattr(kind, "backward", backward)
    layers = checked(network_of([LayerSpec(5, Tanh()), LayerSpec(5, Tanh(), norm=name)], 3), per_layer=None)
    assert [layer.layer for layer in layers if not layer.passed] == [1, 2]


def test_sum_that_forgets_one_of_its_branches_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def backward(joint: Add) -> None:
        joint.inputs[0].grad.fill(0.0)

    monkeypatch.setattr(Add, "backward", backward)
    monkeypatch.setattr(Add, "in_place", None)
    layers = checked(small_network(skips=(None, 1)))
    assert [layer.layer for layer in layers if not layer.passed] == [1, 2]


def test_second_consumer_that_writes_instead_of_adding_is_found() -> None:
    network = small_network(skips=BRANCHED)
    for node in network.graph.order:
        node.writes_first = [True] * len(node.inputs)
    assert [layer.layer for layer in checked(network) if not layer.passed] == [1]


# What it cannot know


def test_gradient_far_below_round_off_is_unresolved_not_right() -> None:
    """Twenty small sigmoid layers: ‖∂L/∂W₁‖ is far smaller than what differences of the loss can show."""
    layers = checked(small_network("sigmoid", scale=0.1, skips=[None] * 20))
    assert 0.0 < layers[0].gradient_norm < 1e-20 < layers[0].round_off
    assert not layers[0].resolved
    assert layers[0].passed, "not knowing is not failing"
    assert layers[0].verdict == "below round-off"
    assert layers[-1].verdict == "agrees to 6 digits"


@pytest.mark.parametrize("loss", [name for name in LOSSES if name.endswith("cross-entropy")])
def test_right_gradient_of_a_confident_network_does_not_fail(loss: str) -> None:
    """The first logit is 20 and right: L ≈ 2e-9 is small, its round-off is not, yet backprop is exact."""
    network = small_network("tanh", loss=loss)
    for array, value in ((network.layers[-1].linear.b, 20.0), (network.loss.targets, 1.0)):
        array.fill(0.0)
        array[..., 0] = value
    assert all(layer.passed for layer in checked(network)), checked(network)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_is_neither_right_nor_called_wrong() -> None:
    layers = checked(small_network("identity", scale=1e160, skips=[None] * 3))
    assert set(verdicts(layers)) == {"not finite"} and not any(layer.passed for layer in layers)


def test_a_check_shows_on_request_how_far_it_is() -> None:
    network = small_network("tanh")
    seen = list(check(network, np.random.default_rng(0), per_layer=5, due=lambda: True))
    assert [one.checked for one in seen if one.layer == 1] == [1, 2, 3, 4, 5]
    assert [one for one in seen if one.complete] == list(check(network, np.random.default_rng(0), per_layer=5))


def test_layer_without_any_gradient_is_unresolved() -> None:
    layers = checked(small_network("tanh", "zeros", bias_scale=0.0))
    assert [layer.resolved for layer in layers] == [False] * len(BRANCHED) + [True]
    assert layers[0].relative_error is None
    assert layers[0].gradient_norm == layers[0].difference == 0.0


# Kinks


def test_straight_through_slope_is_named_and_only_below_it() -> None:
    """The gradients of the layers above the last stand-in are derivatives like any other."""
    specs = [LayerSpec(5, Tanh()), LayerSpec(5, Step()), LayerSpec(5, Tanh())]
    layers = checked(network_of(specs, 3))
    assert verdicts(layers) == ["straight-through slope"] * 2 + ["agrees to 6 digits"] * 2
    assert all(layer.passed for layer in layers)


@pytest.mark.parametrize("norm", NORMS)
def test_norm_before_a_stand_in_of_its_own_layer_is_not_called_wrong(norm: str) -> None:
    """A pre-activated layer: its norm lies below φ, its weights above."""
    specs = [LayerSpec(5), LayerSpec(5, Step(), 1, norm=norm, order="pre")]
    layers = checked(stir(network_of(specs, 3, batch=30)), per_layer=None)
    assert verdicts(layers) == ["straight-through slope"] * 2 + ["agrees to 6 digits"]


def test_projection_of_a_skip_around_a_stand_in_leaves_its_layer_checkable() -> None:
    """It stands early in the walk, but what it adds to lies above the last stand-in."""
    specs = [LayerSpec(4, Tanh()), LayerSpec(4, Step()), LayerSpec(5, Tanh(), 1)]
    layers = checked(network_of(specs, 3))
    assert verdicts(layers) == ["straight-through slope"] * 2 + ["agrees to 6 digits"] * 2


KINKED = [name for name in ACTIVATIONS if 0.0 in make(name).kinks and not make(name).surrogate]


@pytest.mark.parametrize("activation", KINKED)
def test_entries_whose_difference_straddles_a_kink_are_counted_named_and_left_out(activation: str) -> None:
    """With W = 0 and b = 0 every z lies on the kink, and every weight and bias of layer 1 moves some z across it."""
    network = small_network(activation, "zeros", bias_scale=0.0)
    learnt = len(network.layers[0].learning) > 1
    first, *_, last = checked(network, per_layer=None)
    assert first.at_kinks == 20
    assert first.kinks == ("a kink of φ",)
    if not learnt:
        assert first.checked == 0
        assert first.verdict == "only kinks"
    assert not first.resolved and first.passed
    assert last.at_kinks == 0 and last.kinks == ()


def test_kink_away_from_zero_is_found_where_it_is() -> None:
    network = small_network(make("hard-sigmoid"), "zeros", bias_scale=0.0, skips=[None])
    assert checked(network)[0].at_kinks == 0
    network.layers[0].linear.b[:] = 3.0
    assert checked(network, per_layer=None)[0].kinks == ("a kink of φ",)


def test_change_of_the_largest_in_a_pooling_window_is_named() -> None:
    network = network_of(
        [LayerSpec(2, kind="conv", kernel=1), LayerSpec(kind="max-pool", kernel=2, stride=2)], (4, 4, 1)
    )
    network.layers[0].linear.W.fill(0.0)
    network.input.value[:] = np.abs(network.input.value)
    first, last = checked(network, per_layer=None)
    assert first.kinks == ("a change of the largest in a pooling window",)
    assert first.at_kinks == 2, "both weights; biases move all of a window alike"
    assert last.kinks == () and last.verdict == "agrees to 6 digits"


LOSS_KINKS = {
    "mean-absolute-error": ("the kink of |z − y| at z = y", 0.0),
    "huber": ("the joint of the Huber loss at |z − y| = δ", 1.0),
}


@pytest.mark.parametrize("loss", LOSS_KINKS)
def test_kink_of_a_regression_loss_is_named(loss: str) -> None:
    name, distance = LOSS_KINKS[loss]
    network = small_network("tanh", loss=loss)
    network.forward()
    network.loss.targets[:] = network.layers[-1].linear.value - distance
    layers = checked(network, per_layer=None)
    assert layers[-1].kinks == (name,)
    assert layers[-1].checked == 0 and layers[-1].verdict == "only kinks"


def test_margin_of_exactly_one_is_named() -> None:
    network = small_network("tanh", loss="hinge", skips=[None])
    network.parameters.fill(0.0)
    network.loss.targets[:] = np.eye(3)[0]
    network.layers[-1].linear.b[0] = 1.0
    last = checked(network, per_layer=None)[-1]
    assert last.kinks == ("a margin of exactly 1",)
    assert last.at_kinks == 3, "every bias moves a margin; the weights see activations of 0"


def test_kinks_of_several_kinds_are_all_named_once() -> None:
    network = small_network("relu", "zeros", "mean-absolute-error", bias_scale=0.0)
    network.loss.targets.fill(0.0)
    network.layers[-1].linear.W.fill(1.0)
    network.forward()
    assert checked(network, per_layer=None)[0].kinks == ("a kink of φ", "the kink of |z − y| at z = y")


def test_smooth_networks_have_no_kinks_to_count() -> None:
    assert all(layer.at_kinks == 0 for layer in checked(small_network("tanh", "zeros", bias_scale=0.0)))


# What it looks at, and how


def test_every_entry_of_a_small_layer_and_a_drawn_part_of_a_large_one() -> None:
    network = small_network(Identity(), width=12, skips=[None])
    assert [layer.checked for layer in checked(network, per_layer=30)] == [30, 26]
    assert [layer.checked for layer in checked(network, per_layer=None)] == [48, 26]


def test_entries_of_norm_slope_and_projection_count_with_their_layer() -> None:
    specs = [LayerSpec(4, PReLUPerUnit(SLOPE), norm="batch-norm"), LayerSpec(5, Tanh(), 1)]
    layers = checked(network_of(specs, 3), per_layer=None)
    assert [layer.checked + layer.at_kinks for layer in layers] == [3 * 4 + 4 + 4 + 4 + 4, 4 * 5 + 5 + 4 * 5, 12]


def test_layers_are_numbered_from_the_input_and_come_one_by_one() -> None:
    network = small_network()
    running = check(network, np.random.default_rng(0))
    assert next(running).layer == 1
    assert [layer.layer for layer in running] == [2, 3, 4, 5]


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_both_differences_pass_to_what_their_order_allows(difference: Any) -> None:
    layers = checked(stir(small_network("tanh", norm="layer-norm")), difference=difference)
    assert all(layer.passed and layer.resolved for layer in layers)
    assert {layer.tolerance for layer in layers} == {TOLERANCES[difference]}
    worst = max(layer.relative_error for layer in layers)
    assert worst < {"central": 1e-8, "forward": 1e-5}[difference]


def test_forward_difference_errs_in_proportion_to_its_step_and_the_central_one_to_its_square() -> None:
    network = small_network("tanh")
    error = {
        (difference, step): checked(network, difference=difference, step=step, per_layer=None)[0].relative_error
        for difference in DIFFERENCES
        for step in (1e-2, 1e-3)
    }
    assert error["forward", 1e-2] / error["forward", 1e-3] == pytest.approx(10, rel=0.05)
    assert error["central", 1e-2] / error["central", 1e-3] == pytest.approx(100, rel=0.05)


def test_forward_difference_sees_a_kink_between_here_and_there() -> None:
    network = small_network("relu", "zeros", bias_scale=0.0, skips=[None])
    network.layers[0].linear.b.fill(-0.5e-7)
    assert checked(network, difference="forward", per_layer=None)[0].at_kinks > 0
    network.layers[0].linear.b.fill(-2e-6)
    assert checked(network, difference="forward", per_layer=None)[0].at_kinks == 0


# What it leaves behind


@settings(max_examples=25)
@given(rows(dropout=0.3, most=2) | images(dropout=0.3, most=2))
def test_check_and_sweep_leave_everything_bit_for_bit_as_it_was(architecture: Architecture) -> None:
    """Parameters, values, gradients and running statistics, those of the masks that training drew last."""
    network = architecture.build()
    turn(network)

    def everything() -> list[bytes]:
        kept = [network.parameters, network.gradients, network.state]
        return [array.tobytes() for array in (*kept, *(node.value for node in network.graph.order[:-1]))]

    before = everything()
    checked(network, per_layer=5)
    assert everything() == before
    with np.errstate(all="ignore"):
        sweep(network, np.random.default_rng(0), entries=3, steps=(1e-3, 1e-6))
    assert everything() == before
    assert {node.phase for node in network.graph.order} == {Phase.TRAIN}


def test_check_that_is_broken_off_leaves_the_network_as_it_was() -> None:
    network = small_network(dropout=0.5)
    parameters = network.parameters.copy()
    running = check(network, np.random.default_rng(0))
    next(running)
    running.close()
    np.testing.assert_array_equal(network.parameters, parameters)
    assert {node.phase for node in network.graph.order} == {Phase.TRAIN}


def test_same_draw_of_entries_gives_the_same_check() -> None:
    network = small_network("tanh", norm="layer-norm")
    assert checked(network) == checked(network)


def test_masks_are_held_throughout_a_check() -> None:
    """If one of the hundreds of forward passes drew anew, no difference would agree."""
    network = small_network("tanh", dropout=0.4, width=20)
    turn(network)
    layers = checked(network, per_layer=None)
    assert all(layer.verdict == "agrees to 6 digits" for layer in layers)
    masks = [node.value != 0.0 for node in network.graph.order if isinstance(node, Dropout)]
    assert all(0 < mask.mean() < 1 for mask in masks), "and something was left out"


def test_training_goes_on_after_a_check_as_it_would_have_without() -> None:
    """No mask is drawn from the noise of the training, and no running statistics are moved."""
    looked_at, left_alone = (small_network("tanh", dropout=0.5, norm="batch-norm") for _ in range(2))
    for network in (looked_at, left_alone):
        turn(network)
    checked(looked_at)
    assert turn(looked_at) == turn(left_alone)
    np.testing.assert_array_equal(looked_at.state, left_alone.state)


# The error against the step


def test_sweep_shows_truncation_of_first_and_second_order_and_round_off_below() -> None:
    """Straight lines of slope 1 and 2 in a log-log plot down to the floor, which rises as 1/h."""
    result = sweep(small_network("tanh"), np.random.default_rng(0))
    steps = np.array(result.steps)
    for errors, order, down_to in ((result.forward, 1.0, 10**-6.5), (result.central, 2.0, 10**-3.5)):
        log_error = np.log10(errors)
        falling = (steps <= 1e-2) & (steps >= down_to)
        assert np.polyfit(np.log10(steps[falling]), log_error[falling], 1)[0] == pytest.approx(order, abs=0.1)
        rising = steps <= 1e-9
        assert np.polyfit(np.log10(steps[rising]), log_error[rising], 1)[0] == pytest.approx(-1.0, abs=0.35)
    assert 1e-12 < min(result.central) < 1e-9
    assert 1e-9 < min(result.forward) < 1e-6


def test_sweep_goes_through_the_steps_it_is_given() -> None:
    network = small_network("tanh")
    assert sweep(network, np.random.default_rng(0)).steps == SWEEP_STEPS
    result = sweep(network, np.random.default_rng(0), entries=5, steps=[1e-3, 1e-4])
    assert result.steps == (1e-3, 1e-4)
    assert len(result.forward) == len(result.central) == 2


def test_sweep_of_a_wrong_gradient_has_a_floor_at_its_error() -> None:
    """One part in ten thousand, of half the sum of both norms."""
    result = sweep(small_network(SlightlyWrongTanh(), skips=[None]), np.random.default_rng(0), entries=1000)
    best = min(result.central)
    assert 1e-6 < best < 1e-4
    middle = [e for h, e in zip(result.steps, result.central, strict=True) if 1e-8 < h < 1e-3]
    assert max(middle) < 1.2 * best


def test_sweep_leaves_entries_at_kinks_out_and_says_nothing_where_none_is_left() -> None:
    network = small_network("relu", "zeros", bias_scale=0.0, skips=[None, None])
    result = sweep(network, OnlyFirst(), entries=10, steps=[1e-3, 1e-5])
    assert all(math.isnan(error) for error in (*result.forward, *result.central))


class OnlyFirst(np.random.Generator):
    """Draws the first entries, which are the weights of the first layer."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def choice(self, a, size, replace):
        return a[:size]


def test_frozen_layer_is_checked_like_any_other() -> None:
    """Its gradient is shown, so it must be right."""
    assert verdicts(checked(network_of([LayerSpec(4, ReLU(), trainable=False)], 3))) == ["agrees to 6 digits"] * 2
