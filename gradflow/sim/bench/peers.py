"""The same training step in PyTorch (eager) and JAX (jit), with the same statistics read out as numbers.

Neither is needed by gradflow; they are timed where they are installed, on one thread each.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gradflow.engine.network import Network
from gradflow.sim.bench.cases import CLASSES, LEARNING_RATE, Case, Step

PEERS = ("torch", "jax")


def installed(name: str) -> bool:
    """Return whether a peer can be imported."""
    return importlib.util.find_spec(name) is not None


class Torch:
    """PyTorch, eager: nn.Sequential, cross entropy, SGD."""

    def __init__(self) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.torch.set_num_threads(1)

    def step(self, case: Case, network: Network, statistics: bool) -> Step:
        """Return the training step; with `statistics`, ‖∂L/∂W‖, ‖∂L/∂z‖, ‖a‖ and ‖W‖ of each layer as numbers."""
        torch = self.torch
        model, linears, activations = self._model(case)
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        x, y = self._batch(case, network)
        cross_entropy = torch.nn.functional.cross_entropy

        def plain() -> float:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return float(loss.item())

        if not statistics:
            return plain
        z: list[Any] = []
        a: list[Any] = []

        def keep_z(module: Any, inputs: Any, output: Any) -> None:
            output.retain_grad()
            z.append(output)

        for module in linears:
            module.register_forward_hook(keep_z)
        for module in activations:
            module.register_forward_hook(lambda module, inputs, output: a.append(output))
        length = torch.linalg.vector_norm

        def measured() -> list[float]:
            z.clear()
            a.clear()
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            with torch.no_grad():
                norms = [length(module.weight.grad) for module in linears]
                norms += [length(value.grad) for value in z]
                norms += [length(value) for value in a]
                norms += [length(module.weight) for module in linears]
                numbers: list[float] = torch.stack(norms).tolist()
            optimizer.step()
            return numbers

        return measured

    def first_profile(self, case: Case, network: Network) -> Step:
        """Return what a change of the depth costs: build the modules and take the first measured step."""
        return lambda: self.step(case, network, statistics=True)()

    def _batch(self, case: Case, network: Network) -> tuple[Any, Any]:
        x = self.torch.tensor(network.input.value)
        if case.image:
            x = x.reshape(-1, case.image, case.image, case.channels_in).permute(0, 3, 1, 2).contiguous()
        return x, self.torch.tensor(network.loss.targets.argmax(axis=1))

    def _model(self, case: Case) -> tuple[Any, list[Any], list[Any]]:
        torch, nn = self.torch, self.torch.nn
        phi = {"relu": nn.ReLU, "tanh": nn.Tanh}[case.activation]
        modules: list[Any] = []
        if case.image:
            sizes = [(case.channels_in, case.width), (case.width, 2 * case.width)]
            for size in sizes:
                modules += [nn.Conv2d(*size, 3, padding=1), phi()]
            modules += [nn.Flatten(), nn.Linear(2 * case.width * case.image**2, CLASSES)]
        else:
            norm = {"batch-norm": nn.BatchNorm1d, "layer-norm": nn.LayerNorm}.get(case.norm or "")
            for _ in range(case.depth):
                modules += [nn.Linear(case.width, case.width), *([norm(case.width)] if norm else []), phi()]
            modules.append(nn.Linear(case.width, CLASSES))
        model = nn.Sequential(*modules).to(getattr(torch, case.precision))
        linears = [module for module in modules if isinstance(module, nn.Linear | nn.Conv2d)]
        return model, linears, [module for module in modules if isinstance(module, phi)]


class Jax:
    """JAX, compiled by jit: a dense network without norms."""

    def __init__(self) -> None:
        # Read once, when the library starts.
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        self.jax: Any = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)

    def covers(self, case: Case) -> bool:
        """Return whether the case is one that is written here."""
        return not case.image and case.norm is None

    def step(self, case: Case, network: Network) -> tuple[Step, float]:
        """Return the compiled step with the same statistics, and the seconds that compiling and its first run took."""
        jax, jnp = self.jax, self.jax.numpy
        phi: Callable[[Any], Any] = {"relu": jax.nn.relu, "tanh": jnp.tanh}[case.activation]
        weights = [(jnp.asarray(layer.linear.W), jnp.asarray(layer.linear.b)) for layer in network.layers]
        x, y = jnp.asarray(network.input.value), jnp.asarray(network.loss.targets)
        # ∂L/∂z is the gradient of a zero that is added to z.
        zeros = [jnp.zeros(layer.linear.value.shape, x.dtype) for layer in network.layers]

        def loss_of(parameters: Any, added: Any) -> Any:
            a, activations = x, []
            for (W, b), zero in zip(parameters[:-1], added[:-1], strict=True):
                a = phi(a @ W + b + zero)
                activations.append(a)
            (W, b), zero = parameters[-1], added[-1]
            logits = a @ W + b + zero
            return -(jax.nn.log_softmax(logits) * y).sum() / len(x), activations

        def train(parameters: Any) -> Any:
            gradient = jax.value_and_grad(loss_of, argnums=(0, 1), has_aux=True)
            (loss, activations), (slopes, deltas) = gradient(parameters, zeros)
            length = jnp.linalg.norm
            norms = [length(W) for W, _ in slopes] + [length(d) for d in deltas] + [length(a) for a in activations]
            norms += [length(W) for W, _ in parameters]
            moved = jax.tree.map(lambda p, g: p - LEARNING_RATE * g, parameters, slopes)
            return moved, loss, jnp.stack([norm.reshape(()) for norm in norms])

        compiled = jax.jit(train)
        state = [weights]

        def step() -> list[float]:
            state[0], _, norms = compiled(state[0])
            numbers: list[float] = np.asarray(norms).tolist()
            return numbers

        start = time.perf_counter()
        step()
        return step, time.perf_counter() - start
