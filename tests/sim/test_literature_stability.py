"""The learning rate and the curvature: the quadratic model, and the edge of stability of real networks.

On a quadratic loss with largest curvature λ gradient descent is stable for ηλ < 2. Cohen et al. 2021: full-batch
gradient descent on a network sharpens until ηλ = 2, and stays there.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from literature_kit import Array, drawn, hidden, init
from scipy.sparse.linalg import LinearOperator, eigsh

from gradflow.engine.losses import MeanSquaredError
from gradflow.engine.network import LayerSpec, Network
from gradflow.engine.optimizers import SGD, Hyper
from gradflow.engine.update import Update
from gradflow.sim import archive
from gradflow.sim.details import Want
from gradflow.sim.run import Run

CURVATURES = (1.0, 10.0, 100.0)


class Descent:
    """Full-batch gradient descent of a network's loss on the batch that is loaded."""

    def __init__(self, network: Network, rate: float, momentum: float = 0.0) -> None:
        self.network, self.rate, self.hyper = network, rate, Hyper(momentum=momentum)
        self.update = Update(network.master, network.gradients, SGD(network.master.size))

    def walk(self, steps: int) -> float:
        """Take some steps and return the loss after them."""
        for _ in range(steps):
            self.network.forward()
            self.network.backward()
            self.update.prepare(self.hyper, math.nan)
            self.update.take(self.rate)
        return self.network.forward()


# The quadratic model


def quadratic() -> Network:
    """Return linear regression whose loss is ½Σλθ², at θ = (1, 1, 1): inputs orthogonal to each other and to the bias.

    With L = mean (x·θ)² the curvatures are 2·mean x².
    """
    network = drawn(3, [LayerSpec(1)], init("constant"), 0, batch=4, loss=MeanSquaredError)
    patterns = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]])
    network.input.value[:] = patterns * np.sqrt(np.array(CURVATURES) / 2)
    network.loss.targets[:] = 0.0
    return network


@pytest.mark.parametrize(("share", "loss"), [(0.99, 0.0163), (1.0, 50.0), (1.01, 1.3e5), (1.1, 1.6e33)])
def test_learning_rates_beyond_two_over_the_curvature_diverge(share: float, loss: float) -> None:
    """From 55.5, what the 200th step sees at shares of the bound 2/λ: less, the steepest part unchanged, and more."""
    descent = Descent(quadratic(), share * 2 / max(CURVATURES))
    assert descent.network.forward() == pytest.approx(55.5, rel=1e-12)
    assert descent.walk(199) == pytest.approx(loss, rel=0.04)
    exact = sum(curvature * (1 - descent.rate * curvature) ** 398 for curvature in CURVATURES) / 2
    assert descent.network.loss.loss == pytest.approx(exact, rel=1e-9)


def test_best_learning_rate_is_two_over_the_sum_of_the_extreme_curvatures() -> None:
    """There the flattest and the steepest direction shrink alike, and any other rate leaves more of one of them."""
    left = []
    for share in (0.98, 1.0, 1.009):
        descent = Descent(quadratic(), share * 2 / (max(CURVATURES) + min(CURVATURES)))
        descent.walk(100)
        left.append(np.abs(descent.network.parameters).max())
    assert left[1] < min(left[0], left[2])
    assert left[1] == pytest.approx((99 / 101) ** 100, rel=1e-9)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_momentum_widens_the_stable_range_by_one_plus_itself(momentum: float) -> None:
    """η < 2(1+μ)/λ: the roots of r² − (1+μ−ηλ)r + μ leave the unit circle at r = −1."""
    bound = 2 * (1 + momentum) / max(CURVATURES)
    assert Descent(quadratic(), 0.98 * bound, momentum).walk(2000) < 1e-3
    assert Descent(quadratic(), 1.02 * bound, momentum).walk(2000) > 1e3


# The edge of stability


def chebyshev(seed: int = 0) -> Network:
    """Return a tanh network 1–50–50–1 on twenty points of T₄(x) = 8x⁴ − 8x² + 1."""
    specs = [*hidden(2, 50, "tanh"), LayerSpec(1)]
    network = drawn(1, specs, init("xavier-normal"), seed, batch=20, loss=MeanSquaredError)
    x = np.linspace(-1, 1, 20)
    network.input.value[:, 0], network.loss.targets[:, 0] = x, 8 * x**4 - 8 * x**2 + 1
    return network


def sharpness(network: Network) -> float:
    """Return the largest eigenvalue of the loss's Hessian, from differences of backprop's gradients."""
    parameters = network.parameters.copy()

    def product(vector: Array) -> Array:
        direction = vector.ravel()
        step = 1e-4 / np.linalg.norm(direction)
        gradients = []
        for sign in (1, -1):
            network.parameters[:] = parameters + sign * step * direction
            network.forward()
            network.backward()
            gradients.append(network.gradients.copy())
        network.parameters[:] = parameters
        return np.asarray((gradients[0] - gradients[1]) / (2 * step))

    hessian = LinearOperator((parameters.size, parameters.size), product, dtype=float)
    start = np.random.default_rng(0).standard_normal(parameters.size)
    return float(eigsh(hessian, 1, which="LA", tol=1e-4, v0=start, return_eigenvectors=False)[0])


def test_sharpness_of_the_quadratic_model_is_its_largest_curvature() -> None:
    assert sharpness(quadratic()) == pytest.approx(max(CURVATURES), rel=1e-6)


@pytest.mark.parametrize(
    ("rate", "steps"),
    [
        pytest.param(0.05, 10_000, marks=pytest.mark.slow),
        pytest.param(0.1, 8_000, marks=pytest.mark.slow),
        (0.2, 6_000),
    ],
)
def test_full_batch_training_ends_up_at_the_edge_of_stability(rate: float, steps: int) -> None:
    """A18. ηλ/2 starts below 1, rises to it, and stays there, while the loss still falls: normal, and not a fault."""
    network = chebyshev()
    assert sharpness(network) * rate / 2 < 0.99
    descent = Descent(network, rate)
    before = descent.walk(steps)
    hovering = []
    for _ in range(8):
        after = descent.walk(500)
        hovering.append(sharpness(network) * rate / 2)
    assert np.mean(hovering) == pytest.approx(1.0, abs=0.03)
    assert np.std(hovering) < 0.03
    assert after < 2 * before < 0.1


@pytest.mark.slow
def test_the_preset_ends_up_at_the_edge_and_this_is_said_to_be_normal() -> None:
    """A18 as it is opened in the window, with the sharpness that the window measures."""
    run = Run(archive.open_experiment("edge-of-stability"))
    for _ in range(8001):
        run.advance()
        if run.snapshot.step % 500 == 0:
            found = run.measure({Want.SHARPNESS}).sharpness
    assert found is not None
    ratios = found.values / found.bounds
    assert ratios[0] < 0.7
    assert np.mean(ratios[8:]) == pytest.approx(1.0, abs=0.01)
    assert np.std(ratios[8:]) < 0.01
    assert [finding.name for finding in run.findings()] == ["healthy", "edge-of-stability"]
