"""How the gradient divides between skips and branches, against finite differences along each way alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from residual_kit import ARCHITECTURES, NESTED
from sim_kit import small

from gradflow.engine.graph import Node, Phase
from gradflow.engine.network import Network
from gradflow.engine.nodes import Flatten
from gradflow.sim.details import Want
from gradflow.sim.graph_shape import crossings
from gradflow.sim.paths import Paths, contributions
from gradflow.sim.run import Run

Array = NDArray[Any]

EVERY = pytest.mark.parametrize("changes", ARCHITECTURES.values(), ids=ARCHITECTURES)


def begun(changes: dict[str, Any]) -> Run:
    run = Run(small(changes))
    run.advance()
    return run


def paths_of(run: Run) -> Paths:
    found = run.measure({Want.PATHS}).paths
    assert found is not None
    return found


def loss_with(network: Network, source: Node, consumer: Node, shift: Array) -> float:
    """Return the loss if one consumer alone sees another value of its source."""
    for node in network.graph.order:
        before = source.value.copy()
        if node is consumer:
            source.value[...] += shift
        node.forward()
        if node is consumer:
            source.value[...] = before
    return network.loss.loss


@EVERY
def test_what_a_consumer_gives_is_the_derivative_along_its_way_alone(changes: dict[str, Any]) -> None:
    network = begun(changes).trainer.network
    gifts = [(source, node, gift.copy()) for source, node, gift, _ in contributions(network)]
    network.graph.set_phase(Phase.HOLD)
    looked_at = 0
    for source, node, gift in gifts:
        # Flattening is the source's own memory: nobody can see it changed alone.
        if isinstance(node, Flatten) or not gift.any():
            continue
        size = float(np.linalg.norm(gift))
        step = 1e-6 * float(np.linalg.norm(source.value)) * gift / size
        up, down = (loss_with(network, source, node, sign * step) for sign in (1.0, -1.0))
        slope = (up - down) / (2.0 * float(np.linalg.norm(step)))
        assert slope == pytest.approx(size, rel=2e-5, abs=1e-9)
        looked_at += 1
    assert looked_at > 8


@EVERY
def test_the_gifts_add_up_to_the_gradient_and_every_gradient_stays_as_it_was(changes: dict[str, Any]) -> None:
    network = begun(changes).trainer.network
    before = network.gradients.copy()
    sums: dict[int, Array] = {}
    for source, _, gift, whole in contributions(network):
        sums[id(source)] = sums.get(id(source), 0.0) + gift
        np.testing.assert_allclose(whole, sums[id(source)], rtol=1e-9, atol=1e-18)
    np.testing.assert_array_equal(network.gradients, before)


@EVERY
def test_shares_at_a_fork_add_up_to_one_and_none_comes_to_the_data(changes: dict[str, Any]) -> None:
    run = begun(changes)
    shape, found = run.trainer.topology.graph, paths_of(run)
    assert len(found.share) == len(shape.edges) == len(crossings(run.trainer.network))
    for box in range(len(shape.boxes)):
        out = [number for number, edge in enumerate(shape.edges) if edge.source == box]
        if shape.boxes[box].parts == ("input",):
            assert np.isnan(found.share[out]).all() and np.isnan(found.norm[out]).all()
        elif out:
            assert found.share[out].sum() == pytest.approx(1.0)
            assert found.total[out[0]] <= found.norm[out].sum() * (1 + 1e-12)


def test_a_plain_skip_gives_the_gradient_of_the_sum_itself() -> None:
    """y = x + α·branch: over the skip comes ∂L/∂y, over the branch the rest of ∂L/∂x; here by hand for one block."""
    run = begun(
        {"network.depth": 2, "network.skip_every": 1, "network.branch_scale": 0.5, "network.activation": "tanh"}
    )
    network, found = run.trainer.network, paths_of(run)
    first, second, last = (layer.linear for layer in network.layers)
    at_sum = last.grad @ last.W.T
    a = np.tanh(second.value)
    through = (0.5 * at_sum * (1.0 - a**2)) @ second.W.T
    shape = run.trainer.topology.graph
    (skip,) = shape.skips
    over_skip = next(n for n, e in enumerate(shape.edges) if e.source == skip.source and e.skip == 0)
    over_branch = next(n for n, e in enumerate(shape.edges) if e.source == skip.source and e.skip < 0)
    assert found.norm[over_skip] == pytest.approx(np.linalg.norm(at_sum))
    assert found.norm[over_branch] == pytest.approx(np.linalg.norm(through))
    assert found.total[over_skip] == pytest.approx(np.linalg.norm(at_sum + through))
    delta = (at_sum + through) * (1.0 - np.tanh(first.value) ** 2)
    np.testing.assert_allclose(first.grad, delta, rtol=1e-9)


def test_what_is_carried_by_the_skip_is_not_lost_in_a_large_branch() -> None:
    """With weights of 10⁹ the skip's gift is below the last digit of the sum, and is told all the same."""
    run = begun({"network.depth": 2, "network.skip_every": 1, "network.activation": "identity"})
    network = run.trainer.network
    network.layers[1].linear.W[...] *= 1e20
    gifts = {id(node): float(np.linalg.norm(gift)) for _, node, gift, _ in contributions(network)}
    at_sum = float(np.linalg.norm(network.layers[2].linear.grad @ network.layers[2].linear.W.T))
    join = next(node for node in network.graph.order if len(node.inputs) == 2)
    assert gifts[id(join)] == pytest.approx(at_sum, rel=1e-12)


@pytest.mark.parametrize("precision", ["float64", "float16"])
def test_looking_at_the_ways_changes_no_number_of_the_training(precision: str) -> None:
    changes = {"network.layers": NESTED, "training.precision": precision, "training.clip_norm": 0.1}
    looked_at, alone = Run(small(changes)), Run(small(changes))
    for _ in range(6):
        paths_of(looked_at)
        assert looked_at.advance().stats.tobytes() == alone.advance().stats.tobytes()


def test_the_loss_scale_is_divided_out() -> None:
    changes = {"network.depth": 4, "network.skip_every": 2}
    plain, scaled = (paths_of(begun(changes | {"training.loss_scale": scale})) for scale in (1.0, 1024.0))
    np.testing.assert_allclose(plain.norm, scaled.norm)
    np.testing.assert_allclose(plain.total, scaled.total)
