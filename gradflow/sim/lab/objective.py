"""The loss as a function of all parameters, from the network of one step: on its batch or on all training samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim import build
from gradflow.sim.evaluator import Evaluator
from gradflow.sim.lab.specimen import Specimen

Array = NDArray[Any]


class Objective:
    """L(θ) of a specimen, on its batch or of the `whole` training part.

    `start` is θ as it stands at its `step`, `gradient` ∇L of the batch at it.

    On the batch, dropout masks hold still and batch norm uses the batch's statistics, as in the step itself. On the
    whole training part the network is as it is used: no dropout, running statistics.
    """

    def __init__(self, specimen: Specimen, whole: bool = False) -> None:
        self.step = specimen.step
        self.network = specimen.network()
        self.start: Array = self.network.parameters.copy()
        self.gradient: Array = self.network.gradients.copy()
        self.batch_loss = self.network.loss.loss
        self.whole = whole
        self._evaluator: Evaluator | None = None
        if whole:
            split = build.load_data(specimen.experiment.data, specimen.experiment.seed)
            self._inputs = split.x_train
            self._targets = build.training_targets(specimen.experiment, split)
            self._evaluator = Evaluator(self.network, classifies=False)

    def __call__(self, theta: Array) -> float:
        """Return the loss at these parameters; infinity and nan are results too."""
        self.network.parameters[:] = theta
        with np.errstate(all="ignore"):
            if self._evaluator:
                return self._evaluator.score(self._inputs, self._targets)[0]
            return self.network.forward()

    def gradient_at(self, theta: Array) -> Array:
        """Return ∇L of the batch at these parameters."""
        self.network.parameters[:] = theta
        with np.errstate(all="ignore"):
            self.network.forward()
            self.network.backward()
        return self.network.gradients.copy()
