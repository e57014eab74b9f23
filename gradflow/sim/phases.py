"""The phase of a run's network, if its hidden layers are all alike: where it would end up with many more of them."""

from __future__ import annotations

import numpy as np

from gradflow.sim.mean_field import Subject
from gradflow.sim.picture import Picture
from gradflow.theory.maps import Phase, phase
from gradflow.theory.steps import NotCovered


def phase_of(subject: Subject) -> Phase | None:
    """Return the phase that σ_w, σ_b and φ of the hidden layers put a plain chain in; None where they are not alike."""
    samples = subject.inputs.reshape(len(subject.inputs), -1)
    try:
        chain = Picture(subject.network, samples, paired=False).chain
    except NotCovered:
        return None
    # The first layer may have weights of another size, for it has other inputs.
    hidden = {(layer.moments, layer.square, layer.bias_square) for layer in chain[1:-1]}
    if len(hidden) != 1:
        return None
    first = chain[0].square * float(np.square(samples).mean()) + chain[0].bias_square
    return phase(*hidden.pop(), first) if np.isfinite(first) else None
