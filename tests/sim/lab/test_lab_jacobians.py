"""The lab's Jacobians: against central differences, PyTorch and the engine's own gradient, in both conventions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_specimen import specimen_of

from gradflow.engine.graph import Node
from gradflow.engine.losses import Loss
from gradflow.sim.lab import example_chain
from gradflow.sim.lab.chain import Direction
from gradflow.sim.lab.chain_reading import read_product
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.jacobians import SampleJacobians, Stops, TooLarge
from gradflow.sim.lab.matrix_facts import facts_of
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.words import subscript

Array = NDArray[Any]

CONV = LayerRow(kind="conv", units=2, padding="same")
KINDS: dict[str, dict[str, Any]] = {
    "dense": {},
    "relu": {"network.activation": "relu"},
    "prelu": {"network.activation": "prelu-per-unit"},
    "dropout": {"network.dropout": 0.3},
    "batch norm": {"network.norm": "batch-norm"},
    "layer norm": {"network.norm": "layer-norm"},
    "RMS norm": {"network.norm": "rms-norm"},
    "skips": {"network.skip_every": 2},
    "skips, φ first": {
        "network.skip_every": 2,
        "network.residual": "pre-activation",
        "network.branch_scale": 0.5,
        "network.norm": "layer-norm",
    },
    "uneven, side by side": {
        "network.layers": (
            LayerRow(units=5),
            LayerRow(units=7, skip_from=0),
            LayerRow(units=4, skip_from=1, join="concat"),
        )
    },
    "images": {
        "data.name": "digits",
        "network.layers": (
            CONV,
            LayerRow(kind="max-pool"),
            LayerRow(kind="conv", units=3, padding="same", norm="batch-norm", skip_from=2, join="concat"),
            LayerRow(kind="average-pool"),
            LayerRow(kind="conv", units=2, padding="same"),
            LayerRow(kind="global-average"),
        ),
    },
    "half precision": {"training.precision": "float16"},
}


def jacobians_of(name: str, sample: int = 2) -> SampleJacobians:
    return SampleJacobians(specimen_of({"data.name": "two-moons"} | KINDS[name])[1], sample)


def by_differences(of: SampleJacobians, source: str, target: str, step: float = 1e-6) -> Array:
    """Return ∂target/∂source: the numbers at the source replaced, all that comes after it run again."""
    network = of._run(1)
    order = network.graph.order
    here, there = (order[of.symbols.index(symbol)] for symbol in (source, target))
    start = here.value[0].copy()

    def run(x: Array) -> Array:
        here.value[0] = x
        for node in order[order.index(here) + 1 :]:
            node.forward()
        return value_of(there)

    columns = [(run(start + e) - run(start - e)) / (2.0 * step) for e in step * np.eye(here.units)]
    return np.stack(columns, axis=1)


def value_of(node: Node) -> Array:
    return np.array([node.loss]) if isinstance(node, Loss) else node.value[0].copy()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_node_and_every_way_from_the_input_agrees_with_central_differences(name: str) -> None:
    of = jacobians_of(name)
    pairs = [(node, of.later(node)[0]) for node in of.symbols[:-1]]
    pairs += [("x", after) for after in of.later("x")] + [(before, of.symbols[-1]) for before in of.symbols[:-1]]
    for source, target in pairs:
        exact = of.whole(source, target)
        scale = max(float(np.abs(exact).max()), 1e-3)
        np.testing.assert_allclose(exact / scale, by_differences(of, source, target) / scale, atol=2e-7)


@pytest.mark.parametrize("stops", list(Stops))
@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_product_of_the_factors_is_the_whole_and_the_engines_gradient(name: str, stops: Stops) -> None:
    of = jacobians_of(name)
    chain = of.chain("x", of.symbols[-1], stops)
    assert [factor.source.symbol for factor in chain.factors[1:]] == [f.target.symbol for f in chain.factors[:-1]]
    for direction in Direction:
        product = chain.product(len(chain.factors), direction)
        np.testing.assert_allclose(product, chain.whole, rtol=1e-10, atol=1e-10 * float(np.abs(chain.whole).max()))
    np.testing.assert_allclose(chain.whole[0], of.gradient("x"), rtol=1e-10, atol=1e-300)
    assert chain.difference < 1e-10


@pytest.mark.parametrize("name", ["dense", "dropout", "skips", "layer norm"])
def test_the_gradient_is_the_one_of_the_specimen(name: str) -> None:
    of = jacobians_of(name, sample=3)
    network = of._specimen.network([3])
    np.testing.assert_array_equal(of.gradient("x"), network.input.grad[0])
    for layer in network.layers:
        symbol = f"z{subscript(layer.number)}"
        np.testing.assert_array_equal(of.gradient(symbol), layer.linear.grad[0])
        np.testing.assert_array_equal(of.value(symbol), layer.linear.value[0])
        if layer.activate:
            slopes = np.empty((1, layer.activate.units))
            layer.activate.write_slope(slopes)
            after = f"a{subscript(layer.number)}"
            np.testing.assert_array_equal(np.diagonal(of.whole(of.point(after).sources[0], after)), slopes[0])


def test_a_plain_network_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    of = jacobians_of("dense")
    layers = of._specimen.network().layers

    def forward(x: Any) -> Any:
        for layer in layers:
            x = x @ torch.tensor(layer.linear.W.copy()) + torch.tensor(layer.linear.b.copy())
            x = torch.tanh(x) if layer is not layers[-1] else x
        return x

    expected = torch.autograd.functional.jacobian(forward, torch.tensor(of.value("x")))
    np.testing.assert_allclose(of.whole("x", "z₅"), expected.numpy(), rtol=1e-12, atol=1e-15)


def test_factors_have_the_names_of_what_they_are() -> None:
    of = jacobians_of("dense")
    chain = of.chain("x", "z₂")
    names = {way: [factor.name(way) for factor in chain.factors] for way in Convention}
    assert names[Convention.COLUMNS] == ["W₁", "diag(φ′(z₁))", "W₂"]
    assert names[Convention.ROWS] == ["W₁ᵀ", "diag(φ′(z₁))", "W₂ᵀ"]
    weights = of._specimen.network().layers[0].linear.W
    np.testing.assert_allclose(Convention.COLUMNS.jacobian(chain.factors[0].derivative), weights, rtol=1e-12)
    layer = of.chain("z₁", "z₃", Stops.PRE_ACTIVATIONS)
    assert layer.factors[0].name(Convention.COLUMNS) == "diag(φ′(z₁)) · W₂"
    assert layer.factors[0].name(Convention.ROWS) == "W₂ᵀ · diag(φ′(z₁))"
    assert of.point("z₂").formula(Convention.COLUMNS) == "z₂ = W₂ᵀ·a₁ + b₂"
    assert of.point("z₂").formula(Convention.ROWS) == "z₂ = a₁·W₂ + b₂"
    assert of.point("a₂").formula(Convention.ROWS) == "a₂ = tanh(z₂)"


def test_symbols_are_those_of_backprop() -> None:
    uneven = jacobians_of("uneven, side by side")
    assert uneven.point("r₂").formula(Convention.ROWS) == "r₂ = x·V₂"
    assert uneven.point("r₂").words == "projection of the skip of layer 2"
    assert jacobians_of("prelu").point("a₁").formula(Convention.ROWS).endswith("(z₁; α₁)")
    delta = read_product(jacobians_of("dense").chain("z₃", "L"), 0, Direction.REVERSE, Convention.ROWS)
    assert delta.formula.startswith("δ₃ = ∂L/∂z₃ = ∂L/∂z₅ · W₅ᵀ")
    for convention in Convention:
        last = jacobians_of("dense").chain("z₅", "L")
        assert read_product(last, 0, Direction.REVERSE, convention).formula == "δ₅ = ∂L/∂z₅", "a thing is said once"
    whole = read_product(jacobians_of("dense").chain("z₅", "L"), 0, Direction.REVERSE, Convention.ROWS)
    held = jacobians_of("batch norm")
    assert read_product(held.chain("z₅", "ℓ"), 0, Direction.REVERSE, Convention.ROWS).formula == "∂ℓ/∂z₅"
    assert held.symbols[-1] == "ℓ" and whole.symbol == "∂L/∂z₅"


def test_ways_that_meet_are_one_factor_with_a_sum_for_a_name() -> None:
    of = jacobians_of("skips")
    assert of.stops("a₁", "z₄") == ["a₁", "s₃", "z₄"]
    factor = of.chain("a₁", "z₄").factors[0]
    assert factor.name(Convention.COLUMNS) == "I + W₂ · diag(φ′(z₂)) · W₃ · diag(φ′(z₃))"
    assert factor.as_factor(Convention.ROWS) == "(I + diag(φ′(z₃)) · W₃ᵀ · diag(φ′(z₂)) · W₂ᵀ)"
    assert of.stops("a₃", "z₄") == ["a₃", "s₃", "z₄"]
    with pytest.raises(ValueError, match="does not depend"):
        of.stops("z₄", "a₁")


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("direction", list(Direction))
def test_an_entry_unfolds_into_the_sum_over_both_factors(direction: Direction, convention: Convention) -> None:
    chain = jacobians_of("dense").chain("x", "z₄")
    count = len(chain.factors)
    assert chain.unfold(1, direction, convention, 0, 0) is None
    for position in [0, *range(2, count + 1)]:
        product = convention.jacobian(chain.product(position, direction) if position else chain.whole)
        found = chain.unfold(position, direction, convention, 1, 0)
        assert found is not None and found.value == product[1, 0]
        assert float((found.left * found.right).sum()) == pytest.approx(found.value, rel=1e-12, abs=1e-15)
        assert found.table().values[-1, -1] == pytest.approx(found.value, rel=1e-12, abs=1e-15)
        assert len(found.left) == found.between.units


def test_the_sum_is_written_as_the_lecture_writes_it() -> None:
    chain = jacobians_of("dense").chain("a₃", "L")
    columns = chain.unfold(4, Direction.REVERSE, Convention.COLUMNS, 2, 0)
    rows = chain.unfold(0, Direction.REVERSE, Convention.ROWS, 0, 2)
    assert columns is not None and columns.formula == "∂L/∂a₃[2] = Σᵣ ∂z₄[r]/∂a₃[2] · ∂L/∂z₄[r]"
    assert rows is not None and rows.formula == "∂L/∂a₃[2] = Σᵣ ∂L/∂z₄[r] · ∂z₄[r]/∂a₃[2]"


def test_what_is_too_large_says_how_large_it_is() -> None:
    layers = tuple(LayerRow(kind="conv", units=80, padding="same") for _ in range(2))
    of = SampleJacobians(specimen_of({"data.name": "digits", "network.layers": layers}, steps=0)[1], 0)
    with pytest.raises(TooLarge, match="numbers"):
        of.chain("x", "L")
    with pytest.raises(TooLarge, match="5\u202f120 × 5\u202f120"):
        of.whole("z₁", "a₁")
    assert of.whole("x", "L").shape == (1, 64)


def test_numbers_that_are_none_are_carried_and_named() -> None:
    _, specimen = specimen_of({"init.scale": 1e6, "network.activation": "relu", "network.depth": 60}, steps=0)
    chain = SampleJacobians(specimen, 0).chain("x", "L")
    assert not np.isfinite(chain.whole).all()
    assert "not finite" in facts_of(chain.whole).structure
    chain.product(3, Direction.FORWARD)


def test_a_matrix_is_measured_and_described() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(7, 4)) @ np.diag([1.0, 2.0, 0.0, 3.0])
    facts = facts_of(matrix)
    assert facts.rank == np.linalg.matrix_rank(matrix) == 3
    assert facts.condition == np.inf and facts.zeros == 0.25 and facts.structure == "1 column of zeros"
    assert facts.frobenius == pytest.approx(np.linalg.norm(matrix))
    full = facts_of(rng.normal(size=(5, 5)) * 1e-200)
    assert full.structure == "full" and full.rank == 5 and 1.0 < full.condition < 1e6 and full.frobenius > 0.0
    assert facts_of(np.eye(3)).structure == "identity" and facts_of(np.eye(3)).condition == 1.0
    assert facts_of(np.diag([1.0, 0.0, 2.0])).structure == "diagonal, 1 of 3 entries 0"
    assert facts_of(np.eye(4)[:2]).structure == "a selection: 0 and 1 only"
    assert facts_of(np.zeros((2, 3))).rank == 0 and facts_of(np.zeros((2, 3))).structure == "zero"
    assert facts_of(np.array([[np.nan, 1.0]])).rank == -1
    wide = facts_of(rng.normal(size=(600, 600)))
    assert wide.too_large and wide.rank == -1 and np.isnan(wide.largest) and wide.frobenius > 0.0
    assert facts_of(np.diag(np.arange(1.0, 601.0))).condition == 600.0


def test_stepping_on_and_back_keeps_every_product() -> None:
    chain = jacobians_of("layer norm").chain("x", "z₅")
    on = [chain.product(i, Direction.REVERSE).copy() for i in range(1, len(chain.factors) + 1)]
    for i, product in reversed(list(enumerate(on, start=1))):
        np.testing.assert_array_equal(chain.product(i, Direction.REVERSE), product)
    for shorter, longer in pairwise(on):
        assert shorter.shape[0] == longer.shape[0] == 2 or shorter.shape[0] == longer.shape[0]


def test_the_example_is_right() -> None:
    def f(x: Array) -> float:
        t = x[0] * x[1], x[0] ** 2, x[1]
        return float((t[0] + t[1]) * (t[1] * t[2]))

    x = np.array(example_chain.X)
    chain = example_chain.example("x", "f")
    assert example_chain.values()["f"][0] == f(x)
    slopes = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(chain.whole[0], slopes, rtol=1e-8)
    assert chain.difference == 0.0 and chain.sizes == [2, 3, 2, 1]
