"""What the tests of the lab share: networks of a few neurons, each made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.run import Run

SMALL: dict[str, Any] = {"data.name": "two-moons", "data.samples": 60, "training.batch_size": 8}


@pytest.fixture(scope="session")
def specimen_with() -> Callable[[dict[str, Any]], Specimen]:
    """Make the specimen of a small network after two steps, with changes by dotted path."""
    made: dict[str, Specimen] = {}

    def make(changes: dict[str, Any]) -> Specimen:
        key = repr(changes)
        if key not in made:
            samples = {} if "data.name" not in changes else {"data.samples": "all"}
            run = Run(edit(Experiment(), SMALL | samples | changes))
            for _ in range(2):
                run.advance()
            found = run.measure({Want.SPECIMEN}).specimen
            assert found is not None
            made[key] = found
        return made[key]

    return make
