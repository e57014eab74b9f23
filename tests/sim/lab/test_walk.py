"""The walk: every number on it is the engine's own, and every entry unfolds into what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.graph import Node
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Network
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.precision import PRECISIONS
from gradflow.sim.config import Experiment, edit, parse_value
from gradflow.sim.details import Want
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.recording import Page
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.station import Kind, Line, Shown, Station
from gradflow.sim.lab.stations.update import UpdateExplainer
from gradflow.sim.lab.symbols import Symbols
from gradflow.sim.lab.walk import Walk
from gradflow.sim.run import Run


def rows(text: str) -> Any:
    return parse_value("network.layers", text)


NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {},
    "one layer": {"network.depth": 1},
    "dropout": {"network.dropout": 0.3},
    "batch norm": {"network.norm": "batch-norm"},
    "layer norm": {"network.norm": "layer-norm"},
    "rms norm": {"network.norm": "rms-norm", "network.activation": "gelu"},
    "residual": {"network.skip_every": 2, "network.norm": "layer-norm"},
    "concatenated": {
        "network.layers": rows('[{units=6}, {units=5}, {units=4, skip_from=1, join="concat"}, {units=3, skip_from=2}]')
    },
    "prelu": {"network.activation": "prelu"},
    "prelu per unit": {"network.activation": "prelu-per-unit"},
    "convolution": {
        "network.layers": rows(
            '[{kind="conv", units=3, kernel=3, padding=1}, {kind="max-pool", kernel=2},'
            ' {kind="conv", units=4, kernel=2, stride=2, norm="batch-norm"}, {units=5}]'
        )
    },
    "averages": {
        "network.layers": rows(
            '[{kind="conv", units=3, kernel=3, stride=2}, {kind="average-pool", kernel=2, stride=1},'
            ' {kind="conv", units=4, kernel=1, activation="prelu-per-unit"}, {kind="global-average"}, {units=4}]'
        )
    },
    "half": {"training.precision": "float16"},
    "adam": {"training.optimizer": "adam", "training.clip_norm": 0.1, "training.weight_decay": 0.01},
    "regression": {"data.name": "sine", "training.loss": "huber"},
}
SMALL = {"network.depth": 4, "network.width": 6, "training.batch_size": 8}


def specimen(changes: dict[str, Any], steps: int = 2) -> Specimen:
    run = Run(edit(Experiment(), SMALL | changes))
    for _ in range(steps + 1):
        run.advance()
    found = run.measure({Want.SPECIMEN}).specimen
    assert found is not None
    return found


def stations(walk: Walk, convention: Convention = Convention.ROWS, by_layer: bool = False) -> Iterator[Station]:
    return (walk.station(position, by_layer, convention) for position in range(walk.positions(by_layer)))


def gradients(network: Network) -> dict[int, np.ndarray]:
    """Return ∂L/∂value of every node as it stands when its turn in the backward walk comes."""
    found = {}
    for node in reversed(network.graph.order):
        if node.needs_grad:
            found[id(node)] = node.grad.copy()
        for call in network.graph.turn(node):
            call()
    return found


def engine_arrays(network: Network) -> dict[str, np.ndarray]:
    """Return everything that can be shown, by its symbol, straight from the nodes."""
    symbols, whole = Symbols(network), gradients(network)
    found = {}
    for node in network.graph.order:
        found[symbols.value(node)] = np.array([[network.loss.loss]]) if node is network.loss else node.value.copy()
        if id(node) in whole:
            found[symbols.gradient(node)] = whole[id(node)]
    for _, node in network.learning:
        for name, values in node.parameter_views.items():
            found[symbols.parameter(node, name)] = np.atleast_2d(values)
            found[f"∂L/∂{symbols.parameter(node, name)}"] = np.atleast_2d(node.gradient_views[name])
    return found


def in_engine(shown: Shown) -> np.ndarray:
    return shown.values.T if shown.flipped else shown.values


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_matrix_is_the_engines_own(name: str, convention: Convention) -> None:
    taken = specimen(NETWORKS[name])
    expected, walk, seen = engine_arrays(taken.network()), Walk(taken), set()
    for station in stations(walk, convention):
        for shown in station.matrices:
            symbol = shown.symbol.rstrip("ᵀ")
            if symbol in expected:
                seen.add(symbol)
                values = in_engine(shown)
                # A parameter of units stands as a column beside samples that are columns.
                np.testing.assert_array_equal(values.reshape(expected[symbol].shape), expected[symbol], symbol)
    assert seen == set(expected)


def drawn(seed: int) -> dict[str, Any]:
    """Draw a network of any kinds of layers that fit each other."""
    rng, image, text = np.random.default_rng(seed), True, list[str]()
    for place in range(int(rng.integers(2, 4))):
        kinds = ["conv", "max-pool", "average-pool", "global-average", "dense"] if image else ["dense"]
        kind = str(rng.choice(kinds[: 3 if place == 0 else 5]))
        image = image and kind not in ("dense", "global-average")
        row = [f'kind = "{kind}"']
        if kind in ("dense", "conv"):
            row += [f"units = {rng.integers(1, 6)}", f'norm = "{rng.choice(["none", "layer-norm", "rms-norm"])}"']
            row += [f'activation = "{rng.choice(["relu", "prelu-per-unit", "gelu", "tanh"])}"', "dropout = 0.25"]
        if kind == "dense" and place and rng.random() < 0.6:
            join = rng.choice(["add", "concat"])
            way = rng.choice(["after-activation", "post-activation", "pre-activation"]) if join == "add" else "default"
            row += [f"skip_from = {place}", f'join = "{join}"', f'residual = "{way}"']
        if kind == "conv":
            row += [f"kernel = {rng.integers(1, 3)}", f"stride = {rng.integers(1, 3)}"]
        text.append("{" + ", ".join(row) + "}")
    return {"network.layers": rows("[" + ", ".join(text) + "]"), "training.precision": "float32"}


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_show_the_engines_numbers_which_unfold(seed: int) -> None:
    taken = specimen(drawn(seed), steps=1)
    expected = engine_arrays(taken.network())
    for station in stations(Walk(taken)):
        for shown in station.matrices:
            symbol = shown.symbol.rstrip("ᵀ")
            if symbol in expected:
                np.testing.assert_array_equal(in_engine(shown).reshape(expected[symbol].shape), expected[symbol])
            check(shown, *shown.largest)


@pytest.mark.parametrize("by_layer", [False, True])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_entry_unfolds_into_what_adds_up_to_it(name: str, by_layer: bool) -> None:
    taken, rng = specimen(NETWORKS[name]), np.random.default_rng(0)
    walks = [Walk(taken)] if taken.coupled else [Walk(taken), Walk(taken, [3])]
    for walk in walks:
        for convention in Convention:
            for station in stations(walk, convention, by_layer):
                for shown in station.matrices:
                    height, width = shown.values.shape
                    spots = {shown.largest} | {(int(rng.integers(height)), int(rng.integers(width))) for _ in range(2)}
                    for row, column in spots:
                        check(shown, row, column)


def check(shown: Shown, row: int, column: int) -> None:
    found = shown.unfold(row, column)
    assert found.value == shown.values[row, column], (shown.symbol, found.symbol)
    assert found.line().startswith((f"{found.symbol} = ", f"{found.symbol} ≈ "))
    if found.terms is not None and found.factors is not None:
        assert found.factors.shape == (len(found.names), len(found.heads)) and len(found.terms) == len(found.names)
        scale = max(np.abs(found.terms).max(initial=0.0), abs(found.value))
        assert abs(found.total - found.value) <= 1e-12 * scale, (found.symbol, found.total, found.value)


@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_is_the_mean_of_its_entries_and_begins_the_way_back(loss: str) -> None:
    tasks = LOSSES[loss].part.tasks
    data = {"regression": "sine", "binary": "two-moons", "multiclass": "digits"}
    for task in tasks:
        walk = Walk(specimen({"data.name": data[task], "training.loss": loss}))
        place = next(i for i, stop in enumerate(walk.stops()) if stop.kind is Kind.LOSS)
        forward, back = walk.station(place), walk.station(place + 1)
        assert forward.result is not None and back.result is not None
        whole = forward.result.unfold(0, 0)
        assert whole.value == walk.recording.network.loss.loss
        assert whole.total == pytest.approx(whole.value, rel=1e-12)
        for shown in (*forward.matrices, *back.matrices):
            for row in range(len(shown.rows)):
                for column in range(len(shown.columns)):
                    check(shown, row, column)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_every_activation_shows_its_slope_and_the_number_in_its_formula(activation: str) -> None:
    walk = Walk(specimen({"network.activation": activation, "network.depth": 2}))
    network = walk.recording.network
    node = network.layers[0].activate
    assert node is not None
    back = next(s for s in stations(walk) if s.kind is Kind.BACKWARD and any("φ′(z₁)" in m.symbol for m in s.matrices))
    slopes = back.matrix("φ′(z₁)")
    assert slopes is not None and back.result is not None
    expected = np.empty_like(node.value)
    node.write_slope(expected)
    np.testing.assert_array_equal(slopes.values, expected)
    told = walk.station(walk.stops().index(next(s for s in walk.stops() if s.nodes == (place(network, node),))))
    assert told.result is not None
    entry = told.result.unfold(0, 0)
    assert "z" not in entry.put_in.replace("zero", "") and entry.put_in


def place(network: Network, node: Node) -> int:
    return next(i for i, one in enumerate(network.graph.order) if one is node)


def in_matrices(line: Line, count: int) -> int:
    """Compute a line of matrices as it is drawn, check every result in it, and return how many there were."""
    total, results = line[0].values, 0
    for shown in line[1:]:
        sign, values = shown.sign, shown.values
        if sign.endswith("="):
            step = sign.removesuffix("=").strip()
            if step.startswith("Σ"):
                summed = next(one for one in line if one.symbol.rstrip("ᵀ") == step.removeprefix("Σ "))
                total = summed.engine.reshape(-1, values.size).sum(0).reshape(values.shape)
            elif step:
                top, _, bottom = step.strip("· ").partition("/")
                total = total * float(top or 1.0) / {"": 1, "n": count}[bottom]
            np.testing.assert_allclose(
                total, values, rtol=1e-9, atol=1e-13, err_msg=f"{shown.symbol} of {line[0].symbol}"
            )
            results += 1
        elif sign == "·":
            total = total @ values
            continue
        elif sign == "⊙":
            total = total * values
            continue
        elif sign.startswith("+"):
            total = total + float(sign.strip("+ ·") or 1.0) * values
            continue
        elif sign == "−":
            total = total - values
            continue
        elif sign in ("", ","):
            # It stands beside the formula.
            continue
        else:
            assert sign.endswith("→") or sign == "∗", sign
        total = values
    return results


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_what_is_drawn_is_exactly_the_product_in_the_formula(name: str, convention: Convention) -> None:
    taken, seen = specimen(NETWORKS[name]), 0
    walk = Walk(taken)
    count = taken.samples
    for by_layer in (False, True):
        for station in stations(walk, convention, by_layer):
            assert all(line[0].sign == "" for line in station.lines)
            seen += sum(in_matrices(line, count) for line in station.lines if all(one.image is None for one in line))
    assert seen > 10


@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_drawn_gradient_of_every_loss_is_what_its_matrices_make(loss: str) -> None:
    task = LOSSES[loss].part.tasks[0]
    data = {"regression": "sine", "binary": "two-moons", "multiclass": "digits"}
    walk = Walk(specimen({"data.name": data[task], "training.loss": loss}))
    place = next(i for i, stop in enumerate(walk.stops()) if stop.kind is Kind.LOSS) + 1
    node = walk.recording.network.loss
    count = len(node.targets) if "softmax" in loss else node.targets.size
    for convention in Convention:
        (line,) = walk.station(place, convention=convention).lines
        assert in_matrices(line, count) == (
            loss in ("mean-squared-error", "softmax-cross-entropy", "binary-cross-entropy")
        )


def test_the_formulas_of_a_dense_layer_hold_for_the_matrices_beside_them() -> None:
    walk = Walk(specimen(NETWORKS["dense"]))
    for convention in Convention:
        station = next(s for s in stations(walk, convention, by_layer=True) if s.kind is Kind.BACKWARD and s.layer == 3)
        columns = convention is Convention.COLUMNS
        turned = {one.symbol for one in station.matrices if one.symbol.endswith("ᵀ")}
        assert turned == ({"δ₃ᵀ"} if columns else {"W₃ᵀ", "a₂ᵀ"})
        get = {one.symbol.rstrip("ᵀ"): one if one.symbol[-1] != "ᵀ" else one.turned() for one in station.matrices}
        delta, W, a = get["δ₃"].values, get["W₃"].values, get["a₂"].values
        back, gradient = (W @ delta, a @ delta.T) if columns else (delta @ W.T, a.T @ delta)
        np.testing.assert_allclose(back, get["∂L/∂a₂"].values, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(gradient, get["∂L/∂W₃"].values, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(get["∂L/∂a₃"].values * get["φ′(z₃)"].values, delta)
        told = "δ₃ = ∂L/∂a₃ ⊙ φ′(z₃) = (W₄·δ₄) ⊙ φ′(z₃)" if columns else "δ₃ = ∂L/∂a₃ ⊙ φ′(z₃) = (δ₄·W₄ᵀ) ⊙ φ′(z₃)"
        assert station.formulas[0] == told
        assert get["δ₃"].shape == ("(6, 8)" if columns else "(8, 6)")


def test_an_entry_says_which_rows_and_columns_it_takes() -> None:
    walk = Walk(specimen(NETWORKS["dense"]))
    station = next(s for s in stations(walk) if s.kind is Kind.BACKWARD and s.layer == 3 and s.matrix("W₃ᵀ"))
    gift, W, delta = station.result, station.matrix("W₃ᵀ"), station.matrix("δ₃")
    assert gift is not None and W is not None and delta is not None
    uses = gift.unfold(2, 4).uses
    assert W.framed(uses) == (None, 4) and delta.framed(uses) == (2, None)
    numbers = gift.unfold(2, 4).factors
    assert numbers is not None
    np.testing.assert_array_equal(numbers, np.stack([delta.values[2], W.values[:, 4]], axis=1))


@pytest.mark.parametrize(("name", "node"), [("dropout", "dropout"), ("batch norm", "norm"), ("residual", "add")])
def test_what_an_entry_is_made_of_stands_beside_it(name: str, node: str) -> None:
    seen = [s for s in stations(Walk(specimen(NETWORKS[name]))) if node in s.name]
    assert seen
    for station in seen:
        assert station.result is not None
        found = station.result.unfold(*station.result.largest)
        assert found.uses and found.factors is not None
        for symbol, (i, j) in found.uses.items():
            taken = station.matrix(symbol)
            assert taken is not None and taken.engine[i, j] in found.factors


def test_the_sum_over_two_ways_is_the_gradient_of_a_fork() -> None:
    walk = Walk(specimen(NETWORKS["residual"]))
    forks = [s for s in stations(walk) if any(" via " in line for line in s.formulas)]
    assert forks
    for station in forks:
        ways = [shown.values for shown in station.matrices if " via " in shown.symbol]
        whole = station.matrix(station.formulas[0].split(" = ")[0])
        if whole is not None and station.formulas[0].count(" via ") == 2:
            np.testing.assert_array_equal(ways[0] + ways[1], whole.values)


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_the_update_leads_to_the_parameters_of_the_next_step(optimizer: str) -> None:
    run = Run(edit(Experiment(), SMALL | {"training.optimizer": optimizer}))
    for _ in range(3):
        run.advance()
    taken = run.measure({Want.SPECIMEN}).specimen
    assert taken is not None
    walk = Walk(taken)
    run.advance()
    trained = run.trainer.network
    updates = [s for s in stations(walk) if s.kind is Kind.UPDATE]
    assert len(updates) == len(trained.layers)
    for station, layer in zip(updates, trained.layers, strict=True):
        for symbol, values in (("W", layer.linear.W), ("b", layer.linear.b[None, :])):
            name = next(s.symbol for s in station.matrices if s.symbol[0] == symbol and "+" not in s.symbol)
            after, step = station.matrix(f"{name} + Δ{name}"), station.matrix(f"Δ{name}")
            assert after is not None and step is not None
            np.testing.assert_allclose(after.values, values, rtol=1e-12, atol=1e-15)


HARD = {"training.clip_norm": 0.05, "training.clip_value": 0.02, "training.weight_decay": 0.1, "training.l1": 0.01}


@pytest.mark.parametrize("changes", [{}, {"training.momentum": 0.9}, HARD | {"training.momentum": 0.5}])
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_every_step_is_reckoned_with_its_numbers_as_the_optimiser_does(optimizer: str, changes: dict[str, Any]) -> None:
    walk = Walk(specimen({"training.optimizer": optimizer} | changes))
    for place, stop in enumerate(walk.stops()):
        if stop.kind is Kind.UPDATE:
            explainer = UpdateExplainer(
                Page(walk.recording, Convention.ROWS), walk.recording.network.layers[stop.nodes[0]]
            )
            for _, values, gradient, step, memory in explainer._parameters():
                for entry in np.ndindex(values.shape):
                    found = explainer._found(values[entry], gradient[entry], [float(row[entry]) for row in memory])
                    assert found is not None and found.value == pytest.approx(step[entry], rel=1e-9, abs=1e-300)
            station = walk.station(place)
            assert station.result is not None
            told = station.result.unfold(*station.result.largest)
            assert (
                told.put_in and told.formula == explainer.rule.step and any(told.formula in f for f in station.formulas)
            )


def test_the_step_of_a_sample_alone_is_said_to_be_that_of_the_batch() -> None:
    walk = Walk(specimen({"training.optimizer": "adam"}), [1])
    result = walk.station(walk.positions() - 1).result
    assert result is not None and result.unfold(0, 0).formula == "what Adam makes of the whole batch's gradient"


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_the_words_say_what_the_numbers_are_to_a_training_in_another_precision(precision: str) -> None:
    """Parameters and inputs are the training's own; what is computed of them is not rounded as the training does."""
    run = Run(edit(Experiment(), SMALL | {"training.precision": precision}))
    for _ in range(3):
        run.advance()
    found, trained = run.measure({Want.SPECIMEN}).specimen, run.trainer.network
    assert found is not None
    mine, rounding = found.network(), PRECISIONS[precision].part()
    np.testing.assert_array_equal(mine.parameters, trained.parameters)
    np.testing.assert_array_equal(mine.input.value, trained.input.value)
    hidden, rounded = mine.layers[0].linear.value, mine.layers[0].linear.value.astype(np.float32)
    rounding.round(rounded)
    assert hidden.dtype == np.float64 and (hidden != rounded).any()
    np.testing.assert_allclose(trained.layers[0].linear.value, hidden, rtol=0, atol=mine.input.units * rounding.epsilon)
    assert all(f"{precision}" in station.words for station in stations(Walk(found)))
    assert "float64" not in Walk(specimen({})).station(0).words


