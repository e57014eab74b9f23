"""PyTorch as an independent witness: the same weights must give the same numbers. Skipped where torch is absent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from engine_kit import BRANCHED, small_network, turn

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import Fans, he_normal, he_uniform, rectifier_gain, standard_uniform
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Network
from gradflow.engine.optimizers import SGD, Step

torch = pytest.importorskip("torch")
functional = torch.nn.functional

SLOPE = 0.2
TORCH_ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky-relu": lambda z: functional.leaky_relu(z, SLOPE),
}
TORCH_LOSSES = {
    "mean-squared-error": functional.mse_loss,
    "binary-cross-entropy": functional.binary_cross_entropy_with_logits,
    "softmax-cross-entropy": functional.cross_entropy,
}


class Twin:
    """A hand-written float64 torch network with the weights of one of ours."""

    def __init__(self, network: Network, activation: str, loss: str, skips: tuple[int | None, ...]) -> None:
        self.W = [torch.tensor(layer.dense.W, requires_grad=True) for layer in network.layers]
        self.b = [torch.tensor(layer.dense.b, requires_grad=True) for layer in network.layers]
        self.phi, self.criterion, self.skips = TORCH_ACTIVATIONS[activation], TORCH_LOSSES[loss], (*skips, None)
        self.x = torch.tensor(network.input.value)
        self.y = torch.tensor(network.loss.targets)

    def loss(self) -> torch.Tensor:
        """Run forwards, keeping every z."""
        self.z, outputs = [], [self.x]
        for i, skip in enumerate(self.skips):
            z = outputs[-1] @ self.W[i] + self.b[i]
            z.retain_grad()
            self.z.append(z)
            a = self.phi(z) if i + 1 < len(self.skips) else z
            outputs.append(a if skip is None else a + outputs[skip])
        return self.criterion(outputs[-1], self.y)


def assert_agree(ours: np.ndarray, theirs: torch.Tensor, what: str) -> None:
    """Compare relative to the size of the whole array: single entries may cancel."""
    theirs = theirs.detach().numpy()
    assert np.linalg.norm(ours - theirs) <= 1e-10 * np.linalg.norm(theirs), what


def test_every_registered_part_has_its_torch_counterpart_here() -> None:
    """A new part is still checked by differences; this says that a second witness could be added."""
    missing = (set(ACTIVATIONS) - set(TORCH_ACTIVATIONS)) | (set(LOSSES) - set(TORCH_LOSSES))
    if missing:
        pytest.skip(f"no torch counterpart written for {', '.join(sorted(missing))}")


@pytest.mark.parametrize("skips", [(None,), (None,) * 4, BRANCHED, (None, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("loss", TORCH_LOSSES)
@pytest.mark.parametrize("activation", TORCH_ACTIVATIONS)
def test_loss_and_every_gradient_agree(activation: str, loss: str, skips: tuple[int | None, ...]) -> None:
    network = small_network(activation, "he-normal", loss, skips=skips, width=7, batch=6, negative_slope=SLOPE)
    twin = Twin(network, activation, loss, skips)
    theirs = twin.loss()
    theirs.backward()
    assert turn(network) == pytest.approx(theirs.item(), rel=1e-12)
    for i, layer in enumerate(network.layers):
        assert_agree(layer.dense.W_grad, twin.W[i].grad, f"∂L/∂W of layer {i + 1}")
        assert_agree(layer.dense.b_grad, twin.b[i].grad, f"∂L/∂b of layer {i + 1}")
        assert_agree(layer.dense.grad, twin.z[i].grad, f"∂L/∂z of layer {i + 1}")
        assert_agree(layer.dense.value, twin.z[i], f"z of layer {i + 1}")


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_thirty_steps_of_sgd_follow_the_same_trajectory(momentum: float) -> None:
    network = small_network("tanh", "xavier-normal", "softmax-cross-entropy", width=6, batch=8)
    twin = Twin(network, "tanh", "softmax-cross-entropy", BRANCHED)
    theirs = torch.optim.SGD([*twin.W, *twin.b], lr=0.3, momentum=momentum)
    ours, step = SGD(network.parameters.size), Step(network.parameters)
    for _ in range(30):
        loss = turn(network)
        step.take(ours.direction(network.gradients, momentum), 0.3)
        theirs.zero_grad()
        twin_loss = twin.loss()
        twin_loss.backward()
        theirs.step()
        assert loss == pytest.approx(twin_loss.item(), rel=1e-10)
    for i, layer in enumerate(network.layers):
        assert_agree(layer.dense.W, twin.W[i], f"W of layer {i + 1}")
        assert_agree(layer.dense.b, twin.b[i], f"b of layer {i + 1}")


@pytest.mark.parametrize("loss", TORCH_LOSSES)
def test_losses_average_as_reduction_mean_does(loss: str) -> None:
    """MSE over samples and outputs; the cross-entropies over samples."""
    network = small_network(loss=loss, batch=5)
    value = network.forward()
    z, y = torch.tensor(network.layers[-1].dense.value), torch.tensor(network.loss.targets)
    assert value == pytest.approx(TORCH_LOSSES[loss](z, y, reduction="mean").item(), rel=1e-13)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, 0.25, 1.0])
def test_gain_of_a_leaky_rectifier_is_that_of_calculate_gain(slope: float) -> None:
    assert rectifier_gain(slope) == pytest.approx(torch.nn.init.calculate_gain("leaky_relu", slope), rel=1e-15)
    if slope == 0.0:
        assert rectifier_gain(slope) == pytest.approx(torch.nn.init.calculate_gain("relu"), rel=1e-15)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_he_schemes_are_torchs_kaiming(mode: str, slope: float) -> None:
    """torch keeps weights as (outputs, inputs); its largest draw out of many comes close to the uniform bound."""
    inputs, outputs = 300, 200
    torch.manual_seed(0)
    weight = torch.empty(outputs, inputs, dtype=torch.float64)
    fans = Fans(inputs, outputs, mode, slope)
    bound = np.sqrt(3.0) * he_uniform(fans).std
    torch.nn.init.kaiming_uniform_(weight, a=slope, mode=mode)
    assert weight.abs().max().item() <= bound
    # P(no |u| of 60 000 above 0.9995·bound) = 0.9995^60000 ≈ 1e-13.
    assert weight.abs().max().item() > 0.9995 * bound
    torch.nn.init.kaiming_normal_(weight, a=slope, mode=mode)
    # The standard error of a deviation from n normal draws is σ/√2n = 0.29 %.
    assert weight.std().item() == pytest.approx(he_normal(fans).std, rel=5 / np.sqrt(2 * weight.numel()))


def test_standard_uniform_is_the_default_of_nn_linear() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Linear(300, 200, dtype=torch.float64).weight.detach().abs()
    bound = np.sqrt(3.0) * standard_uniform(Fans(300, 200)).std
    assert 0.9995 * bound < weight.max().item() <= bound * (1 + 1e-15)


def test_torch_counterpart_of_a_network_sees_every_layer() -> None:
    """Guard of the witness itself: a wrong weight in the twin must be noticed."""
    network = small_network("tanh", width=4)
    twin = Twin(network, "tanh", "mean-squared-error", BRANCHED)
    assert all(a is not b for a, b in pairwise(twin.W))
    for weight in twin.W:
        with torch.no_grad():
            weight[0, 0] += 1e-3
        assert abs(twin.loss().item() - network.forward()) > 1e-9
        with torch.no_grad():
            weight[0, 0] -= 1e-3
