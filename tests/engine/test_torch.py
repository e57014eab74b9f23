"""PyTorch as an independent witness: the same layers and weights must give the same numbers. Skipped without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from engine_architectures import SLOPE, Architecture, images, rows
from engine_kit import Array, distance, load_random_batch, turn
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.activations import ACTIVATIONS, Activation, Tanh, make_activation
from gradflow.engine.graph import ParameterNode, Phase
from gradflow.engine.layers import LayerSpec
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Layer, Network
from gradflow.engine.nodes import NORMS, Conv, Linear
from gradflow.engine.optimizers import OPTIMIZERS, Hyper
from gradflow.engine.update import Update

torch = pytest.importorskip("torch")
functional = torch.nn.functional
Tensor = torch.Tensor


class StraightThroughStep(torch.autograd.Function):
    """The step, with the slope 1 for |z| ≤ 1."""

    @staticmethod
    def forward(context: Any, z: Tensor) -> Tensor:
        context.save_for_backward(z)
        return (z > 0).to(z.dtype)

    @staticmethod
    def backward(context: Any, grad: Tensor) -> Tensor:
        (z,) = context.saved_tensors
        return grad * (z.abs() <= 1)


TORCH_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky-relu": lambda z: functional.leaky_relu(z, SLOPE),
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu-tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    # Not functional.hardsigmoid, whose slope is the ⅙ of single precision in double precision too.
    "hard-sigmoid": lambda z: functional.relu6(z + 3) / 6,
    "erf": torch.erf,
    "sine": torch.sin,
    "step": StraightThroughStep.apply,
}
LEARNABLE = {name for name in ACTIVATIONS if make_activation(name).learnable}


def multi_margin(z: Tensor, y: Tensor) -> Tensor:
    return functional.multi_margin_loss(z, y.argmax(dim=1))


TORCH_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean-squared-error": functional.mse_loss,
    "mean-absolute-error": functional.l1_loss,
    "huber": functional.huber_loss,
    "binary-cross-entropy": functional.binary_cross_entropy_with_logits,
    "softmax-cross-entropy": functional.cross_entropy,
    "hinge": multi_margin,
}


class Witness:
    """A torch network read off the same list of layers, in images of (samples, height, width, channels)."""

    def __init__(self, network: Network, specs: Sequence[LayerSpec]) -> None:
        self.network, self.specs = network, specs
        self.tensors = {
            node: {name: torch.tensor(view, requires_grad=True) for name, view in node.parameter_views.items()}
            for _, node in network.learning
        }
        self.states = {
            node: {name: torch.tensor(view) for name, view in node.state_views.items()} for _, node in network.learning
        }
        self.names = {entry.part: name for name, entry in ACTIVATIONS.items()}
        names = {entry.part: name for name, entry in LOSSES.items()}
        self.criterion = TORCH_LOSSES[names[type(network.loss)]]
        self.training = True

    def run(self) -> Tensor:
        """Return the loss, keeping every layer's z."""
        network = self.network
        outputs = [torch.tensor(network.input.value).reshape(-1, *network.input.shape)]
        layers = iter(network.layers)
        self.z: list[Tensor] = []
        for spec in self.specs:
            x = outputs[-1]
            if spec.kind in ("dense", "conv"):
                outputs.append(self._learning(next(layers), spec, x, outputs))
            else:
                outputs.append(self._plain(spec, x))
        self.out = outputs[-1]
        return self.criterion(self.out, torch.tensor(network.loss.targets))

    def _plain(self, spec: LayerSpec, x: Tensor) -> Tensor:
        if spec.kind == "flatten":
            return x.flatten(1)
        if spec.kind == "global-average":
            return x.mean(dim=(1, 2))
        pool = functional.max_pool2d if spec.kind == "max-pool" else functional.avg_pool2d
        return pool(x.permute(0, 3, 1, 2).contiguous(), spec.kernel, spec.stride).permute(0, 2, 3, 1)

    def _learning(self, layer: Layer, spec: LayerSpec, x: Tensor, outputs: list[Tensor]) -> Tensor:
        if spec.order == "pre":
            x = self._bent(layer, spec, x)
        z = self._linear(layer.linear, spec, x)
        z.retain_grad()
        self.z.append(z)
        late = spec.order == "post" and spec.join_before_activation
        out = z
        if spec.order == "post":
            out = self._normed(layer, spec, z) if late else self._bent(layer, spec, z)
        if spec.skip_from is not None:
            shortcut = outputs[spec.skip_from]
            if spec.join == "concat":
                beside = shortcut if shortcut.dim() == out.dim() else shortcut.flatten(1)
                out = torch.cat([beside, out], dim=-1)
            else:
                out = self._projected(layer, shortcut, out) + spec.branch_scale * out
        return self._activated(layer, spec.activation, out) if late else out

    def _linear(self, node: Linear, spec: LayerSpec, x: Tensor) -> Tensor:
        own = self.tensors[node]
        if isinstance(node, Conv):
            return convolved(x, own["W"], own["b"], spec.kernel, spec.stride, spec.padding)
        return functional.linear(x.flatten(1), own["W"].T, own["b"])

    def _projected(self, layer: Layer, shortcut: Tensor, branch: Tensor) -> Tensor:
        if shortcut.shape == branch.shape:
            return shortcut
        node = next(node for node in layer.learning if isinstance(node, Linear) and node is not layer.linear)
        W = self.tensors[node]["W"]
        if branch.ndim == 2:
            return shortcut.flatten(1) @ W
        stride = -(-shortcut.shape[1] // branch.shape[1])
        return shortcut[:, ::stride, ::stride] @ W

    def _bent(self, layer: Layer, spec: LayerSpec, x: Tensor) -> Tensor:
        return self._activated(layer, spec.activation, self._normed(layer, spec, x))

    def _activated(self, layer: Layer, function: Activation | None, x: Tensor) -> Tensor:
        if function is None:
            return x
        name = self.names[type(function)]
        if name not in LEARNABLE:
            return TORCH_ACTIVATIONS[name](x)
        assert isinstance(layer.activate, ParameterNode)
        channels_second = x.reshape(-1, x.shape[-1])
        return functional.prelu(channels_second, self.tensors[layer.activate]["a"]).reshape(x.shape)

    def _normed(self, layer: Layer, spec: LayerSpec, x: Tensor) -> Tensor:
        if spec.norm is None:
            return x
        assert layer.norm is not None
        own, state = self.tensors[layer.norm], self.states[layer.norm]
        if spec.norm == "batch-norm":
            channels = x.reshape(-1, x.shape[-1])
            running = state["running_mean"], state["running_variance"]
            return functional.batch_norm(
                channels, *running, own["gamma"], own["beta"], self.training, momentum=0.1, eps=1e-5
            ).reshape(x.shape)
        row = x.flatten(1)
        if spec.norm == "layer-norm":
            row = functional.layer_norm(row, row.shape[1:], own["gamma"], own["beta"], 1e-5)
        else:
            row = functional.rms_norm(row, row.shape[1:], own["gamma"], 1e-5)
        return row.reshape(x.shape)


def convolved(x: Tensor, W: Tensor, b: Tensor | None, kernel: int, stride: int, padding: int) -> Tensor:
    """Run torch's convolution on images with the channels last, W with rows (row, column, channel)."""
    weight = W.reshape(kernel, kernel, x.shape[-1], -1).permute(3, 2, 0, 1).contiguous()
    return functional.conv2d(x.permute(0, 3, 1, 2).contiguous(), weight, b, stride, padding).permute(0, 2, 3, 1)


def witness_of(architecture: Architecture) -> tuple[Network, Witness]:
    network = architecture.build()
    last = architecture.last
    output = LayerSpec(network.loss.units, last.activation, norm=last.norm, order=last.order)
    return network, Witness(network, [*architecture.specs, output])


def rows_of(tensor: Tensor, samples: int) -> Array:
    return tensor.detach().numpy().reshape(samples, -1)


def assert_same_turn(network: Network, witness: Witness, limit: float = 1e-9) -> None:
    """Compare the loss, z and δ of every layer, and every gradient, relative to the size of the whole array.

    A gradient that is nothing but rounding (that of a bias before batch norm) is compared with all of the network's.
    """
    theirs = witness.run()
    for tensors in witness.tensors.values():
        for tensor in tensors.values():
            tensor.grad = None
    theirs.backward()
    ours = turn(network)
    assert ours == pytest.approx(theirs.item(), rel=limit, abs=1e-14)
    samples = network.graph.samples
    assert distance(network.loss.inputs[0].value, rows_of(witness.out, samples)) <= limit
    whole = np.linalg.norm(network.gradients)
    for layer, z in zip(network.layers, witness.z, strict=True):
        number = layer.number
        assert distance(layer.linear.value, rows_of(z, samples)) <= limit, f"z of layer {number}"
        delta = rows_of(z.grad if z.grad is not None else torch.zeros_like(z), samples)
        assert_close(layer.linear.grad, delta, limit, whole, f"δ of layer {number}")
        for node in layer.learning:
            for name, view in node.gradient_views.items():
                grad = witness.tensors[node][name].grad
                expected = np.zeros(view.shape) if grad is None else grad.numpy()
                assert_close(view, expected, limit, whole, f"∂L/∂{name} of layer {number}")


def assert_close(ours: Array, theirs: Array, limit: float, whole: float, what: str) -> None:
    assert np.linalg.norm(ours - theirs) <= limit * np.linalg.norm(theirs) + 1e-12 * whole, what


# Gradients


def test_every_activation_and_loss_has_its_witness() -> None:
    """A new part is still checked by differences; this asks for the second opinion."""
    assert set(ACTIVATIONS) - LEARNABLE == set(TORCH_ACTIVATIONS)
    assert set(LOSSES) == set(TORCH_LOSSES)
    assert set(NORMS) == {"batch-norm", "layer-norm", "rms-norm"}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_under_every_loss_has_torchs_gradients(activation: str, loss: str) -> None:
    specs = (LayerSpec(5, make_activation(activation, SLOPE)), LayerSpec(5, make_activation(activation, SLOPE), 1))
    assert_same_turn(*witness_of(Architecture((3,), specs, LayerSpec(), loss, batch=6, seed=0)))


@settings(max_examples=50)
@given(rows(fewest=3))
def test_any_network_of_dense_layers_has_torchs_gradients(architecture: Architecture) -> None:
    assert_same_turn(*witness_of(architecture))


@settings(max_examples=50)
@given(images(fewest=3))
def test_any_small_network_on_images_has_torchs_gradients(architecture: Architecture) -> None:
    assert_same_turn(*witness_of(architecture))


def test_deep_residual_network_on_images_has_torchs_gradients() -> None:
    """Eight blocks of two with batch norm, halved twice with projections, as on CIFAR (He et al. 2016)."""
    relu = make_activation("relu")
    specs = [LayerSpec(4, relu, kind="conv", padding=1, norm="batch-norm")]
    for channels, stride in ((4, 1), (4, 1), (8, 2), (8, 1), (8, 1), (16, 2), (16, 1), (16, 1)):
        here = len(specs)
        specs.append(LayerSpec(channels, relu, kind="conv", padding=1, stride=stride, norm="batch-norm"))
        how = {"kind": "conv", "padding": 1, "norm": "batch-norm", "join_before_activation": True}
        specs.append(LayerSpec(channels, relu, here, **how))
    specs.append(LayerSpec(kind="global-average"))
    architecture = Architecture((8, 8, 3), tuple(specs), LayerSpec(), "softmax-cross-entropy", batch=8, seed=0)
    assert_same_turn(*witness_of(architecture))


def test_tie_in_a_pooling_window_goes_where_torch_sends_it() -> None:
    """All pixels alike: the first of each window, and of overlapping windows too."""
    for stride in (1, 2, 3):
        specs = (LayerSpec(2, kind="conv", kernel=1), LayerSpec(kind="max-pool", kernel=2, stride=stride))
        network, _ = witness_of(Architecture((4, 5, 1), specs, LayerSpec(), "mean-squared-error", batch=2, seed=0))
        network.input.value.fill(1.0)
        last = LayerSpec(network.loss.units)
        assert_same_turn(network, Witness(network, [*specs, last]))


# Batch norm


@settings(max_examples=40)
@given(architecture=rows(norms=["batch-norm"], fewest=3) | images(norms=["batch-norm"], fewest=3), data=st.data())
def test_running_statistics_and_evaluation_follow_torchs_over_several_batches(
    architecture: Architecture, data: st.DataObject
) -> None:
    network, witness = witness_of(architecture)
    for seed in range(3):
        network.resize(data.draw(st.integers(3, architecture.batch)))
        load_random_batch(network, np.random.default_rng(seed))
        assert_same_turn(network, witness)
    for node, state in witness.states.items():
        for name, view in node.state_views.items():
            assert distance(view, state[name].numpy()) <= 1e-11
    network.graph.set_phase(Phase.EVALUATE)
    witness.training = False
    loss = network.forward()
    assert loss == pytest.approx(witness.run().item(), rel=1e-10)
    assert distance(network.loss.inputs[0].value, rows_of(witness.out, network.graph.samples)) <= 1e-10


@pytest.mark.parametrize("name", NORMS)
def test_norms_are_torchs_own_modules(name: str) -> None:
    """Not only its functions: the same names of the same default numbers, ε among them."""
    specs = (LayerSpec(6, norm=name),)
    architecture = Architecture((3,), specs, LayerSpec(), "mean-squared-error", batch=5, seed=3)
    network, _ = witness_of(architecture)
    own = {
        "batch-norm": torch.nn.BatchNorm1d(6),
        "layer-norm": torch.nn.LayerNorm(6),
        "rms-norm": torch.nn.RMSNorm(6, eps=1e-5),
    }[name].double()
    norm = network.layers[0].norm
    assert norm is not None
    with torch.no_grad():
        own.weight[:] = torch.tensor(norm.gamma)
        if name != "rms-norm":
            own.bias[:] = torch.tensor(norm.parameter_views["beta"])
    for training in (True, True, False):
        own.train(training)
        network.graph.set_phase(Phase.TRAIN if training else Phase.EVALUATE)
        network.forward()
        theirs = own(torch.tensor(norm.inputs[0].value)).detach().numpy()
        assert distance(norm.value, theirs) <= 1e-13


# Ten steps


def torchs_optimizer(name: str, tensors: list[Tensor]) -> Any:
    make = {
        "sgd": lambda: torch.optim.SGD(tensors, lr=0.002, momentum=0.9),
        "nesterov": lambda: torch.optim.SGD(tensors, lr=0.002, momentum=0.9, nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop(tensors, lr=0.01),
        "adagrad": lambda: torch.optim.Adagrad(tensors, lr=0.05),
        "adam": lambda: torch.optim.Adam(tensors, lr=0.01, weight_decay=0.01),
        "adamw": lambda: torch.optim.AdamW(tensors, lr=0.01, weight_decay=0.01),
        "lion": lambda: Lion(tensors, lr=0.01, weight_decay=0.01),
    }
    return make[name]()


class Lion(torch.optim.Optimizer):
    """Lion in torch's terms, from algorithm 2 of Chen et al. 2023: torch has none."""

    def __init__(self, tensors: list[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(tensors, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is None:
                    continue
                mean = self.state[w].setdefault("mean", torch.zeros_like(w))
                update = torch.sign(0.9 * mean + 0.1 * w.grad) + group["weight_decay"] * w
                mean.mul_(0.99).add_(w.grad, alpha=0.01)
                w.sub_(group["lr"] * update)


PUSHED, DECAYED = {"sgd", "nesterov"}, {"adam", "adamw", "lion"}
RATES = {"sgd": 0.002, "nesterov": 0.002, "adagrad": 0.05}
SMOOTH_LOSSES = ("mean-squared-error", "binary-cross-entropy", "softmax-cross-entropy")
SMOOTH = ("tanh", "gelu", "softplus", "sine", "prelu", "prelu-per-unit")


# Behind a norm, or where the signs of a hinge cancel, a gradient can be nothing but rounding; where the step is divided
# by the gradient's own size, such a parameter walks by the sign of that.
calm = {"activations": SMOOTH, "norms": (), "most": 3, "losses": SMOOTH_LOSSES}


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=15)
@given(architecture=rows(**calm) | images(**calm))
def test_ten_steps_of_any_network_follow_torchs(name: str, architecture: Architecture) -> None:
    ours, theirs = walk(name, architecture, limit=1e-9)
    assert distance(ours, theirs) <= 1e-9


@pytest.mark.parametrize("norm", ["layer-norm", "rms-norm"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_steps_with_norms_over_a_sample_follow_torchs(name: str, norm: str) -> None:
    specs = (LayerSpec(6, Tanh(), norm=norm), LayerSpec(6, Tanh(), 1, norm=norm, order="pre"))
    architecture = Architecture((4,), specs, LayerSpec(), "softmax-cross-entropy", batch=8, seed=2)
    ours, theirs = walk(name, architecture, limit=1e-9)
    assert distance(ours, theirs) <= 1e-9


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"lion"}))
def test_ten_steps_with_batch_norm_follow_torchs(name: str) -> None:
    """The loss does; the biases before the norm, which it does not depend on, may walk by their rounding."""
    conv = {"kind": "conv", "padding": 1, "norm": "batch-norm"}
    relu = make_activation("relu")
    specs = (LayerSpec(3, relu, **conv), LayerSpec(3, relu, 1, **conv), LayerSpec(kind="max-pool", kernel=2, stride=2))
    walk(name, Architecture((6, 6, 2), specs, LayerSpec(), "softmax-cross-entropy", batch=8, seed=1), limit=1e-7)


def walk(name: str, architecture: Architecture, limit: float) -> tuple[Array, Array]:
    """Take ten steps, of which every loss must agree; return our parameters and torch's."""
    network, witness = witness_of(architecture)
    tensors = [tensor for own in witness.tensors.values() for tensor in own.values()]
    theirs = torchs_optimizer(name, tensors)
    update = Update(network.master, network.gradients, OPTIMIZERS[name].part(network.parameters.size))
    hyper = Hyper(momentum=0.9 if name in PUSHED else 0.0, weight_decay=0.01 if name in DECAYED else 0.0)
    for _ in range(10):
        theirs.zero_grad()
        loss = witness.run()
        loss.backward()
        for tensor in tensors:  # what a branch scaled by 0 hides has no gradient in torch's eyes
            tensor.grad = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        theirs.step()
        assert turn(network) == pytest.approx(loss.item(), rel=limit, abs=1e-12)
        update.prepare(hyper, 1.0)
        update.take(RATES.get(name, 0.01))
    return network.parameters, np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


# The witness itself


def test_witness_sees_every_parameter() -> None:
    """A wrong number in any of its tensors must be noticed."""
    prelu = make_activation("prelu-per-unit", SLOPE)
    specs = (
        LayerSpec(2, prelu, kind="conv", padding=1, norm="batch-norm"),
        LayerSpec(3, Tanh(), 1, kind="conv", padding=1, norm="layer-norm"),
        LayerSpec(kind="average-pool", kernel=2, stride=2),
        LayerSpec(4, Tanh(), 3, norm="rms-norm"),
    )
    network, witness = witness_of(Architecture((4, 4, 1), specs, LayerSpec(), "mean-squared-error", 3, 0))
    exact = network.forward()
    assert witness.run().item() == pytest.approx(exact, rel=1e-12)
    for node, tensors in witness.tensors.items():
        for name, tensor in tensors.items():
            kept = tensor.detach().clone()
            with torch.no_grad():
                tensor += 0.1 * torch.randn(
                    tensor.shape, generator=torch.Generator().manual_seed(0), dtype=tensor.dtype
                )
            unseen = name == "b" and node is network.layers[0].linear  # batch norm takes it away again
            assert (abs(witness.run().item() - exact) > 1e-6) != unseen, (type(node), name)
            with torch.no_grad():
                tensor.copy_(kept)
