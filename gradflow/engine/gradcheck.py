"""The gradient check: backpropagation against differences of the loss, layer by layer.

The central difference (L(w+ε) − L(w−ε)) / 2ε has a truncation error of order ε² and a round-off error of order u·|L|/ε,
u being the machine precision, so with the step used here it resolves derivatives down to about 1e-10·|L|; the forward
difference (L(w+ε) − L(w)) / ε has a truncation error of order ε. A layer whose gradient is smaller than round-off is
reported as unresolved, not as right. Where a kink (of φ, of pooling, of the loss) lies between the two points the
difference means nothing; such entries are counted, named and left out. Dropout masks are held still. A network that is
not in float64 is to be rebuilt in it: in float32 there is nothing left to compare.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node, Phase
from gradflow.engine.network import Layer, Network
from gradflow.engine.nodes import Activate

Array = NDArray[Any]
Difference = Literal["central", "forward"]
DIFFERENCES: tuple[Difference, ...] = ("central", "forward")

STEPS = {"central": 1e-5, "forward": 1e-7}
TOLERANCES = {"central": 1e-6, "forward": 1e-4}
"""Up to which relative error a layer passes; the forward difference cannot do better than its order allows."""

LEAST_STEP, SHRUNK = 2e-9, 0.3
"""Down to which ε a layer that does not pass is checked again, and how much less must be left of the difference."""

SWEEP_STEPS = tuple(float(h) for h in 10.0 ** np.arange(-1.0, -13.5, -0.5))


@dataclass(frozen=True)
class LayerCheck:
    """The check of one layer's parameters, of which so many `entries` are to be checked.

    `relative_error` is ‖a − n‖/(‖a‖ + ‖n‖) over the checked entries of backprop (a) and differences (n); it is None
    when nothing could be compared. `difference` is ‖a − n‖, of which the differences bring about `round_off`
    themselves. `kinks` names what was crossed at the `at_kinks` entries left out. `straight_through` says that a slope
    on the way is a stand-in and no derivative, so that there is nothing to agree with; there is none either where the
    differences are not `finite`. The differences were taken at the `step` ε.
    """

    layer: int
    entries: int
    checked: int
    at_kinks: int
    gradient_norm: float
    difference: float
    relative_error: float | None
    round_off: float
    kinks: tuple[str, ...] = ()
    straight_through: bool = False
    finite: bool = True
    tolerance: float = TOLERANCES["central"]
    step: float = STEPS["central"]

    @property
    def complete(self) -> bool:
        """Whether all entries are checked."""
        return self.checked + self.at_kinks >= self.entries

    @property
    def resolved(self) -> bool:
        """Whether either gradient stands out of the differences' round-off, so that the two can be compared."""
        larger = max(self.gradient_norm, self.difference)
        return self.relative_error is not None and not larger <= 10.0 * self.round_off

    @property
    def verdict(self) -> str:
        """Say it in a word."""
        return _verdict(self)

    @property
    def passed(self) -> bool:
        """Whether backprop and differences agree, to the tolerance and as far as round-off lets one see."""
        if self.relative_error is None or self.straight_through:
            return True
        if not self.finite or not self.resolved:
            return self.finite
        return self.relative_error <= self.tolerance or self.difference <= 3.0 * self.round_off


def _verdict(result: LayerCheck) -> str:
    if result.straight_through:
        return "straight-through slope"
    if not result.checked:
        return "only kinks" if result.at_kinks else "nothing to compare"
    if not result.finite:
        return "not finite"
    if not result.resolved:
        return "below round-off"
    if not result.passed:
        return "WRONG"
    if (result.relative_error or 0.0) <= result.tolerance:
        return f"agrees to {-math.log10(result.tolerance):.0f} digits"
    # The differences' own error is then all there is to see: fewer digits, and so the weaker word.
    return "agrees to round-off only"


def check(
    network: Network,
    rng: np.random.Generator,
    per_layer: int | None = 60,
    difference: Difference = "central",
    step: float | None = None,
    due: Callable[[], bool] = lambda: False,
) -> Iterator[LayerCheck]:
    """Yield the check of each layer on the batch that is loaded; leaves the parameters as they were.

    `per_layer` entries are drawn from each layer (all of them where there are fewer, or for None). Without a `step` the
    usual one is taken, and a smaller one where the difference then shrinks. Whenever it is `due` a check is also
    yielded as far as it is.
    """
    with _held(network):
        exact = network.gradients.copy()
        below = below_stand_ins(network)
        for layer in network.layers:
            entries = _drawn(_entries(layer), per_layer, rng)
            one = _Layer(network, layer, entries, exact[entries], not below.isdisjoint(layer.learning))
            epsilon = step or STEPS[difference]
            found = yield from one.check(difference, epsilon, due)
            # Where the loss bends strongly, truncation is all that differs: it shrinks with ε, and an error does not.
            while step is None and not found.passed and epsilon > LEAST_STEP:
                epsilon /= 10.0
                again = yield from one.check(difference, epsilon, due)
                if not again.difference < SHRUNK * found.difference:
                    break
                found = again
            yield found


@dataclass(frozen=True)
class Sweep:
    """How far differences are from backprop as the step shrinks: the relative error ‖a − n‖/(‖a‖ + ‖n‖) per step.

    From large steps on, the error falls with ε (forward) or ε² (central) until round-off, which grows as 1/ε, takes
    over. Steps at which a kink was crossed by every entry are nan.
    """

    steps: tuple[float, ...]
    forward: tuple[float, ...]
    central: tuple[float, ...]


