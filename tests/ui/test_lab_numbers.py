"""Differences and directions in the window itself: keys, a training that goes on, and leaving while they compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.sim.lab.step_curve import STEPS


def in_front(desk: Any, name: str) -> Any:
    """Open the lab and bring one of its views to the front."""
    desk.press("Ctrl+3")
    dock = desk.window.docks[name]
    dock.raise_()
    desk.until(lambda: dock.made and dock.view.specimen is not None)
    return dock.view


def test_shift_and_arrows_change_the_step_of_the_differences(window: Any) -> None:
    desk = window()
    view = in_front(desk, "differences")
    desk.until(lambda: view.study and view.study.curve.complete)
    before = view.position
    desk.press("Shift+Right")
    desk.press("Shift+Right")
    desk.press("Shift+Left")
    assert view.position == before + 1
    desk.press("Shift+End")
    assert view.position == len(STEPS) - 1
    desk.press("Shift+Home")
    assert view.position == 0 and view.curve.step_words.text() == "ε = 1"


def test_differences_follow_a_training_until_a_step_is_chosen_and_can_be_renewed(window: Any) -> None:
    desk = window()
    view = in_front(desk, "differences")
    desk.until(lambda: view.study and view.study.curve.complete)
    desk.run_to(20)
    desk.until(lambda: view.specimen and view.specimen.step == 20)
    desk.until(lambda: view.study and view.study.curve.value == view.specimen.network().loss.loss)
    desk.press("Shift+Right")
    desk.run_to(40)
    desk.until(view.age.isVisible)
    assert view.specimen.step == 20
    view.renew()
    desk.until(lambda: view.study and view.study.curve.value == view.specimen.network().loss.loss)
    assert view.specimen.step == 40 and not view.age.isVisible()


def test_directions_paint_the_trajectory_once_the_training_stands_still(window: Any) -> None:
    desk = window({"network.depth": 2, "network.width": 4})
    view = in_front(desk, "directions")
    desk.run_to(30)
    desk.until(lambda: view.plane is not None and view.plane.done.all() and len(view.plane.axes.path) == 31)
    np.testing.assert_allclose(view.plane.axes.path[-1], 0.0, atol=1e-9)
    desk.press("Shift+Right")
    assert view.position == 1
    assert desk.window.docks["directions"].view.tables()


def test_a_live_edit_does_not_lose_the_trajectory(window: Any) -> None:
    desk = window({"network.depth": 2, "network.width": 4})
    view = in_front(desk, "directions")
    desk.run_to(10)
    desk.type("training.learning_rate", "0.5")
    desk.run_to(25)
    desk.until(lambda: view.plane is not None and view.plane.done.all() and len(view.plane.axes.path) == 26)
    np.testing.assert_allclose(view.plane.axes.path[-1], 0.0, atol=1e-9)


def test_the_window_closes_while_the_plane_of_a_large_network_is_painted(window: Any) -> None:
    desk = window({"network.depth": 30, "network.width": 64})
    view = in_front(desk, "directions")
    desk.until(lambda: view.painting.busy)
    desk.close()
    assert not view.painting.busy and not view.walking.busy
