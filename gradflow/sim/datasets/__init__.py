"""Data to train on, as one registry, and its split into training and validation parts.

Toy sets are drawn from a formula; bundled sets are read from `resources/datasets/`. Importing the package registers
both.
"""

from gradflow.sim.datasets.base import DATASETS, Dataset, Maker, dataset, make
from gradflow.sim.datasets.splitting import Split, split

# Registration order is the order on screen: the plane, where the boundary can be seen, comes before the real sets.
from gradflow.sim.datasets import toy  # isort: skip
from gradflow.sim.datasets import bundled  # isort: skip

__all__ = ["DATASETS", "Dataset", "Maker", "Split", "bundled", "dataset", "make", "split", "toy"]
