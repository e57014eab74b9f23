"""One row of the layer list: a hidden layer as a person writes it, with the experiment's own settings as defaults."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.layers import KINDS
from gradflow.engine.nodes import NORMS
from gradflow.sim.fields import declare

_WEIGHTED = (
    "kind", "units", "activation", "norm", "dropout", "skip_from", "join", "residual", "branch_scale", "scheme",
    "scale", "trainable",
)  # fmt: skip
KEYS = {
    "dense": _WEIGHTED,
    "conv": (*_WEIGHTED, "kernel", "stride", "padding"),
    "max-pool": ("kind", "kernel", "stride"),
    "average-pool": ("kind", "kernel", "stride"),
    "global-average": ("kind",),
    "flatten": ("kind",),
}
"""What each kind of layer can be told."""

DEFAULT = "default"
NO_SKIP = "none"
SAME = "same"


@dataclass(frozen=True)
class LayerRow:
    """One hidden layer. What is "default" is the experiment's, or what is usual for the kind of layer."""

    kind: str = declare(
        "dense",
        "Kind",
        "A dense layer, a convolution, max or average pooling, the average of each channel over the image, or "
        "flattening (which a dense layer does by itself).",
        names=KINDS,
    )
    units: int | str = declare(
        DEFAULT,
        "Units",
        "Units of a dense layer, channels of a convolution; default = the experiment's width.",
        1,
        8_192,
        words=(DEFAULT,),
    )
    kernel: int | str = declare(
        DEFAULT,
        "Kernel",
        "Height and width of the window; default = 3 for a convolution, 2 for pooling.",
        1,
        1_024,
        words=(DEFAULT,),
    )
    stride: int | str = declare(
        DEFAULT,
        "Stride",
        "Pixels from one window to the next; default = 1 for a convolution, the kernel for pooling.",
        1,
        1_024,
        words=(DEFAULT,),
    )
    padding: int | str = declare(
        0,
        "Padding",
        "Rows and columns of zeros around the image of a convolution; same = half the kernel, which keeps the size if "
        "the kernel is odd and the stride 1.",
        0,
        1_023,
        words=(SAME,),
    )
    activation: str = declare(
        DEFAULT, "Activation", "φ of this layer; identity for none.", choices=ACTIVATIONS, words=(DEFAULT,)
    )
    norm: str = declare(DEFAULT, "Norm", "The normalisation of this layer.", choices=NORMS, words=(DEFAULT, "none"))
    dropout: float | str = declare(DEFAULT, "Dropout", "Share of units left out.", 0.0, 0.99, words=(DEFAULT,))
    skip_from: int | str = declare(
        NO_SKIP,
        "Skip from",
        "The row whose output joins this one's (0 is the data): a residual or dense connection. Where shapes differ, a "
        "projection is put on the way.",
        0,
        10_000,
        words=(NO_SKIP,),
    )
    join: str = declare(
        "add", "Join", "How a skip joins: by adding, or side by side (concat).", names=("add", "concat")
    )
    residual: str = declare(
        DEFAULT,
        "Residual",
        "Where the sum of a skip stands, and whether norm and φ come before the layer (pre-activation).",
        names=("after-activation", "post-activation", "pre-activation"),
        words=(DEFAULT,),
    )
    branch_scale: float | str = declare(DEFAULT, "Branch scale", "α in y = x + α·branch.", 0.0, 10.0, words=(DEFAULT,))
    scheme: str = declare(
        DEFAULT, "Init scheme", "How this layer's weights are drawn.", choices=INITIALIZERS, words=(DEFAULT,)
    )
    scale: float | str = declare(
        DEFAULT, "Init scale", "Factor on this layer's first weights.", 0.0, 1e6, words=(DEFAULT,)
    )
    trainable: bool = declare(True, "Trainable", "Whether this layer learns; false freezes it.")
