"""Directions: the slope in three ways and by PyTorch, the line, the plane, and the run's trajectory on it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from test_specimen import NETWORKS, specimen_of

from gradflow.sim import config
from gradflow.sim.archive import open_experiment
from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.lab.directions import DIRECTIONS, WITH_TRAJECTORY, Ask, Ground, make
from gradflow.sim.lab.exploration import Look, Refused, explore, survey
from gradflow.sim.lab.line import Line, curvature, leads_to
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.plane import Plane
from gradflow.sim.lab.slope import Slope, slope, small_step
from gradflow.sim.lab.slope_words import cost, place, plane, step
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.trajectory import Trajectory, retrace
from gradflow.sim.run import Run

TEXTS = {"coordinate": "2/W[0, 3]", "typed": "1/W[0, 1] = 1; 2/b[3] = −2"}


def explored(specimen: Specimen, ask: Ask, **how: Any) -> tuple[Slope, Line]:
    """Return the slope and the finished line."""
    found = list(explore(specimen, ask, **how))
    (first,) = (one for one in found if isinstance(one, Slope))
    assert isinstance(found[-1], Line)
    return first, found[-1]


def surveyed(specimen: Specimen, ask: Ask, other: Ask, **how: Any) -> Plane:
    """Return the finished plane."""
    *_, found = survey(specimen, ask, other, Look(**how))
    assert isinstance(found, Plane)
    return found


def travelled(specimen: Specimen) -> Trajectory:
    """Return the whole way."""
    *_, found = retrace(specimen)
    return found


@pytest.mark.parametrize("kind", sorted(DIRECTIONS))
def test_the_slope_along_every_direction_is_the_same_in_three_ways(kind: str) -> None:
    _, specimen = specimen_of({}, steps=12)
    found, _ = explored(specimen, Ask(kind, 0, TEXTS.get(kind, "")))
    size = found.length * float(np.linalg.norm(specimen.network().gradients))
    assert abs(found.forward - found.reverse) < 1e-12 * size
    assert abs(found.quotient - found.reverse) < 1e-8 * size
    assert found.parts.sum() == pytest.approx(found.reverse, abs=1e-12 * size)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_has_a_slope(name: str) -> None:
    _, specimen = specimen_of(NETWORKS[name])
    found, _ = explored(specimen, Ask("random"))
    assert found.forward == pytest.approx(found.reverse, rel=1e-9)
    assert found.quotient == pytest.approx(found.reverse, rel=1e-5)
    assert cost(found.work) and place(found) and found.table().values.shape == (5, 5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_pytorch_has_the_same_product() -> None:
    torch = pytest.importorskip("torch")
    _, specimen = specimen_of(
        {"data.name": "sine", "training.loss": "mean-squared-error", "network.activation": "tanh"}
    )
    network, objective = specimen.network(), Objective(specimen)
    h = make(Ask("random"), Ground(objective, specimen))
    tensors, tangents, start = [], [], 0
    for layer in network.layers:
        for view in (layer.linear.W, layer.linear.b):
            tensors.append(torch.tensor(view))
            tangents.append(torch.tensor(h[start : start + view.size].reshape(view.shape)))
            start += view.size
    x, y = torch.tensor(specimen.inputs), torch.tensor(specimen.targets)

    def loss(*parameters: Any) -> Any:
        a = x
        for place_, (W, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
            a = a @ W + b
            a = torch.tanh(a) if place_ < len(network.layers) - 1 else a
        return ((a - y) ** 2).mean()

    value, product = torch.func.jvp(loss, tuple(tensors), tuple(tangents))
    found = slope(objective, h)
    assert float(value) == pytest.approx(objective.batch_loss, rel=1e-12)
    assert float(product) == pytest.approx(found.forward, rel=1e-10) == found.reverse


def test_the_gradient_is_the_steepest_and_a_random_direction_almost_at_right_angles() -> None:
    _, specimen = specimen_of({"network.width": 32})
    up, _ = explored(specimen, Ask("gradient", unit=True))
    down, _ = explored(specimen, Ask("descent", unit=True))
    other, _ = explored(specimen, Ask("random", unit=True))
    norm = float(np.linalg.norm(specimen.network().gradients))
    assert up.reverse == pytest.approx(norm) == -down.reverse
    assert up.cosine == pytest.approx(1.0) and abs(other.cosine) < 0.1 and up.length == pytest.approx(1.0)


def test_the_next_step_stands_on_the_line_with_the_loss_that_the_run_then_has_on_this_batch() -> None:
    run, specimen = specimen_of({"training.optimizer": "adam"})
    _, line = explored(specimen, Ask("update"))
    run.advance()
    after = specimen.network()
    after.parameters[:] = run.trainer.network.parameters
    assert line.step_t == 1.0 and line.step_loss == pytest.approx(after.forward(), rel=1e-13)
    assert line.losses[64] == line.value == specimen.network().loss.loss and line.done.all()
    assert "t = 1" in step(line)


def test_plain_descent_has_the_next_step_on_the_gradients_line() -> None:
    _, specimen = specimen_of({"training.optimizer": "sgd", "training.learning_rate": 0.25})
    _, line = explored(specimen, Ask("descent"))
    assert line.step_t == pytest.approx(0.25)
    _, unit = explored(specimen, Ask("update", unit=True))
    assert unit.step_t == pytest.approx(float(np.linalg.norm(specimen.update)))
    assert unit.step_loss == pytest.approx(line.step_loss, rel=1e-12)
    assert np.isnan(leads_to(np.ones(3), np.array([1.0, 1.0, 0.0])))
    assert np.isnan(leads_to(np.ones(3), np.zeros(3)))


def test_the_parabola_of_a_quadratic_loss_is_the_loss() -> None:
    _, specimen = specimen_of({"network.activation": "identity", "data.name": "sine"})
    # Along the last layer's weights alone a linear output with squared error is a parabola.
    _, line = explored(specimen, Ask("coordinate", text="5/W[2, 0]"))
    np.testing.assert_allclose(line.second_order(line.t), line.losses, rtol=1e-6)


def bend(objective: Objective, h: np.ndarray, tau: float) -> float:
    """Return hᵀHh by the difference of the gradients over this step."""
    above, below = (objective.gradient_at(objective.start + sign * tau * h) for sign in (1.0, -1.0))
    return float((above - below) @ h) / (2.0 * tau)


def test_no_kink_of_relu_is_taken_for_curvature() -> None:
    """At step 8 of this preset a kink lies within the usual step: the gradient jumps there, though it hardly bends."""
    run = Run(open_experiment("healthy"))
    jumped = []
    for number in range(9):
        run.advance()
        if number < 7:
            continue
        specimen = run.measure({Want.SPECIMEN}).specimen
        assert specimen is not None
        objective = Objective(specimen)
        h, far = specimen.update, small_step(objective.start, specimen.update)
        found, kinks = curvature(objective, h)
        assert not kinks and found == pytest.approx(bend(objective, h, far / 1e2), rel=1e-5)
        jumped.append(bend(objective, h, far) != pytest.approx(found, rel=1e-1))
    assert jumped == [False, True]


def test_with_a_kink_at_the_very_point_there_is_no_curvature_and_that_is_said() -> None:
    _, specimen = specimen_of({"network.activation": "relu"})
    objective = Objective(specimen)
    # Without its weights and bias every neuron of the first layer stands at its kink.
    objective.start[objective.network.layers[0].linear.span] = 0.0
    found, kinks = curvature(objective, make(Ask("random"), Ground(objective, specimen)))
    assert np.isnan(found) and kinks == "a kink of φ"
    _, line = explored(specimen, Ask("update"))
    torn = dataclasses.replace(line, curvature=found, kinks=kinks)
    assert "no second order: too near lies a kink of φ" in step(torn) and "not a number" not in step(torn)
    assert "hᵀHh" in step(line) and "hᵀHh" not in step(torn)


def test_the_whole_training_part_has_its_own_curve() -> None:
    run, specimen = specimen_of({})
    _, line = explored(specimen, Ask("update"), whole=True)
    trainer = run.trainer
    loss, _ = trainer.evaluator.score(*trainer.training_set)
    assert line.whole[64] == pytest.approx(loss, rel=1e-9) and line.whole[64] != line.losses[64]
    assert "loss of the training part" in line.table().columns
    assert "L of all samples = " in plane(surveyed(specimen, Ask("gradient"), Ask("random"), whole=True))


def test_a_stand_in_for_a_slope_is_said() -> None:
    _, specimen = specimen_of({"network.activation": "step"})
    found, _ = explored(specimen, Ask("update"))
    assert found.stand_in and "no difference can agree" in place(found)
    above, _ = explored(specimen, Ask("coordinate", text="5/W[0, 0]"))
    assert not above.stand_in and above.quotient == pytest.approx(above.reverse, rel=1e-6)


def test_an_exploded_network_is_shown_for_what_it_is() -> None:
    _, specimen = specimen_of({"init.scale": 1e6, "network.depth": 60, "network.activation": "relu"}, steps=0)
    found, line = explored(specimen, Ask("random"))
    assert "not finite" in place(found) and not np.isfinite(line.table().values[:, 1:]).all()
    assert step(line) and found.table().csv() and np.isfinite(line.span()).all()


def test_filters_keep_the_length_that_they_have() -> None:
    _, specimen = specimen_of({})
    objective = Objective(specimen)
    h = make(Ask("filter-normalised"), Ground(objective, specimen))
    for layer in objective.network.layers:
        span, W = layer.linear.span, layer.linear.W
        new = h[span.start : span.start + W.size].reshape(W.shape)
        np.testing.assert_allclose(np.linalg.norm(new, axis=0), np.linalg.norm(W, axis=0), rtol=1e-12)
        assert not h[span.start + W.size : span.stop].any()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (Ask("typed"), "Type the entries"),
        (Ask("typed", text="1, 2, x"), "“x” is not a number"),
        (Ask("typed", text="1, 2"), "These are 2 numbers, and there are 826 parameters: type the entries"),
        (Ask("typed", text="1/W[0, 0]"), "“1/W[0, 0]” has no number: type 1/W[0, 0] = 1."),
        (Ask("typed", text="1/W[0, 0] = 1, 1/b[0] = 2"), "Put a semicolon between two entries"),
        (Ask("typed", text="5 = 1"), "“5” is no parameter"),
        (Ask("typed", text="1/W[0, 0] = 0"), "nothing moves"),
        (Ask("typed", text="1/W[0, 0] = inf"), "not finite"),
        (Ask("coordinate", text="9/W[0, 0]"), "There is no 9/W"),
        (Ask("coordinate", text="1/W[0]"), "“[0]” is no entry of W₁: type a row"),
        (Ask("coordinate", text="1/b[99]"), "is no entry of b₁: type a number"),
        (Ask("coordinate", text="import os"), "is no parameter"),
    ],
    ids=lambda value: value.text if isinstance(value, Ask) else "",
)
def test_what_is_no_direction_is_refused_in_words(ask: Ask, words: str) -> None:
    _, specimen = specimen_of({})
    (found,) = explore(specimen, ask)
    assert isinstance(found, Refused) and words in found.words


def test_a_parameter_is_typed_as_in_a_file_or_as_it_stands_on_screen() -> None:
    _, specimen = specimen_of({"network.norm": "layer-norm"})
    ground = Ground(Objective(specimen), specimen)
    in_a_file = make(Ask("typed", text="1/W[0, 1] = 1; 2/gamma[3] = −2"), ground)
    on_screen = make(Ask("typed", text="W₁[0, 1]=1;γ2[3]=-2"), ground)
    np.testing.assert_array_equal(in_a_file, on_screen)
    assert np.count_nonzero(on_screen) == 2 and on_screen.min() == -2.0


def test_the_planes_present_point_is_the_loss_and_its_grid_the_losses() -> None:
    _, specimen = specimen_of({}, steps=10)
    found = surveyed(specimen, Ask("gradient"), Ask("random"))
    objective = Objective(specimen)
    assert found.present == objective.batch_loss and found.done.all() and found.stride == 1
    d, axes = found.axes.directions, found.axes
    np.testing.assert_allclose(d @ d.T, np.eye(2), atol=1e-12)
    theta = objective.start + axes.a[7] * d[0] + axes.b[50] * d[1]
    assert found.losses[50, 7] == objective(theta)
    assert found.table().values.shape == found.losses.shape and " L = " in plane(found)


def test_the_plane_comes_from_coarse_to_fine_and_can_be_shown_all_the_while() -> None:
    _, specimen = specimen_of({})
    seen = [one for one in survey(specimen, Ask("update"), Ask("random"), Look()) if isinstance(one, Plane)]
    strides = [one.stride for one in seen]
    assert strides == sorted(strides, reverse=True) and strides[-1] == 1
    assert all(np.isfinite(one.filled()).all() and len(one.scale(True)) == 5 for one in seen)


def test_the_trajectory_is_that_of_the_run_bit_for_bit_with_its_live_edits() -> None:
    run = Run(edit(Experiment(), {"network.depth": 2, "network.width": 4, "training.batch_size": 16}))
    points = []
    for number in range(31):
        run.advance()
        points.append(run.trainer.network.parameters.copy())
        if number == 12:
            run.retune(dataclasses.replace(run.experiment.training, learning_rate=0.3))
    specimen = run.measure({Want.SPECIMEN}).specimen
    assert specimen is not None
    way = travelled(specimen)
    assert way.true and way.steps == tuple(range(31)) and way.complete
    np.testing.assert_array_equal(way.points, np.array(points))
    assert travelled(specimen) is way


def test_the_last_update_leads_back_to_where_the_run_came_from() -> None:
    run = Run(edit(Experiment(), {"network.depth": 2, "network.width": 4, "training.optimizer": "adam"}))
    before = []
    for _ in range(400):
        run.advance()
        before.append(run.trainer.network.parameters.copy())
    specimen = run.measure({Want.SPECIMEN}).specimen
    assert specimen is not None and len(travelled(specimen).steps) < 200
    objective = Objective(specimen)
    h = make(Ask("last-update"), Ground(objective, specimen, travelled(specimen)))
    np.testing.assert_array_equal(h, before[-1] - before[-2])
    # Along it the line shows where the last step came from, and looks far enough.
    _, line = explored(specimen, Ask("last-update"))
    assert line.back_t == -1.0 and line.back_loss == pytest.approx(objective(before[-2]), rel=1e-12)
    assert line.t[-1] == 3.0 and "Last step from t = −1" in step(line)


def test_the_trajectorys_own_plane_shows_most_of_it() -> None:
    _, specimen = specimen_of({}, steps=40)
    own = surveyed(specimen, Ask("principal-1"), Ask("principal-2"))
    other = surveyed(specimen, Ask("random"), Ask("filter-normalised"))
    assert own.axes.explained > 0.8 > other.axes.explained > 0.0
    # The way ends where the present point is, and all of it is within sight.
    np.testing.assert_allclose(own.axes.path[-1], 0.0, atol=1e-12)
    assert (own.axes.path.min(axis=0) > [own.axes.a[0], own.axes.b[0]]).all()
    assert (own.axes.path.max(axis=0) < [own.axes.a[-1], own.axes.b[-1]]).all()
    way = travelled(specimen)
    variances = np.linalg.svd(way.points - way.points.mean(axis=0), compute_uv=False) ** 2
    assert own.axes.explained == pytest.approx(variances[:2].sum() / variances.sum(), rel=1e-9)


def test_before_the_first_step_there_is_a_plane_all_the_same() -> None:
    _, specimen = specimen_of({}, steps=0)
    found = surveyed(specimen, Ask("principal-1"), Ask("principal-2"))
    assert "next update" in found.axes.titles[0] and "plane of “The next update” and “Filter-normalised" in plane(found)
    for kind in WITH_TRAJECTORY:
        (refused,) = explore(specimen, Ask(kind))
        assert isinstance(refused, Refused)


def test_one_direction_twice_spans_no_plane() -> None:
    _, specimen = specimen_of({"training.optimizer": "sgd"})
    *_, found = survey(specimen, Ask("gradient"), Ask("descent"), Look())
    assert isinstance(found, Refused) and "one and the same" in found.words


def test_losses_that_are_not_finite_are_counted_and_shown_as_such() -> None:
    _, specimen = specimen_of({})
    found = surveyed(specimen, Ask("random"), Ask("filter-normalised"), zoom=1e-2)
    far = found.losses > np.median(found.losses)
    broken = dataclasses.replace(found, losses=np.where(far, np.inf, found.losses))
    count = int(np.isinf(broken.losses).sum())
    assert 0 < count < broken.losses.size and f"{count} of them are not finite" in plane(broken)
    _, low, high = broken.shown(True)
    assert np.isfinite([low, high]).all() and broken.broken.sum() == count and np.isfinite(broken.contours(True)).all()


def test_a_finished_run_with_its_best_weights_back_still_knows_its_trajectory() -> None:
    changes = {"training.steps": 60, "training.patience": 5, "training.learning_rate": 0.5, "data.samples": 100}
    run = Run(edit(Experiment(), {"network.depth": 2, "network.width": 8} | changes))
    while not run.finished:
        run.advance()
    specimen = run.measure({Want.SPECIMEN}).specimen
    assert specimen is not None and config.get(run.experiment, "training.patience") == 5
    assert travelled(specimen).true


def test_of_a_diverged_run_there_are_results_that_are_not_finite_and_no_warnings() -> None:
    """Overflow is a result; whoever takes the results keeps NumPy's warnings as they were."""
    changes = {"network.activation": "identity", "training.learning_rate": 1e6}
    run = Run(edit(Experiment(), {"network.depth": 3, "network.width": 4} | changes))
    while run.snapshot.finite:
        run.advance()
    specimen = run.measure({Want.SPECIMEN}).specimen
    assert specimen is not None
    before = np.geterr()
    lines = [(found, np.geterr()) for found in explore(specimen, Ask("random"))]
    planes = [(found, np.geterr()) for found in survey(specimen, Ask("random"), Ask("random"), Look(trajectory=False))]
    line, plane_found = lines[-1][0], planes[-1][0]
    assert isinstance(line, Line) and not np.isfinite(line.losses).all()
    assert isinstance(plane_found, Plane) and plane_found.broken.any()
    assert all(state == before for _, state in (*lines, *planes))
