"""One name for one number: the walk, the paths and the Jacobians call an entry alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradflow.sim.lab.chain import Direction
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.entries import entry, place, places
from gradflow.sim.lab.jacobians import SampleJacobians
from gradflow.sim.lab.neuron_graph import Window
from gradflow.sim.lab.neurons import neuron_graph
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.walk import Walk
from gradflow.sim.layer_rows import LayerRow

Make = Callable[[dict[str, Any]], Specimen]
IMAGES = {"data.name": "digits", "network.layers": (LayerRow(kind="conv", units=2, stride=3), LayerRow(units=3))}


def test_an_entry_is_named_by_its_indices_and_a_place_in_an_image_is_one_of_them() -> None:
    assert (entry("z₃", "0", "2"), entry("x", "0", "4,3,0"), entry("b₁", "", "2")) == (
        "z₃[0, 2]",
        "x[0; 4,3,0]",
        "b₁[2]",
    )
    assert (entry("L"), entry("L", "", ""), entry("W₁ + ΔW₁", "0", "2")) == ("L", "L", "(W₁ + ΔW₁)[0, 2]")
    assert (place(5, (7,)), place(5, (2, 2, 2))) == ("5", "1,0,1") and places((2, 1, 2))[2] == "1,0,0"


def test_the_views_call_an_entry_of_an_image_alike(specimen_with: Make) -> None:
    specimen = specimen_with(IMAGES)
    walk = Walk(specimen)
    shown = next(m for i in range(walk.positions()) for m in walk.station(i).matrices if m.symbol == "z₁")
    unit = 5
    name = place(unit, (2, 2, 2))
    assert shown.entry_name(3, unit) == shown.unfold(3, unit).symbol == f"z₁[3; {name}]"
    turned = next(m for m in walk.station(1, False, Convention.COLUMNS).matrices if m.symbol == "z₁")
    assert turned.entry_name(unit, 3) == turned.unfold(unit, 3).symbol == f"z₁[{name}; 3]"
    # One channel as an image: the same number has the same name.
    for one in (shown, turned):
        image = one.picture(3, 1)
        assert (
            image.entry_name(1, 0) == image.unfold(1, 0).symbol == one.entry_name(*((5, 3) if one.flipped else (3, 5)))
        )
    neurons = neuron_graph(specimen, 3, Window(0, 99, 0, 32)).neurons
    assert f"z₁[{name}]" in {neuron.name for neuron in neurons}
    point = SampleJacobians(specimen, 3).point("z₁")
    assert point.places[unit] == name
    chain = SampleJacobians(specimen, 3).chain("z₁", "L")
    unfolded = chain.unfold(len(chain.factors), Direction.REVERSE, Convention.ROWS, 0, unit)
    assert unfolded is not None and unfolded.entry == f"∂L/∂z₁[{name}]"


def test_parameters_have_the_names_of_what_they_multiply(specimen_with: Make) -> None:
    walk = Walk(specimen_with(IMAGES))
    matrices = {m.symbol: m for i in range(walk.positions()) for m in walk.station(i).matrices}
    for symbol in ("W₁", "∂L/∂W₁", "ΔW₁"):
        assert matrices[symbol].unfold(4, 1).symbol == matrices[symbol].entry_name(4, 1) == f"{symbol}[1,1,0; 1]"
    assert matrices["W₁ + ΔW₁"].unfold(4, 1).symbol == "(W₁ + ΔW₁)[1,1,0; 1]"
    assert matrices["W₂"].unfold(7, 2).symbol == "W₂[7, 2]" and matrices["b₂"].unfold(0, 2).symbol == "b₂[2]"