def sweep(network: Network, rng: np.random.Generator, entries: int = 24, steps: Sequence[float] = SWEEP_STEPS) -> Sweep:
    """Return the error of both differences for each step, over entries drawn from the whole network."""
    with _held(network):
        exact = network.gradients.copy()
        chosen = _drawn(np.arange(exact.size), entries, rng)
        errors: dict[str, list[float]] = {name: [] for name in DIFFERENCES}
        for h in steps:
            for name in DIFFERENCES:
                found = list(_differences(network, chosen, name, h))
                smooth = np.array([not kink for _, kink in found])
                a, n = exact[chosen][smooth], np.array([quotient for quotient, _ in found])[smooth]
                size = float(np.linalg.norm(a) + np.linalg.norm(n))
                errors[name].append(float(np.linalg.norm(a - n)) / size if size else np.nan)
    return Sweep(tuple(steps), tuple(errors["forward"]), tuple(errors["central"]))


@contextmanager
def _held(network: Network) -> Iterator[None]:
    """Hold noise still as the last training pass drew it, with backprop's gradients of the loaded batch in place."""
    network.graph.set_phase(Phase.HOLD)
    try:
        network.forward()
        network.backward()
        yield
    finally:
        network.forward()
        network.backward()
        network.graph.set_phase(Phase.TRAIN)


def _entries(layer: Layer) -> NDArray[np.intp]:
    return np.concatenate([np.arange(node.span.start, node.span.stop) for node in layer.learning])


def _drawn(entries: NDArray[np.intp], most: int | None, rng: np.random.Generator) -> NDArray[np.intp]:
    if most is None or len(entries) <= most:
        return entries
    return np.sort(rng.choice(entries, most, replace=False))


def below_stand_ins(network: Network) -> set[Node]:
    """Return the nodes whose gradient came through a φ with a stand-in for its slope."""
    below: set[Node] = set()
    for node in reversed(network.graph.order):
        if node in below or (isinstance(node, Activate) and node.function.surrogate):
            below.update(node.inputs)
    return below


@dataclass(frozen=True)
class _Layer:
    """One layer, the entries to be checked and backprop's gradient of them, which may have come through a stand-in."""

    network: Network
    layer: Layer
    entries: NDArray[np.intp]
    exact: Array
    stands_in: bool

    def check(
        self, difference: Difference, step: float, due: Callable[[], bool]
    ) -> Generator[LayerCheck, None, LayerCheck]:
        """Return the check at one step; yield it as far as it is whenever that is due."""
        numeric: list[float] = []
        kinks: list[tuple[str, ...]] = []
        for quotient, met in _differences(self.network, self.entries, difference, step):
            numeric.append(quotient)
            kinks.append(met)
            if len(numeric) < len(self.entries) and due():
                yield self._compared(numeric, kinks, difference, step)
        return self._compared(numeric, kinks, difference, step)

    def _compared(
        self, numeric: Sequence[float], kinks: Sequence[tuple[str, ...]], difference: Difference, step: float
    ) -> LayerCheck:
        smooth = np.array([not kink for kink in kinks], bool)
        a, n = self.exact[: len(smooth)][smooth], np.array(numeric)[smooth]
        size = float(np.linalg.norm(a) + np.linalg.norm(n))
        # One difference carries a round-off of about u/ε times the largest number that went into the loss.
        loss = self.network.loss
        largest = max(abs(loss.loss), float(np.abs(loss.inputs[0].value).max()))
        apart = float(np.linalg.norm(a - n))
        return LayerCheck(
            layer=self.layer.number,
            entries=len(self.exact),
            checked=len(a),
            at_kinks=len(smooth) - len(a),
            gradient_norm=float(np.linalg.norm(a)),
            difference=apart,
            relative_error=apart / size if size != 0.0 else None,
            round_off=float(np.finfo(float).eps * largest / step * np.sqrt(max(len(a), 1))),
            kinks=tuple(dict.fromkeys(name for names in kinks for name in names)),
            straight_through=self.stands_in,
            finite=bool(np.isfinite(n).all()),
            tolerance=TOLERANCES[difference],
            step=step,
        )


def _differences(
    network: Network, entries: NDArray[np.intp], difference: Difference, step: float
) -> Iterator[tuple[float, tuple[str, ...]]]:
    """Yield the difference quotient for each entry, and the names of the kinks that were crossed."""
    here, sides_here = network.forward(), kink_sides(network)
    for entry in entries.tolist():
        kept = network.parameters[entry]
        above, sides_above = _at(network, entry, kept + step)
        if difference == "central":
            below, sides_below = _at(network, entry, kept - step)
            quotient = (above - below) / (2.0 * step)
        else:
            below, sides_below = here, sides_here
            quotient = (above - below) / step
        network.parameters[entry] = kept
        yield quotient, crossed(sides_above, sides_below)


def _at(network: Network, entry: int, value: float) -> tuple[float, dict[str, list[Array]]]:
    network.parameters[entry] = value
    return network.forward(), kink_sides(network)


def kink_sides(network: Network) -> dict[str, list[Array]]:
    """Return, by the name of the kink, on which side of it everything lies."""
    sides: dict[str, list[Array]] = {}
    for node in network.graph.order:
        if node.name_of_kink:
            sides.setdefault(node.name_of_kink, []).extend(node.kink_sides())
    return sides


def crossed(above: dict[str, list[Array]], below: dict[str, list[Array]]) -> tuple[str, ...]:
    """Return the names of the kinks that lie between two points, from the sides that everything is on."""
    return tuple(
        name
        for name, sides in above.items()
        if any(not np.array_equal(p, q) for p, q in zip(sides, below[name], strict=True))
    )