def test_a_frozen_layer_and_the_clipping_are_said_in_words() -> None:
    frozen = {"network.layers": rows("[{units=4, trainable=false}, {units=4}]"), "training.clip_norm": 0.5}
    first, second, *_ = (s for s in stations(Walk(specimen(frozen))) if s.kind is Kind.UPDATE)
    assert "frozen" in first.words and "clipped at norm 0.5" in second.words
    step = first.matrix("ΔW₁")
    assert step is not None and not step.values.any()


def test_one_sample_has_its_own_numbers_and_the_batch_is_their_mean() -> None:
    taken = specimen(NETWORKS["dense"])

    def gradient(samples: list[int] | None) -> np.ndarray:
        found = (station.matrix("∂L/∂W₁") for station in stations(Walk(taken, samples)))
        return next(shown.values for shown in found if shown is not None)

    alone = np.mean([gradient([i]) for i in range(taken.samples)], axis=0)
    np.testing.assert_allclose(alone, gradient(None), rtol=1e-9, atol=1e-15)
    assert Walk(taken, [5]).station(0).matrices[0].rows == ("5",)


def test_with_batch_norm_a_sample_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="whole batch"):
        Walk(specimen(NETWORKS["batch norm"]), [0])


@pytest.mark.parametrize("name", ["dense", "convolution", "residual"])
def test_both_ways_of_stepping_visit_every_node_forwards_and_backwards(name: str) -> None:
    walk = Walk(specimen(NETWORKS[name]))
    count = len(walk.recording.network.graph.order)
    for by_layer in (False, True):
        stops = walk.stops(by_layer)
        visited = [i for stop in stops if stop.kind is not Kind.UPDATE for i in stop.nodes]
        assert sorted(visited) == sorted([*range(count)] * 2)
        order = [Kind.FORWARD, Kind.LOSS, Kind.BACKWARD, Kind.UPDATE]
        assert all(order.index(a.kind) <= order.index(b.kind) for a, b in pairwise(stops))
        for position, stop in enumerate(stops):
            other = walk.stops(not by_layer)[walk.matching(position, by_layer)]
            assert other.kind is stop.kind and other.box == stop.box


