"""From an experiment to the list of layers that the engine builds: from the sliders, or row by row."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from gradflow.engine.activations import Activation, make_activation
from gradflow.engine.initializers import INITIALIZERS, Mode
from gradflow.engine.layers import Init, LayerSpec
from gradflow.errors import ConfigError
from gradflow.sim.config import NONE, Experiment, brief
from gradflow.sim.layer_rows import DEFAULT, KEYS, NO_SKIP, SAME, LayerRow

PRE, POST = "pre-activation", "post-activation"


def layer_specs(experiment: Experiment, outputs: int) -> list[LayerSpec]:
    """Return the hidden layers of an experiment, with their skips, and the linear output layer."""
    hidden = _from_rows(experiment) if experiment.network.layers else _from_sliders(experiment)
    last = LayerSpec(outputs)
    if _pre_activated(experiment):
        # The sum of the last block has not been through φ yet.
        last = LayerSpec(outputs, _activation(experiment), norm=_norm(experiment), order="pre")
    return [*hidden, last]


def written_rows(experiment: Experiment) -> tuple[LayerRow, ...]:
    """Return the rows of an experiment; where the sliders make the network, the rows that make the same."""
    shape = experiment.network
    return shape.layers or tuple(
        LayerRow(skip_from=number - shape.skip_every) if _ends_block(number, shape.skip_every) else LayerRow()
        for number in range(1, shape.depth + 1)
    )


def default_init(experiment: Experiment) -> Init:
    """Return how weights are drawn where a layer does not say."""
    return _init(experiment, experiment.init.scheme, experiment.init.scale)


def _from_sliders(experiment: Experiment) -> list[LayerSpec]:
    shape, frozen = experiment.network, experiment.training.freeze
    activation, norm, pre = _activation(experiment), _norm(experiment), _pre_activated(experiment)
    specs = []
    for number in range(1, shape.depth + 1):
        # A pre-activated network begins with a bare linear layer: the data need no φ.
        bare = pre and number == 1
        specs.append(
            LayerSpec(
                shape.width,
                None if bare else activation,
                number - shape.skip_every if _ends_block(number, shape.skip_every) else None,
                norm=None if bare else norm,
                dropout=shape.dropout,
                order="pre" if pre and not bare else "post",
                join_before_activation=shape.residual == POST,
                branch_scale=shape.branch_scale,
                trainable=number > frozen,
            )
        )
    return specs


def _ends_block(number: int, every: int) -> bool:
    return every > 0 and number > every and (number - 1) % every == 0


def _pre_activated(experiment: Experiment) -> bool:
    """Return whether the network as a whole is pre-activated: it says so, and has blocks."""
    shape = experiment.network
    skips = any(row.skip_from != NO_SKIP for row in shape.layers) if shape.layers else shape.skip_every > 0
    return skips and shape.residual == PRE


def _from_rows(experiment: Experiment) -> list[LayerSpec]:
    learning = 0
    specs = []
    for number, row in enumerate(experiment.network.layers, start=1):
        _refuse_idle_keys(number, row)
        learning += row.kind in ("dense", "conv")
        spec = _from_row(experiment, row, frozen=learning <= experiment.training.freeze)
        if learning == 1 and spec.order == "pre" and row.residual == DEFAULT:
            # As with the sliders: the data need no φ, unless the row asks for one.
            activation = None if row.activation == DEFAULT else spec.activation
            spec = replace(spec, order="post", activation=activation, norm=None if row.norm == DEFAULT else spec.norm)
        specs.append(spec)
    return specs


def _refuse_idle_keys(number: int, row: LayerRow) -> None:
    """Raise ConfigError if a row says what its kind of layer does not have: it would be lost without a word."""
    idle = [key for key in brief(row) if key not in KEYS[row.kind]]
    if idle:
        known = ", ".join(KEYS[row.kind][1:]) or "nothing else"
        raise ConfigError(f"network.layers[{number}].{idle[0]}", f"a {row.kind} layer has none; it has {known}")


def _from_row(experiment: Experiment, row: LayerRow, frozen: bool) -> LayerSpec:
    shape = experiment.network
    pools = row.kind in ("max-pool", "average-pool")
    kernel = (2 if pools else 3) if row.kernel == DEFAULT else int(row.kernel)
    usual_stride = kernel if pools else 1
    residual = shape.residual if row.residual == DEFAULT else row.residual
    own_init = DEFAULT in (row.scheme, row.scale) and row.scheme == row.scale
    return LayerSpec(
        units=shape.width if row.units == DEFAULT else int(row.units),
        activation=_activation(experiment, row.activation),
        skip_from=None if row.skip_from == NO_SKIP else int(row.skip_from),
        kind=row.kind,  # type: ignore[arg-type]
        kernel=kernel,
        stride=usual_stride if row.stride == DEFAULT else int(row.stride),
        padding=(kernel - 1) // 2 if row.padding == SAME else int(row.padding),
        norm=_norm(experiment, row.norm),
        dropout=shape.dropout if row.dropout == DEFAULT else float(row.dropout),
        order="pre" if row.residual == PRE or (residual == PRE and _pre_activated(experiment)) else "post",
        join=row.join,  # type: ignore[arg-type]
        join_before_activation=residual == POST,
        branch_scale=shape.branch_scale if row.branch_scale == DEFAULT else float(row.branch_scale),
        init=None if own_init else _row_init(experiment, row),
        trainable=row.trainable and not frozen,
    )


def _row_init(experiment: Experiment, row: LayerRow) -> Init:
    return _init(
        experiment,
        experiment.init.scheme if row.scheme == DEFAULT else row.scheme,
        experiment.init.scale if row.scale == DEFAULT else float(row.scale),
    )


def _init(experiment: Experiment, scheme: str, scale: float) -> Init:
    init = experiment.init
    mode: Mode = "fan_out" if init.mode == "fan_out" else "fan_avg" if init.mode == "fan_avg" else "fan_in"
    return Init(INITIALIZERS[scheme].part, scale, mode, init.bias_scale, init.bias)


def _activation(experiment: Experiment, name: str = DEFAULT) -> Activation:
    chosen = experiment.network.activation if name == DEFAULT else name
    return make_activation(chosen, experiment.network.negative_slope)


def _norm(experiment: Experiment, name: str = DEFAULT) -> str | None:
    chosen = experiment.network.norm if name == DEFAULT else name
    return None if chosen == NONE else chosen


def estimated_size(experiment: Experiment, inputs: int, outputs: int) -> tuple[int, int]:
    """Return the parameters and the units of all layers together of a network made by the sliders."""
    depth, width = experiment.network.depth, experiment.network.width
    parameters = (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs
    return parameters, depth * width + outputs


def image_or_row(image: tuple[int, int, int] | None, inputs: int) -> tuple[int, ...]:
    """Return the shape of one sample: an image where the data are images, else a row."""
    return image if image is not None and prod(image) == inputs else (inputs,)
