"""How fast the engine is, as ratios within one run: the training step beside its own matrix products and its peers.

Milliseconds differ between machines and from one minute to the next; the ratio of two things measured in turn does not.
"""

from gradflow.sim.bench.peers import PEERS, installed
from gradflow.sim.bench.table import Row, bench, lines

__all__ = ["PEERS", "Row", "bench", "installed", "lines"]