def test_a_channel_as_an_image_has_the_numbers_of_its_sample() -> None:
    walk = Walk(specimen(NETWORKS["convolution"]))
    for convention in Convention:
        shown = next(s for s in stations(walk, convention) if s.name == "conv 3×3" and s.kind is Kind.FORWARD).result
        assert shown is not None and shown.image == (8, 8, 3)
        picture = shown.picture(2, 1)
        value = walk.recording.network.layers[0].linear.value[2].reshape(8, 8, 3)
        np.testing.assert_array_equal(picture.values, value[:, :, 1])
        check(picture, 4, 7)
        assert picture.unfold(4, 7).value == value[4, 7, 1]
        unit = (4 * 8 + 7) * 3 + 1
        assert picture.framed({"z₁": (2, unit)}) == (4, 7)
        assert picture.framed({"z₁": (2, unit + 1)}) == picture.framed({"z₁": (3, unit)}) == (None, None)


def test_what_is_not_finite_is_shown_and_unfolded_all_the_same() -> None:
    taken = specimen(NETWORKS["dense"])
    broken = taken._network.copy()
    broken.follow(taken._network)
    broken.layers[1].linear.W[0, 0] = np.inf
    broken.layers[0].linear.b[1] = np.nan
    object.__setattr__(taken, "_network", broken)
    for station in stations(Walk(taken)):
        for shown in station.matrices:
            found = shown.unfold(*shown.largest)
            assert found.line() and isinstance(found.total, float)


def test_torch_finds_the_same_gradients() -> None:
    torch = pytest.importorskip("torch")
    taken = specimen(NETWORKS["dense"] | {"network.activation": "tanh"})
    walk = Walk(taken)
    get = {shown.symbol: shown.values for station in stations(walk) for shown in station.matrices}
    a = torch.tensor(taken.inputs)
    zs = []
    for number in range(1, len(walk.recording.network.layers) + 1):
        index = "₀₁₂₃₄₅"[number]
        W, b = (torch.tensor(get[f"{letter}{index}"]) for letter in "Wb")
        z = (a @ W + b).requires_grad_() if number == 1 else a @ W + b
        z.retain_grad()
        zs.append((index, z))
        a = torch.tanh(z)
    torch.nn.functional.cross_entropy(zs[-1][1], torch.tensor(taken.targets)).backward()
    for index, z in zs:
        np.testing.assert_allclose(get[f"z{index}"], z.detach().numpy(), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(get[f"δ{index}"], z.grad.numpy(), rtol=1e-9, atol=1e-14)
