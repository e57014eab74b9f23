"""Starting from a saved run instead of from random weights: transfer learning.

The file is the `weights.npz` that a headless run writes. Layers whose shapes agree take over its final parameters;
the others, usually the output layer of a new task, are drawn.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import split
from gradflow.engine.network import Network
from gradflow.errors import ConfigError
from gradflow.sim.config import Experiment

Array = NDArray[Any]

FIELD = "init.path"
FILE = "weights.npz"


def parameter_names(network: Network) -> list[tuple[str, Array]]:
    """Return the name of every array in a saved run, with the array: ``1/W``, ``1/b``, ``2/gamma``, …

    Running statistics are among them, and parameters are those of the master copy, which has all the digits of a
    training in half precision. A second array of the same name in a layer (the projection of a skip) has a number:
    ``3/W2``.
    """
    named: dict[str, Array] = {}
    for layer, node in network.learning:
        parameters = split(network.master[node.span], node.parameter_shapes)
        for name, view in {**parameters, **node.state_views}.items():
            path, count = f"{layer.number}/{name}", 1
            while path in named:
                count += 1
                path = f"{layer.number}/{name}{count}"
            named[path] = view
    return list(named.items())


def load_saved(experiment: Experiment, network: Network) -> list[tuple[Array, Array]]:
    """Return pairs of a parameter array and the saved values for it, for the layers that start from a saved run.

    Raises ConfigError if there is no such file, or if none of its layers has a fitting shape.
    """
    wanting = {layer.number for layer in network.layers if layer.spread.distribution == "saved"}
    if not wanting:
        return []
    arrays = _read(experiment.init.path)
    fitting: list[tuple[Array, Array]] = []
    for number in sorted(wanting):
        prefix = f"{number}/"
        pairs = [
            (view, arrays.get(f"final/{name}")) for name, view in parameter_names(network) if name.startswith(prefix)
        ]
        # A layer is taken over as a whole or not at all.
        known = [(view, saved) for view, saved in pairs if saved is not None and saved.shape == view.shape]
        if len(known) == len(pairs):
            fitting.extend(known)
    if not fitting:
        raise ConfigError(FIELD, f"no layer of {experiment.init.path} has the shape of a layer of this network")
    return fitting


def _read(source: str) -> dict[str, Array]:
    if not source:
        raise ConfigError(FIELD, "the init scheme saved needs a saved run: name its weights.npz or its folder")
    path = Path(source)
    try:
        path = path / FILE if path.is_dir() else path
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a name of a file"
        raise ConfigError(FIELD, f"{path}: cannot be read ({why.lower()})") from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if name.startswith("final/")}
    except Exception as error:
        raise ConfigError(FIELD, f"{path}: is not the weights.npz of a saved run") from error
    if not all(isinstance(values, np.ndarray) for values in arrays.values()):
        raise ConfigError(FIELD, f"{path}: is not the weights.npz of a saved run")
    broken = [name for name, values in arrays.items() if values.dtype.kind != "f" or not np.isfinite(values).all()]
    if broken:
        raise ConfigError(FIELD, f"{path}: {broken[0]} is not an array of finite numbers")
    return arrays
