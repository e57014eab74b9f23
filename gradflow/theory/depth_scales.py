"""How deep signals reach, quickly enough for a curve of a hundred points: from sums over Hermite coefficients."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.polynomial import polyval

from gradflow.theory.lengths import LONG, LengthMap
from gradflow.theory.maps import depth
from gradflow.theory.moments import Moments

SHORT = 1e-8
"""The length that stands for a signal that has died."""

CORRELATIONS = 1.0 - np.geomspace(1.0, 1e-5, 1000)
"""Where the correlation of two inputs may settle: the nearer to 1, the closer together."""

KINKED = 0.995
"""The sums over Hermite coefficients are cut off; those of a φ with kinks show nothing nearer to 1 than this."""


def depth_scale(moments: Moments, square: float, bias_square: float) -> float:
    """Return ξ at σ_w² = `square`: over how many layers signals forget which input they came from, or gradients fade.

    Where χ₁ < 1 both take 1/|ln χ₁| layers. Where χ₁ > 1 it is that of the correlation of two inputs, ξ_c, if it
    settles below 1 (Schoenholz et al. 2017); where it does not, as in rectifiers, that of the gradient.
    """
    lengths = LengthMap(moments, square, bias_square)
    q = min(max(lengths.settled(1.0).length, SHORT), LONG)
    chi = square * float(moments.slope(q))
    # The slope of a φ with a surrogate is not that of the map of correlations.
    if chi > 1.0 and not moments.function.surrogate:
        values, slopes = (row[0] ** 2 for row in moments.coefficients(np.array([q])))
        after = square * float(moments.value(q)) + bias_square
        seen = CORRELATIONS[CORRELATIONS < KINKED] if moments.function.kinks else CORRELATIONS
        gain = (square * polyval(seen, values) + bias_square) / after - seen
        # What a line gains is round-off.
        settles = np.flatnonzero((gain[1:] <= 0.0) & (gain[:-1] > 0.0) & (gain.max() > 1e-9))
        if settles.size:
            at = settles[0]
            c = seen[at] + (seen[at + 1] - seen[at]) * gain[at] / (gain[at] - gain[at + 1])
            return depth(square * float(polyval(c, slopes)) * q / after)
    return depth(chi)
