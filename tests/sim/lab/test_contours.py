"""Contour lines: where they run, and what they leave out."""

from __future__ import annotations

import numpy as np

from gradflow.sim.lab.contours import contours


def test_a_plane_has_straight_lines_at_the_right_height() -> None:
    grid = np.add.outer(np.zeros(5), np.arange(6.0))
    found = contours(grid, [2.5])
    assert found.shape == (4, 2, 2)
    np.testing.assert_allclose(found[..., 0], 2.5)


def test_a_bowl_has_circles() -> None:
    x = np.linspace(-1, 1, 41)
    found = contours(np.add.outer(x**2, x**2), [0.5])
    radii = np.linalg.norm(found / 20 - 1, axis=-1)
    np.testing.assert_allclose(radii, np.sqrt(0.5), atol=2e-3)


def test_a_saddle_has_two_lines_in_its_square_and_the_middle_says_which() -> None:
    high = contours(np.array([[1.0, 0.0], [0.0, 1.0]]), [0.4])
    low = contours(np.array([[1.0, 0.0], [0.0, 1.0]]), [0.6])
    assert len(high) == len(low) == 2
    corners = np.array([[1.0, 0.0], [0.0, 1.0]])
    # Above the level in the middle: the lines cut off the low corners. Below: the high ones.
    for lines, around in ((high, corners), (low, 1 - corners)):
        for line in lines:
            near = np.rint(line.mean(axis=0) * 0.9 + 0.05).astype(int)
            assert around[near[1], near[0]] == 0.0


def test_what_is_not_finite_has_none() -> None:
    grid = np.add.outer(np.zeros(5), np.arange(6.0))
    grid[2, 2] = np.inf
    assert len(contours(grid, [2.5])) == 2
    assert contours(np.full((3, 3), np.nan), [0.0, 1.0]).shape == (0, 2, 2)
    assert contours(np.ones((3, 3)), []).shape == (0, 2, 2)
